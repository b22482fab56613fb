"""The competitions of a night: those of nights.yaml, each with the run that it goes on with and what that came to."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medalist.agent.nights.belief import Prior
from medalist.agent.nights.continuing import History, identity, recorded_since, run_by_hand, run_of_slices
from medalist.agent.nights.file import read_nights
from medalist.agent.nights.recording import Recorder
from medalist.agent.nights.schema import Entry
from medalist.agent.nights.state import SliceRow
from medalist.agent.nights.tonight import Tonight, better_medal
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import InputError, LedgerError

LEAST_MINUTES = 3.0  # minutes of work from which on a run of the ledger says something about others


@dataclass
class Roster:
    """The competitions of a night, by name (`tonight`).

    file: nights.yaml. runs_dir: of the runs, whose ledger is read. recorder: of the night.
    """

    file: Path
    runs_dir: str
    recorder: Recorder
    tonight: dict[str, Tonight] = field(default_factory=dict)

    @property
    def shares(self) -> float:
        """The sum of the shares of all competitions."""
        return sum(t.entry.share for t in self.tonight.values())

    def refresh(self) -> None:
        """Read nights.yaml again, and what each competition's run has come to. A file that a person has just broken
        counts as it was before."""
        try:
            entries: tuple[Entry, ...] = read_nights(self.file).competitions
        except InputError as error:
            if not self.tonight:
                raise
            self.recorder.say_once(None, "note", f"{error} The night goes on with the file as it was.")
            entries = tuple(t.entry for t in self.tonight.values())
        try:
            slices = self.recorder.state.slices()
        except LedgerError:
            slices = []
        kept = {}
        for entry in entries:
            name = str(entry.name)
            t = self.tonight.get(name)
            if t is None or identity(t.entry) != identity(entry) or t.entry.path != entry.path:
                t = self._begun(entry, slices)
            t.entry = entry
            if t.run is None and not t.anew:
                self._find_run(t, slices)
            kept[name] = t
        self.tonight = kept

    def _begun(self, entry: Entry, slices: Sequence[SliceRow]) -> Tonight:
        """A competition with what earlier slices, of this night and of others, have come to."""
        t = Tonight(entry)
        of_it = [s for s in slices if s.path == entry.path]
        done = [s for s in of_it if s.night == self.recorder.row.id and s.options == identity(entry)]
        t.seconds, t.slices = sum(s.seconds or 0.0 for s in done), len(done)
        t.start_up = next((s.start_up for s in reversed(of_it) if s.start_up), t.start_up)
        for s in of_it:
            t.medal = s.medal if better_medal(s.medal, t.medal) else t.medal
        return t

    def _find_run(self, t: Tonight, slices: Sequence[SliceRow]) -> None:
        """Find the run that a competition goes on with, as far as the ledger can be read: where it cannot, it is looked
        for again before the next slice."""
        t.run = run_of_slices(t.entry, slices)
        with contextlib.suppress(LedgerError), open_ledger(self.runs_dir) as ledger:
            t.run = t.run or run_by_hand(t.entry, ledger)
        self.look_up(t)

    def look_up(self, t: Tonight) -> None:
        """Bring the history of a competition's run up to date, as far as the ledger can be read."""
        if t.run is None:
            t.history = History()
            return
        with contextlib.suppress(LedgerError), open_ledger(self.runs_dir) as ledger:
            row = ledger.run(t.run)
            t.history = History.of(row, ledger)
            since = self.recorder.row.began
            gains = [e.gain_in_noise or 0.0 for e in ledger.experiments(t.run) if recorded_since(e, since)]
            t.gained = sum(gain for gain in gains if gain > 0)
            standing = row.summary.get("standing") or {}
            t.medal = standing.get("medal") if better_medal(standing.get("medal"), t.medal) else t.medal


def prior_of(runs_dir: str) -> Prior:
    """What the runs of the ledger let a night expect of a competition; each competition counts once, by its longest
    run. The built-in prior where the ledger cannot be read."""
    longest: dict[str, History] = {}
    with contextlib.suppress(LedgerError), open_ledger(runs_dir) as ledger:
        for row in ledger.runs():
            history = History.of(row, ledger)
            if (
                history.seconds >= 60 * LEAST_MINUTES
                and history.seconds > longest.get(row.competition, History()).seconds
            ):
                longest[row.competition] = history
    return Prior.of((history.gains, history.experiments) for history in longest.values())
