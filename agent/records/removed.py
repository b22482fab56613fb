"""What `medalist clean` removed from runs: one line of JSON each, in `removed.jsonl` beside the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "removed.jsonl"


def note_removal(runs_dir: Path, entry: Mapping[str, Any]) -> None:
    """Append an entry: `when`, `run` ("" for what is of no run), `what` in words, `bytes`. Raises OSError."""
    with open(runs_dir / NAME, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def removed_from(runs_dir: Path, run_id: str) -> list[str]:
    """A sentence for each removal from a run; broken lines are left out."""
    try:
        lines = (runs_dir / NAME).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("run") == run_id:
            found.append(f"medalist clean removed {entry['what']} on {str(entry['when'])[:10]}.")
    return found
