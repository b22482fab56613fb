"""Long submissions: a row for each row of test and each of several values, named by ids such as 7_1 or two columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.errors import SubmissionError
from medalist.competitions.layout.id_match import id_index

KEY = "{key}"  # in a template: the text that names the value, such as the number of the target
_SEPARATORS = "_-:|/#.@,; "
_HEAD = 300  # first different texts of a column that a form has to fit before all of them are looked at
_MOST_KEYS = 2000  # most values that are asked for of a row


@dataclass(frozen=True)
class LongIds:
    """How a row of a long submission names a row of test and one of its values.

    `ids`: id columns of test. `columns`: the sample's columns beside the predicted one, and `templates`, one for each:
    "{RowId}_{key}", or "{id}" and "{key}" in columns of their own. `keys`: the texts that name a value, in the order in
    which the sample has them. `value`: the predicted column.
    """

    ids: tuple[str, ...]
    columns: tuple[str, ...]
    templates: tuple[str, ...]
    keys: tuple[str, ...]
    value: str

    def parse(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """(the ids of each row, under the names of test's columns; the place of its key in `keys`, (n,) int).

        Raises SubmissionError where a column is missing, and where a row has not the form of the sample's.
        """
        lacking = [name for name in self.columns if name not in frame.columns]
        if lacking:
            raise SubmissionError(f"There is no column {lacking[0]!r}, which names the rows.")
        parts: dict[str, pd.Series] = {}
        places: np.ndarray = np.full(len(frame), -1)
        known = pd.Index(self.keys)
        for column, template in zip(self.columns, self.templates, strict=True):
            if template == KEY:
                places = known.get_indexer(pd.Index(_texts(frame[column])))
            elif KEY not in template:
                parts[template[1:-1]] = frame[column]
            else:
                found = _texts(frame[column]).str.extract(self._pattern(template))
                places = known.get_indexer(pd.Index(found["key"]))
                parts[self._placed(template)] = found["id"]
        if (places < 0).any():
            row = int(np.flatnonzero(places < 0)[0])
            shown = ", ".join(str(frame[column].iloc[row]) for column in self.columns)
            raise SubmissionError(
                f"{int((places < 0).sum())} rows are not named as the sample's are, such as {shown}: they end or begin "
                f"with none of {', '.join(self.keys[:6])}."
            )
        return pd.DataFrame({name: parts[name].to_numpy() for name in self.ids}), places

    def rows(self, frame: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """(the position in `test` of each row of `frame`, the place of its key). Raises SubmissionError where a row is
        of no test row."""
        ids, places = self.parse(frame)
        keys = id_index(test[list(self.ids)])
        if not keys.is_unique:
            raise SubmissionError(f"Ids in test are not unique ({', '.join(self.ids)}).")
        rows = keys.get_indexer(id_index(ids))
        if (rows < 0).any():
            name = ", ".join(map(str, ids.iloc[int(np.flatnonzero(rows < 0)[0])]))
            raise SubmissionError(f"{int((rows < 0).sum())} rows are of no row of test, such as those of {name}.")
        return rows, places

    def named(self, table: pd.DataFrame) -> pd.DataFrame:
        """The columns that name the values of all rows of a table with the `ids`: row by row, each key in turn."""
        rows, keys = np.repeat(np.arange(len(table)), len(self.keys)), np.tile(self.keys, len(table))
        made: dict[str, object] = {}
        for column, template in zip(self.columns, self.templates, strict=True):
            if template == KEY:
                made[column] = keys
            elif KEY not in template:
                made[column] = table[template[1:-1]].to_numpy()[rows]
            else:
                name = self._placed(template)
                texts = id_index(table[[name]]).to_numpy()[rows]
                made[column] = [
                    template.replace(f"{{{name}}}", str(text)).replace(KEY, str(key))
                    for text, key in zip(texts, keys, strict=True)
                ]
        return pd.DataFrame(made)

    def wide(self, frame: pd.DataFrame, value: str) -> pd.DataFrame:
        """The column `value` of a long table as one row for each id, as text, with a column for each key; missing where
        a row has none. Raises SubmissionError where a row is there twice."""
        ids, places = self.parse(frame)
        codes, uniques = pd.factorize(id_index(ids))
        cells = codes * len(self.keys) + places
        if len(np.unique(cells)) < len(cells):
            raise SubmissionError(f"Rows repeat in {', '.join(self.columns)}: each may stand there once.")
        values = frame[value].to_numpy()
        table = np.full(len(uniques) * len(self.keys), np.nan, dtype=object if values.dtype == object else float)
        table[cells] = values
        first = pd.Series(range(len(ids))).groupby(codes).first().to_numpy()
        made = as_text(ids.iloc[first].reset_index(drop=True), self.ids)
        return pd.concat([made, pd.DataFrame(table.reshape(len(uniques), -1), columns=list(self.keys))], axis=1)

    def _placed(self, template: str) -> str:
        """The id column in a template that holds a key too."""
        return next(name for name in self.ids if f"{{{name}}}" in template)

    def _pattern(self, template: str) -> str:
        """The regular expression of a template, with groups "id" and "key"; longer keys before those they contain."""
        keys = "|".join(re.escape(key) for key in sorted(self.keys, key=len, reverse=True))
        before, between, after = re.split("|".join(map(re.escape, (KEY, f"{{{self._placed(template)}}}"))), template)
        groups = ["(?P<id>.*?)", f"(?P<key>{keys})"]
        if template.index(KEY) < template.index(f"{{{self._placed(template)}}}"):
            groups = [f"(?P<key>{keys})", "(?P<id>.*)"]
        return f"^{re.escape(before)}{groups[0]}{re.escape(between)}{groups[1]}{re.escape(after)}$"


def read_long_ids(sample: pd.DataFrame, test: pd.DataFrame, lacking: Sequence[str] = ()) -> LongIds | None:
    """How a sample with more rows than test names test's rows and several values of each; None for another sample.

    `lacking`: columns of test without values, which are no ids. The predicted column is the only one that is left.
    """
    if len(sample) <= len(test) or not len(test) or not 2 <= len(sample.columns) <= 6:
        return None
    in_test = [c for c in sample.columns if c in test.columns and c not in lacking]
    if len(in_test) == 1 and len(sample.columns) == 2 and not _shares_values(sample, test, in_test[0]):
        in_test = []  # test's name for its ids, of texts that are put together
    rest = [c for c in sample.columns if c not in in_test]
    if len(rest) == 2 and not in_test:
        found = _composite(sample, test, rest[0], rest[1])
        return found or _two_columns(sample, test, rest)
    if len(rest) == 2 and in_test:
        names = tuple(in_test)
        if not test.duplicated(in_test).any() and sample.duplicated(in_test).any():
            return _with_key(sample, test, names, names, rest)
    if len(rest) == 3 and not in_test:
        return _two_columns(sample, test, rest)
    return None


def _shares_values(sample: pd.DataFrame, test: pd.DataFrame, name: str) -> bool:
    """Whether one of the first values of a sample's column is in test's column of that name."""
    return bool(id_index(sample[[name]].iloc[:_HEAD]).isin(id_index(test[[name]])).any())


def _two_columns(sample: pd.DataFrame, test: pd.DataFrame, rest: Sequence[str]) -> LongIds | None:
    """The form with an id column that has another name in test, and a key column."""
    if len(rest) != 3:
        return None
    for name in rest[:2]:
        shown = set(sample[name].iloc[:_HEAD])
        for column in test.columns:
            if shown <= set(test[column]) and test[column].is_unique and set(sample[name]) <= set(test[column]):
                others = [c for c in rest if c != name]
                found = _with_key(sample, test, (str(column),), (name,), others)
                if found is not None:
                    return found
    return None


def _with_key(
    sample: pd.DataFrame, test: pd.DataFrame, ids: tuple[str, ...], names: tuple[str, ...], others: Sequence[str]
) -> LongIds | None:
    """The form where the sample's columns `names` hold test's `ids`, and one of two `others` the key."""
    index = id_index(sample[list(names)].set_axis(list(ids), axis=1))
    if not index.isin(id_index(test[list(ids)])).all():
        return None
    for key, value in (tuple(others), tuple(others)[::-1]):
        keys = pd.unique(_texts(sample[key]))
        whole = 2 <= len(keys) <= _MOST_KEYS and len(sample) <= len(test) * len(keys)
        is_key = whole and (
            _is_key(sample[key], len(keys), len(sample)) or _are_levels(sample[key], len(keys), len(index.unique()))
        )
        if is_key and not sample.duplicated([*names, key]).any():
            columns = [c for c in sample.columns if c != value]
            there = dict(zip(names, ids, strict=True))
            templates = tuple(KEY if c == key else f"{{{there[c]}}}" for c in columns)
            return LongIds(ids, tuple(columns), templates, tuple(map(str, keys)), value)
    return None


def _is_key(values: pd.Series, distinct: int, rows: int) -> bool:
    """Whether a column can name values: no decimals, and each of its values in many rows."""
    decimals = pd.api.types.is_float_dtype(values.dtype) and bool((values.dropna() % 1 != 0).any())
    return not decimals and not bool(values.isna().any()) and 2 * distinct <= rows


def _are_levels(values: pd.Series, distinct: int, n_ids: int) -> bool:
    """Whether a column can hold levels of quantiles: numbers between 0 and 1, each of them once for every id."""
    if not pd.api.types.is_float_dtype(values.dtype) or len(values) != distinct * n_ids:
        return False
    return bool(((values > 0) & (values < 1)).all())


def _composite(sample: pd.DataFrame, test: pd.DataFrame, column: str, value: str) -> LongIds | None:
    """The form with one column of texts that are put together from an id of test and a key, in either order."""
    if pd.api.types.is_numeric_dtype(sample[column].dtype) or not sample[column].is_unique:
        return None
    texts = _texts(sample[column])
    head = texts.iloc[:_HEAD].tolist()
    shared = next((i for i, letters in enumerate(zip(*head, strict=False)) if len(set(letters)) > 1), 0)
    prefix = re.match(r"[^\W\d]*", head[0][:shared])
    starts = dict.fromkeys(["", prefix.group() if prefix else ""])
    for name in test.columns:
        if pd.api.types.is_float_dtype(test[name].dtype) or not test[name].is_unique:
            continue
        ids = id_index(test[[name]])
        known = set(ids)
        for start in starts:
            for separator in [*(s for s in _SEPARATORS if all(s in text for text in head)), ""]:
                for id_first in (True, False):
                    pattern = _splitting(separator, ids, id_first, start)
                    found = [re.fullmatch(pattern, text) for text in head]
                    if not all(m is not None and m["id"] in known for m in found):
                        continue
                    split = texts.str.extract(f"^{pattern}$")
                    keys = pd.unique(split["key"])
                    fits = split["id"].isin(known).all() and split["key"].notna().all()
                    if fits and 2 <= len(keys) <= _MOST_KEYS and 2 * len(keys) <= len(sample):
                        place = f"{{{name}}}"
                        template = f"{place}{separator}{KEY}" if id_first else f"{KEY}{separator}{place}"
                        return LongIds((str(name),), (column,), (start + template,), tuple(map(str, keys)), value)
    return None


def _splitting(separator: str, ids: pd.Index, id_first: bool, start: str) -> str:
    """The pattern that splits a text into id and key, with as many separators in the id as the ids of test have."""
    begin = re.escape(start)
    if not separator:
        return rf"{begin}(?P<id>\d+)(?P<key>[^\W\d]\w*)" if id_first else rf"{begin}(?P<key>\w*[^\W\d])(?P<id>\d+)"
    cut, inside = re.escape(separator), str(ids[0]).count(separator)
    other = rf"[^{cut}]*"
    key = rf"(?P<id>{other}(?:{cut}{other}){{{inside}}}){cut}(?P<key>.+)"
    return begin + (key if id_first else rf"(?P<key>.+){cut}(?P<id>{other}(?:{cut}{other}){{{inside}}})")


def as_text(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The table with the columns `names` as text, whole numbers without decimals."""
    return frame.assign(**{name: _texts(frame[name]) for name in names})


def _texts(values: pd.Series) -> pd.Series:
    """Values as text, whole numbers without decimals."""
    return pd.Series(np.asarray(id_index(values.to_frame()), dtype=object), index=values.index).astype(str)
