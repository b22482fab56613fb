"""Decides how the numbers of a column of text are written, by its values in all tables, else by other columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.number_words import MULTIPLES, units_of
from medalist.competitions.columns.written_numbers import MIXED, STYLES, NumberForm, Parts, Style, take_apart

_MOST_LIMITS = 0.5  # share of limits such as "<1.0", above which they are classes rather than numbers
_WORD_SHARE = 0.1  # largest share of rows with one further word, which is then read as missing
_IP = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


@dataclass(frozen=True)
class NumberDecision:
    """The form of a column and what to say of it.

    `said`: how it is written, in words. `example`: a text and its number. `doubt`: the other reading, "" where there is
    none. `decimals`: the decimal sign that the values prove, "" where they prove none. `percent`: there
    are percent signs.
    """

    form: NumberForm
    said: str
    example: str
    doubt: str = ""
    decimals: str = ""
    percent: bool = False


def proven_decimal(tables: Sequence[pd.Series]) -> str:
    """The decimal sign that the numbers in columns of text prove, "" where they prove none."""
    bodies = take_apart(_distinct(tables)).table["body"]
    return _sign_of([s for s in STYLES if len(bodies) and s.fits(bodies).all()], bodies)


def decide_numbers(tables: Sequence[pd.Series], context: Callable[[], str], *, target: bool) -> NumberDecision | None:
    """How the texts of one column, in each table, are written as numbers, or None where they are none.

    `context`: returns the decimal sign of the other columns or of the description, "" where nothing shows it; it is
    asked only where the values have two readings. `target`: no word but the usual ones stands for a missing value.
    """
    texts = _distinct(tables)
    parts = take_apart(texts)
    table = parts.table
    rows = pd.concat([series.dropna() for series in tables], ignore_index=True).astype(object)
    if len(table) < 2 or not _are_numbers(parts, rows, target) or _are_codes(table):
        return None
    affix = _affix(table, rows, texts)
    if affix is None:
        return None
    styles, doubt, decimals = _styles(
        table["body"], [take_apart(_distinct([t])).table["body"] for t in tables], context, table["exp"].ne("")
    )
    if not styles:
        return None
    units = tuple((units_of(set(table["mark"])) or {}).items()) if affix == "units" else ()
    form = NumberForm(styles, affix == "multiples", affix == "percent and fractions", 1.0, parts.others, units)
    signs = " or ".join(dict.fromkeys(style.describe() for style in styles if style.describe()))
    said = [signs, *_said(table, affix, parts)]
    said = [phrase for phrase in said if phrase]
    if texts[table.index][table["negative"]].str.contains(r"[-)]\s*$").any():
        said.append("brackets or a sign behind a number mean minus")
    plainly = pd.to_numeric(texts, errors="coerce").notna().all()
    if not said and not plainly:
        said.append("with signs that plain numbers lack")
    if not said and not doubt and plainly:
        return None
    return NumberDecision(
        form, ", ".join(said), _example(form, texts, table), doubt, decimals, affix.startswith("percent")
    )


def _distinct(tables: Sequence[pd.Series]) -> pd.Series:
    """The distinct texts of a column over the tables."""
    distinct = pd.unique(pd.concat([series.dropna() for series in tables], ignore_index=True).astype(object))
    return pd.Series(distinct, dtype=object).astype(str).drop_duplicates().reset_index(drop=True)


def _are_numbers(parts: Parts, rows: pd.Series, target: bool) -> bool:
    """Whether all texts are numbers or stand for missing values; one further word may do so in an input."""
    if not parts.others:
        return True
    if len(parts.others) > 1 or target or not parts.others[0].replace(" ", "").isalpha():
        return False
    return float((rows.astype(str) == parts.others[0]).mean()) <= _WORD_SHARE and len(parts.table) >= 10


def _are_codes(table: pd.DataFrame) -> bool:
    """Whether the numbers are codes: with leading zeros, IP addresses, telephone numbers, lists of three digits."""
    body = table["body"]
    if body.str.match(r"0[0-9]").any():
        return True
    if body.str.fullmatch(_IP).all():
        return True
    groups = body.str.count(r"[ ',.][0-9]{3}(?![0-9])")
    digits = body.str.count(r"[0-9]")
    blanks = body.str.contains(" ", regex=False)
    if blanks.all() and digits.min() >= 7 and digits.nunique() == 1:
        return True
    first = body.str.match(r"[0-9]{3}(?:\D|$)")
    return bool(len(body) >= 3 and groups.max() >= 2 and first.all() and groups.nunique() > 1)


def _affix(table: pd.DataFrame, rows: pd.Series, texts: pd.Series) -> str | None:
    """What stands beside the numbers: "", "percent", "percent and fractions", "multiples", "units" (several of one
    quantity) or a unit; None where it differs in a way that is not understood."""
    if table["limit"].any():
        limited = set(texts[table.index][table["limit"]])
        if float(rows.astype(str).isin(limited).mean()) > _MOST_LIMITS:
            return None
    currencies = set(table["currency"]) - {""}
    marks = set(table["mark"])
    named = marks - {""}
    if len(currencies) > 1:
        return None
    if not named:
        return ""
    if named == {"%"}:
        return "percent" if "" not in marks or not _fractions(table) else "percent and fractions"
    if named <= set(MULTIPLES) and (len(named) > 1 or "" in marks or currencies):
        return "multiples"
    if not all(re.search(r"[^\W\d_]|[°′″‰]", mark) for mark in named):
        return None
    if len(named) > 1 and "" not in marks and units_of(named):
        return "units"
    singular = {re.sub(r"(?<=[a-z]{3})s$", "", mark.rstrip(".")) for mark in named}
    if len(singular) != 1 or ("" in marks and table["mark"].ne("").mean() < 0.5):
        return None
    return max(named, key=len)


def _fractions(table: pd.DataFrame) -> bool:
    """Whether the numbers without a percent sign, beside others with one, are fractions of 1."""
    bare = pd.to_numeric(table["body"][table["mark"].eq("")].str.replace(",", "."), errors="coerce")
    return bool((bare.abs() <= 1).all() and (bare % 1 != 0).any())


def _styles(
    bodies: pd.Series, by_table: Sequence[pd.Series], context: Callable[[], str], powers: pd.Series
) -> tuple[tuple[Style, ...], str, str]:
    """(styles, doubt, proven decimal sign): one style for all tables where one fits, else one for each table.

    () where none fits. `powers` (u,): which of the bodies have a power of ten behind them, and so no thousands.
    """
    fitting = [style for style in STYLES if style.fits(bodies).all() and not _groups(style, bodies[powers])]
    if fitting:
        style, doubt = _choose(fitting, bodies, context)
        return (style,), doubt, _sign_of(fitting, bodies)
    chosen: list[Style] = []
    for own in by_table:
        fitting = [style for style in STYLES if len(own) and style.fits(own).all()]
        if fitting:
            chosen.append(_choose(fitting, own, context)[0])
        elif len(own):
            chosen = []
            break
    if chosen:
        return tuple(dict.fromkeys(chosen)), "", ""
    return ((MIXED,), "", "") if MIXED.fits(bodies).all() else ((), "", "")


def _groups(style: Style, bodies: pd.Series) -> bool:
    """Whether any of the numbers has the style's sign between thousands."""
    return bool(style.group) and bool(bodies.str.contains(style.group, regex=False).any())


def _choose(fitting: Sequence[Style], bodies: pd.Series, context: Callable[[], str]) -> tuple[Style, str]:
    """The style that is meant of those that fit, and the other reading where nothing decides between them."""
    readings = _readings(fitting, bodies)
    if len(readings) == 1:
        return fitting[0], ""
    grouped = next(style for style in fitting if style.group and style in readings)
    decimal = next(style for style in fitting if style.decimal == grouped.group)
    sign = context()
    if sign:
        return (grouped if sign != grouped.group else decimal), ""
    marked = bodies.str.contains(grouped.group, regex=False)
    whole = bodies[~marked].astype(str)
    if (whole.str.len() > 3).any():  # 1485 beside 1.485: thousands are not grouped
        return decimal, ""
    hundreds = float((whole.str.len() == 3).sum()) / len(bodies)
    if hundreds > 0.05 and len(bodies) >= 20:  # 873 beside 1.485: one in a thousand decimals is whole
        return grouped, ""
    chosen = grouped if grouped.group == "," else decimal
    other = decimal if chosen is grouped else grouped
    some = bodies[marked].iloc[0]
    number = float(other.plain(pd.Series([some])).iloc[0])
    return chosen, f"{some} could be {number:g} as well"


def _readings(fitting: Sequence[Style], bodies: pd.Series) -> list[Style]:
    """One style for each different set of numbers that the styles give."""
    found: list[tuple[Style, np.ndarray]] = []
    for style in fitting:
        numbers = pd.to_numeric(style.plain(bodies).astype(object)).to_numpy(dtype=float)
        if not any(np.array_equal(numbers, other) for _, other in found):
            found.append((style, numbers))
    return [style for style, _ in found]


def _sign_of(fitting: Sequence[Style], bodies: pd.Series) -> str:
    """The decimal sign that all fitting styles give to numbers with decimals, "" without such."""
    signs = {style.decimal for style in fitting}
    if len(signs) != 1:
        return ""
    sign = signs.pop()
    shown = bodies.str.contains(sign, regex=False).any()
    grouped = any(style.group and bodies.str.contains(style.group, regex=False).any() for style in fitting)
    return sign if shown or grouped else ""


def _said(table: pd.DataFrame, affix: str, parts: Parts) -> list[str]:
    """Phrases on currencies, units, limits and missing values."""
    said = []
    currencies = [name for name in table["currency"].unique() if name]
    if currencies:
        said.append(f"the currency {currencies[0]} beside them")
    if affix == "percent":
        said.append("in percent")
    elif affix == "percent and fractions":
        said.append("in percent, fractions of 1 times 100")
    elif affix == "multiples":
        marks = sorted(mark for mark in table["mark"].unique() if mark)
        said.append(f"{' and '.join(marks)} for {' and '.join(f'{MULTIPLES[m]:,.0f}' for m in marks)}")
    elif affix == "units":
        first = next(iter(units_of(set(table["mark"])) or {}))
        said.append(f"in {first} ({', '.join(sorted(set(table['mark'])))} are converted)")
    elif affix:
        said.append(f"in {affix}")
    if table["limit"].any():
        said.append("limits such as < read as their number")
    absent = (*parts.missing, *parts.others)
    if absent:
        said.append(f"{', '.join(map(repr, absent[:3]))} read as missing")
    return said


def _example(form: NumberForm, texts: pd.Series, table: pd.DataFrame) -> str:
    """The most telling text, the one with the most signs, and its number: "1.485,4 is 1485.4"."""
    shown = texts[table.index]
    text = str(shown.iloc[int(shown.str.count(r"[^\w\s]|[A-Za-z€$£%]").to_numpy().argmax())])
    number = form.read(pd.Series([text], dtype=object)).iloc[0]
    return f"{text.strip()} is {number:.10g}"
