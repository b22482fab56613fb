"""What the names of a table's files say: their common words, what differs, and whether that becomes a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from pandas.api import types

from medalist.competitions.layout.sheets import Sheet

ROLE_WORD = re.compile(r"^(?:x|y)?_?(?:train|test|valid|label|target|sampl|submi|answer|solution)", re.IGNORECASE)
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_COUNTERS = {"part", "pt", "p", "chunk", "shard", "split", "piece", "batch", "file", "section", "segment", "vol", "no"}
_NARROW = 12  # most columns of a table of labels whose ids may be the names of files

FileColumn = tuple[str, tuple[int | str, ...]]  # name of a column, and its value for each file


@dataclass(frozen=True)
class Series:
    """Files of the same columns: the sheets in natural order, and what differs in their names.

    `pattern`: the words that all names have, the role ("train", "test") left out. `word`: the word before what differs.
    """

    sheets: tuple[Sheet, ...]
    tokens: tuple[str, ...]
    pattern: tuple[str, ...]
    word: str


def role_words(path: str) -> tuple[str, ...]:
    """The words of a path that name a role, such as ("label", "train"), sorted."""
    words = [ROLE_WORD.match(token) for token in re.findall(r"[^\W_]+", path.lower())]
    return tuple(sorted({w.group().lstrip("xy_") for w in words if w}))


def name_tokens(path: str) -> list[str]:
    """Numbers and words of a path without its suffix."""
    folder, _, name = path.rpartition("/")
    return [t.lower() for t in _TOKEN.findall(f"{folder}/{name.partition('.')[0]}")]


def single_of(sheet: Sheet, series: Sequence[Series]) -> Series | None:
    """A table whose name is that of a series but for its role and one token: test_2021.csv beside train_2019.csv, …"""
    tokens = [t for t in name_tokens(sheet.path) if not ROLE_WORD.match(t)]
    for one in series:
        extra = [t for t in tokens if t not in one.pattern]
        lacking = set(sheet.columns) - set(one.sheets[0].columns)
        if not lacking and len(extra) == 1 and [t for t in tokens if t in one.pattern] == list(one.pattern):
            return Series((sheet,), (extra[0],), one.pattern, one.word)
    return None


def id_column_from_names(series: Sequence[Series], sheets: Sequence[Sheet]) -> dict[int, FileColumn]:
    """For series (by Python's `id`) whose files are named by ids of another table, which are in no column of their own:
    that column. `sheets`: the tables that are in no series."""
    columns: dict[int, FileColumn] = {}
    for one in series:
        stems = [s.path.rpartition("/")[2].partition(".")[0] for s in one.sheets]
        for sheet in sheets:
            names = [c for c in sheet.columns if c not in one.sheets[0].columns]
            if len(one.sheets) < 2 or id(one) in columns or len(names) < 2 or len(sheet.columns) > _NARROW:
                continue
            for name in names:
                ids = sheet.load()[name]
                values = _as_ids(stems, ids) or _as_ids([re.sub(r"^\D*", "", s) for s in stems], ids)
                if values and ids.is_unique:
                    columns[id(one)] = (name, values)
                    break
    return columns


def _as_ids(texts: Sequence[str], ids: pd.Series) -> tuple[int | str, ...]:
    """The texts as ids, numbers where these are, if nearly all are among them; () else."""
    numbers = types.is_numeric_dtype(ids.dtype)
    if numbers and not all(t.isdigit() for t in texts):
        return ()
    values = tuple(int(t) if numbers else t for t in texts)
    return values if pd.Series(values).isin(ids).mean() > 0.9 else ()


def column_from_names(series: Sequence[Series]) -> dict[int, FileColumn]:
    """For series (by Python's `id`) of train and of test: a column with what differs in the names of their files."""
    columns: dict[int, FileColumn] = {}
    for one in series:
        for other in series:
            if one is other or one.pattern != other.pattern or len(one.sheets) < 2:
                continue
            if role_words(one.sheets[0].path) == role_words(other.sheets[0].path):
                continue
            tokens = (*one.tokens, *other.tokens)
            if not all(tokens) or not _is_information(one, other) or any(map(_is_in_a_column, (one, other))):
                continue
            name = "year" if all(re.fullmatch("(?:19|20)[0-9]{2}", t) for t in tokens) else one.word or "file"
            name = "file" if ROLE_WORD.match(name) or name.isdigit() else name
            taken = {*one.sheets[0].columns, *other.sheets[0].columns}
            name = f"file_{name}" if name in taken else name
            whole = all(t.isdigit() and (t == "0" or t[0] != "0") for t in tokens)
            for each in (one, other):
                columns[id(each)] = (name, tuple(int(t) for t in each.tokens) if whole else each.tokens)
    return columns


def _is_information(one: Series, other: Series) -> bool:
    """Whether what differs in the names is more than the number of a part."""
    if one.word in _COUNTERS:
        return False
    if not all(t.isdigit() for t in (*one.tokens, *other.tokens)):
        return bool(set(one.tokens) & set(other.tokens))
    years = all(len(t) in (4, 6, 8) and t[:2] in ("19", "20") for t in (*one.tokens, *other.tokens))
    zeros = any(len(t) > 2 and t[0] == "0" for t in one.tokens)
    return years or (not zeros and len(one.sheets) == len(other.sheets) and one.tokens == other.tokens)


def _is_in_a_column(series: Series) -> bool:
    """Whether a column already holds what differs in the names: each of its values contains it."""
    for name in series.sheets[0].columns:
        heads = [s.load()[name].dropna().iloc[:300].astype(str) for s in series.sheets]
        pairs = zip(heads, series.tokens, strict=True)
        if all(len(h) and h.str.contains(token, case=False, regex=False).mean() > 0.9 for h, token in pairs):
            return True
    return False
