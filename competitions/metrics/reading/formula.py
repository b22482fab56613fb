"""Which metric a formula in TeX is: by its logarithms, roots, squares, absolute values and sums."""

from __future__ import annotations

import re

_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\\begin\{(?:equation|align)\*?\}(.+?)\\end|\$([^$\n]+)\$", re.S
)
_SPACING = re.compile(r"\\(?:left|right|bigg?|Bigg?|,|;|!|:|quad|displaystyle|limits)\b|\\[,;!: ]|\s+")
_ACCENTS = re.compile(r"\\(?:hat|widehat|bar|tilde|text|textrm|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}")


def find_formulas(text: str) -> list[tuple[int, str]]:
    """(position, TeX) of the formulas in a text that hold a sum or a mean."""
    found = []
    for match in _FORMULA.finditer(text):
        tex = next(group for group in match.groups() if group is not None)
        if "\\sum" in tex or "\\frac" in tex:
            found.append((match.start(), tex))
    return found


def read_formula(tex: str) -> str | None:
    """The canonical name of the metric that a formula defines, or None."""
    has_mean_of_targets = bool(re.search(r"\\(?:bar|overline)", tex))
    plain = _SPACING.sub("", _ACCENTS.sub(r"\1", tex))
    plain = plain.replace("\\lvert", "|").replace("\\rvert", "|").replace("\\vert", "|").replace("\\mid", "|")
    plain = re.sub(r"\\abs\{([^{}]*)\}", r"|\1|", plain)
    if "\\sum" not in plain and "\\frac" not in plain:
        return None
    logs = bool(re.search(r"\\?\b(?:log|ln)|\\log|\\ln", plain))
    square = bool(re.search(r"\^\{?2\}?", plain))
    root = bool(re.search(r"\\sqrt|\^\{?(?:1/2|0\.5|\\frac\{?1\}?\{?2\}?)\}?", plain))
    absolute = plain.count("|") >= 2
    relative = bool(re.search(r"\\frac\{[^{}]*(?:\{[^{}]*\}[^{}]*)*-[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\{\|?[yaA]", plain))
    if logs:
        if square:
            return "rmsle" if root else "msle"
        return _log_loss(plain)
    if absolute and not square:
        if re.search(r"\|[^|]+\|\+\|[^|]+\||\(\|[^|]+\|\+", plain):
            return "smape"
        if relative or re.search(r"\}\{\|[^|{}]*(?:\{[^{}]*\})?[^|{}]*\|\}", plain):
            return "mape"
        return "wmae" if re.search(r"\\sum_?(?:\{[^{}]*\}|\w)?(?:\^(?:\{[^{}]*\}|\w))?w", plain) else "mae"
    if square and root:
        if relative:
            return "rmspe"
        return "mean_rmse" if "\\sum" in plain.split("\\sqrt")[0] else "rmse"
    if square and re.search(r"1-\\frac\{", plain) and has_mean_of_targets:
        return "r2"
    return "mse" if square and not re.search(r"-1\)\^2|i-j", plain) else None


def _log_loss(plain: str) -> str:
    both_classes = re.search(r"1-[yt]", plain)
    sums = plain.count("\\sum")
    double = sums >= 2 or bool(re.search(r"[yt]_\{?(?:i,?[cjmk]|[cjmk],?i)", plain))
    if both_classes:
        return "mean_logloss" if double and sums >= 2 else "logloss"
    return "mlogloss" if double else "logloss"
