"""Metrics of rankings: the few classes that are likeliest for a row, in order."""

from __future__ import annotations

import re
from functools import partial

from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics.functions import average_precision_loss_at
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.parametrised import Parametrised

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10, "twelve": 12}
_TOP = re.compile(
    r"\bk ?= ?(?P<a>\d+)|\b(?:top|up to|at most|maximum of|first) (?P<b>\d+|[a-z]+) (?:\w+ )?"
    r"(?:predict\w+|labels?|class\w*|items?|results|guesses|recommend\w+|\w+s)\b|(?:@|\bat ) ?(?P<c>\d+)"
)


def _top_near(near: str, wide: str) -> float | None:
    """The number of classes that may be predicted for a row, as a text gives it; None where it does not."""
    for text in (near, wide):
        for match in _TOP.finditer(text):
            word = match["a"] or match["b"] or match["c"]
            number = int(word) if word.isdigit() else _NUMBERS.get(word)
            if number:
                return float(number)
    return None


def _mean_average_precision(name: str, k: float) -> Metric:
    return Metric(
        name=name,
        title=f"Mean average precision at {k:g}",
        greater_is_better=True,
        needs="ranking",
        objective="logloss",
        problem_types=("multiclass", "binary"),
        bounds=(0.0, 1.0),
        function=partial(average_precision_loss_at, k=int(k)),
        constant=best.prior,
        shape="ranking",
        mean="complement",
        top=int(k),
    )


PARAMETRISED = (
    Parametrised(
        name="map", letter="k", example="map@3", requirement="a whole number from 1, as in map@3",
        fits=lambda k: k >= 1 and k.is_integer(),
        make=_mean_average_precision,
        spelling=r"(?:map|mean_average_precision|mean_average_precision_map)(?:_?at)?[_@]*(?P<n>\d+)",
        incomplete=("map", "mean_average_precision", "apk", "mapk", "map@k"),
        phrases=(
            r"(?:\bm(?:ap|pa)\b|mean average precision)(?: \(map\))?(?: ?@ ?| at )(?P<n>\d+|k\b|n\b)"
            r"(?: \(map ?@ ?(?P<n2>\d+)\))?",
            r"\bmap(?P<n>\d+)\b", r"mean average precision(?: \(map\))?",
        ),
        in_text=_top_near,
    ),
)  # fmt: skip
