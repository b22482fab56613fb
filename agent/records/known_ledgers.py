"""The folders in which a person has made runs, so that these are found from any folder: a list in the user's state."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LEDGER = "ledger.sqlite"


def list_file() -> Path:
    """The file that holds the list: below XDG_STATE_HOME, else where the system keeps a user's state."""
    from platformdirs import user_state_dir

    return Path(os.environ.get("XDG_STATE_HOME") or user_state_dir()) / "medalist" / "ledgers.txt"


def remember(runs_dir: str) -> None:
    """Add a folder of runs to the list. A list that cannot be written stays as it is: it is a convenience. Ledgers that
    MEDALIST_LEDGER names are not listed, for their address may hold a password."""
    if os.environ.get("MEDALIST_LEDGER"):
        return
    place = str(Path(runs_dir).resolve())
    with suppress(OSError, UnicodeError):
        if place in _lines():
            return
        file = list_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(f"{place}\n")


def known_ledgers() -> list[Path]:
    """The folders of the list that still hold a ledger, the newest first; [] where there is no list."""
    places = [Path(line) for line in reversed(_lines())]
    with suppress(OSError):
        return [place for place in dict.fromkeys(places) if (place / LEDGER).is_file()]
    return []


def _lines() -> list[str]:
    try:
        return list_file().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return []
