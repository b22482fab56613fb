"""Reads a competition as its organiser laid it out: a folder or a zip with train, test, sample submission and text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.kaggle.about import read_about
from medalist.competitions.layout.candidates import Sheet
from medalist.competitions.layout.description import html_text, read_description, read_text
from medalist.competitions.layout.file_list import TableFile, file_list
from medalist.competitions.layout.label_file import join_labels
from medalist.competitions.layout.reconcile import Frames, reconcile
from medalist.competitions.layout.roles import NamedTables, decide_roles
from medalist.competitions.naming import HIDDEN_FOLDERS, name_of, printable, safe_name
from medalist.competitions.tables.archive import TABLE_SUFFIXES, TEXT_SUFFIXES, Source, list_sources
from medalist.competitions.tables.reading import Table, load, read_header

__all__ = ["Competition", "TableFile", "read_competition"]

_FROM_KAGGLE = "the description is that of Kaggle's pages, kept since the download."


@dataclass(frozen=True, eq=False)
class Competition:
    """A competition: its tables, its description, and the list of its files.

    `name`: one printable component of a path (see `naming.safe_name`). Columns that `train`, `test` and `sample` share
    have the same name and type in each (see `layout.reconcile`). `description`: the organiser's text, "" without one.
    `fingerprint`: 16 hexadecimal digits that identify the bytes of the three tables. `notes`: sentences on what was
    changed in reading or could not be read. `sources`: the further tables, by path. `kaggle_metric`: what Kaggle calls
    the metric of a competition that was downloaded there, "" elsewhere.
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
    sources: Mapping[str, Source] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    kaggle_metric: str = ""

    def extra(self, name: str) -> pd.DataFrame:
        """A further table, by its path or its file name. Raises InputError unless there is exactly one of that name."""
        extras = [file.path for file in self.files if file.role == "extra"]
        matches = [path for path in extras if printable(name) in (path, PurePosixPath(path).name)]
        if len(matches) != 1 or matches[0] not in self.sources:
            raise InputError(f"there is no further table {name!r}; there are: {', '.join(extras) or 'none'}.")
        return load(self.sources[matches[0]]).frame


def read_competition(
    path: Path | str,
    *,
    train: str | None = None,
    test: str | None = None,
    sample: str | None = None,
    description: str | None = None,
    name: str | None = None,
    need_sample: bool = True,
) -> Competition:
    """The competition in a folder or a zip.

    `train`, `test`, `sample`, `description`: paths, relative to it, of files whose role is thereby settled. `name`: of
    the competition, by default that of its folder or zip. `need_sample`: whether there must be a sample submission.
    Where there is a folder public/, it is the competition; private/ is never opened.

    Raises InputError, saying what to do, where something is missing, broken or ambiguous.
    """
    root = Path(path)
    if not os.path.exists(root):  # Path.exists raises where a name is too long
        raise InputError(
            f"{root} does not exist: give a folder, a zip, or the name of a competition on Kaggle, such as titanic."
        )
    sources, notes = list_sources(root)
    sources, hidden = _public(sources)
    by_path = {source.path: source for source in sources}
    given = NamedTables(*(_named(root, flag, value, by_path) for flag, value in _flags(train, test, sample)))
    texts = [s for s in sources if s.suffix in TEXT_SUFFIXES and s.path not in (given.train, given.test, given.sample)]
    text, text_paths = _describe(root, description, texts)
    about = read_about(root)
    from_kaggle = bool(about.description) and not text

    loaded: dict[str, Table] = {}
    sheets, problems = _sheets(by_path, loaded, given)
    if not sheets:
        reason = problems[0] if problems else notes[0] if notes else f"{root} holds no table (csv or parquet)."
        raise InputError(reason)
    joined = join_labels(sheets)
    try:
        roles = decide_roles(joined, given, need_sample)
    except InputError as error:
        raise (InputError((problems + notes)[0]) if problems or notes else error) from error

    def reload(path: str, as_text: Sequence[str], exact: Sequence[str]) -> pd.DataFrame:
        if path == roles.train.path and roles.train.parts:
            return roles.train.load()
        return load(by_path[path], text=as_text, exact=exact).frame

    head = _head(by_path[roles.sample.path]) if roles.sample else b""
    read = Frames(roles.train.load(), roles.test.load(), roles.sample.load() if roles.sample else None, ())
    frames = reconcile(roles, read, reload, head)
    files = file_list(sources, hidden, sheets, roles, frames, text_paths, problems)
    used = [s for s in (roles.train, roles.test, roles.sample) if s]
    paths = [p for s in used for p in (s.parts or (s.path,))]
    table_notes = [note for p in paths for note in loaded[p].notes]
    return Competition(
        name=safe_name(name) if name else name_of(root),
        root=root,
        train=frames.train,
        test=frames.test,
        sample=frames.sample,
        description=html_text(about.description) if from_kaggle else text,
        files=files,
        fingerprint=hashlib.sha256(" ".join(loaded[p].digest for p in paths).encode()).hexdigest()[:16],
        notes=tuple(dict.fromkeys([*notes, *problems, *table_notes, *frames.notes, *(_FROM_KAGGLE,) * from_kaggle])),
        sources=MappingProxyType({f.path: by_path[f.path] for f in files if f.role == "extra"}),
        kaggle_metric=about.metric,
    )


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


def _named(root: Path, flag: str, value: str | None, by_path: dict[str, Source]) -> str | None:
    """The key in `by_path` of the file `value` that the user has named by a flag; a file elsewhere on disk is added.

    None without a value. Raises InputError where there is no such file, or more than one.
    """
    if value is None:
        return None
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
        by_path[wanted] = Source(wanted, file, (), file.stat().st_size)
        return wanted
    problem = "more than one such file" if matches else "no such file"
    raise InputError(f"{flag} {value}: there is {problem} in {root}.")


def _describe(root: Path, description: str | None, texts: Sequence[Source]) -> tuple[str, tuple[str, ...]]:
    """(text, paths) of the description: the file that the user has named, or those that mention the evaluation."""
    if description is None:
        return read_description(texts)
    by_path = {source.path: source for source in texts}
    key = _named(root, "--description", description, by_path)
    return (read_text(by_path[key]), (key,)) if key else ("", ())


def _sheets(by_path: dict[str, Source], loaded: dict[str, Table], given: NamedTables) -> tuple[list[Sheet], list[str]]:
    """(tables, problems): each table once, though the folder may hold it zipped too, and sentences on unreadable ones.

    Raises InputError where a table that the user has named cannot be read.
    """
    sheets: list[Sheet] = []
    problems: list[str] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    named = {given.train, given.test, given.sample}
    plain_first = sorted(by_path.items(), key=lambda item: (item[0] not in named, len(item[1].members), item[0]))
    for path, source in plain_first:
        if source.suffix not in TABLE_SUFFIXES and path not in named:
            continue
        try:
            columns = read_header(source).columns
        except InputError as error:
            if path in named:
                raise
            problems.append(str(error))
            continue
        key = (source.name.lower().removesuffix(".gz"), columns)
        if not columns:
            problems.append(f"{path} is empty: put the table there again.")
            if path in named:
                raise InputError(problems[-1])
        elif key not in seen or path in named:
            seen.add(key)
            sheets.append(Sheet(path, columns, _Loader(path, source, loaded)))
    return sheets, problems


@dataclass(frozen=True)
class _Loader:
    """A callable that returns the table of `source`, reading it at the first call and keeping it in `loaded`."""

    path: str
    source: Source
    loaded: dict[str, Table]

    def __call__(self) -> pd.DataFrame:
        if self.path not in self.loaded:
            self.loaded[self.path] = load(self.source)
        return self.loaded[self.path].frame


def _head(source: Source) -> bytes:
    """The first 64 KiB of a file."""
    with source.open() as stream:
        return stream.read(1 << 16)
