"""Names taken from paths: of a competition, which names folders and rows of the ledger, and of its files in messages.

A path may hold anything but "/" and NUL: line ends, escape sequences of a terminal, bytes that are no UTF-8.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
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


def did_you_mean(wanted: str, names: Iterable[str], most: int = 3) -> str:
    """The names that `wanted` may be a misspelling of, as a question in brackets after a blank; "" where there is
    none."""
    by_key = {name.casefold(): name for name in names}
    near = [by_key[key] for key in difflib.get_close_matches(wanted.casefold(), by_key, most, 0.6)]
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def did_you_mean_path(path: Path | str) -> str:
    """The same for a path that does not exist: the first part of it that is missing is compared with what its folder
    holds."""
    place = Path(path)
    with suppress(OSError, ValueError):
        missing = next((p for p in reversed([place, *place.parents]) if not os.path.exists(p)), place)
        rest = place.relative_to(missing)
        by_key = {name.casefold(): name for name in os.listdir(missing.parent)}
        near = difflib.get_close_matches(missing.name.casefold(), by_key, 2, 0.6)
        found = [str(missing.with_name(by_key[key]) / rest) for key in near]
        return f" (did you mean {' or '.join(found)}?)" if found else ""
    return ""
