"""Board: a leaderboard as figures, without names: medal thresholds and the score at each percentile of teams."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.medals import MEDALS, Medal, medal_ranks


@dataclass(frozen=True)
class Board:
    """Final scores of a competition's teams.

    Attributes
    ----------
    name
        Competition, as Kaggle writes it in its address.
    teams
        Number of teams.
    greater_is_better
        Direction of the score.
    gold, silver, bronze
        Worst score that still earns the medal; None where no team earns it.
    median
        Score of the middle team; None where that team has no valid score.
    percentiles
        101 scores, at p0 (best) … p100 (last): the score at rank ``round(k / 100 * (teams - 1)) + 1``.
        A tuple, so that reading a board does not cost the import of numpy; NaN where the teams have no valid score.
    source
        Where the figures are from: a file, or the package.
    origin
        What they are and of when, such as "Kaggle's public leaderboard of 2026-12-01"; "" where nobody said.
    who
        What the teams are, in the plural: human teams unless said otherwise.
    metric
        What the scores are: the canonical name of a metric, or its title where medalist does not have it; "" where it
        is not known.
    kind
        Of the competition's data (`known.competitions.KINDS`); "" where it is not known.
    year
        In which the competition ended; None where it is not known, or it never ends.
    test_rows, public_share
        Rows of the test set, and the share of them that the public leaderboard is from; None where not known.
    faults
        What is wrong with the board, a sentence each, those that bear on every standing first (`faults.find_faults`).
    leaked_from
        Scores better than this are taken for copied answers; None where no top is leaked.
    cautions
        How many of `faults`, from the first, bear on every standing.
    """

    name: str
    teams: int
    greater_is_better: bool
    gold: float | None
    silver: float | None
    bronze: float | None
    median: float | None
    percentiles: tuple[float, ...]
    source: str = ""
    who: str = "human teams"
    metric: str = ""
    kind: str = ""
    year: int | None = None
    test_rows: int | None = None
    public_share: float | None = None
    faults: tuple[str, ...] = ()
    leaked_from: float | None = None
    cautions: int = 0
    origin: str = ""

    def threshold(self, medal: Medal) -> float | None:
        """Worst score that still earns `medal`, or None where no team earns it."""
        return {"gold": self.gold, "silver": self.silver, "bronze": self.bronze}[medal]

    def at_least(self, score: float, threshold: float | None) -> bool:
        """Whether `score` is as good as `threshold`; ties count in favour."""
        if threshold is None:
            return False
        return score >= threshold if self.greater_is_better else score <= threshold

    def leaked(self, score: float | None) -> bool:
        """Whether `score` lies in a leaked top."""
        if score is None or self.leaked_from is None:
            return False
        return score > self.leaked_from if self.greater_is_better else score < self.leaked_from

    @property
    def caution(self) -> str | None:
        """What bears on every standing on this board, in sentences; None where nothing does."""
        return " ".join(self.faults[: self.cautions]) or None

    def percentile(self, score: float) -> float:
        """Share of teams that `score` beats or ties, 0 (worse than all) … 1 (at least as good as the best).

        Exact at the known scores, linear in rank between them. Teams without a valid score are beaten by whoever
        is at least as good as the last valid one. NaN beats nobody.
        """
        if math.isnan(score):
            return 0.0
        sign = 1.0 if self.greater_is_better else -1.0
        ranked = [(index, sign * value) for index, value in self.ranked()]
        signed_score = sign * score
        if not ranked or signed_score < ranked[-1][1]:
            return 0.0
        if signed_score >= ranked[0][1]:
            return 1.0
        for (above, higher), (below, lower) in pairwise(ranked):
            if signed_score == lower:
                return 1 - below / self.teams
            if higher > signed_score > lower:
                # between `above` + 1 and `below` teams are better; relative to the nearer end, for far outliers
                share = (higher - signed_score) / (higher - lower)
                return 1 - (above + 1 + share * (below - above - 1)) / self.teams
        return 0.0

    def ranked(self) -> list[tuple[int, float]]:
        """(position from 0, score) of every team whose score is known, best first, each position once."""
        scores = {position(k, self.teams): value for k, value in enumerate(self.percentiles) if math.isfinite(value)}
        for medal in MEDALS:
            value, rank = self.threshold(medal), getattr(medal_ranks(self.teams), medal)
            if value is not None and rank > 0:
                scores.setdefault(rank - 1, value)
        ordered = sorted(scores.items())
        sign = 1 if self.greater_is_better else -1
        kept = ordered[:1]
        for index, value in ordered[1:]:  # a threshold taken from elsewhere may contradict the percentiles
            if sign * value <= sign * kept[-1][1]:
                kept.append((index, value))
        return kept


def position(k: int, teams: int) -> int:
    """Position, from 0, of the team at percentile `k` (0 best … 100 last) among `teams`."""
    return round(k * (teams - 1) / 100)


def board_from_scores(
    name: str,
    scores: Iterable[float],
    greater_is_better: bool,
    *,
    source: str = "scores",
    who: str = "human teams",
    metric: str = "",
) -> Board:
    """The board of one final score per team, in any order.

    Scores that are not finite are left out; a placeholder (see `placeholder`) counts as a team without a valid score.

    Raises
    ------
    InputError
        If no finite score is left.
    """
    ordered = sorted((float(s) for s in scores if math.isfinite(s)), reverse=greater_is_better)
    if not ordered:
        raise InputError(f"The leaderboard of {name} ({source}) holds no score: give at least one finite number.")
    teams = len(ordered)
    percentiles = [ordered[position(k, teams)] for k in range(101)]
    middle = (ordered[(teams - 1) // 2], ordered[teams // 2])
    return clean_board(
        name=name,
        teams=teams,
        greater_is_better=greater_is_better,
        thresholds={m: ordered[r - 1] if (r := getattr(medal_ranks(teams), m)) else None for m in MEDALS},
        median=None if placeholder(percentiles) in middle else sum(middle) / 2,
        percentiles=percentiles,
        source=source,
        who=who,
        metric=metric,
    )


def clean_board(
    *,
    name: str,
    teams: int,
    greater_is_better: bool,
    thresholds: dict[Medal, float | None],
    median: float | None,
    percentiles: Sequence[float],
    source: str,
    who: str = "human teams",
    metric: str = "",
) -> Board:
    """A Board without placeholders, and with every threshold that its figures give.

    A threshold that is missing or a placeholder becomes the score at the nearest percentile that is not worse than
    its rank: the last valid score, where the rank would go to a team without one. Other placeholders become NaN.
    """
    mark = placeholder(percentiles)
    valid = [math.nan if p == mark else p for p in percentiles]
    repaired: dict[str, Any] = {}
    for medal in MEDALS:
        value, rank = thresholds[medal], getattr(medal_ranks(teams), medal)
        if value is None or value == mark or not math.isfinite(value):
            above = [p for k, p in enumerate(valid) if math.isfinite(p) and position(k, teams) < rank]
            value = above[-1] if above else None
        repaired[medal] = value
    return Board(
        name=name,
        teams=teams,
        greater_is_better=greater_is_better,
        median=None if median is None or median == mark or not math.isfinite(median) else median,
        percentiles=tuple(valid),
        source=source,
        who=who,
        metric=metric,
        **repaired,
    )


def placeholder(percentiles: Sequence[float]) -> float | None:
    """The number that stands for "no valid score" (such as 999999) on a board's percentiles, best first, if any.

    It is repeated at the end, is written in nines or beyond 1e15, and is a thousand times larger than all others.
    """
    last = percentiles[-1]
    rest = [p for p in percentiles if p != last]
    if not rest or len(percentiles) - len(rest) < 2 or not math.isfinite(last):
        return None
    nines = last == int(last) and len(digits := str(abs(int(last)))) >= 3 and set(digits) == {"9"}
    return last if (nines or abs(last) >= 1e15) and abs(last) > 1000 * max(map(abs, rest)) else None
