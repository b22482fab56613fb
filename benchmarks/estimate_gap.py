"""How honest the agent's own scores are: what it reported beside what the holdout gave, in standard errors.

    python benchmarks/estimate_gap.py --competitions ../shared/competitions
    python benchmarks/estimate_gap.py --budget 300s --runs

A gap is positive where the agent was too optimistic. It is in units of the noise of both numbers, so that an honest
estimate has gaps of mean 0 and spread 1. A competition counts once, however often it was run.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdout_scores import row_counts
from score_rows import RESULTS, Row, gain, holdout_error, latest, markdown, read_rows, standard_error

from medalist.agent.budget import parse_duration


@dataclass(frozen=True)
class Gap:
    """One competition, or one run of it: its scores, and how much better than the holdout's, in standard errors.

    `fresh` and `fresh_gap` are None where no run was confirmed on fresh folds.
    """

    label: str
    metric: str
    runs: int
    search: float
    fresh: float | None
    holdout: float
    search_gap: float
    fresh_gap: float | None


@dataclass(frozen=True)
class Summary:
    """Gaps over n competitions: mean with its standard error, median, spread (standard deviation), how many are
    optimistic and how many by more than two standard errors, and how likely ranks so far from 0 are by chance
    (Wilcoxon, Individual comparisons by ranking methods, 1945; two-sided)."""

    n: int
    mean: float
    error: float
    median: float
    spread: float
    optimistic: int
    beyond_two: int
    chance: float


def gap(row: Row, reported: float) -> float:
    """By how many standard errors `reported` is better than the holdout score; nan where the noise is not known."""
    own, holdout = row.get("standard_error") or math.nan, holdout_error(row)
    return gain(row["score"], reported, row["metric"]) / math.hypot(own, holdout)


def pooled(label: str, rows: Sequence[Row]) -> Gap:
    """Runs of one competition as one: means of scores and of gaps."""
    fresh = [r for r in rows if r["confirmed"]]
    return Gap(
        label,
        rows[0]["metric"],
        len(rows),
        statistics.mean(r["search_score"] for r in rows),
        statistics.mean(r["estimated"] for r in fresh) if fresh else None,
        statistics.mean(r["score"] for r in rows),
        statistics.mean(gap(r, r["search_score"]) for r in rows),
        statistics.mean(gap(r, r["estimated"]) for r in fresh) if fresh else None,
    )


def usable(rows: Iterable[Row]) -> list[Row]:
    """The last row of each run that ended well with a model and a noise."""
    last = latest(rows, "competition", "budget", "options", "seed")
    return [r for r in last if r["status"] == "ok" and r["search_score"] is not None and holdout_error(r) > 0]


def by_competition(rows: Iterable[Row]) -> list[Gap]:
    """One line a competition, by name."""
    groups: dict[str, list[Row]] = {}
    for row in usable(rows):
        groups.setdefault(row["competition"], []).append(row)
    return [pooled(name, group) for name, group in sorted(groups.items())]


def by_run(rows: Iterable[Row]) -> list[Gap]:
    """One line a run, by competition."""
    ordered = sorted(usable(rows), key=lambda r: (r["competition"], parse_duration(r["budget"]), r["seed"]))
    return [pooled(f"{r['competition']} {r['budget']} seed {r['seed']} {r['options']}".strip(), [r]) for r in ordered]


def summary(gaps: Sequence[float]) -> Summary:
    """Of the gaps of at least one competition."""
    from scipy.stats import wilcoxon

    apart = [g for g in gaps if g]
    return Summary(
        n=len(gaps),
        mean=statistics.mean(gaps),
        error=standard_error(gaps),
        median=statistics.median(gaps),
        spread=statistics.stdev(gaps) if len(gaps) > 1 else math.nan,
        optimistic=sum(g > 0 for g in gaps),
        beyond_two=sum(g > 2 for g in gaps),
        chance=float(wilcoxon(apart).pvalue) if apart else 1.0,
    )


def table(gaps: Iterable[Gap]) -> str:
    """In Markdown."""
    head = ["", "metric", "runs", "search", "fresh folds", "holdout", "gap of search", "gap of fresh"]
    lines = []
    for g in gaps:
        scores = ["" if s is None else f"{s:.5g}" for s in (g.search, g.fresh, g.holdout)]
        told = ["" if z is None else f"{z:+.2f}" for z in (g.search_gap, g.fresh_gap)]
        lines.append([g.label, g.metric, str(g.runs), *scores, *told])
    return markdown(head, lines)


def sentence(what: str, gaps: Sequence[float]) -> str:
    """A summary in words."""
    if not gaps:
        return f"- {what}: no competition."
    s = summary(gaps)
    error = "" if math.isnan(s.error) else f" ± {s.error:.2f}, spread {s.spread:.2f}"
    return (
        f"- {what}: mean gap {s.mean:+.2f}{error}, median {s.median:+.2f}; optimistic on {s.optimistic} of {s.n}, "
        f"by more than 2 on {s.beyond_two}; p = {s.chance:.2g} (signed ranks)."
    )


def counted(rows: Iterable[Row], folder: Path) -> list[Row]:
    """Rows with the numbers of rows of train and test, read from the folder of competitions where they lack them."""
    known: dict[str, Row] = {}
    out = []
    for row in rows:
        name = row["competition"]
        if not row.get("train_rows") and name not in known and (folder / name / "public").is_dir():
            known[name] = dict(row_counts(folder / name))
        out.append({**known.get(name, {}), **row})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", nargs="+", help="only runs of these; all, unless said")
    parser.add_argument("--options", action="append", help="only runs with these, as one text; all, unless said")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--competitions", type=Path, help="their folder: tells how many rows train and test have")
    parser.add_argument("--runs", action="store_true", help="a line for each run as well")
    options = parser.parse_args()
    if not options.results.is_file():
        print(f"Skipped: there is no file {options.results}.")
        return
    rows = read_rows(options.results)
    if options.budget:
        budgets = {parse_duration(b) for b in options.budget}
        rows = [r for r in rows if parse_duration(r["budget"]) in budgets]
    if options.options is not None:
        rows = [r for r in rows if r["options"] in options.options]
    if options.competitions is not None and not options.competitions.is_dir():
        print(f"There is no folder {options.competitions}: test is taken to have a fourth of train's rows.\n")
    elif options.competitions is not None:
        rows = counted(rows, options.competitions)
    if options.runs:
        print(table(by_run(rows)) + "\n")
    gaps = by_competition(rows)
    print(table(gaps) + "\n")
    print(sentence("score of the search", [g.search_gap for g in gaps]))
    both = [g for g in gaps if g.fresh_gap is not None]
    if len(both) < len(gaps):
        print(sentence("score of the search, where there is one on fresh folds", [g.search_gap for g in both]))
    print(sentence("score on fresh folds", [g.fresh_gap for g in both if g.fresh_gap is not None]))


if __name__ == "__main__":
    main()
