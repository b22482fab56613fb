"""How names and descriptions refer to a metric: its aliases, the phrases of texts, and the variants that these mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Variant:
    """Another metric, `name`, that a phrase means where the `pattern` matches the text around the phrase.

    where: "after" the phrase in its sentence, "close" to it (40 characters before, 60 after), in the "sentence", in
        it and the two that follow ("near"), or in that and further sentences around ("wide").
    unless_columns : it does not apply where the text describes a mean over columns.
    by_formula : also where the description has a formula, and it is that of the variant.
    """

    name: str
    pattern: str
    where: Literal["after", "close", "sentence", "near", "wide"]
    unless_columns: bool = False
    by_formula: bool = False


@dataclass(frozen=True)
class Wording:
    """How names and descriptions refer to a metric.

    aliases : other names of it, in lower case with "_" between words.
    phrases : regular expressions over lower-case text in which hyphens and underscores are spaces; of overlapping
        matches of several metrics the longest counts.
    weak_phrases : the same, where the words often mean something else.
    variants : other metrics that the phrases mean in certain contexts; the first that applies is taken.
    columns : whether "averaged over columns" makes it a mean over targets.
    formula : the marks of its formula in TeX, defined in `reading.formula`; empty if it is not recognised by one.
    """

    aliases: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    weak_phrases: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    columns: bool = True
    formula: frozenset[str] = frozenset()
