"""Puts together tables that come in several files of the same columns: train_part1.csv, train_part2.csv; test/*.csv.

Names must differ as those of parts do (by a number, a date, a word beside "train"), and rows must not repeat: an
earlier version, a subset and data of another origin are further tables.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import pandas as pd
from pandas.api import types

from medalist.competitions.errors import InputError
from medalist.competitions.layout.candidates import looks_like_form
from medalist.competitions.layout.file_names import (
    ROLE_WORD,
    FileColumn,
    Series,
    column_from_names,
    id_column_from_names,
    name_tokens,
    role_words,
    single_of,
)
from medalist.competitions.layout.sheets import Load, NamedTables, Sheet, cached
from medalist.competitions.layout.versions import rows_repeat

_NO_PARTS = {  # words by which a file is another version of the data, or another origin
    "original", "orig", "extra", "additional", "external", "old", "new", "prev", "previous", "final", "backup", "copy",
    "small", "mini", "tiny", "full", "all", "whole", "augmented", "synthetic", "pseudo", "clean", "cleaned", "raw",
    "fixed", "corrected", "processed", "v", "version", "ver", "val", "dev", "eval", "holdout", "oof", "supplement",
}  # fmt: skip


def join_parts(sheets: Sequence[Sheet], apart: Collection[str] = ()) -> list[Sheet]:
    """The sheets, with the files of a series replaced by one sheet of all their rows, in natural order.

    `apart`: paths that the user has named, which stay as they are. What the names say (a year, a shop) becomes a
    column where those of train and of test both do and no column does.
    """
    series: list[Series] = []
    left = list(sheets)
    for by_folder in (True, False):
        clusters: dict[tuple[object, ...], list[Sheet]] = {}
        for sheet in left:
            if sheet.path not in apart:
                folder = sheet.path.rpartition("/")[0] if by_folder else ""
                clusters.setdefault((frozenset(sheet.columns), role_words(sheet.path), folder), []).append(sheet)
        for cluster in clusters.values():
            found = None if _of_competitions(cluster, sheets) else _series(cluster, sheets)
            if found is not None and not (
                rows_repeat([s.load() for s in found.sheets], bool(role_words(found.sheets[0].path)))
                or _submissions_of_the_same(found.sheets)
            ):
                series.append(found)
                left = [s for s in left if s not in found.sheets]
    if not series:
        return left
    singles = [single for sheet in left if (single := single_of(sheet, series)) is not None]
    extra = column_from_names([*series, *singles]) | id_column_from_names(series, left)
    joined = [join_series(one, extra.get(id(one))) for one in series]
    marked = {one.sheets[0]: join_series(one, extra[id(one)]) for one in singles if id(one) in extra}
    return [*joined, *(marked.get(s, s) for s in left)]


def join_series(series: Series, extra: FileColumn | None = None) -> Sheet:
    """One sheet of all rows of a series; `extra`: a further column, with a value for each file."""
    first = series.sheets[0]
    columns = (*first.columns, *((extra[0],) if extra else ()))
    paths = tuple(path for s in series.sheets for path in s.files)
    kept = tuple(note for s in series.sheets for note in s.notes)
    load = cached(_concat(series.sheets, columns, extra))
    if len(series.sheets) == 1 and extra:
        note = f"{first.path}: its name says {extra[0]} {extra[1][0]}, which is a column {extra[0]!r}."
        return Sheet(first.path, columns, load, paths, (*kept, note))
    rows = [len(s.load()) for s in series.sheets]
    shown = " + ".join(f"{n:,}" for n in rows[:6]) + (" + …" if len(rows) > 6 else "")
    label = path_label([s.path for s in series.sheets])
    notes = [
        f"{label} have the same columns and are put together: {shown} rows (--train or --test FILE takes one alone)."
    ]
    if extra:
        notes.append(f"what differs in their names is a column {extra[0]!r}: {', '.join(map(str, extra[1][:4]))}.")
    return Sheet(label, columns, load, paths, (*kept, *notes))


def join_named(
    sheets: Sequence[Sheet], train: Sequence[str], test: Sequence[str], sample: Sequence[str]
) -> tuple[list[Sheet], NamedTables]:
    """(the sheets, those put together that the user has named for one role; the paths of the roles that are named).

    Raises InputError where the files of a role differ in their columns.
    """
    left = list(sheets)
    named: list[str | None] = []
    for paths in (train, test, sample):
        chosen = [next(s for s in left if s.path == path) for path in dict.fromkeys(paths)]
        if len(chosen) > 1:
            first = chosen[0]
            for other in chosen[1:]:
                if set(other.columns) != set(first.columns):
                    differing = sorted(set(other.columns) ^ set(first.columns))
                    raise InputError(
                        f"{first.path} and {other.path} cannot be put together, since {differing[0]!r} is in one of "
                        "them alone: name files of the same columns, or one of them."
                    )
            joined = join_series(Series(tuple(chosen), tuple("" for _ in chosen), (), ""))
            left = [joined if s is first else s for s in left if s not in chosen[1:]]
            chosen = [joined]
        named.append(chosen[0].path if chosen else None)
    return left, NamedTables(*named)


def path_label(paths: Sequence[str]) -> str:
    """Several paths in words: all of up to three, else the first one and how many there are beside it."""
    if len(paths) > 3:
        return f"{paths[0]} and {len(paths) - 1} more"
    return " and ".join(part for part in (", ".join(paths[:-1]), paths[-1]) if part)


def natural_key(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts part2 before part10, and train.csv before train2.csv."""
    folder, _, name = path.lower().rpartition("/")
    whole = f"{folder}/{name.partition('.')[0]}"
    return [(0, int(t), "") if t.isdigit() else (1, 0, t) for t in re.findall(r"\d+|\D+", whole)]


def _concat(sheets: Sequence[Sheet], columns: tuple[str, ...], extra: FileColumn | None) -> Load:
    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        inside = [[c for c in names if extra is None or c != extra[0]] for names in (text, exact)]
        frames = [s.load(*inside) for s in sheets]
        mixed = [c for c in mixed_columns(frames) if c not in text and c not in exact]
        if mixed:
            frames = [s.load([*inside[0], *mixed], inside[1]) for s in sheets]
        if extra is not None:
            as_text = extra[0] in text or extra[0] in exact
            values = [str(value) if as_text else value for value in extra[1]]
            frames = [f.assign(**{extra[0]: value}) for f, value in zip(frames, values, strict=True)]
        frames = [f for f in frames if len(f)] or frames[:1]  # an empty part shows no types
        return pd.concat([f[list(columns)] for f in frames], ignore_index=True) if len(frames) > 1 else frames[0]

    return load


def mixed_columns(frames: Sequence[pd.DataFrame]) -> list[str]:
    """Columns that hold text in one of the frames and numbers in another."""
    found = []
    for name in frames[0].columns:
        kinds = {types.is_numeric_dtype(f[name].dtype) for f in frames if name in f and f[name].notna().any()}
        if len(kinds) > 1:
            found.append(str(name))
    return found


def _submissions_of_the_same(sheets: Sequence[Sheet]) -> bool:
    """Whether two files are called submissions and have the same ids: a baseline beside a sample is no part of it."""
    if len(sheets) < 2 or not all(looks_like_form(s.path) for s in sheets[:2]):
        return False
    one, two = (s.load() for s in sheets[:2])
    return any(one[c].is_unique and bool(one[c].isin(two[c]).any()) for c in sheets[0].columns)


def _series(cluster: Sequence[Sheet], sheets: Sequence[Sheet]) -> Series | None:
    """The sheets of one role and the same columns as a series, or None where their names are not those of parts."""
    if len(cluster) < 2:
        return None
    ordered = sorted(cluster, key=lambda s: natural_key(s.path))
    tokens = [name_tokens(s.path) for s in ordered]
    before = _common(tokens)
    after = _common([t[before:][::-1] for t in tokens])
    middles = [t[before : len(t) - after] for t in tokens]
    words = {w for middle in middles for w in middle if not w.isdigit()}
    if words & _NO_PARTS or any(ROLE_WORD.match(w) for w in words) or len(set(map(tuple, middles))) < len(middles):
        return None
    kept = [*tokens[0][:before], *tokens[0][len(tokens[0]) - after :]] if after else tokens[0][:before]
    numbered = all(not m or any(t.isdigit() or len(t) == 1 for t in m) for m in middles)
    folder = ordered[0].path.rpartition("/")[0]
    own_folder = bool(folder) and all((s in cluster) == s.path.startswith(folder + "/") for s in sheets)
    named = any(ROLE_WORD.match(w) for w in kept) and all(middles)
    if not (numbered and sum(map(bool, middles)) >= len(middles) - 1) and not named and not own_folder:
        return None
    if not any(ROLE_WORD.match(w) for w in kept) and not any(set(s.columns) < set(ordered[0].columns) for s in sheets):
        return None  # inputs of train and of test, perhaps, since none has fewer columns
    word = tokens[0][before - 1] if before else ""
    pattern = tuple(t for t in kept if not ROLE_WORD.match(t))
    return Series(tuple(ordered), tuple("_".join(m) for m in middles), pattern, word)


def _of_competitions(cluster: Sequence[Sheet], sheets: Sequence[Sheet]) -> bool:
    """Whether each sheet lies in a folder of its own that holds a train and a test, and samples lie in these alone:
    several competitions."""
    folders = [s.path.rpartition("/")[0] for s in cluster]
    if len(set(folders)) < len(folders) or not all(folders):
        return False
    roles = [(s.path.rpartition("/")[0], word[:5]) for s in sheets for word in role_words(s.path)]
    if not all({"train", "test"} <= {role for where, role in roles if where == folder} for folder in folders):
        return False
    forms = {where for where, role in roles if role in ("sampl", "submi")}
    return bool(forms) and forms <= set(folders)


def _common(lists: Sequence[Sequence[str]]) -> int:
    """How many items all lists begin with."""
    count = 0
    for items in zip(*lists, strict=False):
        if len(set(items)) > 1:
            break
        count += 1
    return count
