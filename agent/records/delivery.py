"""Delivers the outboxes that runs left when they ended, or were killed, while the ledger was away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medalist.agent.records.outbox import NAME, Contents, Outbox, OutboxInUse, address_of, for_another
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.ledger import Ledger


def deliver_waiting(ledger: Ledger, runs_dir: str | Path) -> list[str]:
    """Deliver the outboxes in the folders of runs, and return a sentence on each that waits on.

    An outbox waits on where the ledger is away, where it is for another ledger, or where the ledger refuses a row. That
    of a run which goes on is delivered by the run, and nothing is said of it.
    """
    sentences, away = [], None
    for path, contents in _waiting(runs_dir):
        if isinstance(contents, LedgerError):
            sentences.append(f"{path}: {contents}")
            continue
        where = f"{contents.rows} rows wait for the ledger in {path}"
        if contents.address not in ("", address_of(ledger, path.parent)):
            sentences.append(for_another(path, contents))
        elif away is not None:
            sentences.append(f"{where}.")
        else:
            try:
                deliver(ledger, path.parent)
            except LedgerUnavailable as error:
                away = error
                sentences.append(f"{where}. {error}")
            except LedgerError as error:
                sentences.append(f"{where}: {error}")
            except OSError as error:
                sentences.append(f"{where}, which cannot be written ({error.strerror}).")
    return sentences


def deliver(ledger: Ledger, folder: Path) -> None:
    """Deliver the outbox of a run's folder. Nothing is done where there is none, or where its run goes on.

    Raises LedgerUnavailable where the ledger is away, LedgerError where it refuses a row or the outbox is for another
    ledger, OSError where the file cannot be read or written; what was not delivered waits on.
    """
    if not (folder / NAME).exists():
        return
    outbox = Outbox(folder, address_of(ledger, folder))
    try:
        outbox.open()
    except OutboxInUse:
        return
    try:
        while outbox.waiting:
            outbox.waiting[0].perform(ledger)
            outbox.delivered()
    finally:
        outbox.close()


def rows_waiting(runs_dir: str | Path) -> list[str]:
    """A sentence on each outbox in the folders of runs that waits; nothing is delivered."""
    return [
        f"{contents.rows} rows wait for the ledger in {path}."
        for path, contents in _waiting(runs_dir)
        if isinstance(contents, Contents)
    ]


def _waiting(runs_dir: str | Path) -> Iterator[tuple[Path, Contents | LedgerError]]:
    """The outboxes in the folders of runs that hold something, in the order of their runs' ids; or why one cannot be
    read."""
    for path in sorted(Path(runs_dir).glob(f"*/*/{NAME}"), key=lambda path: path.parent.name):
        try:
            contents = Contents.of(path.read_bytes())
        except LedgerError as error:
            yield path, error
            continue
        except OSError:  # emptied a moment ago by its run, or not readable by this user
            continue
        if contents.operations:
            yield path, contents
