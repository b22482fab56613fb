"""What the words around a metric's name add to it: its parameter, a variant of it, a mean over columns."""

from __future__ import annotations

import re

from medalist.competitions.metrics.metric import Variant
from medalist.competitions.metrics.names import MEAN
from medalist.competitions.metrics.reading.phrases import Mention
from medalist.competitions.metrics.registry import METRICS, PARAMETRISED

_COLUMN_NOUN = (
    r"(?:targets?|columns?|labels?|outputs?|categor(?:y|ies)|dimensions?|properties|measures|variables|defects?|"
    r"defect types?|traits?|response variables?|attributes|conditions|pollutants|components)"
)
_COLUMNS = re.compile(
    rf"column ?wise|\bmc(?:rmsle|rmse|auc|ll)\b|individual (?:\w+ )?(?:auc|rmse|score|log loss|loss)\w*"
    rf"|\baverag(?:e|ed|ing)\b[^.;]{{0,60}}\b(?:each|all|over|across|of|per)\b[^.;]{{0,30}}\b(?:{_COLUMN_NOUN})\b"
    rf"|\bmean\b[^.;]{{0,40}}\b(?:over|across|per)\b (?:each |all |the |of )*(?:\w+ ){{0,3}}{_COLUMN_NOUN}\b"
    rf"|\b(?:for|on|of|per) (?:each|every)(?: one)?(?: of)?(?: the| these| those)? (?:[\w']+ ){{0,3}}{_COLUMN_NOUN}\b"
    r"[^.]{0,120}\b(?:averag|mean\b)"
    rf"|\baverag\w+ (?:of|over|across) (?:those|these|the) (?:\w+ )?(?:aucs|rmses|scores|maes|losses|targets|columns)\b"
)


def qualified(mention: Mention, sentences: list[str], at: int) -> str | None:
    """The canonical name of a metric named in `sentences[at]`; None where the text lacks a parameter that it needs.

    Parameters
    ----------
    sentences : lower-case sentences under the same heading, as `text.lowered` gives them.
    """
    near = " . ".join(sentences[at : at + 3])
    wide = " . ".join(sentences[max(at - 2, 0) : at + 6])
    name, _, parameter = mention.name.partition("@")
    family = PARAMETRISED.get(name)
    if family is not None and parameter == family.letter:
        value = family.in_text(near, wide)
        return family.several if value is None else family.complete(value)
    columns = bool(_COLUMNS.search(near)) or bool(_COLUMNS.search(sentences[at - 1] if at else ""))
    if family is not None:
        return MEAN + mention.name if columns else mention.name
    for variant in METRICS[name].wording.variants:
        if not (columns and variant.unless_columns) and _applies(variant, mention, sentences[at], near, wide):
            name = variant.name
            break
    return MEAN + name if columns and METRICS[name].wording.columns else name


def by_formula(name: str, of_formula: str) -> bool:
    """Whether `of_formula`, the metric of the description's formula, is a variant of `name` that a formula decides."""
    variants = METRICS[name].wording.variants if name in METRICS else ()
    return any(variant.by_formula and variant.name == of_formula for variant in variants)


def _applies(variant: Variant, mention: Mention, sentence: str, near: str, wide: str) -> bool:
    """Whether the pattern of a variant matches in the context that it names."""
    start = mention.end if variant.where == "after" else 0
    close = sentence[max(mention.start - 40, 0) : mention.end + 60]
    text = {"after": sentence, "sentence": sentence, "close": close, "near": near, "wide": wide}[variant.where]
    return bool(re.compile(variant.pattern).search(text, start))
