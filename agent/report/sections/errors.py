"""How the predictions miss: calibration, residuals, confusion, all on out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from medalist.agent.report.figures import INKS, figure
from medalist.agent.report.loader import RunContents
from medalist.agent.report.out_of_fold import OutOfFold, out_of_fold
from medalist.agent.report.page import render

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

TITLE = "How the predictions miss"
BINS = 10  # of equally many rows, in the figure of calibration
MOST_CLASSES = 12  # in the table of confusion: the most frequent ones, the others together
MOST_POINTS = 500  # rows that are drawn, evenly spread


@dataclass(frozen=True)
class Confusion:
    """counts: (K, K) rows by true class (first) and predicted class, as lists; names: of the classes."""

    names: list[str]
    counts: list[list[int]]

    @property
    def totals(self) -> list[int]:
        """Rows of each true class."""
        return [sum(row) for row in self.counts]


def section(contents: RunContents) -> Markup | None:
    """Figures and tables of the errors of the first target; None where the predictions are gone."""
    fitted = out_of_fold(contents)
    if fitted is None:
        return None
    kind = fitted.problem.problem_type
    figures: list[Markup] = []
    confusion = None
    if fitted.problem.levels:
        figures = [_coverage(fitted)]
    elif kind == "binary":
        figures = [_calibration(fitted), _separation(contents, fitted)]
        confusion = _confusion(contents, fitted)
    elif kind in ("multiclass", "ordinal"):
        figures = [_calibration(fitted)] if kind == "multiclass" else [_residuals(fitted)]
        confusion = _confusion(contents, fitted)
    else:
        figures = [_predicted(fitted), _residuals(fitted)]
    targets = contents.run.task.get("targets", ())
    return render(
        "errors.html",
        figures=figures,
        confusion=confusion,
        rows=len(fitted.y),
        all_rows=fitted.rows,
        target=str(targets[0]) if len(targets) > 1 else "",
        n_targets=len(targets),
    )


def _first(fitted: OutOfFold) -> tuple[np.ndarray, np.ndarray]:
    """(r,) true values and (r,) predictions of the first target where it is measured."""
    import numpy as np

    y, p = fitted.y[:, 0], fitted.predictions[:, 0]
    measured = np.isfinite(y)
    return y[measured], p[measured]


def _calibration(fitted: OutOfFold) -> Markup:
    """Stated probabilities against frequencies: of the positive class, or of the class that is likeliest."""
    import numpy as np

    if fitted.problem.problem_type == "binary":
        happened, stated = _first(fitted)
        what = "the positive class"
    else:
        p = fitted.predictions
        stated, happened = p.max(axis=1), (p.argmax(axis=1) == fitted.y[:, 0]).astype(float)
        what = "the likeliest class"
    parts = [part for part in np.array_split(np.argsort(stated, kind="stable"), BINS) if len(part)]
    xs = [float(stated[part].mean()) for part in parts]
    ys = [float(happened[part].mean()) for part in parts]
    errors = [float(np.sqrt(max(q * (1 - q), 1e-12) / len(part))) for q, part in zip(ys, parts, strict=True)]
    gap = float(np.average([abs(x - q) for x, q in zip(xs, ys, strict=True)], weights=[len(part) for part in parts]))

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INKS["muted"], linewidth=1, linestyle="--")
        axes.errorbar(xs, ys, yerr=[2 * e for e in errors], fmt="o-", color=INKS["accent"], markersize=5, linewidth=1.2)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(f"stated probability of {what}")
        axes.set_ylabel("how often it was right" if "likeliest" in what else "how often it was so")

    return figure(
        "calibration",
        "Calibration",
        f"In {len(parts)} groups of equally many rows the stated probability of {what} and its frequency differ by "
        f"{gap:.3g} on average; on the dashed line they are equal. Bars are two standard errors.",
        draw,
    )


def _separation(contents: RunContents, fitted: OutOfFold) -> Markup:
    import numpy as np

    happened, stated = _first(fitted)
    classes = [str(c) for c in contents.run.task.get("classes", ())] or ["0", "1"]
    edges = np.linspace(0, 1, 31).tolist()

    def draw(axes: Axes) -> None:
        for value, colour in ((0, INKS["muted"]), (1, INKS["accent"])):
            rows = stated[happened == value]
            share = np.full(len(rows), 100 / max(len(rows), 1))
            axes.hist(rows, edges, weights=share, color=colour, alpha=0.55, label=classes[value][:24])
        axes.set_xlabel("stated probability of the positive class")
        axes.set_ylabel("% of the class's rows")
        axes.legend(loc="best", title="true class")

    medians = [float(np.median(stated[happened == v])) if (happened == v).any() else float("nan") for v in (0, 1)]
    return figure(
        "separation",
        "How the classes come apart",
        f"The median of the stated probability is {medians[0]:.3g} in rows of {classes[0]} and {medians[1]:.3g} in "
        f"rows of {classes[1]}.",
        draw,
    )


def _predicted(fitted: OutOfFold) -> Markup:
    import numpy as np

    y, p = _first(fitted)
    shown = np.linspace(0, len(y) - 1, min(len(y), MOST_POINTS)).astype(int)
    ends = [float(min(y.min(), p.min())), float(max(y.max(), p.max()))]
    correlation = float(np.corrcoef(y, p)[0, 1]) if len(y) > 2 and y.std() > 0 and p.std() > 0 else float("nan")

    def draw(axes: Axes) -> None:
        axes.plot(ends, ends, color=INKS["muted"], linewidth=1, linestyle="--")
        axes.scatter(p[shown], y[shown], s=9, color=INKS["accent"], alpha=0.45, linewidths=0)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")

    return figure(
        "predicted",
        "True against predicted values",
        f"{len(shown):,} rows; the correlation of all is {correlation:.3g}; on the dashed line both are equal.",
        draw,
    )


def _residuals(fitted: OutOfFold) -> Markup:
    import numpy as np

    y, p = _first(fitted)
    errors = y - p
    low, high = (float(q) for q in np.quantile(errors, [0.005, 0.995]))
    if not low < high:
        low, high = low - 0.5, high + 0.5

    def draw(axes: Axes) -> None:
        axes.hist(np.clip(errors, low, high), 40, color=INKS["accent"], alpha=0.75)
        axes.axvline(0, color=INKS["ink"], linewidth=1)
        axes.set_xlabel("true minus predicted (the outermost 1 % in the outer bars)")
        axes.set_ylabel("rows")

    middle = np.quantile(errors, [0.1, 0.5, 0.9])
    return figure(
        "residuals",
        "Residuals",
        f"Median {middle[1]:.3g}; eight of ten rows lie between {middle[0]:.3g} and {middle[2]:.3g}.",
        draw,
    )


def _coverage(fitted: OutOfFold) -> Markup:
    """Of quantiles: how many true values lie below each."""
    levels = fitted.problem.levels
    below = [float((fitted.y[:, 0] <= fitted.predictions[:, k]).mean()) for k in range(len(levels))]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INKS["muted"], linewidth=1, linestyle="--")
        axes.plot(levels, below, "o-", color=INKS["accent"])
        axes.set_xlabel("quantile level")
        axes.set_ylabel("share of true values below")

    said = "; ".join(f"{level:g}: {share:.3g}" for level, share in zip(levels, below, strict=True))
    return figure("coverage", "Coverage of the quantiles", f"Share of true values below each level: {said}.", draw)


def _confusion(contents: RunContents, fitted: OutOfFold) -> Confusion | None:
    """True against predicted classes, as the submission's decision makes labels, else the likeliest class."""
    import numpy as np

    names = [str(c) for c in contents.run.task.get("classes", ())]
    if len(names) < 2:
        return None
    p, kind = fitted.predictions, fitted.problem.problem_type
    codes = _labels(contents, p)
    if codes is None and kind == "binary":
        codes = (p[:, 0] >= 0.5).astype(int)
    elif codes is None:
        codes = p.argmax(axis=1) if kind == "multiclass" else np.clip(np.rint(p[:, 0]), 0, len(names) - 1).astype(int)
    measured = np.isfinite(fitted.y[:, 0])
    truth, codes = fitted.y[measured, 0].astype(int), codes[measured]
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (truth, codes), 1)
    if len(names) > MOST_CLASSES:
        order = np.argsort(-counts.sum(axis=1), kind="stable")
        first, rest = order[: MOST_CLASSES - 1], order[MOST_CLASSES - 1 :]
        groups = [*([int(c)] for c in first), rest.tolist()]
        counts = np.array([[counts[np.ix_(a, b)].sum() for b in groups] for a in groups])
        names = [*(names[c] for c in first), f"{len(rest)} others"]
    return Confusion(names, counts.tolist())


def _labels(contents: RunContents, p: np.ndarray) -> np.ndarray | None:
    """(r,) class codes by the decision that the submission was made with; None where it submits no labels."""
    from medalist.pipelines.decisions.decision import Decision

    decision = contents.lineage.get("made_of", {}).get("decision") or {}
    if decision.get("kind") not in ("threshold", "class_weights", "cutpoints"):
        return None
    made = Decision(decision["kind"], tuple(decision["numbers"]))
    return made.apply(p)[:, 0].astype(int)
