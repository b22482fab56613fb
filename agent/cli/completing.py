"""Words that a shell completes: ids of runs, competitions and leaderboards; none where they cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator

PATIENCE = 0.5  # seconds for which a shell waits for a ledger


def run_words(incomplete: str) -> list[str]:
    """`last`, and the ids and competitions of the runs in the folder of runs, the newest first."""
    return _beginning(incomplete, ["last", *_of_ledger(ids=True)])


def competition_words(incomplete: str) -> list[str]:
    """The competitions of the runs in the folder of runs."""
    return _beginning(incomplete, _of_ledger(ids=False))


def board_words(incomplete: str) -> list[str]:
    """The names of the leaderboards that are known."""
    from medalist.competitions.errors import MedalistError
    from medalist.leaderboard.boards.lookup import list_boards

    try:
        return _beginning(incomplete, (board.name for board in list_boards([])))
    except (MedalistError, OSError):
        return []


def _of_ledger(*, ids: bool) -> list[str]:
    """The ids, if wanted, and the competitions of runs; nothing where there is no ledger, or it is away."""
    from medalist.agent.cli.to_show import USUAL, why_no_ledger
    from medalist.agent.records.stores import open_ledger
    from medalist.competitions.errors import MedalistError

    runs_dir = os.environ.get("MEDALIST_RUNS", USUAL)
    if why_no_ledger(runs_dir) is not None:
        return []
    try:
        with open_ledger(runs_dir, PATIENCE) as ledger:
            rows = ledger.runs()
    except (MedalistError, OSError):
        return []
    return [*([row.id for row in rows] if ids else []), *dict.fromkeys(row.competition for row in rows)]


def _beginning(incomplete: str, words: Iterator[str] | list[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
