"""Names taken from paths: of a competition, which names folders and rows of the ledger, and of its files in messages.

A path may hold anything but "/" and NUL: line ends, escape sequences of a terminal, bytes that are no UTF-8.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

GENERIC_NAMES = (  # of folders, too general to name a competition
    "public", "data", "dataset", "datasets", "input", "inputs", "train", "raw", "download", "downloads", "files", "csv",
    "kaggle", "competition", "src", "tmp",
)  # fmt: skip
HIDDEN_FOLDERS = ("private", "answers", "solution")  # the grader's: never read, and no name
MAX_NAME_BYTES = 120  # of a competition's name in UTF-8; file systems allow 255 for a name with what is added to it
_NAMELESS = "competition"


def name_of(root: Path) -> str:
    """The name of the competition at `root`, as `safe_name` writes it.

    A zip's name without its suffix; else that of the folder (of a table: its folder), or of the first folder above it
    whose name is not as general as "data" or "public".
    """
    place = root.resolve()
    if place.is_file():
        if place.suffix.lower() == ".zip" and _is_informative(place.stem):
            return safe_name(place.stem)
        place = place.parent
    for folder in (place, *place.parents):
        if _is_informative(folder.name) and folder.name.lower() not in (*GENERIC_NAMES, *HIDDEN_FOLDERS):
            return safe_name(folder.name)
    return safe_name(place.name)


def safe_name(text: str) -> str:
    """A name that is one component of a path below any folder, at most MAX_NAME_BYTES long, printable and encodable.

    Usual names stay as they are. What is not printable, "/" and backslashes become the hexadecimal codes of their
    bytes ("%0A"), the end of a long name becomes a hash of the whole, and dots or nothing alone become "competition".
    """
    if not _is_informative(text):
        return _NAMELESS
    name = printable(text).replace("/", "%2F").replace("\\", "%5C")
    if len(name.encode()) > MAX_NAME_BYTES:
        digest = hashlib.sha256(name.encode())
        beginning = name.encode()[: MAX_NAME_BYTES - 9].decode(errors="ignore")
        name = f"{beginning}-{digest.hexdigest()[:8]}"
    return name


def printable(text: str) -> str:
    """The text with every character that cannot be shown or encoded replaced by its bytes in hexadecimal ("%1B").

    Bytes of a path that are no UTF-8, which Python holds as lone surrogates, become themselves ("%FF").
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    try:
        data = character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        data = character.encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in data)


def _is_informative(name: str) -> bool:
    """Whether a name has more than dots and spaces."""
    return bool(name.strip(". "))
