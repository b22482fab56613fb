"""What the words around a metric's name say of it: over columns or classes, of logarithms, with which parameter."""

from __future__ import annotations

import re

from medalist.competitions.metrics.reading.phrases import Mention

_THING = (
    r"(?:targets?|columns?|labels?|outputs?|categor(?:y|ies)|dimensions?|properties|measures|variables|defects?|"
    r"defect types?|traits?|response variables?|attributes|conditions|pollutants|components)"
)
_COLUMNS = re.compile(
    rf"column ?wise|\bmc(?:rmsle|rmse|auc|ll)\b|individual (?:\w+ )?(?:auc|rmse|score|log loss|loss)\w*"
    rf"|\baverag(?:e|ed|ing)\b[^.;]{{0,60}}\b(?:each|all|over|across|of|per)\b[^.;]{{0,30}}\b(?:{_THING})\b"
    rf"|\bmean\b[^.;]{{0,40}}\b(?:over|across|per)\b (?:each |all |the |of )*(?:\w+ ){{0,3}}{_THING}\b"
    rf"|\b(?:for|on|of|per) (?:each|every)(?: one)?(?: of)?(?: the| these| those)? (?:[\w']+ ){{0,3}}{_THING}\b"
    r"[^.]{0,120}\b(?:averag|mean\b)"
    rf"|\baverag\w+ (?:of|over|across) (?:those|these|the) (?:\w+ )?(?:aucs|rmses|scores|maes|losses|targets|columns)\b"
)
_LOGARITHMS = re.compile(
    r"\b(?:between|of|on|in)\b(?: the)?(?: natural)? (?:log(?:arithms?|s)?|log ?1p|log transformed|logged)\b"
    r"|\blog(?:arithm)?s? of (?:the )?predict\w+[^.]{0,60}\blog(?:arithm)?s? of"
)
_CLASSES = re.compile(
    r"multi ?class|\beach (?:possible |true )?class\b|number of (?:possible )?(?:class|categor|outcome)"
    r"|\bfor (?:each|every|all) (?:of the )?(?:\w+ )?(?:class|categor|outcome)|\bset of (?:predicted )?probabilities"
    r"|\bone (?:probability )?(?:for|per) (?:each|every) (?:class|categor)"
    r"|\bprobabilit(?:y|ies) (?:for|of) (?:each|all|every) (?:of the )?(?:\w+ )?(?:class|categor|outcome|species|label)"
    r"|\b(?:three|four|five|six|seven|eight|nine|ten|\d+) (?:possible )?(?:class(?:es)?|categories|outcomes)\b"
)
_OVER_CLASSES = re.compile(
    r"averag\w+ (?:over|across|of) (?:all |the |each )*(?:\w+ )?class"
    r"|(?:for|of|per) (?:each|every) class[^.]{0,80}averag"
    r"|unweighted (?:mean|average)|\bper class\b|mean (?:over|across|of) (?:all |the )*class"
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10, "twelve": 12}
_TOP = re.compile(
    r"\bk ?= ?(?P<a>\d+)|\b(?:top|up to|at most|maximum of|first) (?P<b>\d+|[a-z]+) (?:\w+ )?"
    r"(?:predict\w+|labels?|class\w*|items?|results|guesses|recommend\w+|\w+s)\b|(?:@|\bat ) ?(?P<c>\d+)"
)
_QUANTILE = re.compile(
    r"(?:quantiles?|tau|alpha|\bq|τ|α)(?: level)?s?(?: of| at)? ?[=:]? ?\(?(?P<a>0?\.\d+)"
    r"|(?P<b>0?\.\d+)(?:th)? quantile"
    r"|(?P<c>\d+(?:\.\d+)?) ?(?:st|nd|rd|th|%) (?:percentile|quantile)|(?P<d>\bmedian\b)|\bat (?P<e>0?\.\d+)\b"
)
_BETA = re.compile(r"(?:beta|β) ?[=:]? ?(?P<b>\d+(?:\.\d+)?)|\bf(?P<c>0\.5|2|3)\b")
_BALANCED = re.compile(
    r"class(?:es)? (?:\w+ ){0,4}(?:equal|same) (?:weight|importance)"
    r"|each class is (?:roughly |about )?equally important"
    r"|(?:equal|same) (?:weight|importance) (?:to|for) (?:each|all|both|every|the)(?: \w+)? class"
    r"|weighted (?:by|so that) (?:\w+ )?class"
)


def qualified(mention: Mention, sentences: list[str], at: int) -> str | None:
    """The canonical name of a metric named in `sentences[at]`; None where a parameter it needs is not told.

    Parameters
    ----------
    sentences : lower-case sentences under the same heading, as `metric_text.lowered` gives them.
    """
    own = sentences[at]
    near = " . ".join(sentences[at : at + 3])
    wide = " . ".join(sentences[max(at - 2, 0) : at + 6])
    name: str | None = mention.name
    if name == "map@k":
        return _map_at(near, wide)
    if name == "pinball@q":
        return _pinball_at(near, wide)
    if name == "fbeta@b":
        found = _BETA.search(near) or _BETA.search(wide)
        return f"fbeta@{float(found['b'] or found['c']):g}" if found else None
    if name == "rmse" and _LOGARITHMS.search(own, mention.end):
        name = "rmsle"
    if name == "f1":
        return _f1(own, near, mention)
    columns = bool(_COLUMNS.search(near)) or bool(_COLUMNS.search(sentences[at - 1] if at else ""))
    if name in ("logloss", "mlogloss") and _BALANCED.search(wide):
        return "balanced_logloss"
    if name == "accuracy" and re.search(r"balanced", own):
        return "balanced_accuracy"
    if name == "logloss" and not columns and _CLASSES.search(wide):
        return "mlogloss"
    if name == "auc" and re.search(r"\b(?:one vs|ovr|one versus|multi ?class)\b", near):
        return "auc_ovr"
    if columns and name not in ("mlogloss", "auc_ovr", "accuracy", "balanced_accuracy", "qwk", "mcc"):
        return f"mean_{name}"
    return name


def _f1(own: str, near: str, mention: Mention) -> str:
    close = own[max(mention.start - 40, 0) : mention.end + 60]
    for kind in ("macro", "micro", "weighted"):
        if re.search(rf"\b{kind}\b", close) or re.search(rf"\b{kind} averag", near):
            return f"{kind}_f1"
    return "macro_f1" if _OVER_CLASSES.search(near) else "f1"


def _map_at(near: str, wide: str) -> str | None:
    for text in (near, wide):
        for match in _TOP.finditer(text):
            found = match["a"] or match["b"] or match["c"]
            number = int(found) if found.isdigit() else _NUMBERS.get(found)
            if number:
                return f"map@{number}"
    return None


def _pinball_at(near: str, wide: str) -> str | None:
    for text in (near, wide):
        levels = {
            0.5 if m["d"] else float(m["c"]) / 100 if m["c"] else float(m["a"] or m["b"] or m["e"])
            for m in _QUANTILE.finditer(text)
        }
        if levels:
            return f"pinball@{levels.pop():g}" if len(levels) == 1 else None
    return None
