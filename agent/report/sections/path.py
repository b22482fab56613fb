"""The path of the estimate over time, and the score of each experiment."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from medalist.agent.report.figures import INKS, figure, markers
from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render
from medalist.agent.run.display import duration
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.ledger.rows import ExperimentRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "The path of the estimate"
MOST_POINTS = 600  # experiments that are drawn; all that were kept, and of the others every n-th
SPREADS = 3.0  # times the distance from the best to the median score, down to which scores are drawn


def section(contents: RunContents) -> Markup | None:
    """The figure, and the submissions as a table; None before the first submission."""
    if not contents.submissions:
        return None
    rows = [(s, contents.worked(s.recorded)) for s in contents.submissions]
    return render("path.html", figure=path_of(contents), submissions=rows, metric=contents.metric_title)


def path_of(contents: RunContents) -> Markup | None:
    """The picture of the path; None before the first submission with a score."""
    scored = [(s.score, s) for s in contents.submissions if s.score is not None]
    rows = [(score, s.standard_error or 0.0, contents.worked(s.recorded)) for score, s in scored]
    return _path(contents, rows) if rows else None


def _path(contents: RunContents, path: Sequence[tuple[float, float, float]]) -> Markup:
    shown = _thinned([e for e in contents.experiments if e.score is not None])
    end = max([at for *_, at in path] + [e.run_seconds for e in contents.experiments])
    end = max(end, float(contents.summary.get("seconds") or 0.0))
    unit, name = (3600.0, "hours") if end > 7200 else (60.0, "minutes") if end > 180 else (1.0, "seconds")
    low, high = _range(contents, [s for s, *_ in path], [e.score for e in shown if e.score is not None])
    tips: dict[str, list[str]] = {}

    def draw(axes: Axes) -> None:
        for verdict, (marker, colour) in markers().items():
            points = [e for e in shown if e.verdict == verdict and e.score is not None and low <= e.score <= high]
            if not points:
                continue
            tips[verdict] = [_tip(e) for e in points]
            xs, ys = [e.run_seconds / unit for e in points], [e.score or 0.0 for e in points]
            axes.scatter(xs, ys, s=26, marker=marker, color=colour, linewidths=1.2, gid=verdict, label=verdict)
        times = [at / unit for *_, at in path] + [end / unit]
        scores, errors = [s for s, *_ in path], [e for _, e, _ in path]
        scores, errors = [*scores, scores[-1]], [*errors, errors[-1]]
        axes.step(times, scores, where="post", color=INKS["accent"], linewidth=1.8, label="estimate")
        axes.plot([path[-1][2] / unit], [path[-1][0]], "D", color=INKS["accent"], markersize=5)
        lower, upper = ([s + sign * e for s, e in zip(scores, errors, strict=True)] for sign in (-1, 1))
        axes.fill_between(times, lower, upper, step="post", color=INKS["accent"], alpha=0.18, linewidth=0)
        for i, medal in enumerate(MEDALS):
            threshold = contents.board.threshold(medal) if contents.board else None
            if threshold is not None and low <= threshold <= high:
                axes.axhline(threshold, color=INKS[medal], linewidth=1.6, linestyle="--")
                across = axes.get_yaxis_transform()  # labels side by side: thresholds may lie close together
                axes.text(0.01 + 0.13 * i, threshold, medal, transform=across, va="bottom", fontsize=9)
        axes.set_ylim((low, high) if contents.greater_is_better else (high, low))
        axes.set_xlim(0, end / unit * 1.02)
        axes.set_xlabel(f"{name} of work")
        axes.set_ylabel(contents.metric_title)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, columnspacing=1.2, handletextpad=0.4)

    first, last = path[0], path[-1]
    off = sum(not low <= (e.score or 0.0) <= high for e in shown)
    fresh = "; the last one was measured on fresh folds" if contents.summary.get("confirmed_on_fresh_folds") else ""
    outside = f"; {off} that scored far worse lie outside" if off else ""
    return figure(
        f"path-{contents.run.id}",
        "The estimate over time",
        f"From {first[0]:.6g} to {last[0]:.6g} ± {last[1]:.2g} in {duration(end)} (line, with one "
        f"standard error; better is up{fresh}). Each mark is an experiment on the folds of the search{outside}.",
        draw,
        tips=tips,
        height=3.6,
    )


def _thinned(rows: Sequence[ExperimentRow]) -> list[ExperimentRow]:
    """At most about MOST_POINTS of the experiments: those that were kept, and every n-th of the others."""
    others = [e for e in rows if e.verdict != "keep"]
    step = max(1, -(-len(others) // MOST_POINTS))
    chosen = {e.number for e in others[::step]}
    return [e for e in rows if e.verdict == "keep" or e.number in chosen]


def _range(contents: RunContents, path: Sequence[float], scores: Sequence[float]) -> tuple[float, float]:
    """The scores that the figure shows: those of the path, without its constant, and of all experiments that are not
    far off."""
    of_models = path[1:] if len(path) > 1 else path
    values = list(of_models)
    if scores:
        best = max(scores) if contents.greater_is_better else min(scores)
        far = SPREADS * abs(statistics.median(scores) - best)
        values += [s for s in scores if abs(s - best) <= far]
    errors = [s.standard_error for s in contents.submissions if s.standard_error]
    margin = max(errors[-1:] or [0.0])
    low, high = min(values) - margin, max(values) + margin
    pad = 0.05 * (high - low) or abs(high) * 1e-3 or 1e-6
    return low - pad, high + pad


def _tip(row: ExperimentRow) -> str:
    error = "" if row.standard_error is None else f" ± {row.standard_error:.2g}"
    return f"#{row.number} {row.family}: {row.score:.6g}{error}, {row.verdict}. {row.reason}"
