"""Standing: what a score is worth among the teams of a board."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.medals import MEDALS, Medal
from medalist.leaderboard.boards.places import PUBLIC_SHARE, ScoreNoise, chances, places, ranking_rows, score_noise
from medalist.leaderboard.boards.places import Basis as Basis

#: The words that go with every medal, so that nobody takes an estimate for a medal.
WORDS: dict[Basis, str] = {
    "cross-validation": "medal-equivalent (estimated by cross-validation)",
    "holdout": "medal-equivalent (on a holdout)",
    "given": "medal-equivalent (of the score that is given)",
}
#: Chance of a medal, and of none, from which it is not said that the noise leaves medals without meaning.
DECIDED = 0.05


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
    score_interval, percentile_interval
        Between which the score among teams and its percentile lie with a chance of 80 % each, lower one first, by all
        noise that `places` counts, the test set's with it; None without a standard error.
    noise
        Standard deviation of the score among teams around this one, without the rare large differences; None without a
        standard error.
    test_rows
        That the teams are ranked on, as far as known.
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
        What is wrong with the board, where that bears on every standing, and that the noise is too large for medals to
        mean anything, where it is: in sentences; None where there is nothing to say.
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
    score_interval: tuple[float, float] | None = None
    noise: float | None = None
    test_rows: int | None = None


def standing_on_board(
    score: float,
    board: Board | NoStanding,
    basis: Basis,
    standard_error: float | None = None,
    *,
    rows: int | None = None,
    test_rows: int | None = None,
    same_rows: bool = False,
    public: bool = False,
) -> Standing | NoStanding:
    """The standing of `score` on `board`, whose scores are by the same metric (see `lookup.board_for`).

    Intervals and probabilities are of the score that ranks the submission among the teams, whose distribution around
    `score` is that of `places.score_noise`.

    Parameters
    ----------
    standard_error
        Of the score, over draws of the rows that it is on; None, or what is no number ≥ 0, for not known.
    rows, test_rows
        Rows that the score is on, and rows that are to be predicted; None for not known.
    same_rows
        Whether the scores of the board are on the holdout that this score is on.
    public
        Whether the board is the public one of a competition that goes on: other rows rank the teams at the end.

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
    share = board.public_share or (PUBLIC_SHARE if public else None)
    asked = None if basis == "holdout" else test_rows
    ranked_on = ranking_rows(asked, asked if public and asked else board.test_rows, share)
    seen = share if public else None
    noise = None if error is None else score_noise(basis, error, rows, ranked_on, same_rows, seen)
    standing = Standing(
        board=board.name,
        teams=board.teams,
        score=score,
        percentile=board.percentile(score),
        medal=earned,
        next_medal=ahead,
        to_next=None if threshold is None else abs(threshold - score),
        probabilities=None,
        basis=basis,
        greater_is_better=board.greater_is_better,
        standard_error=error,
        who=board.who,
        caution=board.caution,
        test_rows=ranked_on,
    )
    if error is None or noise is None:
        return standing
    standing = _with_chances(standing, board, error, noise)
    cautions = (board.caution, noise_caution(standing, board, noise, rows))
    return replace(standing, caution=" ".join(filter(None, cautions)) or None)


def _with_chances(standing: Standing, board: Board, error: float, noise: ScoreNoise) -> Standing:
    """The standing with what follows from the noise of its score."""
    score = standing.score
    sign = 1.0 if board.greater_is_better else -1.0

    def margin(threshold: float | None) -> float | None:
        return None if threshold is None else sign * (threshold - score)

    low, high = sorted(score + sign * end for end in noise.interval())
    known = [value for _, value in board.ranked()]
    ends = noise.interval_of_places(sign * (known[0] - score), sign * (known[-1] - score)) if known else (0.0, 0.0)
    half = margin(board.median)
    return replace(
        standing,
        probabilities=dict(zip(MEDALS, chances(noise, [margin(board.threshold(m)) for m in MEDALS]), strict=True)),
        percentile_within=percentiles_between(board, score, error),
        percentile_interval=places(board.percentile, score, board.greater_is_better, ends),
        upper_half=None if half is None else noise.at_least(half),
        score_interval=(low, high),
        noise=noise.core,
    )


def noise_caution(standing: Standing, board: Board, noise: ScoreNoise, rows: int | None) -> str | None:
    """That medals mean little, in one sentence, where the noise of a score is larger than what is between the middle
    team and bronze, and does not leave it aside; None where it does not. `rows`: that the score is on."""
    if board.median is None or board.bronze is None or board.leaked(board.bronze):
        return None
    apart = abs(board.bronze - board.median)
    chance = (standing.probabilities or {}).get("bronze", 0.0)
    if noise.core <= apart or not DECIDED < chance < 1 - DECIDED:
        return None
    known = (
        f"known to ± {noise.core:.2g} only, and the middle team is {apart:.2g} from bronze: a medal means nothing here."
    )
    if standing.basis == "holdout":
        return f"The score{f' on {rows:,} rows of a holdout' if rows else ''} is {known}"
    return f"The score{f' on {standing.test_rows:,} test rows' if standing.test_rows else ''} is {known}"


def percentiles_between(board: Board, score: float, distance: float) -> tuple[float, float]:
    """The percentiles, lower one first, of the scores that are worse and better than `score` by `distance` ≥ 0."""
    low, high = sorted((board.percentile(score - distance), board.percentile(score + distance)))
    return low, high


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
    if standing.percentile_interval is not None:
        parts.append(f"80 % interval of the percentile: {whole_percent(standing.percentile_interval)}")
    if standing.next_medal and standing.to_next is not None:
        parts.append(f"{standing.to_next:.3g} short of {standing.next_medal}")
    if standing.probabilities is not None:
        words = ", ".join(f"{percentage(standing.probabilities[m])} {m}" for m in MEDALS)
        half = "" if standing.upper_half is None else f"; of the upper half: {percentage(standing.upper_half)}"
        parts.append(f"chance of at least: {words}{half}")
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
