"""Standing: what a score is worth among the teams of a board."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.medals import MEDALS, Medal

Basis = Literal["cross-validation", "holdout", "given"]

#: The words that go with every medal, so that nobody takes an estimate for a medal.
WORDS: dict[Basis, str] = {
    "cross-validation": "medal-equivalent (estimated by cross-validation)",
    "holdout": "medal-equivalent (on a holdout)",
    "given": "medal-equivalent (of the score that is given)",
}
#: Half the width of a normal 80 % interval, in standard errors.
EIGHTY_PERCENT = 1.2815515655446004
#: Probability of a medal, and of none, of an estimate whose standard error rules it out: an estimate is never certain.
MIN_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Standing:
    """A score among the teams of a board.

    Attributes
    ----------
    board, teams, who
        Name of the board, number of teams on it, and what they are ("human teams").
    score, greater_is_better, standard_error
        The score, its direction, and its standard error in the same unit (None: not known).
    percentile
        Share of teams beaten or tied, 0 … 1.
    percentile_within
        The percentiles, lower one first, of scores one standard error worse and better; None without a standard error.
    percentile_interval
        The same for the 80 % interval of a normal error of the score. The noise of the board's test set is not in it.
    upper_half
        Probability that the score is at least as good as the median team's; None without a standard error or a median.
    medal, next_medal
        Medal-equivalent, and the next better medal that the board awards for no score of a leaked top; None where
        there is none.
    to_next
        By how much the score has to improve for `next_medal`, in the unit of the score, positive.
    probabilities
        Probability of at least gold, silver and bronze; None without a standard error.
    basis
        Where the score is from: "cross-validation", "holdout", or "given" by a person.
    caution
        What is wrong with the board, in sentences, where that bears on every standing; None where nothing does.
    """

    board: str
    teams: int
    score: float
    percentile: float
    medal: Medal | None
    next_medal: Medal | None
    to_next: float | None
    probabilities: dict[Medal, float] | None
    basis: Basis
    greater_is_better: bool = True
    standard_error: float | None = None
    who: str = "human teams"
    percentile_within: tuple[float, float] | None = None
    percentile_interval: tuple[float, float] | None = None
    upper_half: float | None = None
    caution: str | None = None


def standing_on_board(
    score: float, board: Board | NoStanding, basis: Basis, standard_error: float | None = None
) -> Standing | NoStanding:
    """The standing of `score` on `board`, whose scores are by the same metric (see `lookup.board_for`).

    The probabilities assume a normal error of the score with `standard_error`: the uncertainty of the estimate, not the
    difference that another test set, such as that of the private leaderboard, would make.

    A NoStanding given as the board is returned as it is; a score that is not finite gives another one.
    """
    if isinstance(board, NoStanding):
        return board
    score = float(score)
    if not math.isfinite(score):
        return NoStanding(f"A score of {score} has no place on the leaderboard {board.name}: check the predictions.")
    earned = next((m for m in MEDALS if board.at_least(score, board.threshold(m))), None)
    better = MEDALS[: MEDALS.index(earned)] if earned else MEDALS
    known = [m for m in reversed(better) if board.threshold(m) is not None and not board.leaked(board.threshold(m))]
    ahead = known[0] if known else None
    threshold = board.threshold(ahead) if ahead else None
    if standard_error is not None and not (math.isfinite(standard_error) and standard_error >= 0):
        standard_error = None
    error = None if standard_error is None else float(standard_error)
    return Standing(
        board=board.name,
        teams=board.teams,
        score=score,
        percentile=board.percentile(score),
        medal=earned,
        next_medal=ahead,
        to_next=None if threshold is None else abs(threshold - score),
        probabilities=None if error is None else _probabilities(score, board, error),
        basis=basis,
        greater_is_better=board.greater_is_better,
        standard_error=error,
        who=board.who,
        percentile_within=None if error is None else percentiles_between(board, score, error),
        percentile_interval=None if error is None else percentiles_between(board, score, EIGHTY_PERCENT * error),
        upper_half=None if error is None or board.median is None else _chance(score, board.median, board, error),
        caution=board.caution,
    )


def percentiles_between(board: Board, score: float, distance: float) -> tuple[float, float]:
    """The percentiles, lower one first, of the scores that are worse and better than `score` by `distance` ≥ 0."""
    low, high = sorted((board.percentile(score - distance), board.percentile(score + distance)))
    return low, high


def _probabilities(score: float, board: Board, standard_error: float) -> dict[Medal, float]:
    """Probability of at least each medal; the cumulative maximum keeps bronze ≥ silver ≥ gold on any board."""
    probabilities: dict[Medal, float] = {}
    least = 0.0
    for medal in MEDALS:
        threshold = board.threshold(medal)
        if threshold is not None:
            least = max(least, _chance(score, threshold, board, standard_error))
        probabilities[medal] = least
    return probabilities


def _chance(score: float, threshold: float, board: Board, standard_error: float) -> float:
    """Probability that a score with a normal error reaches a threshold of the board."""
    return _normal_cdf(score - threshold if board.greater_is_better else threshold - score, standard_error)


def _normal_cdf(margin: float, standard_error: float) -> float:
    """Probability of a normal error above -`margin`, at least MIN_PROBABILITY from 0 and 1 unless the error is 0."""
    if standard_error == 0:
        return 1.0 if margin >= 0 else 0.0
    chance = 0.5 * math.erfc(-margin / standard_error / math.sqrt(2))
    return min(max(chance, MIN_PROBABILITY), 1 - MIN_PROBABILITY)  # an estimate is never certain


def sentence(standing: Standing | NoStanding) -> str:
    """The standing in one sentence, which always says whether it is an estimate or was measured on a holdout; or the
    reason why there is none."""
    if isinstance(standing, NoStanding):
        return standing.reason
    medal = f"{standing.medal} {WORDS[standing.basis]}" if standing.medal else f"no {WORDS[standing.basis]}"
    parts = [
        f"{standing.score:.6g} beats or ties {percentage_within(standing.percentile, standing.percentile_within)} of "
        f"{standing.teams:,} {standing.who} on {standing.board}: {medal}"
    ]
    if standing.next_medal and standing.to_next is not None:
        parts.append(f"{standing.to_next:.3g} short of {standing.next_medal}")
    if standing.probabilities is not None:
        chances = ", ".join(f"{percentage(standing.probabilities[m])} {m}" for m in MEDALS)
        parts.append(f"chance of at least: {chances}")
    caution = f" {standing.caution}" if standing.caution else ""
    return "; ".join(parts) + "." + caution


def percentage_within(percentile: float, within: tuple[float, float] | None) -> str:
    """A percentile with its range within one standard error, where that is known: "82 % (within one standard error 73
    to 91 %)"."""
    if within is None:
        return percentage(percentile)
    return f"{percentage(percentile)} (within one standard error {whole_percent(within)})"


def whole_percent(within: Sequence[float] | None) -> str:
    """A range of shares in whole per cent: "73 to 91 %"; "" for None."""
    return "" if within is None else f"{_whole(within[0])} to {_whole(within[1])} %"


def _whole(share: float) -> str:
    """A share in whole per cent, which never rounds to a certainty that it is not."""
    if 0 < share < 0.01:
        return "<1"
    if 0.99 < share < 1:
        return ">99"
    return f"{100 * share:.0f}"


def percentage(value: float) -> str:
    """A share as a percentage that never rounds to a certainty it is not: 0.9999 is ">99.9 %"."""
    if 0 < value < 0.001:
        return "<0.1 %"
    if 0.999 < value < 1:
        return ">99.9 %"
    return f"{100 * value:.3g} %"
