"""Records submissions to Kaggle: in the ledger, or in the run's outbox while the ledger is away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from medalist.agent.records.outbox import Outbox, OutboxInUse, address_of
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import Operation

PATIENCE = 2.0  # seconds to wait for a process that delivers the run's outbox


def record(
    ledger: Ledger, row: KaggleSubmissionRow, run_id: str, folder: Path | None, note: Callable[[str], None]
) -> None:
    """Record a submission. Where the ledger is away, the row waits in the outbox of the run's folder, from where
    `medalist runs` delivers it, and `note` is called with a sentence. Raises LedgerError where neither is possible."""
    operation = Operation.of("record_kaggle_submission", run_id, row=row)
    try:
        operation.perform(ledger)
        return
    except LedgerUnavailable as error:
        if folder is None:
            raise
        box = Outbox(folder, address_of(ledger, folder))
        try:
            box.open(PATIENCE)
        except (OutboxInUse, OSError):
            raise error from None
        with contextlib.closing(box):
            box.append(operation)
            box.sync()
            if box.failure is not None:
                raise LedgerError(f"{error} Nor can {box.path} be written ({box.failure.strerror}).") from error
        note(f"{error} What became of the submission waits in {box.path}: medalist runs delivers it.")
