"""Candidates made of one column, of a family of similar columns, and of times."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from medalist.pipelines.features.language.expression import Column, Feature, Node, feature
from medalist.pipelines.features.language.operator import OPERATORS, proposed
from medalist.pipelines.features.lazy import np
from medalist.pipelines.features.operators.holidays import country_code
from medalist.pipelines.features.search.column_families import families
from medalist.pipelines.features.search.columns import FEW_LEVELS, MIN_ROWS_PER_LEVEL, Columns

MODULI = (2, 3, 4, 5, 7, 10, 12, 24, 60, 100)  # divisors of whole numbers whose remainders are tried
MAX_SPLIT_COLUMNS = 100  # most important columns whose digits or parts are tried
LONG_TEXT = 400  # mean characters of a text, above which its parts are not tried
MAX_FAMILY = 12  # columns of a family, up to which operators with several output columns are tried
WINDOWS = (7.0, 28.0, 91.0)  # days over which past targets are averaged
WINDOW_HORIZONS = (1.0, 3.0, 10.0)  # the same for a numeric time, as multiples of the horizon
MOST_COUNTRIES, COUNTRY_SHARE = 300, 0.8  # values of a column of countries, at most; share that must be known
SEASONS = ("weekday", "month", "week", "hour")  # parts of a date by which keys may have seasons of their own
MOST_SEASONED = 6  # keys whose own seasons are tried, and as many pairs of them
YEAR = 364.0  # days of 52 weeks


def single(columns: Columns) -> Iterator[Feature]:
    """Candidates of one column each, and indicators of missing values."""
    for name in columns.keys:
        yield feature("count", name)
        if columns.distinct[name] > 2:
            yield feature("target_mean", name)
    for name in columns.texts[:MAX_SPLIT_COLUMNS]:
        yield from _strings(columns, name)
    for place, name in enumerate(columns.numbers):
        if place < MAX_SPLIT_COLUMNS:
            yield from _digits(columns, name)
        if columns.distinct[name] > 0.5 * columns.frame.n:
            yield feature("count", name)
    everything = [n for n in columns.schema.columns if n in columns.distinct]
    for name in everything:
        yield feature("missing", name)
    if len(everything) > 2:
        yield feature("row_missing", *everything)
    for takes, names in (("number", columns.numbers), ("key", columns.keys)):
        for op, name in product(proposed((takes,)), names):
            yield feature(op, name)


def _digits(columns: Columns, name: str) -> Iterator[Feature]:
    """Remainders and digits of whole numbers, digits and roundings of others."""
    profile = columns.profiles[name]
    if profile.whole:
        span = profile.high - profile.low
        for modulus in MODULI:
            if span >= 2 * modulus:
                yield feature("mod", name, modulus)
        if span >= 100:
            yield feature("digit", name, -1)
            yield feature("digit", name, -2)
        return
    for place in (1, 2, 3, 4):
        yield feature("digit", name, place)
    yield feature("decimals", name)
    yield feature("fraction", name)
    yield feature("target_mean", feature("round", name, 0))
    yield feature("target_mean", feature("round", name, 1))


def _strings(columns: Columns, name: str) -> Iterator[Feature]:
    """Counts, parts and patterns of a column of text (of long texts only counts), and TF-IDF features of type
    "text"."""
    long = columns.schema.columns[name] == "text"
    for op in proposed(("text",)):
        yield feature(op, name)
    if columns.distinct[name] > 10 and not (long and columns.length_of(name) > LONG_TEXT):
        parts = [feature("part", name, i) for i in (0, 1, 2, 3, -1)]
        parts += [feature("field", name, i) for i in (0, 1, 2, -1)]
        parts += [feature("field_word", name, i, j) for i in (0, 1) for j in (0, 1)]
        parts += [feature(op, name, k) for op in ("prefix", "suffix") for k in (1, 2, 3)]
        parts += [feature("character", name, k) for k in (0, 1, 2, 3, 4, -1, -2)]
        parts += [feature("letters", name), feature("pattern", name)]
        for part in parts:
            yield feature("target_mean", part)
            yield feature("count", part)
        for i in (0, 1, 2, 3, -1):
            yield feature("part_number", name, i)
        for number in (feature("field_number", name, 0), feature("first_number", name)):
            yield number
            for modulus in (2, 10):
                yield feature("mod", number, modulus)
    if long:
        yield feature("text_shape", name)
        for matrix in (feature("tfidf", name), feature("char_tfidf", name)):
            yield feature("target_linear", matrix)
            yield feature("target_bayes", matrix)
        yield feature("svd", feature("tfidf", name), 24)


def rows(columns: Columns) -> Iterator[Feature]:
    """Statistics over the columns of each family in a row."""
    for members in families(columns.profiles):
        few = len(members) <= MAX_FAMILY
        for op in proposed(("number+",)):
            if few or OPERATORS[op].gives == "number":
                yield feature(op, *members)
        if few:
            yield feature("target_mean", feature("row_mode", *members))
            yield feature("target_mean", feature("row_argmax", *members))


def times(columns: Columns, ahead: tuple[str, float] | None) -> Iterator[Feature]:
    """Parts of dates, days between them and, where test lies `ahead` of train in a time column, past targets."""
    if ahead is not None and ahead[0] in columns.distinct:
        yield from _past_targets(columns, *ahead)
    for name in columns.dates:
        for part in proposed(("date",)):
            yield feature(part, name)
        for part in ("hour", "weekday", "month"):
            yield feature("target_mean", feature(part, name))
        yield feature("count", name)
        yield feature("target_mean", feature("cross", feature("hour", name), feature("weekday", name)))
    for a, b in combinations(columns.dates, 2):
        yield feature("days", a, b)
        yield feature("mod", feature("round", feature("days", a, b), 0), 7)


def holidays(columns: Columns) -> Iterator[Feature]:
    """Public holidays, where there are dates and columns of countries: few, and likely to count."""
    for name, place in product(columns.dates, countries(columns)):
        for op in ("holiday", "until_holiday", "since_holiday"):
            yield feature(op, name, place)
        yield feature("target_mean", feature("which_holiday", name, place))


def seasons(columns: Columns, date: str) -> Iterator[Feature]:
    """Seasons of a key, or of two keys crossed, by a part of the date that has several values; none where the time is a
    number."""
    if date not in columns.dates:
        return
    most = max(FEW_LEVELS, columns.frame.n // MIN_ROWS_PER_LEVEL)
    names = [n for n in columns.keys if n != date and columns.distinct[n] <= most][:MOST_SEASONED]
    keys: list[Node] = [Column(n) for n in names]
    pairs: list[Node] = [feature("cross", a, b) for a, b in combinations(keys, 2)]
    keys += [pair for pair in pairs if columns.frame.key(pair).size <= most][:MOST_SEASONED]
    parts = [part for op in SEASONS if columns.frame.key(part := feature(op, date)).size > 1]
    for key, part in product(keys, parts):
        yield feature("target_season", key, part)


def countries(columns: Columns) -> list[str]:
    """Names of the columns whose values are countries, nearly all of them."""
    found = []
    for name in columns.keys if columns.dates else ():
        if columns.schema.columns[name] == "number" or not 2 <= columns.distinct[name] <= MOST_COUNTRIES:
            continue
        values = columns.frame.column(name).dropna().unique()
        if np.mean([country_code(value) is not None for value in values]) >= COUNTRY_SHARE:
            found.append(name)
    return found


def _past_targets(columns: Columns, time: str, horizon: float) -> Iterator[Feature]:
    """Mean past targets of the same groups, at least the horizon back, so that they are available for every test
    row."""
    most = max(FEW_LEVELS, columns.frame.n // 20)
    groups = [n for n in columns.keys if n != time and columns.distinct[n] <= most][:5]
    keys = [by for size in range(len(groups), 0, -1) for by in combinations(groups, size)] or [()]
    dated = time in columns.dates
    backs = [horizon]
    if dated:  # by whole weeks, so that weekdays match, and by 52 weeks
        backs += [7.0 * -(-horizon // 7), *([YEAR] if horizon < YEAR else [])]
    windows = WINDOWS if dated else tuple(horizon * k for k in WINDOW_HORIZONS)
    for by in keys:
        for back in dict.fromkeys(backs):
            for window in windows:
                yield feature("target_lag", time, back, back + window, by=tuple(map(Column, by)))
        yield feature("target_lag", time, horizon, by=tuple(map(Column, by)))
