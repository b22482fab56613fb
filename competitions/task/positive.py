"""Decides which of two labels is the positive class: by the sample's column names, the description, and usual words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.reading.text import LONGEST_TEXT, split_sentences
from medalist.competitions.task.labels import order_binary, probability_labels
from medalist.competitions.task.legend import asked_label, label_pattern, name_words

_QUOTE = "[\"'“”‘’]*"
_CHANCE = (
    r"(?:probabili(?:t|d)\w*|wahrscheinlichkeit\w*|вероятност\w*|likelihoods?|chances?|confidence|how likely|\bp(?=\())"
)
_METRIC = (
    r"(?:f1|f ?beta|f\d?[- ]?(?:score|measure)|recall|precision|sensitivity|auc|roc|area under|brier"
    r"|jaccard|lift|gini)"
)
_RANGE = re.compile(  # "between 0 and 1", "[0, 1]", "0-1": the range of probabilities, not labels
    r"(?:between|from|in|within|range)?\s*[\[(]?\b0(?:\.0+)?\s*(?:and|to|,|-|–|—|\.\.+)\s*1(?:\.0+)?\b(?!\s*[=:])\s*[\])]?",
    re.IGNORECASE,
)
_CHANCE_WORDS = {"prob", "probability", "probabilities", "proba", "p", "pr", "pred", "predicted", "prediction", "score",
                 "likelihood", "chance", "risk", "class", "label", "target", "of", "is"}  # fmt: skip
_AFTER_LABEL = {"prob", "probability", "probabilities", "proba", "likelihood", "chance", "risk", "score", "p"}
_PLAIN = ({0, 1}, {-1, 1})  # labels of which the greater one is positive by convention


def decide_positive(
    labels: Sequence[Any],
    given: Any | None,
    *,
    one_sided: bool,
    target: str,
    asked: str | None,
    description: str,
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """(the two labels, the positive one last; notes).

    `given`: the positive label that a person has named. `one_sided`: whether it matters to the metric which one is
    positive. `asked`: the sample's only predicted column, None where there are several. Words decide last: what the
    names and the description say of the labels comes first.

    Raises TaskError where `given` is neither label, and where it matters, and nothing shows which one is positive.
    """
    usual, certain = order_binary(labels, given)
    if given is not None or not one_sided:
        return usual, ()
    found = _by_column(labels, asked, target) if asked is not None else None
    if found is not None:
        note = f"The sample's column {asked} holds the probability of {found} (--positive changes it)."
        return _ordered(labels, found, usual, certain, note)
    if asked is not None:
        label, how = _by_text(labels, target, asked, description[:LONGEST_TEXT])
        if label is not None:
            return _ordered(labels, label, usual, certain, how)
    if certain:
        numbers = not any(isinstance(label, (str, bool)) for label in labels)
        if numbers and set(labels) not in _PLAIN:
            note = (
                f"Nothing says which of {labels[0]} and {labels[1]} is the positive class of {target}: the greater "
                f"one, {usual[1]}, is taken (--positive changes it)."
            )
            return usual, (note,)
        return usual, ()
    raise TaskError(
        f"Which of {labels[0]!r} and {labels[1]!r} is the positive class, whose probability is asked for, cannot be "
        f"told: name it with --positive."
    )


def _ordered(
    labels: Sequence[Any], positive: Any, usual: tuple[Any, ...], certain: bool, note: str
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The labels with `positive` last, and the note where that is not what the labels alone would have given."""
    ordered = order_binary(labels, positive)[0]
    plain = certain and ordered == usual and (isinstance(labels[0], (str, bool)) or set(labels) in _PLAIN)
    return ordered, () if plain else (note,)


def _by_column(labels: Sequence[Any], asked: str, target: str) -> Any | None:
    """The label after which the sample's column is named, as in prob_yes, P(1) or probability_2; None for none.

    A column that is named like the target is named after no label.
    """
    words = name_words(asked)
    if words == name_words(target):
        return None
    hits = []
    for label in labels:
        own = name_words(str(label)) if isinstance(label, str) else [str(label).lower()]
        tail, rest = words[-len(own) :], words[: -len(own)]
        signed = str(label).startswith("-")
        if own and words[: len(own)] == own and words[len(own) :] and not signed:
            if set(words[len(own) :]) <= _AFTER_LABEL:  # bad_probability
                hits.append(label)
            continue
        if own and rest and tail == own and not signed:
            named = isinstance(label, str) or bool(_CHANCE_WORDS & set(rest)) or rest == name_words(target)
            if named and not (isinstance(label, str) and rest == ["is", "not"]):
                hits.append(label)
    return hits[0] if len(hits) == 1 else None


def _by_text(labels: Sequence[Any], target: str, asked: str, description: str) -> tuple[Any | None, str]:
    """(the label that the description asks for, a note on it), (None, "") where it asks for none or for both."""
    if not any(re.search(label_pattern(label), description, re.IGNORECASE) for label in labels):
        return None, ""
    description = re.sub(r"\b(i|e)\.\s?(e|g)\.", r"\1\2", description)  # no ends of clauses
    sentences = [_RANGE.sub(" ", sentence.text) for sentence in split_sentences(description)]
    for patterns, what in (
        (_positive_patterns, "calls {} the positive class"),
        (_chance_patterns, "asks for the probability of {}"),
        (_metric_patterns, "scores {}"),
    ):
        hits = [
            label for label in labels if any(_first(sentences, pattern) for pattern in patterns(label, (target, asked)))
        ]
        if len(hits) == 1:
            return hits[0], f"The description {what.format(hits[0])} (--positive changes it)."
    words = [label for label in labels if isinstance(label, str) and len(label) > 2]
    mentioned = probability_labels(words, description)
    if len(mentioned) == 1 and len(words) == len(labels):
        return mentioned[0], f"The description asks for the probability of {mentioned[0]}."
    plain = set(labels) in _PLAIN  # as False and True are, too
    label, meaning = asked_label(labels, sentences, (asked, target), only_chances=plain)
    if label is not None:
        return label, f"The description asks for {meaning}, which is {label} of {target} (--positive changes it)."
    return None, ""


def _first(sentences: Sequence[str], pattern: str) -> str | None:
    """The first of the sentences that a pattern matches; None for none."""
    return next((sentence for sentence in sentences if re.search(pattern, sentence, re.IGNORECASE)), None)


def _noun(names: Sequence[str]) -> str:
    """A regular expression for what a text calls labels: "class", "label", … or the name of the column."""
    words = [
        "class",
        "classe",
        "clase",
        "klasse",
        "label",
        "category",
        "outcome",
        "value",
        "level",
        "target",
        "positive(?: class| label)?",
        "y",
    ]
    return f"(?:{'|'.join([*words, *(re.escape(name) for name in names if len(name) > 1)])})"


def _positive_patterns(label: Any, names: Sequence[str]) -> list[str]:
    """Phrases that call a label the positive class."""
    one, noun, gap = label_pattern(label), _noun(names), r"\W{0,3}"
    kinds = "(?:class|label|outcome|category|case)s?"
    link = r"(?:is|as|being|=|counts? as|treated as|considered)?"
    return [
        rf"{one}{gap}(?:{noun}{gap})?{link}{gap}(?:to be )?(?:an?|the)?\s*positive {kinds}\b(?! and)",
        rf"{one}{gap}(?:{noun}{gap})?(?:counts? |treated |taken )?as (?:the )?positives?\b(?!\s+\w)",
        rf"\bpositive {kinds}{gap}(?:is|are|=|equals?|means|being)?{gap}(?:the )?(?:{noun}\s*)?=*\s*{one}",
    ]


def _chance_patterns(label: Any, names: Sequence[str]) -> list[str]:
    """Phrases that ask for the probability of a label."""
    one, noun = label_pattern(label), _noun(names)
    exact = rf"(?-i:{one})" if isinstance(label, str) else "(?!)"  # "no" is a word, "No" may be a label
    near = r"[^.!?;]{0,100}?"
    return [
        rf"{_CHANCE}{near}\b{noun}\W{{0,3}}(?:\b(?:is|are|equals?(?: to)?|being|of)\b|=+|:)?\W{{0,3}}{one}",
        rf"{_CHANCE}{near}\(\s*(?:{noun}\W{{0,3}})?(?:=+\s*)?{one}\s*\)",
        rf"{_CHANCE} that [^.!?;]{{2,80}}?(?:\bis\b|\bequals?(?: to)?\b|=+)\s*{one}(?!\s+(?:or|and)\b)",
        rf"{_CHANCE} (?:of|for) (?:an? |the )?{exact}\s*(?:[.;,)]|$)",
        rf"\bp\s*\(\s*(?:\w+\s*=+\s*)?{one}\s*[)|]",
        rf"{_CHANCE} (?:of|for) (?:an? |the )?{one}{f' {noun}' if isinstance(label, str) else 's'}(?!\w)",
    ]


def _metric_patterns(label: Any, names: Sequence[str]) -> list[str]:
    """Phrases that say of which label a metric is: "F1 score of the class Yes", "recall for label 2"."""
    one, noun = label_pattern(label), _noun(names)
    text = rf"|{one}\s+(?:class|label|category|cases?)" if isinstance(label, str) else ""
    about = rf"\b{_METRIC}\b[^.!?;]{{0,60}}?\b(?:of|for|on|over|at)\s+(?:the\s+)?"
    if isinstance(label, str) and len(label) > 2:  # "F1 of the employees who left"
        text += rf"|(?:\w+\s+){{0,3}}?(?:(?:who|that|which|are|is)\s+)*{one}\s*(?:[.;:,)]|$)"
    return [rf"{about}(?:{noun}\W{{0,3}}(?:=+\s*)?{one}{text})"]
