"""Rows that holdout_scores.py has measured, read again: which count, which score is better, and by how much noise."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from medalist.competitions.metrics.registry import get_metric

Row = dict[str, Any]

RESULTS = Path(__file__).parent / "results" / "holdout_scores.jsonl"
TRAIN_PER_TEST = 4.0  # rows of train for each of test, where a row does not tell: so it is in most of the competitions


def read_rows(path: Path) -> list[Row]:
    """The rows of a file of JSON lines, blank lines left out."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def latest(rows: Iterable[Row], *keys: str) -> list[Row]:
    """The last row of each combination of `keys`, in the order of the first: what was measured again replaces."""
    return list({tuple(r[k] for k in keys): r for r in rows}.values())


def gain(before: float, after: float, metric: str) -> float:
    """How much better the second score is, in the metric's own units; negative where it is worse."""
    return after - before if get_metric(metric).greater_is_better else before - after


def holdout_error(row: Row) -> float:
    """The standard error of one holdout score, in the metric's units; nan where the run told none.

    It is the estimate's, which is on the rows of train, scaled by the root of how many times fewer rows test has. It
    says how far another draw of the test rows would move a score; two scores on the same rows differ by less.
    """
    error = row.get("standard_error")
    if error is None or not math.isfinite(error) or error <= 0:
        return math.nan
    train, test = row.get("train_rows"), row.get("test_rows")
    return float(error) * math.sqrt(train / test if train and test else TRAIN_PER_TEST)


def noise_of(rows: Iterable[Row]) -> float:
    """The mean `holdout_error` of rows of one competition; nan where none tells. Seeds share the test rows, so that a
    mean over seeds is no surer of them than one score is."""
    known = [e for r in rows if not math.isnan(e := holdout_error(r))]
    return statistics.mean(known) if known else math.nan


def spread(values: Sequence[float]) -> str:
    """Mean, and its standard error where there are several."""
    mean = f"{statistics.mean(values):.5g}"
    return mean if len(values) < 2 else f"{mean} ± {standard_error(values):.2g}"


def standard_error(values: Sequence[float]) -> float:
    """Of the mean; nan where there are fewer than two values."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"|{'|'.join(cells)}|" for cells in (head, ["---"] * len(head), *lines))
