"""Where the score lies among humans: the curve of their scores with its medal zones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from medalist.agent.report.figures import INKS, figure
from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.medals import MEDALS, Medal
from medalist.leaderboard.boards.standing import WORDS, percentage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Among humans"
CLOSE = 0.04  # share of the width within which the labels of two medals would lie upon each other
SHOWN_FROM = 60  # percentile of teams, from the best, down to which the field is shown at least


def section(contents: RunContents) -> Markup | None:
    """Standing, medal chances and the picture of the field; None where there is no score yet."""
    if contents.score is None:
        return None
    standing, board = contents.standing, contents.board
    return render(
        "standing.html",
        standing=standing,
        within=_interval(standing.get("percentile_within")),
        interval=_interval(standing.get("percentile_interval")),
        medals=[
            m
            for m in MEDALS
            if (standing.get("probabilities") or {}).get(m) is not None and (board is None or m in _zones(board))
        ],
        leaked=[] if board is None else [m for m in MEDALS if board.leaked(board.threshold(m))],
        board=board,
        words=WORDS["cross-validation"],
        figure=field(contents),
        metric=contents.metric_title,
        closed="score" in contents.summary,
    )


def _interval(ends: Any) -> str:
    """Two shares as text; "" where they are not known."""
    return "" if not ends else f"{percentage(ends[0])} and {percentage(ends[1])}"


def _zones(board: Board) -> dict[Medal, float]:
    """The score from which each medal begins, gold first; without medals of a leaked top, which no honest score has."""
    thresholds = {m: board.threshold(m) for m in MEDALS}
    return {m: t for m, t in thresholds.items() if t is not None and not board.leaked(t)}


def field(contents: RunContents) -> Markup | None:
    """The picture of the field; None where there is no score, or no board to compare it with."""
    return None if contents.board is None or contents.score is None else _field(contents, contents.board)


def _field(contents: RunContents, board: Board) -> Markup:
    score, error = float(contents.score or 0.0), contents.standard_error or 0.0
    scores = [p for p in board.percentiles if math.isfinite(p)]
    worst_shown = scores[min(SHOWN_FROM, len(scores) - 1)]
    ends = [scores[0], worst_shown, score - 2 * error, score + 2 * error]
    low, high = min(ends), max(ends)
    pad = 0.04 * (high - low) or 1e-9
    low, high = low - pad, high + pad

    def draw(axes: Axes) -> None:
        thresholds = [(m, t) for m, t in reversed(list(_zones(board).items()))]
        better = high if board.greater_is_better else low
        before, up = None, 4
        for i, (medal, start) in enumerate(thresholds):
            if start is None:
                continue
            following = next((t for _, t in thresholds[i + 1 :] if t is not None), better)
            axes.axvspan(start, following, color=INKS[medal], alpha=0.35, linewidth=0)
            begins = max(start, low) if board.greater_is_better else min(start, high)
            close = before is not None and abs(begins - before) < CLOSE * (high - low)
            up = up + 40 if close else 4  # above the label that it would lie upon
            axes.annotate(medal, (begins, 0), xytext=(3, up), textcoords="offset points", rotation=90, fontsize=8)
            before = begins
        xs = [low, *sorted(p for p in scores if low <= p <= high), high]
        axes.plot(xs, [100 * board.percentile(x) for x in xs], color=INKS["ink"], linewidth=1.6)
        if error:
            axes.axvspan(score - error, score + error, color=INKS["accent"], alpha=0.25, linewidth=0)
        axes.axvline(score, color=INKS["accent"], linewidth=1.8)
        axes.plot([score], [100 * board.percentile(score)], "o", color=INKS["accent"], markersize=7)
        axes.set_xlim((low, high) if board.greater_is_better else (high, low))
        axes.set_ylim(0, 102)
        axes.set_xlabel(f"{contents.metric_title} (better to the right)")
        axes.set_ylabel("% of teams beaten")
        axes.locator_params(axis="x", nbins=5)

    zones = "; ".join(f"{m} from {t:.6g}" for m, t in _zones(board).items()) or "none"
    return figure(
        f"field-{contents.run.id}",
        f"The field of {board.teams:,} {board.who}",
        f"The estimate {score:.6g} ± {error:.2g} (blue, with one standard error) beats or ties "
        f"{percentage(board.percentile(score))}. Shaded zones: {zones}.",
        draw,
    )
