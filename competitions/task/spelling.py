"""Labels that differ in blanks or letter case alone: one label, in one spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.tables.dtypes import is_text

_NO_MEANING = {
    "and",
    "or",
    "the",
    "class",
    "label",
    "is",
    "are",
    "in",
    "not",
    "only",
    "that",
    "if",
    "when",
    "cases",
    "rows",
}
_LETTERS = 6  # letters that occur both small and as capitals, from which on they are taken for different labels
LONGEST_TEXT = 200_000  # characters of a description that are read
_MANY = 2000  # most distinct values of a column that are compared as labels
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")  # soft hyphen, zero-width characters, byte order mark


def spelling_key(label: Any) -> str:
    """The text of a label without what typing alone changes: letter case, blanks at its ends or repeated, no-break and
    zero-width characters, full-width letters, and the ".0" of a whole number."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", str(label)))
    text = " ".join(text.split()).casefold()
    return text[: text.index(".")] if re.fullmatch(r"[+-]?\d+\.0+", text) else text


def one_spelling(
    values: pd.Series, shown: Iterable[Any] = (), description: str = "", kept: Sequence[Any] = ()
) -> tuple[pd.Series, str]:
    """(the labels of a column of text, those that differ in spelling alone as one; a note, "" where nothing changed).

    A label gets the spelling that is `shown` by the sample submission, else its most frequent one in the letter case
    of the labels that are shown, if there is one. Nothing changes
    where two spellings of one label are shown, are in the list of classes `kept`, or are both quoted or explained in
    the description, where nothing but spelling tells labels apart, or where they are letters, capital and small: there
    they are different labels.
    """
    if not is_text(values):
        return values, ""
    codes, uniques = pd.factorize(values)
    if not 2 <= len(uniques) <= _MANY:
        return values, ""
    texts = [str(label) for label in uniques]
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        groups.setdefault(spelling_key(text), []).append(place)
    given = list(dict.fromkeys(str(label) for label in (*kept, *shown) if isinstance(label, str)))
    by_key: dict[str, list[str]] = {}
    for text in given:
        if spelling_key(text) in groups:
            by_key.setdefault(spelling_key(text), []).append(text)
    several = {key: places for key, places in groups.items() if len(places) > 1}
    if any(len(spellings) > 1 for spellings in by_key.values()) or _quoted_apart(several, texts, description):
        return values, ""
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    if len(groups) < 2 or _letters(groups, texts, counts):
        return values, ""
    spelled = list(texts)
    cases = {_case(spellings[0]) for spellings in by_key.values()}
    for key, places in groups.items():
        alike = [place for place in places if _case(texts[place]) in cases and _tidy(texts[place])]
        frequent = min(
            alike if len(cases) == 1 and alike else places,
            key=lambda place: (-counts[place], not _tidy(texts[place]), texts[place]),
        )
        chosen = by_key.get(key, [texts[frequent]])[0]
        for place in places:
            spelled[place] = chosen
    if spelled == texts:
        return values, ""
    table = np.array([*spelled, None], dtype=object)
    table[-1] = np.nan
    changed = pd.Series(table[codes], index=values.index, name=values.name)
    return changed, _note(str(values.name), groups, texts, spelled, counts)


def _case(text: str) -> str:
    """ "lower", "upper" or "title", of the letters of a text; "" for a mixture."""
    return next((case for case in ("lower", "upper", "title") if getattr(text, f"is{case}")()), "")


def _tidy(text: str) -> bool:
    """Whether a text has single blanks between words alone, and no characters that are seldom typed."""
    return " ".join(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).split()) == text


def spell_labels(
    train: pd.DataFrame,
    names: Sequence[str],
    sample: pd.DataFrame | None,
    inputs: Sequence[str],
    description: str,
    kept: Sequence[Any],
) -> tuple[pd.DataFrame, dict[str, str]]:
    """(train with one spelling for each label in the columns `names`; the note on each column that changed).

    `inputs`: the columns of test, whose values in the sample are no labels. See `one_spelling` for the rest.
    """
    shown: list[Any] = []
    if sample is not None:
        keys = [spelling_key(name) for name in sample.columns]
        shown += [name for name, key in zip(sample.columns, keys, strict=True) if keys.count(key) > 1]
        answers = [sample[name] for name in sample.columns if name not in inputs and is_text(sample[name])]
        shown += [label for column in answers for label in column.dropna().unique()[:_MANY]]
    changed, notes = {}, {}
    for name in names:
        values, note = one_spelling(train[name], shown, description, kept)
        if note:
            changed[name], notes[name] = values, note
    return (train.assign(**changed) if changed else train), notes


def _quoted_apart(several: dict[str, list[int]], texts: list[str], description: str) -> bool:
    """Whether a description quotes two spellings of one label, as in `a` and `A`, or says that case matters."""
    if not several or not description:
        return False
    if re.search(r"\bcase[- ]sensitive\b", description, re.IGNORECASE):
        return True
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n\s*\n", description[:LONGEST_TEXT])
    for group in _texts_of(several, texts):
        for sentence in sentences:
            if len({meaning for text in group if (meaning := _meaning(text, sentence))}) > 1:
                return True
    quoted = set(re.findall(r"[`\"'“‘]([^`\"'“”‘’\n]{1,80})[`\"'”’]", description))
    return any(sum(texts[place] in quoted for place in places) > 1 for places in several.values())


def _texts_of(groups: dict[str, list[int]], texts: list[str]) -> list[list[str]]:
    """The spellings of each label."""
    return [[texts[place] for place in places] for places in groups.values()]


def _meaning(label: str, sentence: str) -> str:
    """The first word of what a sentence says that this very spelling means, as in "CO is carbon monoxide, Co cobalt"
    or "m (metres)"; "" for nothing."""
    one = rf"(?<![\w.]){re.escape(label)}(?!\w)[\"'`”’*]*"
    links = r"\s*(?:[=:(–—]|->|→)\s*|\s+(?:is|are|means|stands for|for|denotes|was|were)\s+"
    apart = r"(?:(?<=[,;:(]\s)|(?<=\band\s)|(?<=\bor\s))"
    found = re.search(rf"{one}(?:{links})(?:an?\s+|the\s+)?(?P<m>[^\W\d_]{{2,}})", sentence)
    found = found or re.search(rf"{apart}{one}\s+(?P<m>[^\W\d_]{{3,}})", sentence)
    word = found["m"].lower() if found else ""
    return "" if word in _NO_MEANING else word


def _letters(groups: dict[str, list[int]], texts: list[str], counts: np.ndarray) -> bool:
    """Whether the labels are single letters, many of them as frequent in small as in capital, as of handwriting."""
    if len(groups) < _LETTERS or max(map(len, texts)) > 1:
        return False
    both = [sorted(counts[places]) for places in groups.values() if len(places) == 2]
    return sum(less > 0.3 * more for less, more in both) >= _LETTERS


def _note(column: str, groups: dict[str, list[int]], texts: list[str], spelled: list[str], counts: np.ndarray) -> str:
    """The sentence on labels of which several spellings were taken as one, with the number of rows of each."""
    changed = [places for places in groups.values() if any(texts[place] != spelled[place] for place in places)]
    shown = []
    for places in changed[:3]:
        order = sorted(places, key=lambda place: -counts[place])
        rows = ", ".join(f"{texts[place]!r} {counts[place]:,}" for place in order[:5])
        shown.append(f"{spelled[places[0]]!r} ({rows}{', …' if len(order) > 5 else ''})")
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return (
        f"Labels of {column} that differ in blanks or letter case alone are one label: {', '.join(shown)}{more}; to "
        f"keep them apart, list each spelling under classes: in task.yaml."
    )
