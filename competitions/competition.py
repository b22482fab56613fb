"""Reads a competition as its organiser laid it out: a folder or a zip with train, test, sample submission and text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pandas as pd

from medalist.competitions.columns.aggregates import aggregate_rows
from medalist.competitions.columns.reading_decisions import readings_of_further
from medalist.competitions.columns.readings import Readings
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle.about import read_about
from medalist.competitions.layout.decide import Hints, decide
from medalist.competitions.layout.description import encoding_note, html_text, read_description, read_text
from medalist.competitions.layout.file_list import TableFile, file_list, further_tables
from medalist.competitions.layout.further import FurtherTable
from medalist.competitions.layout.headers import header_notes, rename_columns, restore_sample_names, unify_headers
from medalist.competitions.layout.integer_types import says_zeros
from medalist.competitions.layout.parts import join_named
from medalist.competitions.layout.reconcile import reconcile
from medalist.competitions.layout.same_notes import joined_notes
from medalist.competitions.layout.sample_file import raw_ids, sample_form
from medalist.competitions.layout.sheets import FileLoader, read_sheets
from medalist.competitions.layout.single_table import without_unlabelled
from medalist.competitions.naming import HIDDEN_FOLDERS, did_you_mean_path, name_of, printable, safe_name
from medalist.competitions.tables.archive import TEXT_SUFFIXES, list_sources, source_of
from medalist.competitions.tables.reading import Table
from medalist.competitions.tables.source import Source, as_siblings
from medalist.competitions.tables.table_or_text import is_table
from medalist.competitions.tables.text_form import TextForm
from medalist.competitions.tables.workbook import expand_workbooks
from medalist.competitions.text_columns import (
    decide_readings,
    decimal_of_train,
    read_frames,
    with_same_spellings,
    with_time,
)

__all__ = ["Competition", "TableFile", "read_competition"]

_FROM_KAGGLE = "the description is that of Kaggle's pages, kept since the download."


@dataclass(frozen=True, eq=False)
class Competition:
    """A competition: its tables, its description, and the list of its files.

    `name`: one printable component of a path (see `naming.safe_name`). Columns that `train`, `test` and `sample` share
    have the same name and type in each (see `layout.reconcile`). `description`: the organiser's text, "" without one.
    `fingerprint`: 16 hexadecimal digits that identify the bytes of the three tables. `notes`: sentences on what was
    changed in reading or could not be read. `sources`: the further tables, by path. `sample_form`: how the sample is
    written, in which a submission is written too; None without a sample. `readings`: how columns of text are written.
    `kaggle_metric`: what Kaggle calls the metric of a competition that was downloaded there, "" elsewhere.
    `origins`: the file on disk that holds each file, by path; without those of the grader.
    """

    name: str
    root: Path
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame | None
    description: str
    files: tuple[TableFile, ...]
    fingerprint: str
    notes: tuple[str, ...]
    sources: Mapping[str, FurtherTable] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    sample_form: TextForm | None = None
    readings: Readings = field(default_factory=Readings, repr=False)
    kaggle_metric: str = ""
    origins: Mapping[str, Path] = field(default_factory=dict, repr=False)

    def extra(self, name: str) -> pd.DataFrame:
        """A further table, or additional training rows, by its path or its file name.

        Raises InputError unless there is exactly one of that name.
        """
        extras = [file.path for file in self.files if file.role in ("extra", "additional")]
        matches = [path for path in extras if printable(name) in (path, PurePosixPath(path).name)]
        if len(matches) != 1 or matches[0] not in self.sources:
            raise InputError(f"there is no further table {name!r}; there are: {', '.join(extras) or 'none'}.")
        table = self.sources[matches[0]].load()
        return readings_of_further(self.readings, table, self.description).apply(table)


def read_competition(
    path: Path | str,
    *,
    train: str | None = None,
    test: str | None = None,
    sample: str | None = None,
    description: str | None = None,
    name: str | None = None,
    need_sample: bool = True,
    targets: Sequence[str] | None = None,
) -> Competition:
    """The competition in a folder or a zip, or in a single table, which then has a test without rows.

    `train`, `test`, `sample`, `description`: paths, relative to it, of files whose role is thereby settled; several
    files of one table with commas between them. `name`: of the competition, by default that of its folder or zip.
    `need_sample`: whether there must be a sample submission. `targets`: the columns that are to be predicted, where the
    user has named them.
    Where there is a folder public/, it is the competition; private/ is never opened.

    Raises InputError, saying what to do, where something is missing, broken or ambiguous.
    """
    root = Path(path)
    if not os.path.exists(root):  # Path.exists raises where a name is too long
        raise InputError(
            f"{root} does not exist{did_you_mean_path(root)}: give a folder, a zip, or the name of a competition on "
            "Kaggle, such as titanic."
        )
    sources, notes = list_sources(root)
    sources, hidden = _public(sources)
    sources = as_siblings(expand_workbooks(sources))
    may_be_tables = {source.path for source in sources if is_table(source)}
    by_path = {source.path: source for source in sources}
    named = {flag: _named(root, flag, value, by_path) for flag, value in _flags(train, test, sample)}
    given_paths = [path for paths in named.values() for path in paths]
    texts = [s for s in sources if s.suffix in TEXT_SUFFIXES and s.path not in {*given_paths, *may_be_tables}]
    text, text_paths = _describe(root, description, texts)
    about = read_about(root)
    from_kaggle = bool(about.description) and not text

    loaded: dict[str, Table] = {}
    tables, headerless, problems = read_sheets(by_path, may_be_tables, loaded, given_paths)
    if not tables:
        reason = problems[0] if problems else notes[0] if notes else f"{root} holds no table (csv or parquet)."
        raise InputError(reason)
    tables = unify_headers(tables, next(iter(named["--train"]), None))
    sheets, given = join_named(tables, *(named[flag] for flag in ("--train", "--test", "--sample")))
    of_rows = _Aggregates(text)
    hints = Hints(text, tuple(targets or ()), need_sample, tuple(headerless), of_rows)
    try:
        decision = decide(sheets, given, hints)
    except InputError as error:
        raise (InputError((problems + notes)[0]) if problems or notes else error) from error
    roles = decision.roles
    used = [s for s in (roles.train, roles.test, roles.sample) if s]

    head = raw_ids(by_path[roles.sample.files[0]], roles.ids) if roles.sample else b""
    readings = decide_readings(roles, text)
    frames = reconcile(roles, *read_frames(roles, readings), head, text, hints.targets)
    frames = with_time(with_same_spellings(frames, roles.ids))
    if not roles.test.path:
        whole, left_out = without_unlabelled(frames.train, hints.targets, text)
        frames = replace(frames, train=whole, test=whole.iloc[:0], notes=(*frames.notes, *left_out))
    names = {s.path: s.load.names for s in tables if isinstance(s.load, FileLoader) and s.load.names}
    of_sample = names.get(roles.sample.path, {}) if roles.sample else {}
    frames, renamed, predicted = restore_sample_names(frames, of_sample, roles.ids)
    if decision.many is not None:  # ids are called in the further table as in train and test
        renamed |= {old: new for old, new in roles.match.renamed if old in decision.many.ids}
    told = header_notes(used, names, predicted)
    paths = [p for s in used for p in s.files if s.path]
    tables = rename_columns([*tables, *(s for s in headerless if s.path in paths)], renamed)
    files = file_list(sources, hidden, tables, decision, frames, text_paths, problems)
    files, further = further_tables(files, tables, decision, by_path, renamed)
    forms = {path: table.form for path, table in loaded.items()}
    form, form_notes = sample_form(roles, forms, frames, readings.sample_decimal, decimal_of_train(frames, readings))
    table_notes = [note for p in dict.fromkeys(paths) for note in loaded[p].notes if not readings.supersedes(note)]
    table_notes = [note for note in table_notes if not says_zeros(note, frames.train)]
    made_notes = [note for s in used for note in s.notes]
    problems = [p for p in problems if not any(p.startswith(path) for path in paths)]
    text_notes = [note for path in text_paths if path in by_path and (note := encoding_note(by_path[path]))]
    all_notes = [*notes, *problems, *told, *table_notes, *text_notes, *made_notes, *readings.notes, *frames.notes]
    all_notes += of_rows.notes if decision.many is not None else ()
    all_notes += [*form_notes, *(_FROM_KAGGLE,) * from_kaggle, *about.facts.notes()]
    return Competition(
        name=safe_name(name) if name else name_of(root),
        root=root,
        train=frames.train,
        test=frames.test,
        sample=frames.sample,
        description=html_text(about.description) if from_kaggle else text,
        files=files,
        fingerprint=hashlib.sha256(" ".join(loaded[p].digest for p in paths).encode()).hexdigest()[:16],
        notes=tuple(joined_notes(all_notes, list(by_path))),
        sources=MappingProxyType(further),
        sample_form=form,
        readings=readings,
        kaggle_metric=about.metric,
        origins={path: source.file for path, source in by_path.items()},
    )


@dataclass
class _Aggregates:
    """A callable that returns the aggregates of several rows for an id (see `aggregate_rows`), whose text is read as
    numbers and dates. `notes`: how the columns of the last table were read."""

    description: str
    notes: tuple[str, ...] = ()

    def __call__(self, table: pd.DataFrame, ids: Sequence[str], taken: Sequence[str]) -> tuple[pd.DataFrame, str]:
        readings = readings_of_further(Readings(), table, self.description)
        self.notes = readings.notes
        return aggregate_rows(readings.apply(table, ids), ids, taken)


def _flags(train: str | None, test: str | None, sample: str | None) -> tuple[tuple[str, str | None], ...]:
    return (("--train", train), ("--test", test), ("--sample", sample))


def _public(sources: list[Source]) -> tuple[list[Source], list[Source]]:
    """(files that may be read, files of the grader): where there is a folder public/, only its files may be read."""
    folders = {source.path: [part.lower() for part in PurePosixPath(source.path).parts[:-1]] for source in sources}
    public = any("public" in parts for parts in folders.values())
    kept: list[Source] = []
    hidden: list[Source] = []
    for source in sources:
        parts = folders[source.path]
        private = any(part in HIDDEN_FOLDERS for part in parts) or (public and "public" not in parts)
        (hidden if private else kept).append(source)
    return kept, hidden


def _named(root: Path, flag: str, value: str | None, by_path: dict[str, Source]) -> list[str]:
    """The keys in `by_path` of the file `value` that the user has named by a flag, or of several files with commas
    between them; a file elsewhere on disk is added.

    [] without a value. Raises InputError where there is no such file, or more than one.
    """
    if value is None:
        return []
    try:
        return [_one_named(root, flag, value, by_path)]
    except InputError:
        if "," not in value:
            raise
        return [_one_named(root, flag, part.strip(), by_path) for part in value.split(",") if part.strip()]


def _one_named(root: Path, flag: str, value: str, by_path: dict[str, Source]) -> str:
    """The key in `by_path` of one file. Raises InputError as `_named` does."""
    wanted = printable(PurePosixPath(value).as_posix())
    matches = [p for p in by_path if p == wanted] or [p for p in by_path if p.endswith("/" + wanted)]
    if len(matches) == 1:
        return matches[0]
    for file in (root / value, Path(value)):
        if not os.path.isfile(file):
            continue
        inside = [p for p, source in by_path.items() if source.file.resolve() == file.resolve()]
        if len(inside) == 1:
            return inside[0]
        by_path[wanted] = source_of(file, wanted)
        return wanted
    problem = "more than one such file" if matches else "no such file"
    raise InputError(f"{flag} {value}: there is {problem} in {root}.")


def _describe(root: Path, description: str | None, texts: Sequence[Source]) -> tuple[str, tuple[str, ...]]:
    """(text, paths) of the description: the file that the user has named, or those that mention the evaluation."""
    if description is None:
        return read_description(texts)
    by_path = {source.path: source for source in texts}
    key = _one_named(root, "--description", description, by_path)
    return read_text(by_path[key]), (key,)
