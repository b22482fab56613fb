"""Columns whose names differ between files in blanks, quotes, underscores, letter case, composed letters or ".0" after
a number alone get one name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from medalist.competitions.layout.reconcile import Frames
from medalist.competitions.layout.sheets import FileLoader, Sheet

_EDGES = " \t\r\n\f\v\u00a0\ufeff\u200b\"'`"  # blanks, marks and quotes around a name
_BETWEEN = re.compile(r"[\s_.\u00a0-]+")
_WHOLE = re.compile(r"^(\d+)\.0$")  # 3.0 is the column 3, once its names were read as numbers
_TRAIN = re.compile("train", re.IGNORECASE)


def unify_headers(sheets: Sequence[Sheet], train: str | None) -> list[Sheet]:
    """The sheets with one name for each column.

    A name that occurs in one spelling only stays as it is; the others get the spelling of the training table: the
    path `train`, else the widest of the tables named like one, else the widest. Names that differ within one table are
    different columns.
    """
    spellings: dict[str, set[str]] = {}
    apart: set[str] = set()
    for sheet in sheets:
        counts = Counter(map(column_key, sheet.columns))
        apart |= {key for key, count in counts.items() if count > 1}
        for column in sheet.columns:
            spellings.setdefault(column_key(column), set()).add(column)
    several = {key for key, found in spellings.items() if len(found) > 1} - apart - {""}
    if not several:
        return list(sheets)
    first = sorted(sheets, key=lambda s: (s.path != train, not _TRAIN.search(s.path), -len(s.columns)))
    chosen: dict[str, str] = {}
    for sheet in first:
        for column in sheet.columns:
            chosen.setdefault(column_key(column), column.strip(_EDGES))
    renamed: list[Sheet] = []
    for sheet in sheets:
        names = {c: chosen[key] for c in sheet.columns if (key := column_key(c)) in several and chosen[key] != c}
        names = {old: new for old, new in names.items() if not _is_another(sheet, old, new, sheets)}
        if names and isinstance(sheet.load, FileLoader):
            columns = tuple(names.get(c, c) for c in sheet.columns)
            renamed.append(replace(sheet, columns=columns, load=replace(sheet.load, names=names)))
        else:
            renamed.append(sheet)
    return renamed


def rename_columns(sheets: Sequence[Sheet], renamed: Mapping[str, str]) -> list[Sheet]:
    """The sheets with other names for some columns, which are then read under these names."""
    if not renamed:
        return list(sheets)
    made = []
    for sheet in sheets:
        columns = tuple(renamed.get(c, c) for c in sheet.columns)
        if columns != sheet.columns and isinstance(sheet.load, FileLoader):
            now = {new: old for old, new in sheet.load.names.items()}
            names = {now.get(c, c): renamed.get(c, c) for c in sheet.columns if c in now or c in renamed}
            sheet = replace(sheet, columns=columns, load=replace(sheet.load, names=names))
        made.append(sheet)
    return made


def header_notes(
    sheets: Sequence[Sheet], names: Mapping[str, Mapping[str, str]], predicted: Mapping[str, str]
) -> list[str]:
    """Sentences on the columns of these sheets' files that are called otherwise there (`names`: for each path), but for
    the one that the sample alone calls otherwise (`predicted`)."""
    notes: list[str] = []
    for path in dict.fromkeys(path for sheet in sheets for path in sheet.files):
        pairs = [pair for pair in names.get(path, {}).items() if predicted.get(pair[1]) != pair[0]]
        if pairs:
            shown = ", ".join(f"{old!r} is {new!r}" for old, new in pairs[:3])
            more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
            notes.append(f"columns of {path} are written otherwise elsewhere: {shown}{more}.")
    return notes


def restore_sample_names(
    frames: Frames, names: Mapping[str, str], ids: Sequence[str]
) -> tuple[Frames, dict[str, str], dict[str, str]]:
    """(the frames with the sample's own spelling of its columns; what was renamed in train and test; in the sample).

    `names`: (name in the sample's file, name in its sheet). The only column that is predicted keeps its name in train,
    and gets back that of the sample there; ids and several targets are called in all tables as in the sample.
    """
    own = {new: old.strip(_EDGES) for old, new in names.items() if old.strip(_EDGES) != new}
    if not own or frames.sample is None:
        return frames, {}, {}
    predicted = [c for c in frames.sample.columns if c not in ids]
    alone = {c: own[c] for c in predicted if c in own and len(predicted) == 1}
    shared = {c: own[c] for c in own if c not in alone and own[c] not in frames.train and own[c] not in frames.test}
    train, test = (f.rename(columns=shared) if shared else f for f in (frames.train, frames.test))
    return Frames(train, test, frames.sample.rename(columns={**alone, **shared}), frames.notes), shared, alone


def column_key(name: str) -> str:
    """What is equal for all spellings of a name."""
    plain = unicodedata.normalize("NFC", name).strip(_EDGES)
    return _BETWEEN.sub("_", _WHOLE.sub(r"\1", plain)).casefold()


def _is_another(sheet: Sheet, old: str, new: str, sheets: Sequence[Sheet]) -> bool:
    """Whether a name that differs in more than blanks is a class in a sample (A) beside a feature (a): it is constant,
    and two other tables, train and test, have the feature."""
    if old.strip(_EDGES) == new:
        return False
    others = [s for s in sheets if s is not sheet and new in (c.strip(_EDGES) for c in s.columns)]
    return len(others) > 1 and len(sheet.columns) > 2 and sheet.load()[old].iloc[:5000].nunique() <= 1
