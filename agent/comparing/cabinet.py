"""The standings of all competitions in ledgers: the best and the last of each, and the rate of medals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from medalist.agent.comparing.comparable import recorded_standing, why_not_counted
from medalist.agent.comparing.medal_rate import MedalRate, medal_rate
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow, StandingRow

BASES = ("holdout", "cross-validation")


@dataclass(frozen=True)
class Placed:
    """The best and the last standing of a competition on one basis, among those that count; where none counts, the best
    one of all, and why (`left_out`)."""

    competition: str
    basis: str
    best: StandingRow
    last: StandingRow
    left_out: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: those of the best one, with its intervals, and "last"."""
        now = recorded_standing(self.best)
        return {
            **asdict(self.best),
            "percentile_within": None if now is None else now.percentile_within,
            "percentile_interval": None if now is None else now.percentile_interval,
            "upper_half": None if now is None else now.upper_half,
            "counts": self.left_out is None,
            "left_out": self.left_out,
            "last": asdict(self.last),
        }


@dataclass
class Cabinet:
    """What ledgers hold, gathered one after another by `add`; a run or a standing that two of them have counts once."""

    runs: dict[str, RunRow] = field(default_factory=dict)
    standings: dict[str, StandingRow] = field(default_factory=dict)
    best: dict[tuple[str, str], StandingRow] = field(default_factory=dict)  # by basis and competition

    def add(self, ledger: Ledger) -> None:
        """Take the runs and standings of a ledger."""
        self.runs |= {run.id: run for run in ledger.runs()}
        for row in ledger.standings():
            self.standings.setdefault(row.id, row)
        for basis in BASES:
            for row in ledger.best_standings(basis):  # type: ignore[arg-type]
                self.best.setdefault((basis, row.competition), row)

    def placed(self) -> list[Placed]:
        """Of each competition, by name, its standings on a holdout, then those by cross-validation."""
        by_place: dict[tuple[str, str], list[StandingRow]] = {}
        for row in self._newest_first():
            if row.basis in BASES and why_not_counted(row) is None:
                by_place.setdefault((row.basis, row.competition), []).append(row)
        found = []
        for (basis, competition), row in self.best.items():
            rows = by_place.get((basis, competition))
            if rows is None:
                found.append(Placed(competition, basis, row, row, why_not_counted(row)))
            else:
                best = max(rows, key=_by_percentile)  # the newest of equals
                found.append(Placed(competition, basis, best, rows[0], None))
        return sorted(found, key=lambda p: (BASES.index(p.basis), p.competition.casefold()))

    def rates(self) -> list[MedalRate]:
        """The any-medal rate on holdouts, and by cross-validation."""
        standings = self._newest_first()
        return [medal_rate(self.runs.values(), standings, basis) for basis in BASES]

    def of_no_run(self) -> int:
        """How many standings are of files of no run, which no rate counts."""
        return sum(row.run_id is None for row in self.standings.values())

    def _newest_first(self) -> Sequence[StandingRow]:
        return sorted(self.standings.values(), key=lambda row: (row.recorded, row.number), reverse=True)


def _by_percentile(row: StandingRow) -> tuple[float, float]:
    return row.percentile or 0.0, row.score if row.greater_is_better else -row.score
