"""The any-medal rate over competitions with its standard error over seeds, as MLE-bench reports it.

MLE-bench (Chan et al., 2024) repeats all competitions with several seeds, three at least, and reports the share of
competitions with any medal as the mean over the seeds ± one standard error of that mean. Here the same of a ledger's
runs: the newest run of each competition and seed counts.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medalist.agent.comparing.comparable import why_not_counted
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.ledger.rows import RunRow, StandingRow

SEEDS_OF_MLE_BENCH = 3  # that it asks for, at least

REPLACED = "another run of the same competition and seed, which counts"
NOT_GRADED = "no grade on a holdout"
NOT_FINISHED = "no score yet: running, or interrupted"
FAILED = "a failure, on a competition where no other run counts"


@dataclass(frozen=True)
class MedalRate:
    """The any-medal rate of the standings of one basis.

    Attributes
    ----------
    mean, standard_error
        Of the share of competitions with a medal, over seeds; None without a run that counts, and with one seed.
    medals
        How many of the runs that count earned which medal at best.
    by_seed
        Seed → (competitions with any medal, competitions).
    balanced
        Whether every seed has the same competitions, as MLE-bench's have.
    left_out
        Reason → how many runs do not count.
    """

    basis: str
    mean: float | None
    standard_error: float | None
    medals: Mapping[str, int]
    by_seed: Mapping[int, tuple[int, int]]
    balanced: bool
    left_out: Mapping[str, int]

    @property
    def runs(self) -> int:
        """How many runs count."""
        return sum(competitions for _, competitions in self.by_seed.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "basis": self.basis,
            "any_medal": self.mean,
            "standard_error": self.standard_error,
            "runs": self.runs,
            "medals": dict(self.medals),
            "seeds": {str(s): {"any_medal": m, "competitions": n} for s, (m, n) in self.by_seed.items()},
            "balanced": self.balanced,
            "left_out": dict(self.left_out),
        }


def medal_rate(runs: Iterable[RunRow], standings: Sequence[StandingRow], basis: str) -> MedalRate:
    """The any-medal rate of runs, by their newest standings of one basis.

    A run that failed counts as one without a medal where another run on its competition counts; MLE-bench does
    likewise. standings: newest first, as the ledger has them.
    """
    newest: dict[str, StandingRow] = {}
    for row in standings:
        if row.run_id is not None and row.basis == basis:
            newest.setdefault(row.run_id, row)
    counted: dict[tuple[str, int], str | None] = {}
    failed: list[RunRow] = []
    left_out: Counter[str] = Counter()
    seen: set[tuple[str, int]] = set()
    for run in sorted(runs, key=lambda r: (r.started, r.id), reverse=True):
        key = run.competition.casefold(), run.seed
        own = newest.get(run.id)
        if own is None and run.state == "failed":
            failed.append(run)
            continue
        if own is None:
            left_out[NOT_GRADED if basis == "holdout" else NOT_FINISHED] += 1
            continue
        reason = why_not_counted(own) or (REPLACED if key in seen else None)
        if reason is not None:
            left_out[reason] += 1
            continue
        seen.add(key)
        counted[key] = own.medal
    competitions = {competition for competition, _ in counted}
    for run in failed:
        key = run.competition.casefold(), run.seed
        if key in counted:
            left_out[REPLACED] += 1
        elif key[0] in competitions:
            counted[key] = None
        else:
            left_out[FAILED] += 1
    return _rate(basis, counted, left_out)


def _rate(basis: str, counted: Mapping[tuple[str, int], str | None], left_out: Counter[str]) -> MedalRate:
    of_seed: dict[int, dict[str, str | None]] = {}
    for (competition, seed), medal in sorted(counted.items(), key=lambda item: item[0][::-1]):
        of_seed.setdefault(seed, {})[competition] = medal
    by_seed = {seed: (sum(m is not None for m in of.values()), len(of)) for seed, of in of_seed.items()}
    shares = [medals / competitions for medals, competitions in by_seed.values()]
    earned = Counter(medal for medal in counted.values() if medal is not None)
    return MedalRate(
        basis=basis,
        mean=statistics.fmean(shares) if shares else None,
        standard_error=statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else None,
        medals={medal: earned[medal] for medal in MEDALS},
        by_seed=by_seed,
        balanced=len({frozenset(of) for of in of_seed.values()}) < 2,
        left_out=dict(left_out.most_common()),
    )
