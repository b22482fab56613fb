"""Strings: pieces and measures of short texts such as codes, names and addresses. Each distinct text is read once.

Three ways to cut a text, all counted from 0, or from the end with -1, -2, …:

    part    runs of letters and digits, whatever stands between        "B/45-S 7" → B, 45, S, 7
    field   what stands between  , ; : / | _ -  without blanks around  "B/45-S 7" → B, 45, S 7
    word    words of a field between  , ; :  alone, marks around them dropped   "Smith, Mr. J.-P." → Smith; Mr, J.-P
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.language.operator import Operator, Words
from medalist.pipelines.features.language.words import literal_int, nth, operand
from medalist.pipelines.features.lazy import np, pd

LONGEST_PATTERN = 24  # characters to which patterns are cut
_RUN = re.compile(r"[^\W_]+")
_FIELDS = re.compile(r"[,;:/|_-]")
_CLAUSES = re.compile(r"[,;:]")
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_FIRST = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?")
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")


def distinct(frame: Frame, node: Node) -> tuple[np.ndarray, Sequence[str]]:
    """(n,) the position of each row's text among the distinct texts, -1 where missing; and the distinct texts."""
    return frame.cached(("distinct texts", node), lambda: pd.factorize(frame.text(node)))


def labels(frame: Frame, node: Node) -> np.ndarray | None:
    """(n,) objects: the text of a column, or of a category made from text, None where missing. None instead of an array
    for numbers."""
    if isinstance(node, Column):
        return None if pd.api.types.is_numeric_dtype(frame.column(node.name).dtype) else frame.text(node)
    if not isinstance(node, Feature) or node.op not in _CATEGORIES:
        return None
    codes, results = _mapped(frame, node, _CATEGORIES[node.op])
    return results[codes]


def _mapped(frame: Frame, feature: Feature, of: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) positions of the rows in (d + 1,) objects: the results of `of` for each distinct text, and None for
    missing."""
    codes, texts = distinct(frame, feature.args[0])
    wholes = [int(a) for a in feature.args[1:]]  # type: ignore[arg-type]
    results = np.empty(len(texts) + 1, dtype=object)
    results[:-1] = [of(text, *wholes) for text in texts]
    results[-1] = None
    return codes, results


def _as_number(of: Callable[..., float | None]) -> Callable[..., np.ndarray]:
    def compute(frame: Frame, feature: Feature) -> np.ndarray:
        codes, results = _mapped(frame, feature, of)
        return results.astype(np.float64)[codes]

    compute.__doc__ = of.__doc__
    return compute


def _as_category(of: Callable[..., str | None]) -> Callable[..., np.ndarray]:
    def compute(frame: Frame, feature: Feature) -> np.ndarray:
        codes, results = _mapped(frame, feature, of)
        places = pd.factorize(results, sort=True)[0]
        return np.where(places < 0, np.nan, places)[codes]

    compute.__doc__ = of.__doc__
    return compute


def _at(pieces: Sequence[str], index: int) -> str | None:
    return (pieces[index] or None) if -len(pieces) <= index < len(pieces) else None


def _read(piece: str | None) -> float | None:
    return float(piece) if piece is not None and _NUMBER.fullmatch(piece) else None


def _length(text: str) -> float:
    """How many characters the text has."""
    return len(text)


def _words(text: str) -> float:
    """How many words the text has, between blanks."""
    return len(text.split())


def _parts(text: str) -> float:
    """How many runs of letters and digits the text has."""
    return len(_RUN.findall(text))


def _part(text: str, index: int) -> str | None:
    """The category of the text's run of letters and digits of that index; -1 is the last."""
    return _at(_RUN.findall(text), index)


def _part_number(text: str, index: int) -> float | None:
    """The number that the text's run of letters and digits of that index is; missing where it has letters."""
    return _read(_part(text, index))


def _field(text: str, index: int) -> str | None:
    """The category of the text's piece of that index between any of , ; : / | _ - with blanks around it dropped."""
    return _at([piece.strip() for piece in _FIELDS.split(text)], index)


def _field_number(text: str, index: int) -> float | None:
    """The number that the text's piece of that index between any of , ; : / | _ - is."""
    return _read(_field(text, index))


def _field_word(text: str, index: int, word: int) -> str | None:
    """The category of a word (second index) of the text's piece (first index) between any of , ; : alone."""
    piece = _at(_CLAUSES.split(text), index)
    if piece is None:
        return None
    words = (_AROUND.sub("", w) for w in piece.split())
    return _at([w for w in words if w], word)


def _prefix(text: str, count: int) -> str | None:
    """The category of the given count of characters that the text begins with."""
    return text[: _at_least_one(count)] or None


def _suffix(text: str, count: int) -> str | None:
    """The category of the given count of characters that the text ends with."""
    return text[-_at_least_one(count) :] or None


def _character(text: str, index: int) -> str | None:
    """The category of the text's character of that index; -1 is the last."""
    return _at(text, index)


def _at_least_one(count: int) -> int:
    if count < 1:
        raise PipelineError(f"A prefix or suffix has 1 character or more, not {count}.")
    return count


def _first_number(text: str) -> float | None:
    """The first number within the text, without a sign; 1,234.5 is one number."""
    match = _FIRST.search(text)
    return float(match[0].replace(",", "")) if match else None


def _letters(text: str) -> str | None:
    """The category of the text's letters, all else dropped."""
    return "".join(_LETTERS.findall(text)) or None


def _pattern(text: str) -> str | None:
    """The category of the text's shape: runs of letters as A, of digits as 9, marks as they are ("B/45/S" is A/9/A)."""
    return _DIGITS.sub("9", _LETTERS.sub("A", text))[:LONGEST_PATTERN] or None


def _edge_words(which: str) -> Callable[[Feature], str]:
    def words(feature: Feature) -> str:
        count = literal_int(feature.args[1])
        return f"{which} {'character' if count == 1 else f'{count} characters'} of {operand(feature.args[0])}"

    return words


def _piece_words(template: str) -> Callable[[Feature], str]:
    """Words for a piece of a text: a template over the ordinals of its indices."""

    def words(feature: Feature) -> str:
        return template.format(*map(nth, feature.args[1:])) + f" of {operand(feature.args[0])}"

    return words


def _number(
    of: Callable[..., float | None], words: Words, example: str, indices: int = 0, proposed: bool = False
) -> Operator:
    takes = ("text", *["whole"] * indices)
    return Operator("stateless", takes, "number", _as_number(of), words, example, proposed=proposed)


_CATEGORIES: dict[str, Callable[..., str | None]] = {}


def _category(
    name: str, of: Callable[..., str | None], words: Words, example: str, indices: int = 0
) -> dict[str, Operator]:
    """The operator of a function from a text to a category, under its name, by which `labels` finds the function."""
    _CATEGORIES[name] = of
    takes = ("text", *["whole"] * indices)
    return {name: Operator("transductive", takes, "category", _as_category(of), words, example, numbered=True)}


OPERATORS = {
    "length": _number(_length, "length of {0}", "length(note)", proposed=True),
    "words": _number(_words, "number of words in {0}", "words(note)", proposed=True),
    "parts": _number(_parts, "number of parts of {0}", "parts(cabin)", proposed=True),
    "part_number": _number(_part_number, _piece_words("number in the {0} part"), "part_number(cabin, 1)", 1),
    "field_number": _number(_field_number, _piece_words("number in the {0} field"), "field_number(cabin, 1)", 1),
    "first_number": _number(_first_number, "first number in {0}", "first_number(cabin)"),
    **_category("part", _part, _piece_words("{0} part"), "part(cabin, 0)", 1),
    **_category("field", _field, _piece_words("{0} field"), "field(cabin, 0)", 1),
    **_category("field_word", _field_word, _piece_words("{1} word in the {0} field"), "field_word(cabin, 0, 0)", 2),
    **_category("prefix", _prefix, _edge_words("first"), "prefix(cabin, 3)", 1),
    **_category("suffix", _suffix, _edge_words("last"), "suffix(cabin, 1)", 1),
    **_category("character", _character, _piece_words("{0} character"), "character(cabin, 1)", 1),
    **_category("letters", _letters, "letters of {0}", "letters(cabin)"),
    **_category("pattern", _pattern, "pattern of letters, digits and marks in {0}", "pattern(cabin)"),
}
