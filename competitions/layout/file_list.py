"""Lists every file of a competition with its role and the reason for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medalist.competitions.layout.candidates import Roles, Sheet
from medalist.competitions.layout.reconcile import Frames
from medalist.competitions.layout.roles import is_answers
from medalist.competitions.tables.archive import Source

Role = Literal["train", "test", "sample", "extra", "description", "answers", "ignored"]


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
    sources: Sequence[Source], hidden: Sequence[Source], sheets: Sequence[Sheet], roles: Roles, frames: Frames,
    description: Sequence[str], problems: Sequence[str],
) -> tuple[TableFile, ...]:  # fmt: skip
    """Every file with its role: train, test, sample, then the others.

    `sources`: files that may be read; `hidden`: the grader's. `sheets`: their tables. `description`: the paths that the
    description was read from. `problems`: sentences on files that could not be read, each beginning with a path.
    """
    lacking = [c for c in roles.train.columns if c not in frames.test.columns]
    shown = ", ".join(lacking[:3]) + (", …" if len(lacking) > 3 else "")
    files = [
        TableFile(roles.train.path, "train", len(frames.train), roles.train.columns, f"has {shown}, which test lacks"),
        TableFile(roles.test.path, "test", len(frames.test), roles.test.columns, "has train's columns but not all"),
    ]
    if roles.sample is not None and frames.sample is not None:
        reason = "has as many rows as test"
        if roles.ids:
            reason = f"has test's ids ({', '.join(roles.ids)}) and what is to be predicted"
        if roles.long is not None:
            reason = f"has {len(roles.long.keys)} rows for each row of test, and what is to be predicted"
        files.append(TableFile(roles.sample.path, "sample", len(frames.sample), roles.sample.columns, reason))
    listed = {file.path for file in files}
    for sheet in sheets:
        if sheet.path in roles.train.parts and sheet.path not in listed:
            files.append(TableFile(sheet.path, "ignored", None, sheet.columns, f"joined to {roles.train.path}"))
        elif sheet.path not in listed and is_answers(sheet, roles, frames.train, frames.test):
            reason = "has test's ids with what is to be predicted: answers or an earlier submission, never used"
            files.append(TableFile(sheet.path, "answers", None, sheet.columns, reason))
        elif sheet.path not in listed:
            files.append(TableFile(sheet.path, "extra", None, sheet.columns, "a further table, read when asked for"))
    files += [TableFile(p, "description", None, (), "speaks of the evaluation") for p in description]
    listed = {file.path for file in files}
    for source in sources:
        if source.path not in listed:
            reason = next((p for p in problems if p.startswith(source.path)), "the same as another file, or no table")
            files.append(TableFile(source.path, "ignored", None, (), reason))
    files += [TableFile(s.path, "answers", None, (), "outside the public part: never opened") for s in hidden]
    return tuple(files)
