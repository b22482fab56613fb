"""Decides the roles of a folder's tables in every layout: whole, in parts, labels apart, several rows for an id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from medalist.competitions.errors import InputError
from medalist.competitions.layout.candidates import Roles
from medalist.competitions.layout.feature_files import join_feature_files
from medalist.competitions.layout.headerless import name_headerless
from medalist.competitions.layout.id_match import IdMatch
from medalist.competitions.layout.label_file import join_labels
from medalist.competitions.layout.many_rows import Aggregate, ManyRows
from medalist.competitions.layout.parts import join_parts
from medalist.competitions.layout.repeated_ids import collapse, join_further_rows, join_shared_rows
from medalist.competitions.layout.roles import decide_roles
from medalist.competitions.layout.sheets import NamedTables, Sheet
from medalist.competitions.layout.single_table import empty_test, only_table, set_answers_aside
from medalist.competitions.layout.split_rows import split_rows

Split = tuple[list[Sheet], ManyRows | None]


@dataclass(frozen=True, eq=False)
class Decision:
    """The roles of the tables; all sheets, joined ones as one; the inputs that have several rows for an id."""

    roles: Roles
    sheets: tuple[Sheet, ...]
    many: ManyRows | None


@dataclass(frozen=True)
class Hints:
    """What else there is to decide by.

    `targets`: those that the user has named. `need_sample`: whether there must be a sample submission. `headerless`:
    tables whose first line is numbers. `aggregate`: the function that aggregates several rows for an id.
    """

    description: str
    targets: tuple[str, ...]
    need_sample: bool
    headerless: tuple[Sheet, ...]
    aggregate: Aggregate


def decide(sheets: Sequence[Sheet], given: NamedTables, hints: Hints) -> Decision:
    """The roles of the tables of a competition.

    Raises InputError, naming what settles it, where there are several layouts to read them or none.
    """
    named = tuple(path for path in (given.train, given.test, given.sample) if path)
    whole = join_parts(sheets, named)
    joined, many = join_labels(whole, hints.aggregate) if given.train is None else (list(whole), None)
    try:
        found = Decision(decide_roles(joined, given, hints.need_sample), tuple(joined), many)
    except InputError as error:
        found = _other_layouts(whole, joined, many, given, hints, error)
    return _one_row_for_each_id(found, hints)


def _other_layouts(
    whole: Sequence[Sheet],
    joined: Sequence[Sheet],
    many: ManyRows | None,
    given: NamedTables,
    hints: Hints,
    error: InputError,
) -> Decision:
    """The roles of tables that are no plain train, test and sample. Raises `error` where they cannot be told."""

    def shared() -> Split | None:
        return join_shared_rows(whole, hints.aggregate)

    def headerless() -> Split | None:
        again = name_headerless(whole, hints.headerless)
        return None if again is None else join_labels(again, hints.aggregate)

    def answered() -> Split | None:
        again = set_answers_aside(joined, hints.description, hints.targets)
        return None if again is None else (again, many)

    def parted() -> Split | None:
        again = split_rows(whole, hints.description, hints.targets) if given.test is None else None
        return None if again is None else (again, None)

    ways: list[Callable[[], Split | None]] = [headerless, shared, answered, parted]
    for way in ways:
        split = way()
        if split is not None:
            for needed in dict.fromkeys(
                (hints.need_sample, False) if way in (answered, parted) else (hints.need_sample,)
            ):
                try:
                    roles = decide_roles(split[0], given, needed)
                except InputError:
                    continue
                return Decision(roles, tuple(split[0]), split[1])
    alone = only_table(whole, given.train) if given.test is None and given.sample is None else None
    if alone is not None and len(alone.load()):
        roles = Roles(alone, empty_test(alone), None, (), IdMatch(1.0), (), 0.0)
        return Decision(roles, tuple(joined), None)
    raise error


def _one_row_for_each_id(found: Decision, hints: Hints) -> Decision:
    """The decision with one row for each id, where train and test have several and the sample asks for one."""
    roles = found.roles
    if found.many is None and roles.sample is not None:
        split = collapse(roles, hints.aggregate) or join_further_rows(roles, found.sheets, hints.aggregate)
        if split is not None:
            train, test, many = split
            others = [s for s in found.sheets if s not in (roles.train, roles.test)]
            return Decision(replace(roles, train=train, test=test, blank=()), (train, test, *others), many)
        roles, sheets = join_feature_files(roles, found.sheets)
        return found if roles is found.roles else Decision(roles, tuple(sheets), None)
    return found
