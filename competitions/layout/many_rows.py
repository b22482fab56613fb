"""Inputs with several rows for each id: they become one row of aggregates for each id, and one further table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.layout.id_match import id_index, share_in
from medalist.competitions.layout.parts import mixed_columns
from medalist.competitions.layout.sheets import Load, Sheet, within

# (table, ids, names that are taken) -> (a row of aggregates for each id, how the rows were put in order)
Aggregate = Callable[[pd.DataFrame, Sequence[str], Sequence[str]], tuple[pd.DataFrame, str]]
_PART = "row of train or test"  # a key beside the ids, where train and test have the same ones


@dataclass(frozen=True, eq=False)
class ManyRows:
    """The tables of inputs that have several rows for each id, of train and of test, which may be one and the same."""

    train: Sheet
    test: Sheet
    ids: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the further table: those that train and test share."""
        return tuple(c for c in self.train.columns if c in self.test.columns)

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        return (self.train,) if self.train is self.test else (self.train, self.test)

    def load(self) -> pd.DataFrame:
        """The rows of train and test, (n, columns)."""
        return concat_sheets(self.sheets, self.columns)

    def is_one_table(self) -> bool:
        """Whether no id stands in the inputs of both train and test, so that one further table can hold them."""
        if self.train is self.test:
            return True
        left, right = (s.load()[list(self.ids)].drop_duplicates() for s in self.sheets)
        return share_in(left, right, self.ids) == 0.0

    def join(
        self, labels: Sheet, forms: Sequence[Sheet], aggregate: Aggregate, asked: Sheet | None = None
    ) -> tuple[Sheet, Sheet]:
        """(train, test) with one row for each id: the rows of `labels`, and the ids of test, with the aggregates.

        Test has the ids of `asked`, else of the first of `forms` that has each of them once, else of its inputs. Ids
        without inputs have no aggregates.
        """
        ids, one_table = list(self.ids), self.is_one_table()
        table, train = self.load(), labels.load()
        single = one_table and not table.duplicated(ids).any()
        if single:
            made, order = table.drop(columns=[c for c in labels.columns if c in table and c not in ids]), ""
            of_train = of_test = made
        elif one_table:
            made, order = aggregate(table, ids, labels.columns)
            of_train = of_test = made
        else:
            part = np.arange(len(table)) >= len(self.train.load())
            made, order = aggregate(table.assign(**{_PART: part}), [*ids, _PART], labels.columns)
            of_train, of_test = (made[made[_PART] == is_test].drop(columns=_PART) for is_test in (False, True))
        source = _ids_of(asked, ids) if asked is not None else self._asked(forms)
        in_test = source()
        wide = [with_aggregates(train, of_train, ids), with_aggregates(in_test, of_test, ids)]
        lacking = [_count_lacking(train, of_train, ids), _count_lacking(in_test, of_test, ids)]
        key = ", ".join(ids)
        count = len(made.columns) - len(ids) - (not one_table)
        paths = " and ".join(s.path for s in self.sheets)
        further = ", and the rows are a further table" if one_table else ""
        notes = [
            f"{paths} {'has' if len(self.sheets) == 1 else 'have'} several rows for each {key} ({len(table):,} for "
            f"{len(made):,}): {count} aggregates of them, "
            f"{order}, are columns of train and test{further}."
        ]
        if single:
            notes = [f"{paths} has one row for each {key}: its columns are columns of train and test."]
        if any(lacking):
            notes.append(
                f"{lacking[0]:,} {key} of {labels.path} and {lacking[1]:,} of test have no such rows: their aggregates "
                "are missing."
            )
        unused = _count_lacking(of_train, pd.concat([train[ids], in_test[ids]]), ids)
        if unused:
            notes.append(f"{unused:,} {key} of {self.train.path} have no label and are not asked for.")
        files = () if self.train is self.test else self.train.files
        of_test_files = (asked.path, asked.files) if asked is not None else (self.test.path, self.test.files)
        return (
            sheet_of_frame(labels.path, (*labels.files, *files), wide[0], labels.load, (*labels.notes, *notes)),
            sheet_of_frame(*of_test_files, wide[1], source),
        )

    def _asked(self, forms: Sequence[Sheet]) -> Load:
        """A function that returns the ids of test, (m, ids), each once."""
        ids = list(self.ids)

        def of_inputs(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
            return self.test.load(*within(ids, text, exact))[ids].drop_duplicates(ignore_index=True)

        inputs = of_inputs()
        for form in forms:
            frame = form.load()
            if frame.duplicated(ids).any() or len(frame) > 2 * len(inputs):
                continue
            if share_in(inputs, frame, ids) == 1.0:
                return _ids_of(form, ids)
        return of_inputs


def _ids_of(form: Sheet, ids: list[str]) -> Load:
    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        return form.load(*within(ids, text, exact))[ids].reset_index(drop=True)

    return load


def _count_lacking(rows: pd.DataFrame, of: pd.DataFrame, ids: list[str]) -> int:
    return int((~id_index(rows[ids]).isin(id_index(of[ids]))).sum())


def concat_sheets(sheets: Sequence[Sheet], columns: Sequence[str]) -> pd.DataFrame:
    """The rows of all sheets, (n, columns); columns that are text in one of them are text in all."""
    frames = [s.load()[list(columns)] for s in sheets]
    mixed = mixed_columns(frames) if len(frames) > 1 else []
    if mixed:
        frames = [s.load(mixed)[list(columns)] for s in sheets]
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def with_aggregates(left: pd.DataFrame, made: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """The rows of `left` with the aggregates of their ids, NaN where there are none."""
    place = id_index(made[ids]).get_indexer(id_index(left[ids]))
    rest = made.drop(columns=ids).reset_index(drop=True)
    if (place < 0).any():
        rest = rest.reindex(pd.RangeIndex(len(rest) + 1))  # -1, the last row, is empty
    return pd.concat([left.reset_index(drop=True), rest.iloc[place].reset_index(drop=True)], axis=1)


def sheet_of_frame(
    path: str, files: tuple[str, ...], frame: pd.DataFrame, source: Load, notes: tuple[str, ...] = ()
) -> Sheet:
    """A sheet of a frame; columns that are asked for as text are those of `source`, which has the same rows."""

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        if not text and not exact:
            return frame
        changed = frame.copy(deep=False)
        own = source().columns
        wanted = within(own, text, exact)
        if any(wanted):
            again = source(*wanted)
            for name in (*wanted[0], *wanted[1]):
                changed[name] = again[name].to_numpy(dtype=object)
        return changed

    return Sheet(path, tuple(map(str, frame.columns)), load, files, notes)
