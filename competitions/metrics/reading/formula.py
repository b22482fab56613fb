"""Which metric a formula in TeX is: by its logarithms, roots, squares, absolute values and sums.

What marks a formula, in the words of `Wording.formula`: "logarithm", "square", "root", "absolute"; "relative", divided
by the value; "symmetric", divided by the sizes of both; "weighted", with a weight for each row; "explained", one minus
a share of the spread; "classes", a sum over classes.
"""

from __future__ import annotations

import re

from medalist.competitions.metrics.names import MEAN
from medalist.competitions.metrics.registry import METRICS

_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\\begin\{(?:equation|align)\*?\}(.+?)\\end|\$([^$\n]+)\$", re.S
)
_SPACING = re.compile(r"\\(?:left|right|bigg?|Bigg?|,|;|!|:|quad|displaystyle|limits)\b|\\[,;!: ]|\s+")
_ACCENTS = re.compile(r"\\(?:hat|widehat|bar|tilde|text|textrm|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}")


def find_formulas(text: str) -> list[tuple[int, str]]:
    """(position, TeX) of the formulas in a text that hold a sum or a mean."""
    formulas = []
    for match in _FORMULA.finditer(text):
        tex = next(group for group in match.groups() if group is not None)
        if "\\sum" in tex or "\\frac" in tex:
            formulas.append((match.start(), tex))
    return formulas


def read_formula(tex: str) -> str | None:
    """The canonical name of the metric that a formula defines, or None."""
    marks, columns = _marks(tex)
    name = next((m.name for m in METRICS.values() if marks and m.wording.formula == marks), None)
    return MEAN + name if name and columns else name


def _marks(tex: str) -> tuple[frozenset[str], bool]:
    """What marks a formula, nothing if it is of no metric, and whether it is a mean over targets."""
    mean_of_targets = bool(re.search(r"\\(?:bar|overline)", tex))
    plain = _SPACING.sub("", _ACCENTS.sub(r"\1", tex))
    plain = plain.replace("\\lvert", "|").replace("\\rvert", "|").replace("\\vert", "|").replace("\\mid", "|")
    plain = re.sub(r"\\abs\{([^{}]*)\}", r"|\1|", plain)
    if "\\sum" not in plain and "\\frac" not in plain:
        return frozenset(), False
    logs = bool(re.search(r"\\?\b(?:log|ln)|\\log|\\ln", plain))
    square = bool(re.search(r"\^\{?2\}?", plain))
    root = bool(re.search(r"\\sqrt|\^\{?(?:1/2|0\.5|\\frac\{?1\}?\{?2\}?)\}?", plain))
    absolute = plain.count("|") >= 2
    relative = bool(re.search(r"\\frac\{[^{}]*(?:\{[^{}]*\}[^{}]*)*-[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\{\|?[yaA]", plain))
    if logs:
        if square:
            return frozenset({"logarithm", "square", *(("root",) if root else ())}), False
        return _log_loss(plain)
    if absolute and not square:
        if re.search(r"\|[^|]+\|\+\|[^|]+\||\(\|[^|]+\|\+", plain):
            return frozenset({"absolute", "symmetric"}), False
        if relative or re.search(r"\}\{\|[^|{}]*(?:\{[^{}]*\})?[^|{}]*\|\}", plain):
            return frozenset({"absolute", "relative"}), False
        weighted = re.search(r"\\sum_?(?:\{[^{}]*\}|\w)?(?:\^(?:\{[^{}]*\}|\w))?w", plain)
        return frozenset({"absolute", *(("weighted",) if weighted else ())}), False
    if square and root:
        if relative:
            return frozenset({"square", "root", "relative"}), False
        return frozenset({"square", "root"}), "\\sum" in plain.split("\\sqrt")[0]
    if square and re.search(r"1-\\frac\{", plain) and mean_of_targets:
        return frozenset({"square", "explained"}), False
    kappa = re.search(r"-1\)\^2|i-j", plain)
    return frozenset({"square"} if square and not kappa else ()), False


def _log_loss(plain: str) -> tuple[frozenset[str], bool]:
    """The marks of a formula with logarithms and no square, and whether it is a mean over targets."""
    both_classes = re.search(r"1-[yt]", plain)
    sums = plain.count("\\sum")
    double = sums >= 2 or bool(re.search(r"[yt]_\{?(?:i,?[cjmk]|[cjmk],?i)", plain))
    if both_classes:
        return frozenset({"logarithm"}), sums >= 2
    return frozenset({"logarithm", *(("classes",) if double else ())}), False
