"""Which columns of train and test are keys of a further table: by name, else by values; and their spelling there.

Keys are compared exactly. Where hardly any match that way, blanks, letter case and zeros before digits are looked past,
and the further table gets the spelling of train and test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from medalist.competitions.tables.dtypes import is_number
from medalist.pipelines.features.table_links import Link, found, links, with_keys_of_owners
from medalist.pipelines.features.table_times import times_of_events

LEAST_IN_TEST = 0.8  # share of test rows whose own id is in a table, as a share of train's: less is a table of train
LEAST_FILLED = 0.5  # the same for the values of a column of such a table
HARDLY = 0.25  # both for other keys, of which test may have new ones
COVERED = 0.5  # share of train rows whose key, other than their own id, is in a table, below which nothing is guarded
POOR = 0.9  # share of the distinct keys that are found exactly, from which on nothing is looked past
BETTER = 0.1  # by which looking past spelling must raise that share
LEAST_FOUND = 0.95  # share of the distinct keys that are found in a column of another name, for it to be their table
LEAST_KEYS = 20  # distinct values of a column that is looked for under other names
SPARSE = 3  # span of whole numbers, as a multiple of their count, from which on finding them all is no coincidence
LEAST_OF_IDS, LEAST_OF_DENSE = 0.02, 0.5  # share of the rows' own ids, and of ids that follow each other, in a column
MOST_COLUMNS = 60  # columns of a table in which keys of another name are looked for


@dataclass(frozen=True)
class Connected:
    """Further tables with keys in the spelling of train and test. joins: by table, pairs of a column of train and test
    and its counterpart there. lookups: by table, key columns with whose values it has one row each. links: by table,
    the other tables that its rows refer to. times: by table of events, a time of the rows and its own, where only rows
    before may be used. notes: sentences on what was decided."""

    tables: Mapping[str, pd.DataFrame]
    joins: Mapping[str, tuple[tuple[str, str], ...]]
    lookups: Mapping[str, frozenset[tuple[str, ...]]]
    links: Mapping[str, tuple[Link, ...]]
    times: Mapping[str, tuple[str, str]]
    notes: tuple[str, ...]


def connect(
    tables: Mapping[str, pd.DataFrame],
    train: pd.DataFrame,
    test: pd.DataFrame,
    ids: Collection[str],
    time: str | None = None,
) -> Connected:
    """Find the keys by which each table joins to the rows of train and test, those that find most rows of test first; a
    table without any is left out.

    ids: the rows' own ids. A table that has rows for the keys of train, and hardly for those of test, is of no use for
    predictions and may be made from the target, so that it is not joined by them; neither are columns with values for
    the keys of train alone. time: the column by which test lies after train, if any.
    """
    connected: dict[str, pd.DataFrame] = {}
    joins: dict[str, tuple[tuple[str, str], ...]] = {}
    notes: list[str] = []
    linked = links(tables)
    for name, table in with_keys_of_owners(tables, linked, list(train.columns), ids, notes).items():
        pairs: list[tuple[str, str]] = []
        for column in [c for c in table.columns if c in train.columns]:
            values = pd.concat([train[column], test[column]], ignore_index=True)
            table, more = _respelled(name, table, column, values)
            notes += more
            pair = column, column
            table, usable, more = _guarded(name, table, pair, train[column], test[column], own=column in ids)
            notes += more
            pairs += [(column, column)] if usable else []
        by_name = {column for column, _ in pairs}
        for column, other in _by_values(name, table, train, test, by_name, ids):
            pair = column, other
            table, usable, more = _guarded(name, table, pair, train[column], test[column], own=column in ids)
            notes += more
            if usable:
                pairs.append((column, other))
                notes.append(f"{other} of {name} holds the values of {column}: the table is joined by them.")
        shares = {column: found(test[column], table[other]).mean() for column, other in pairs}
        pairs = [p for p in pairs if p[0] in ids or shares[p[0]] > 0.0]
        pairs.sort(key=lambda p: (not _may_be_key(train[p[0]]), -round(float(shares[p[0]]), 1)))
        connected[name], joins[name] = table, tuple(pairs)
    used = {name for name, pairs in joins.items() if pairs}
    for _ in joins:  # those that refer to a table that is joined
        used |= {name for name, of in linked.items() if any(link.owner in used for link in of)}
    linked = {name: tuple(link for link in of if link.owner in used) for name, of in linked.items()}
    for name, table in list(connected.items()):
        if name not in used and not set(table.columns) & set(train.columns):  # else a person may still name it
            del connected[name], joins[name]
    lookups = {name: _lookups(connected[name], pairs) for name, pairs in joins.items()}
    times, more = times_of_events(connected, joins, train, test, time)
    return Connected(connected, joins, lookups, {name: of for name, of in linked.items() if of}, times, (*notes, *more))


def _lookups(table: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> frozenset[tuple[str, ...]]:
    """The keys, each alone and those of the same name together, with whose values the table has one row each."""
    keys = [(other,) for _, other in pairs]
    together = tuple(other for column, other in pairs if column == other)
    return frozenset(k for k in (*keys, together) if k and not table[list(k)].dropna().duplicated().any())


def _guarded(
    name: str,
    table: pd.DataFrame,
    pair: tuple[str, str],
    train: pd.Series,
    test: pd.Series,
    *,
    own: bool,
) -> tuple[pd.DataFrame, bool, list[str]]:
    """(the table without columns that are filled for train's keys alone, whether it may be joined by them, notes).

    pair: a key of the rows, and the table's column that holds it. own: whether it is their own id.
    """
    column, key = pair
    in_train, in_test = found(train, table[key]).mean(), found(test, table[key]).mean()
    if in_train == 0.0 and in_test == 0.0:
        return table, False, []
    if not own and in_train < COVERED:  # no table of train's keys
        return table, in_test > 0.0, []
    if in_test < (LEAST_IN_TEST if own else HARDLY) * in_train or in_test == 0.0:
        note = f"{name} has {in_train:.0%} of train's {column} and {in_test:.0%} of test's: it is not joined by them."
        return table, False, [note]
    of_train, of_test = found(table[key], train), found(table[key], test)
    dropped = []
    for other in table.columns:
        filled = table[other].notna().to_numpy()
        if other != key and filled[of_test].mean() < (LEAST_FILLED if own else HARDLY) * filled[of_train].mean():
            dropped.append(str(other))
    if not dropped:
        return table, True, []
    note = f"{', '.join(dropped)} of {name} is filled for train's {column} and hardly for test's: it is left out."
    return table.drop(columns=dropped), True, [note]


def _respelled(name: str, table: pd.DataFrame, column: str, values: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """The table with its keys in the spelling of `values` where hardly any is found exactly, and a note on it."""
    if all(is_number(s) for s in (values, table[column])):
        return table, []
    mine, theirs = _distinct(values), _distinct(table[column])
    if not len(mine) or not len(theirs):
        return table, []
    exact = found(mine, theirs).mean()
    if exact >= POOR:
        return table, []
    spellings: dict[str, list[object]] = {}
    for value, plain in zip(mine, _plain(mine), strict=True):
        spellings.setdefault(plain, []).append(value)
    plain_keys = _plain(theirs)
    known = {plain for plain in plain_keys if plain in spellings}
    alike = sum(len(spellings[plain]) for plain in known) / len(mine)
    if alike < exact + BETTER:
        return table, []
    new = {key: spellings[plain] for key, plain in zip(theirs, plain_keys, strict=True) if plain in known}
    keys = table[column].astype(object).map(lambda key: new.get(key, [key]))
    table = table.assign(**{column: keys}).explode(column, ignore_index=True)
    table[column] = table[column].where(table[column].isna(), table[column].astype(str)).astype("str")
    note = (
        f"{column} is written otherwise in {name} than in train and test ({exact:.0%} of its values are found there "
        f"letter by letter, {alike:.0%} without blanks, letter case and zeros before digits): it is joined without."
    )
    return table, [note]


def _plain(values: Iterable[object]) -> list[str]:
    """Keys without blanks around or repeated within them, in lower case, numbers without zeros before them."""
    texts = [" ".join(str(value).casefold().split()) for value in values]
    return [(text.lstrip("0") or "0") if text.isdecimal() else text for text in texts]


def _by_values(
    name: str, table: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, used: set[str], ids: Collection[str]
) -> list[tuple[str, str]]:
    """Pairs of a column of train and test and the column of another name in the table that holds its values.

    Only keys of text and whole numbers are looked for. Whole numbers that follow each other are in any such column: of
    them the table must have each once, and its name be in that of the column, or the other way round. Of the rows' own
    ids a table need not have all: its values must be among them, and, where the ids follow each other, be of the most
    of them.
    """
    others = [c for c in table.columns if c not in train.columns or c not in used][:MOST_COLUMNS]
    pairs = []
    for column in train.columns:
        if column in used or not _may_be_key(train[column]):
            continue
        if column in ids:
            owners = [] if used & set(ids) else _of_own_ids(pd.concat([train[column], test[column]]), table, others)
            pairs += [(str(column), other) for other in owners[:1]]
            continue
        mine = _distinct(pd.concat([train[column], test[column]], ignore_index=True))
        if len(mine) < LEAST_KEYS:
            continue
        few = mine.iloc[:: max(1, len(mine) // 100)]
        for other in others:
            if other == column or not _may_be_key(table[other]) or is_number(mine) != is_number(table[other]):
                continue
            theirs = _distinct(table[other])
            if found(few, theirs).mean() < LEAST_FOUND or found(mine, theirs).mean() < LEAST_FOUND:
                continue
            dense = is_number(mine) and int(mine.max()) - int(mine.min()) < SPARSE * len(mine)
            if dense and not (len(theirs) == len(table) and _related(name, str(column))):
                continue
            pairs.append((str(column), str(other)))
            break
    return pairs


def _of_own_ids(own: pd.Series, table: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Columns of a table that hold the rows' own ids, those that have most of them first."""
    shares: dict[str, float] = {}
    dense = is_number(own) and int(own.max()) - int(own.min()) < SPARSE * len(own)
    for other in columns:
        values = table[other]
        if not _may_be_key(values) or is_number(own) != is_number(values):
            continue
        theirs = _distinct(values)
        if len(theirs) < max(LEAST_KEYS, (LEAST_OF_DENSE if dense else LEAST_OF_IDS) * len(own)):
            continue
        few = theirs.iloc[:: max(1, len(theirs) // 100)]
        if found(few, own).mean() >= LEAST_FOUND and found(theirs, own).mean() >= LEAST_FOUND:
            shares[str(other)] = len(theirs) / len(own)
    return sorted(shares, key=lambda c: -round(shares[c], 1))


def _related(table: str, column: str) -> bool:
    """Whether the name of a column contains that of a table, in the singular, or the other way round."""
    stem, name = table.casefold().rstrip("s"), column.casefold()
    bare = name.removesuffix("id").rstrip("_")
    return len(stem) > 2 and (stem in name or (len(bare) > 2 and bare in stem))


def _may_be_key(values: pd.Series) -> bool:
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return False
    if pd.api.types.is_float_dtype(dtype):  # whole numbers with gaps
        return bool(values.isna().any() and values.notna().any() and not (values.dropna() % 1).any())
    return True


def _distinct(values: pd.Series) -> pd.Series:
    return pd.Series(values.dropna().unique())


def own_keys(joins: Mapping[str, Sequence[tuple[str, str]]], ids: Collection[str]) -> frozenset[str]:
    """The rows' own ids by which a further table may be joined."""
    return frozenset(column for pairs in joins.values() for column, _ in pairs if column in ids)
