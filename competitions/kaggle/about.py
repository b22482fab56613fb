"""What Kaggle says of a competition beside its files: kept with the download, for later runs without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medalist.competitions.atomic import replace_file

_FOLDER = "about"  # beside the zips
_PAGES = ("evaluation", "description", "overview", "abstract", "data-description")  # read in this order
_LONGEST = 1 << 20  # bytes of such a file


@dataclass(frozen=True)
class About:
    """What Kaggle calls the competition's metric, and its pages of text, the one on the evaluation first; "" where it
    says nothing. `path`: the file that keeps them."""

    path: Path
    metric: str = ""
    description: str = ""


def read_about(root: Path) -> About:
    """What is kept beside the zip `root` of a download; empty where there is none, or it cannot be read."""
    path = root.parent / _FOLDER / f"{root.stem}.json"
    if root.suffix.lower() != ".zip" or not path.is_file():
        return About(path)
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LONGEST))
    except (OSError, ValueError):
        return About(path)
    if not isinstance(document, dict):
        return About(path)
    return About(path, str(document.get("metric") or ""), str(document.get("description") or ""))


def keep_about(archive: Path, answers: Any) -> None:
    """Keep the client's `answers` on the competition whose zip is `archive`; nothing where there are none, or where
    the folder cannot be written."""
    if not isinstance(answers, dict):
        return
    pages = {str(p.get("name")).lower(): str(p.get("content") or "") for p in answers.get("pages") or ()}
    texts = [f"# {name.title()}\n\n{pages[name]}" for name in _PAGES if pages.get(name)]
    document = {"metric": str(answers.get("metric") or ""), "description": "\n\n".join(texts)}
    if not any(document.values()):
        return
    path = archive.parent / _FOLDER / f"{archive.stem}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        replace_file(path, json.dumps(document, indent=1))
    except OSError:
        return
