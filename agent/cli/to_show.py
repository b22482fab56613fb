"""Opens the ledger for a command that shows what is in it, after what waits for it was delivered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from medalist.agent.cli.printing import print_text
from medalist.agent.records.delivery import deliver_waiting, rows_waiting
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import LedgerUnavailable
from medalist.leaderboard.ledger.ledger import Ledger

PATIENCE = 5.0  # seconds that a person waits for a ledger that is away


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
            print_text(sentence, sys.stderr)
        yield ledger
