"""Lists every file of a competition with its role and the reason for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medalist.competitions.layout.additional import is_additional
from medalist.competitions.layout.decide import Decision
from medalist.competitions.layout.further import FurtherTable, further_table, name_without_role, pairs_of_train_and_test
from medalist.competitions.layout.reconcile import Frames
from medalist.competitions.layout.roles import is_answers
from medalist.competitions.layout.sheets import Sheet
from medalist.competitions.tables.source import Source

Role = Literal["train", "test", "sample", "extra", "additional", "description", "answers", "ignored"]


@dataclass(frozen=True)
class TableFile:
    """A file of a competition (a table or a text), its role and the reason for it.

    `rows` is None and `columns` are () where they were not read.
    """

    path: str
    role: Role
    rows: int | None
    columns: tuple[str, ...]
    reason: str


def file_list(
    sources: Sequence[Source], hidden: Sequence[Source], sheets: Sequence[Sheet], decision: Decision, frames: Frames,
    description: Sequence[str], problems: Sequence[str],
) -> tuple[TableFile, ...]:  # fmt: skip
    """Every file with its role: train, test, sample, then the others. A table that was made of several files has one
    entry for each; further tables of the rows of train and test together have an entry without a file.

    `sources`: files that may be read; `hidden`: the grader's. `sheets`: the tables as they are in the files.
    `description`: the paths that the description was read from. `problems`: sentences on files that could not be read,
    each beginning with a path.
    """
    roles = decision.roles
    lacking = [c for c in roles.train.columns if c not in frames.test.columns]
    shown = ", ".join(lacking[:3]) + (", …" if len(lacking) > 3 else "")
    by_path = {sheet.path: sheet for sheet in sheets}
    alone = roles.test.path == ""
    why = {
        "train": "the only table: train, without a test" if alone else f"has {shown}, which test lacks",
        "test": "has train's columns but not all",
        "sample": "has as many rows as test",
    }
    if roles.ids:
        why["sample"] = f"has test's ids ({', '.join(roles.ids)}) and what is to be predicted"
    if roles.long is not None:
        why["sample"] = f"has {len(roles.long.keys)} rows for each row of test, and what is to be predicted"
    files: list[TableFile] = []
    used: list[tuple[Role, Sheet, int]] = [("train", roles.train, len(frames.train))]
    if not alone:
        used.append(("test", roles.test, len(frames.test)))
    if roles.sample is not None and frames.sample is not None:
        used.append(("sample", roles.sample, len(frames.sample)))
    samples = roles.sample.files if roles.sample is not None else ()
    for role, sheet, rows in used:
        paths = [p for p in sheet.files if role == "sample" or p not in samples]
        if paths == [sheet.path] and by_path[sheet.path].columns == sheet.columns:
            files.append(TableFile(sheet.path, role, rows, sheet.columns, why[role]))
            continue
        for path in paths:
            part = by_path[path]
            if role != "sample" and path in roles.train.files and path in roles.test.files:
                files.append(TableFile(path, role, rows, part.columns, f"has the rows of {role} among others"))
                continue
            reason = f"a part of {role}" if len(paths) > 1 else why[role]
            files.append(TableFile(path, role, len(part.load()), part.columns, reason))
    listed = {file.path for file in files}
    rest = [s for s in sheets if s.path not in listed]
    paired = {sheet.path for pair in pairs_of_train_and_test(rest) for sheet in pair}
    for sheet in rest:
        if is_answers(sheet, roles, frames.train, frames.test):
            reason = "has test's ids with what is to be predicted: answers or an earlier submission, never used"
            files.append(TableFile(sheet.path, "answers", None, sheet.columns, reason))
        elif is_additional(sheet, roles, frames.train, frames.test):
            reason = "has train's columns with what is to be predicted: additional training rows, never held out"
            files.append(TableFile(sheet.path, "additional", None, sheet.columns, reason))
        elif sheet.path in paired:
            files.append(TableFile(sheet.path, "ignored", None, sheet.columns, "a part of a further table"))
        else:
            files.append(TableFile(sheet.path, "extra", None, sheet.columns, "a further table, read when asked for"))
    files += [TableFile(p, "description", None, (), "speaks of the evaluation") for p in description]
    listed = {file.path for file in files}
    for source in sources:
        if source.path not in listed:
            reason = next((p for p in problems if p.startswith(source.path)), "the same as another file, or no table")
            files.append(TableFile(source.path, "ignored", None, (), reason))
    files += [TableFile(s.path, "answers", None, (), "outside the public part: never opened") for s in hidden]
    return tuple(files)


def further_tables(
    files: Sequence[TableFile], sheets: Sequence[Sheet], decision: Decision, by_path: Mapping[str, Source],
    renamed: Mapping[str, str],
) -> tuple[tuple[TableFile, ...], dict[str, FurtherTable]]:  # fmt: skip
    """(all files, and an entry for each further table of the rows of train and test together; the further tables).

    `renamed`: columns of the decision's tables that are called otherwise in `sheets`.
    """
    sheet_of = {sheet.path: sheet for sheet in sheets}
    extras = [file for file in files if file.role in ("extra", "additional")]
    tables = {f.path: further_table([sheet_of[f.path]], f.columns, by_path, sheet_of) for f in extras}
    joint = [(pair, pair[0].columns, "rows of {} and {} together") for pair in _unused(files, sheet_of)]
    many = decision.many
    if many is not None and many.train is not many.test and many.is_one_table():
        reason = "rows of {} and {} together, several for each " + ", ".join(many.ids)
        joint.insert(0, ((many.train, many.test), tuple(renamed.get(c, c) for c in many.columns), reason))
    added: list[TableFile] = []
    for (one, other), columns, reason in joint:
        taken = [f.path.rpartition("/")[2].partition(".")[0] for f in (*files, *added)]
        name = name_without_role(one.files[0], taken)
        written = tuple(c for c in columns if all(c in sheet_of[p].columns for p in (*one.files, *other.files)))
        ids = many.ids if many is not None and one is many.train else ()
        if not {renamed.get(c, c) for c in ids} <= set(written):
            continue  # the names of the files are the ids
        tables[name] = further_table([one, other], written, by_path, sheet_of)
        added.append(TableFile(name, "extra", None, written, reason.format(one.path, other.path)))
    return (*files, *added), tables


def _unused(files: Sequence[TableFile], sheet_of: Mapping[str, Sheet]) -> list[tuple[Sheet, Sheet]]:
    """Pairs of tables of train's and of test's rows that have no role of their own."""
    return pairs_of_train_and_test([sheet_of[f.path] for f in files if f.role == "ignored" and f.path in sheet_of])
