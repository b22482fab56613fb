"""Opens the ledger for a command that shows what is in it, after what waits for it was delivered; and says which ledger
it is, where there is none, and which other ones there are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medalist.agent.cli.printing import print_message
from medalist.agent.records.delivery import deliver_waiting, rows_waiting
from medalist.agent.records.known_ledgers import LEDGER, known_ledgers
from medalist.agent.records.lineage_file import NAME as LINEAGE
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.competitions.naming import did_you_mean_path
from medalist.leaderboard.ledger.ledger import Ledger

PATIENCE = 5.0  # seconds that a person waits for a ledger that is away
MOST_NAMED = 3  # other folders of runs that a sentence names
USUAL = "runs"  # the folder of runs where nothing else is said


@contextmanager
def ledger_to_show(runs_dir: str) -> Iterator[Ledger]:
    """The ledger of a folder of runs within a `with` block. Rows that ended or killed runs left in their outboxes are
    delivered first; those that still wait are named on stderr.

    Raises LedgerUnavailable, with what waits for it, where the ledger is away.
    """
    try:
        ledger = open_ledger(runs_dir, PATIENCE)
    except LedgerUnavailable as error:
        raise LedgerUnavailable(" ".join([str(error), *rows_waiting(runs_dir)])) from None
    with ledger:
        for sentence in deliver_waiting(ledger, runs_dir):
            print_message(sentence)
        yield ledger


def why_no_ledger(runs_dir: str) -> str | None:
    """What is missing where there is no ledger yet, without a period; None where there is one, or it is elsewhere."""
    if os.environ.get("MEDALIST_LEDGER"):
        return None
    folder = Path(runs_dir)
    if (folder / LEDGER).exists():
        return None
    if folder.is_dir():
        return f"The folder {folder} holds no ledger of runs"
    if folder.exists():
        return f"{folder} is a file, and no folder of runs"
    return f"The folder {folder.absolute()}, where runs are looked for, does not exist{did_you_mean_path(folder)}"


def refuse_missing_folder(runs_dir: str) -> None:
    """Raise LedgerError where the folder of runs is a file, or was named and does not exist; the usual one need not."""
    folder = Path(runs_dir)
    if not folder.is_dir() and (folder.exists() or runs_dir != USUAL):
        raise LedgerError(
            f"{why_no_ledger(runs_dir) or f'There is no folder {folder}'}: say with --runs-dir where they are."
        )


def elsewhere(runs_dir: str) -> str:
    """A sentence on the other folders in which runs were made, after a blank; "" where none is known."""
    here = Path(runs_dir).resolve()
    others = [str(place) for place in known_ledgers() if place != here]
    if not others:
        return ""
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return f" Runs were made in {', '.join(others[:MOST_NAMED])}{more}: medalist runs --everywhere lists them."


def where_run_is(target: str, runs_dir: str) -> str:
    """The folder of runs whose ledger has a run (an id, how it begins, a competition, or `last`; with :N for one of its
    submissions): `runs_dir`, or, where that is the usual one and does not have it, another one in which this person has
    made runs, which is said on stderr. Of a run's own folder the one that it lies in, if the ledger is there; of a file
    in a run's folder too, where no other folder of runs was named.

    Raises LedgerError where no ledger that is known has it. Other files, and copies of runs, are left to the caller.
    """
    place = Path(target).expanduser()
    if place.is_file() and runs_dir != USUAL:
        return runs_dir
    folder = place.resolve().parent if place.is_file() else place.resolve()
    around = folder.parent.parent  # RUNS/COMPETITION/RUN
    if place.exists() and not os.environ.get("MEDALIST_LEDGER") and (around / LEDGER).is_file():
        return runs_dir if around == Path(runs_dir).resolve() else str(around)
    if place.is_file() or (place / LINEAGE).is_file():
        return runs_dir
    name = re.sub(r":\d+$", "", target)
    try:
        with ledger_to_show(runs_dir) as ledger:
            ledger.run(name)
        return runs_dir
    except LedgerUnavailable:
        raise
    except LedgerError as error:
        missing = error
    elsewhere_too = runs_dir == USUAL and not os.environ.get("MEDALIST_LEDGER")
    nothing_here = why_no_ledger(runs_dir)
    if str(missing).partition(" ")[0].isdigit() or (name == "last" and not nothing_here):  # several; or it is empty
        raise missing
    here, searched = Path(runs_dir).resolve(), 0
    for place in known_ledgers() if elsewhere_too else ():
        if place == here:
            continue
        searched += 1
        try:
            with open_ledger(str(place), PATIENCE) as ledger:
                run = ledger.run(name).id
        except LedgerError:
            continue
        print_message(f"Run {run} is in {place}.")
        return str(place)
    if searched:
        others = f"none of {searched} other known ledgers has" if searched > 1 else "the other known ledger has not"
        raise LedgerError(f"{str(missing).rstrip('.')}; {others} got it.")
    if nothing_here is not None:
        raise LedgerError(
            f"{nothing_here}, so there is no run {name}: say with --runs-dir where the runs are, or start one with "
            f"medalist run PATH --budget 10m.{elsewhere(runs_dir)}"
        )
    raise missing


def runs_elsewhere(runs_dir: str) -> list[str]:
    """The folders of runs to list with --everywhere: `runs_dir` first, then all others that are known."""
    here = Path(runs_dir).resolve()
    first = [] if why_no_ledger(runs_dir) else [runs_dir]
    return first + [str(place) for place in known_ledgers() if place != here]
