"""Whether a score and a leaderboard are of one metric: only then has the score a place on it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from medalist.competitions.known.competitions import find_known
from medalist.leaderboard.boards.board import Board

#: Metric → another name of the same number: log loss and AUC of two classes; micro-averaged F1 is accuracy.
_SAME = {"mlogloss": "logloss", "auc_ovr": "auc", "micro_f1": "accuracy"}

#: (metric, other metric) → the other's score, where one is a monotone function of the other. The normalised Gini
#: coefficient is 2 AUC − 1 (Hand and Till, 2001).
_CONVERSIONS: dict[tuple[str, str], Callable[[float], float]] = {
    ("auc", "gini"): lambda score: 2 * score - 1,
    ("gini", "auc"): lambda score: (score + 1) / 2,
    ("rmse", "mse"): lambda score: score**2,
    ("mse", "rmse"): math.sqrt,
    ("rmsle", "msle"): lambda score: score**2,
    ("msle", "rmsle"): math.sqrt,
    ("accuracy", "error_rate"): lambda score: 1 - score,
    ("error_rate", "accuracy"): lambda score: 1 - score,
}
_REVERSED = {("accuracy", "error_rate"), ("error_rate", "accuracy")}  # the other's direction is the opposite one

_CANONICAL = re.compile(r"[a-z0-9_]+(@[0-9.]+)?")
_CUSTOM = re.compile(r".+\.py:[A-Za-z_]\w*")


@dataclass(frozen=True)
class NoStanding:
    """Why a score has no standing, in one sentence."""

    reason: str


def comparable(board: Board, metric: str, greater_is_better: bool, assumed: bool = False) -> Board | NoStanding:
    """The board with its scores in the unit of `metric`, or why a score by it has no place there.

    Parameters
    ----------
    board
        Its `metric` decides; where that is not known, the direction has to agree.
    metric, greater_is_better
        Canonical name of the score's metric, or `file.py:function` for a custom one, and its direction.
    assumed
        Whether the score's metric was assumed from the problem type (`Task.metric_source`), not named by anybody: such
        a score has no place on any board, even where the assumption agrees with it.
    """
    if assumed:
        counts = f"counts {title(board.metric)}" if board.metric else "may count another one"
        return NoStanding(
            f"The metric of this task ({title(metric)}) is assumed, and the leaderboard {board.name} {counts}, so no "
            f"standing is given: name the metric with --metric."
        )
    if board.metric and not _custom_for_missing(metric, board.metric):
        converted = in_metric(board, metric)
        if converted is None:
            return NoStanding(
                f"The leaderboard {board.name} counts another metric ({title(board.metric)}) than this score "
                f"({title(metric)}), so no standing is given."
            )
        board = converted
    if board.greater_is_better != greater_is_better:
        better = "higher" if board.greater_is_better else "lower"
        return NoStanding(
            f"On the leaderboard {board.name} {better} scores are better, which they are not for {title(metric)}, so "
            f"no standing is given."
        )
    return board


def in_metric(board: Board, metric: str) -> Board | None:
    """The board with its scores converted to `metric`; None where it is no monotone function of the board's."""
    old, new = _SAME.get(board.metric, board.metric), _SAME.get(metric, metric)
    if old == new:
        return replace(board, metric=metric)
    convert = _CONVERSIONS.get((old, new))
    if convert is None:
        return None

    def converted(score: float | None) -> float | None:
        return None if score is None else convert(score)

    return replace(
        board,
        metric=metric,
        greater_is_better=board.greater_is_better != ((old, new) in _REVERSED),
        gold=converted(board.gold),
        silver=converted(board.silver),
        bronze=converted(board.bronze),
        median=converted(board.median),
        percentiles=tuple(math.nan if math.isnan(p) else convert(p) for p in board.percentiles),
        leaked_from=converted(board.leaked_from),
    )


def same_metric(one: str, other: str) -> bool:
    """Whether scores by the metric `one` can be placed on a board of scores by `other` (see `comparable`)."""
    one, other = _SAME.get(one, one), _SAME.get(other, other)
    return one == other or (one, other) in _CONVERSIONS or _custom_for_missing(one, other)


def board_metric(name: str, greater_is_better: bool | None = None) -> str:
    """The metric of a competition's leaderboard: its canonical name, or a title where medalist does not have it.

    "" where it is not known, or has another direction than the one given. `name` as people write it: see
    `find_known`; a name that is too general for it is not known.
    """
    known = find_known(name)
    if known is None or known.columns or greater_is_better not in (None, known.greater_is_better):
        return ""
    return known.board_metric


def title(metric: str) -> str:
    """A metric in words: its title where it has one, else its name."""
    from medalist.competitions.errors import MetricError
    from medalist.competitions.metrics.names import targets_of
    from medalist.competitions.metrics.registry import get_metric

    if not _CANONICAL.fullmatch(metric):
        return metric
    try:
        return get_metric(metric, targets_of(metric)).title
    except MetricError:
        return metric


def _custom_for_missing(metric: str, board_metric: str) -> bool:
    """Whether a custom metric may be taken for the metric of a board, since medalist does not implement that one."""
    return bool(_CUSTOM.fullmatch(metric)) and not _CANONICAL.fullmatch(board_metric)
