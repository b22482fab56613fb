"""Whether leaderboards agree with what was predicted, over all submissions and in each competition.

The difference of a submission is the score by Kaggle less the estimate, signed so that a negative one is worse than was
predicted, in units of the noise that is expected of it (`noise.py`): standard normal where estimates are honest.

Over competitions: submissions to one share its test rows, so their mean is one value. After each further competition
the sum S of the n values is compared with the boundary of the normal mixture (Robbins 1970, Annals of Mathematical
Statistics 41; Howard et al. 2021, Annals of Statistics 49),

    |S| ≥ sqrt((n + ρ) · (2 ln(1/α) + ln((n + ρ) / ρ))),   ρ = 1,

which honest estimates ever reach with a chance of at most α, however often and at whatever moment one looks.

In one competition: submissions are as alike as can be, and nothing is known of how much. The k-th alarms where it lies
outside of the two-sided normal quantile at level α · 6 / (π² k²); these levels sum to α, so that honest estimates
alarm with a chance of at most α over all submissions to it, whatever their dependence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow

ALPHA = 0.05  # chance of a false alarm over all competitions, for ever
ALPHA_WITHIN = 0.01  # chance of a false alarm in one competition, over all submissions to it
RHO = 1.0  # the smaller, the sooner few competitions alarm


@dataclass(frozen=True)
class Agreement:
    """How leaderboards compare with estimates; differences in units of the expected noise, negative for worse.

    submissions, competitions: numbers of those that compare. mean: over competitions. error: its standard error, from
    their spread where there are two or more, else that which is expected. boundary: from which on the mean alarms.
    alarm: whether it does. within: competitions that alarm by themselves, with the difference that does.
    """

    submissions: int
    competitions: int
    mean: float
    error: float
    boundary: float
    alarm: bool
    within: dict[str, float]


def difference(row: KaggleSubmissionRow) -> float | None:
    """The difference of a submission; None where it has no score, no estimate or no known noise."""
    score = row.scored
    noise = row.public_noise if row.private_score is None else row.private_noise
    if score is None or row.score is None or not noise or row.state != "complete":
        return None
    return (score - row.score if row.greater_is_better else row.score - score) / noise


def boundary(competitions: int, alpha: float = ALPHA) -> float:
    """The sum of so many standardised differences at which there is an alarm."""
    return math.sqrt((competitions + RHO) * (2 * math.log(1 / alpha) + math.log((competitions + RHO) / RHO)))


def quantile(submission: int, alpha: float = ALPHA_WITHIN) -> float:
    """The difference at which the submission of that number (from 1) to one competition alarms."""
    level = alpha * 6 / (math.pi * submission) ** 2
    return NormalDist().inv_cdf(1 - level / 2)


def agreement(rows: Sequence[KaggleSubmissionRow]) -> Agreement | None:
    """How leaderboards compare with the estimates of the submissions, in their order; None where none compares."""
    by_competition: dict[str, list[float]] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        value = difference(row)
        if value is None or (row.competition, row.sha256) in seen:
            continue
        seen.add((row.competition, row.sha256))
        by_competition.setdefault(row.competition, []).append(value)
    if not by_competition:
        return None
    means = [fmean(values) for values in by_competition.values()]
    n = len(means)
    crossed = any(abs(math.fsum(means[:k])) >= boundary(k) for k in range(1, n + 1))
    within = {}
    for name, values in by_competition.items():
        out = [v for k, v in enumerate(values, 1) if abs(v) >= quantile(k)]
        if out:
            within[name] = max(out, key=abs)
    return Agreement(
        submissions=sum(map(len, by_competition.values())),
        competitions=n,
        mean=fmean(means),
        error=stdev(means) / math.sqrt(n) if n > 1 else 1.0,
        boundary=boundary(n) / n,
        alarm=crossed,
        within=within,
    )


def sentences(found: Agreement | None) -> list[str]:
    """What is said of it, and of alarms."""
    if found is None:
        return []
    submissions = f"{found.submissions} submission" + ("" if found.submissions == 1 else "s")
    of = f"{found.competitions} competition" + ("" if found.competitions == 1 else "s")
    better = "better" if found.mean > 0 else "worse"
    lines = [
        f"Leaderboards against estimates: {abs(found.mean):.2f} ± {found.error:.2f} times the expected noise {better} "
        f"({submissions} in {of}; an alarm from {found.boundary:.2f} on)."
    ]
    if found.alarm:
        lines.append(
            f"ALARM: leaderboards are {better} than estimated by more than chance explains (false alarms: {ALPHA:.0%} "
            "over all time): the folds do not mirror the test rows, or the metric is not Kaggle's; see medalist report."
        )
    for name, value in found.within.items():
        side = "better" if value > 0 else "worse"
        lines.append(
            f"ALARM: on {name} the leaderboard is {side} than estimated by {abs(value):.1f} times the expected noise "
            f"(false alarms: {ALPHA_WITHIN:.0%} of competitions): check its folds and its metric."
        )
    return lines
