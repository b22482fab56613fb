"""Numbers as people write them: the signs between thousands and before decimals, and what stands beside them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.number_words import MULTIPLES, currency, is_missing, without_currency
from medalist.competitions.tables.precision import LARGEST_EXACT

_BLANKS = dict.fromkeys(map(ord, "\u00a0\u2007\u2008\u2009\u200a\u202f\u2002\u2003\u3000\t"), " ")
_TO_PLAIN = {**_BLANKS, **dict.fromkeys(map(ord, "’‘´`ʼ"), "'"), **dict.fromkeys(map(ord, "−–‒﹣－"), "-")}
_HALVES = {"½": ".5", "¼": ".25", "¾": ".75"}
_VALUE = re.compile(
    r"^(?P<limit>[<>≤≥]=?)?\s*(?P<about>[~≈]|(?i:approx(?:\.|imately)?|ca\.?|circa|about|around|etwa|env\.)"
    r"(?=[\s0-9$€£]))?\s*(?P<open>\()?\s*(?P<sign>[-+])?\s*"
    r"(?P<pre>[^0-9\s().,'<>+\-]{1,7}\.?)?\s*(?P<inner>\()?\s*(?P<after>[-+])?\s*"
    r"(?P<body>[0-9](?:[0-9.,' ]*[0-9])?[.,]?|[.,][0-9]+)(?P<exp>[eE][-+]?[0-9]+)?"
    r"\s*(?P<post>[^0-9\s().,'\-][^0-9()\-]*?[23]?)?\s*(?P<minus>-)?\s*(?P<close>\))?$"
)
_COLUMNS = {"body": object, "exp": object, "negative": bool, "limit": bool, "mark": object, "currency": object}


@dataclass(frozen=True)
class Style:
    """The signs before decimals (`decimal`: "." or ",") and between thousands (`group`: "" for none)."""

    decimal: str
    group: str

    def fits(self, bodies: pd.Series) -> np.ndarray:
        """Whether each number, without its sign and unit, can be written so: (n,) bool."""
        d, g = re.escape(self.decimal), re.escape(self.group)
        whole = rf"[1-9][0-9]{{0,2}}(?:{g}[0-9]{{3}})+|[0-9]+" if self.group else r"[0-9]+"
        if self.group == ",":  # 12,34,567 in India
            whole = rf"[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}|{whole}"
        return bodies.str.fullmatch(rf"(?:{whole})(?:{d}[0-9]*)?|{d}[0-9]+").to_numpy(dtype=bool)

    def plain(self, bodies: pd.Series) -> pd.Series:
        """The numbers without signs between thousands and with a decimal point."""
        bodies = bodies.str.replace(self.group, "", regex=False) if self.group else bodies
        return bodies.str.replace(self.decimal, ".", regex=False) if self.decimal != "." else bodies

    def describe(self) -> str:
        """The style in words, "" for plain numbers."""
        parts = ["a decimal comma"] if self.decimal == "," else []
        signs = {",": "commas", ".": "points", " ": "blanks", "'": "apostrophes"}
        return " and ".join(parts + ([f"{signs[self.group]} between thousands"] if self.group else []))


class MixedStyle(Style):
    """The style of a column in which each number shows its own: the last of two different signs is the decimal one."""

    def fits(self, bodies: pd.Series) -> np.ndarray:
        plain = self._each(bodies)
        return plain.notna().to_numpy(dtype=bool)

    def plain(self, bodies: pd.Series) -> pd.Series:
        return self._each(bodies)

    def describe(self) -> str:
        return "decimal points in some rows and decimal commas in others"

    @staticmethod
    def _each(bodies: pd.Series) -> pd.Series:
        """The numbers with a decimal point; missing where a number has no reading, or two that differ."""
        whole = pd.Series(None, index=bodies.index, dtype=object)
        differ = np.zeros(len(bodies), dtype=bool)
        for style in STYLES:
            fits = style.fits(bodies)
            read = style.plain(bodies).astype(object)
            values = pd.to_numeric(read.where(fits), errors="coerce").to_numpy(dtype=float)
            before = pd.to_numeric(whole, errors="coerce").to_numpy(dtype=float)
            differ |= fits & whole.notna().to_numpy() & (values != before)
            whole = whole.where(whole.notna() | ~fits, read)
        return whole.mask(differ)


STYLES = tuple(Style(d, g) for g in ("", ",", ".", " ", "'") for d in (".", ",") if d != g)
MIXED = MixedStyle("", "")


@dataclass(frozen=True)
class Parts:
    """Distinct texts of a column taken apart.

    `table`: a row for each text that is a number, indexed by its place, with the columns body (digits and the signs
    between them), exp, negative, limit, mark (what stands beside it, without a currency) and currency. `missing`,
    `others`: the texts that stand for no value, and those that are neither.
    """

    table: pd.DataFrame
    missing: tuple[str, ...]
    others: tuple[str, ...]


def may_be_number(text: str) -> bool:
    """Whether a text has the shape of a number with or without signs, a currency or a unit."""
    found = _VALUE.match(_plain(text))
    return found is not None and (not found["pre"] or bool(currency(found["pre"])))


def _plain(text: str) -> str:
    """A text with plain blanks, apostrophes, minus signs and digits, and with .5 for ½."""
    if text.isascii():
        return text.replace("\t", " ").replace("`", "'").strip()
    text = text.translate(_TO_PLAIN).strip()
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else _HALVES.get(c, c) for c in text)
    return text


def take_apart(texts: pd.Series) -> Parts:
    """The texts, (u,) of str, as numbers and what stands beside them."""
    found: list[tuple[str, str, bool, bool, str, str]] = []
    places: list[int] = []
    missing: list[str] = []
    others: list[str] = []
    for place, text in enumerate(texts.astype(str)):
        plain = _plain(text)
        match = _VALUE.match(plain)
        parts = _parts(match) if match is not None else None
        if parts is not None:
            found.append(parts)
            places.append(place)
        else:
            (missing if is_missing(plain) else others).append(text)
    table = pd.DataFrame(found, columns=list(_COLUMNS), index=texts.index[places])
    return Parts(table.astype(_COLUMNS), tuple(missing), tuple(others))


def _parts(match: re.Match[str]) -> tuple[str, str, bool, bool, str, str] | None:
    """A row of `Parts.table`, or None where brackets do not match or another word than a currency stands in front."""
    opened = (match["open"] is not None) + (match["inner"] is not None)
    before = currency(match["pre"]) if match["pre"] else ""
    if opened != (match["close"] is not None) or (match["pre"] and not before):
        return None
    mark, behind = without_currency(match["post"] or "")
    minus = "" if match["body"][-1] in ".," else match["minus"]  # 12,- is 12 without cents
    negative = (match["sign"], match["after"], minus).count("-") == 1 or opened == 1
    return match["body"], match["exp"] or "", negative, match["limit"] is not None, mark, behind or before


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    `styles`: a table is read by the first that fits all of its numbers. `multiples`: letters after a number multiply
    it, as do `units` by their factors. `fractions`: numbers without a percent sign are fractions, given in percent.
    `scale`: all are multiplied by it. `words`: texts that are read as missing though they are no usual word for it.
    """

    styles: tuple[Style, ...]
    multiples: bool = False
    fractions: bool = False
    scale: float = 1.0
    words: tuple[str, ...] = ()
    units: tuple[tuple[str, float], ...] = ()

    def read(self, values: pd.Series) -> pd.Series:
        """The column as numbers, NaN where a text is none; whole numbers without gaps are int64."""
        if pd.api.types.is_numeric_dtype(values.dtype):
            return values
        codes, uniques = pd.factorize(values)
        parts = take_apart(pd.Series(np.asarray(uniques, dtype=object), dtype=object))
        read = np.full(len(uniques) + 1, np.nan)
        table = parts.table
        style = next((s for s in self.styles if s.fits(table["body"]).all()), None)
        if style is None:  # rows of another table: what the first style reads
            style = self.styles[0]
            table = table[style.fits(table["body"])]
        plain = style.plain(table["body"])
        read[table.index] = self._numbers(table, plain)
        numbers = read[codes]
        decimals = plain.str.contains(".", regex=False).any() or table["exp"].ne("").any()
        whole = not decimals and len(numbers) > 0 and bool(np.isfinite(numbers).all() and (numbers % 1 == 0).all())
        if whole and np.abs(numbers).max() < LARGEST_EXACT:
            return pd.Series(numbers.astype(np.int64), index=values.index, name=values.name)
        return pd.Series(numbers, index=values.index, name=values.name)

    def decimal_of(self, values: pd.Series) -> str:
        """The decimal sign in which a column of text is written."""
        bodies = take_apart(pd.Series(pd.unique(values.dropna().astype(object)), dtype=object)).table["body"]
        return next((style for style in self.styles if style.fits(bodies).all()), self.styles[0]).decimal

    def _numbers(self, table: pd.DataFrame, plain: pd.Series) -> np.ndarray:
        numbers = pd.to_numeric((plain + table["exp"]).astype(object), errors="coerce").to_numpy(dtype=float)
        numbers = np.where(table["negative"], -numbers, numbers)
        if self.multiples:
            numbers = numbers * table["mark"].map(lambda mark: MULTIPLES.get(mark, 1.0)).to_numpy(dtype=float)
        if self.units:
            factors = dict(self.units)
            numbers = numbers * table["mark"].map(lambda mark: factors.get(mark, np.nan)).to_numpy(dtype=float)
        if self.fractions:
            numbers = np.where(table["mark"].eq(""), numbers * 100, numbers)
        return numbers if self.scale == 1.0 else numbers * self.scale
