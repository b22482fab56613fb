"""Decides the readings of a competition's tables: over all of them together, then by columns and the description."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.columns.date_form import DateForm, decide_dates
from medalist.competitions.columns.number_form import NumberDecision, decide_numbers, proven_decimal
from medalist.competitions.columns.number_words import decimal_said, decimal_shown
from medalist.competitions.columns.probe import may_be_thousands, probe
from medalist.competitions.columns.reading_notes import doubt_note, number_notes, time_note
from medalist.competitions.columns.readings import Form, Readings
from medalist.competitions.columns.written_times import TimeForm, decide_times
from medalist.competitions.errors import InputError
from medalist.competitions.tables.dtypes import is_strings

_MOST_LABELS = 20  # values of a target with letters or colons in them that are labels, where the sample shows such
Reload = Callable[[str, Sequence[str]], pd.DataFrame | None]  # (role, columns) → the table with these as text


def read_jointly(
    frames: Mapping[str, pd.DataFrame], ids: Collection[str], targets: Collection[str], description: str, reload: Reload
) -> Readings:
    """The readings of the tables.

    `frames`: by role, "train", "test" and "sample". `ids`: columns whose text is kept. `targets`: columns of train that
    are to be predicted, and that test may lack. `reload`: reads a table again, some columns as text, or returns None
    where that cannot be done. Raises InputError for a target of times that the sample shows as text.
    """
    return _Decider(frames, ids, targets, description, reload, Readings()).decide()


def readings_of_further(readings: Readings, frame: pd.DataFrame, description: str = "") -> Readings:
    """The readings of a further table: columns of the same names as in train and test are written alike, the others are
    read by their own values, by what the values of train and test prove, and by the description."""
    known = readings.fitting(frame)
    rest = {"train": frame[[c for c in frame.columns if c not in known]]}
    own = _Decider(rest, (), (), description, None, readings).decide()
    return replace(own, forms=known | dict(own.forms))


@dataclass
class _Decider:
    frames: Mapping[str, pd.DataFrame]
    ids: Collection[str]
    targets: Collection[str]
    description: str
    reload: Reload | None
    before: Readings

    def decide(self) -> Readings:
        forms: dict[str, Form] = {}
        date_columns: dict[str, DateForm] = {}
        notes: list[str] = []
        numbers: dict[str, NumberDecision] = {}
        raw: list[str] = []
        dated: list[tuple[str, dict[str, pd.Series]]] = []
        for name, tables in self._columns.items():
            texts = {role: values for role, values in tables.items() if is_strings(values)}
            if not texts:
                if name not in self.ids and self.reload is not None and may_be_thousands(tables):
                    decision = self._numbers(name, tables, raw)
                    if decision and any(style.group for style in decision.form.styles):
                        numbers[name] = decision
                    elif decision and decision.doubt:
                        notes.append(doubt_note(name, decision))
                continue
            seen = probe(texts.values())
            if seen.numbers and name not in self.ids:
                decision = self._numbers(name, tables, raw)
                if decision is not None:
                    numbers[name] = decision
                    continue
            if seen.times and name not in self.ids and (time := self._times(name, tables)) is not None:
                forms[name] = time
                notes.append(time_note(name, time))
            elif seen.dates and name not in self.targets:
                dated.append((name, {role: v for role, v in texts.items() if role in ("train", "test")}))
        for name, decision in numbers.items():
            forms[name] = decision.form
        notes += number_notes(numbers)
        day_first = self._dates(dated, forms, date_columns, notes)
        infinite = self._infinite(notes)
        kept = tuple(name for name in dict.fromkeys(raw) if name in forms)
        proven = {decision.decimals for decision in numbers.values()} - {""}
        decimal = proven.pop() if len(proven) == 1 else self.before.decimal
        of_sample = self._decimal_of_sample(numbers, notes)
        return Readings(forms, kept, date_columns, infinite, tuple(notes), decimal, day_first, of_sample)

    @cached_property
    def _columns(self) -> dict[str, dict[str, pd.Series]]:
        """The columns of train and test, by name and role; the sample's only where they are targets."""
        columns: dict[str, dict[str, pd.Series]] = {}
        for role, frame in self.frames.items():
            for name in frame.columns:
                if role != "sample" or (name in columns and name in self.targets):
                    columns.setdefault(name, {})[role] = frame[name]
        return columns

    def _numbers(self, name: str, tables: dict[str, pd.Series], raw: list[str]) -> NumberDecision | None:
        """The decision on a column; tables in which it was read as numbers with decimals are read again as text."""
        texts = []
        for role, values in tables.items():
            if is_strings(values):
                texts.append(values)
            elif types.is_float_dtype(values.dtype) and self.reload is not None and bool((values.dropna() % 1).any()):
                again = self.reload(role, [name])
                if again is not None and name in again:
                    texts.append(again[name])
                    raw.append(name)
        if not texts:
            return None
        target = name in self.targets
        decision = decide_numbers(texts, lambda: self._decimal_besides(name), target=target)
        if decision is None or not target:
            return decision
        return self._target_numbers(decision, tables)

    def _target_numbers(self, decision: NumberDecision, tables: Mapping[str, pd.Series]) -> NumberDecision | None:
        """The decision on a target, None where its values are labels: two of them, or a few with letters that the
        sample shows too."""
        sample = tables.get("sample")
        distinct = tables["train"].nunique() if "train" in tables else 0
        labels = sample is not None and is_strings(sample)
        if distinct <= 2 or (labels and sample is not None and decision.form.read(sample).isna().all()):
            return None
        letters = bool(tables["train"].dropna().astype(str).str.contains(r"[^\W\d_]|[%<>]").any())
        if labels and letters and distinct <= _MOST_LABELS:
            return None
        if decision.percent and sample is not None and not labels:
            shown = sample[sample != 0].abs()
            if (
                len(shown)
                and bool((shown <= 1).all())
                and float(decision.form.read(tables["train"]).abs().median()) > 1
            ):
                form = replace(decision.form, scale=0.01)
                said = "percent, as the fractions of 1 that the sample shows"
                return replace(decision, form=form, said=said, example="12.5% is 0.125")
        return decision

    def _decimal_besides(self, name: str) -> str:
        """The decimal sign that the description names, or that the other columns or its examples show; "" for none."""
        said = decimal_said(self.description) or self.before.decimal
        if said:
            return said
        signs = set()
        for other, tables in self._columns.items():
            if other == name or other in self.ids:
                continue
            texts = [values for values in tables.values() if is_strings(values)]
            if texts:
                signs.add(proven_decimal(texts) if probe(texts).numbers else "")
            elif sign := self._decimal_of_floats(other, tables):
                signs.add(sign)
        signs.discard("")
        return signs.pop() if len(signs) == 1 else decimal_shown(self.description)

    def _decimal_of_floats(self, name: str, tables: Mapping[str, pd.Series]) -> str:
        """The decimal sign that stands in the file for a column that was read as numbers, "" where none can."""
        role, values = next(iter(tables.items()))
        some = values.iloc[:2000].dropna()
        if self.reload is None or not types.is_float_dtype(values.dtype) or not bool((some % 1).any()):
            return ""
        again = self.reload(role, [name])
        return proven_decimal([again[name].iloc[:2000]]) if again is not None and name in again else ""

    def _decimal_of_sample(self, numbers: Mapping[str, NumberDecision], notes: list[str]) -> str:
        """The decimal sign of the sample's predictions that are text, "" where none is; notes what of their form is
        not kept."""
        signs = set()
        sample = self.frames.get("sample", pd.DataFrame())
        for name, decision in numbers.items():
            if name in self.targets and name in sample and is_strings(sample[name]):
                signs.add(decision.form.decimal_of(sample[name]))
                text = str(sample[name].dropna().iloc[0])
                if not all(letter.isdigit() or letter in ".,-+" for letter in text):
                    notes.append(f"the sample shows {text!r} in {name!r}: submissions hold plain numbers.")
        return signs.pop() if len(signs) == 1 else ""

    def _times(self, name: str, tables: Mapping[str, pd.Series]) -> TimeForm | None:
        """The form of times of day or durations. A target whose few values the sample shows as text has labels; with
        more values it raises InputError."""
        texts = pd.concat([values.dropna() for values in tables.values() if is_strings(values)], ignore_index=True)
        distinct = pd.Series(pd.unique(texts.astype(object)), dtype=object)
        target = name in self.targets
        labels = target and ("sample" not in tables or is_strings(tables["sample"]))
        if labels and len(distinct) <= _MOST_LABELS:
            return None
        form = decide_times(distinct, durations=target)
        if form is not None and labels and "sample" in tables:
            raise InputError(
                f"the target {name!r} holds {form.what} such as {distinct.iloc[0]!r} in train and in the sample, and "
                f"predictions are numbers: write them in both as numbers of {form.unit.split()[0]}."
            )
        return form

    def _dates(
        self,
        dated: Sequence[tuple[str, dict[str, pd.Series]]],
        forms: dict[str, Form],
        date_columns: dict[str, DateForm],
        notes: list[str],
    ) -> bool | None:
        """Enters the forms of dates and their notes; returns whether days are before months where values prove it."""
        proven: set[bool] = set()
        known = self.before.day_first
        open_columns: list[tuple[str, dict[str, pd.Series]]] = []
        for turn, columns in ((0, dated), (1, open_columns)):
            known = next(iter(proven)) if len(proven) == 1 else known
            for name, tables in columns:
                decision = decide_dates(tables, self.description, known, self.frames.get("train"))
                if decision is None:
                    continue
                if decision.day_first is not None:
                    proven.add(decision.day_first)
                elif turn == 0 and len(dated) > 1:
                    open_columns.append((name, tables))
                    continue
                if decision.rewrite and name in self.ids:
                    date_columns[name] = decision.form
                    notes.append(f"column {name!r} {decision.said}: as dates in {name}_date.")
                elif decision.said:
                    notes.append(f"column {name!r} {decision.said}.")
                if decision.rewrite and name not in self.ids:
                    forms[name] = decision.form
        return next(iter(proven)) if len(proven) == 1 else known

    def _infinite(self, notes: list[str]) -> tuple[str, ...]:
        """The inputs with infinite values."""
        found = []
        for name, tables in self._columns.items():
            if name in self.targets or name in self.ids:
                continue
            floats = [v for v in tables.values() if types.is_float_dtype(v.dtype)]
            count = sum(int(np.isinf(v.to_numpy(dtype=float, na_value=np.nan)).sum()) for v in floats)
            if count:
                found.append(name)
                notes.append(f"column {name!r} holds {count:,} infinite value{'s' * (count > 1)}: read as missing.")
        return tuple(found)
