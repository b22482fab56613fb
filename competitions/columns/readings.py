"""Readings: how the columns of text of a competition's tables are written as numbers, dates and times.

They are decided over all tables together, so that every table is read alike, and keep to what the values prove; where
two readings remain, the other columns and the description decide, and a note says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.columns.date_form import DateForm
from medalist.competitions.columns.written_numbers import NumberForm
from medalist.competitions.columns.written_times import TimeForm
from medalist.competitions.tables.dtypes import is_strings

Form = NumberForm | DateForm | TimeForm


@dataclass(frozen=True)
class Readings:
    """How columns are written, by name.

    `forms`: of columns that are read anew. `raw`: those of them that must be read from their file as text.
    `date_columns`: columns that are kept, and followed by one of their dates, `<name>_date`. `infinite`: columns in
    which infinity is missing. `notes`: sentences on all of this. `decimal`, `day_first`: what the values prove, "" and
    None where they prove nothing. `sample_decimal`: the decimal sign of the sample's predictions where these were
    text, else "".
    """

    forms: Mapping[str, Form] = field(default_factory=dict)
    raw: tuple[str, ...] = ()
    date_columns: Mapping[str, DateForm] = field(default_factory=dict)
    infinite: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    decimal: str = ""
    day_first: bool | None = None
    sample_decimal: str = ""

    def apply(self, frame: pd.DataFrame, skip: Collection[str] = ()) -> pd.DataFrame:
        """A frame with these columns read, those in `skip` left as they are; the frame itself where none is in it."""
        names = [c for c in frame.columns if c not in skip and (c in self.forms or c in self.date_columns)]
        infinite = [c for c in self.infinite if c in frame and c not in skip and types.is_float_dtype(frame[c].dtype)]
        if not names and not infinite:
            return frame
        made: dict[str, pd.Series] = {}
        for name in frame.columns:
            column = frame[name]
            if name in infinite:
                column = column.where(~np.isinf(column))
            if name not in names:
                made[name] = column
            elif name in self.date_columns:
                made[name] = column
                made[f"{name}_date"] = next(iter(self.date_columns[name].columns(column, "date", set()).values()))
            else:
                form = self.forms[name]
                if isinstance(form, DateForm):
                    made |= form.columns(column, name, set(frame.columns))
                else:
                    made[name] = form.read(column)
        return pd.DataFrame(made, index=frame.index)

    def supersedes(self, note: str) -> bool:
        """Whether a note that a column mixes numbers with text no longer holds, since the column is read anew."""
        return any(f"column {name!r} mixes numbers with text" in note for name in self.forms)

    def fitting(self, frame: pd.DataFrame) -> dict[str, Form]:
        """The forms in which the columns of a further table of the same names are written."""
        return {c: self.forms[c] for c in frame.columns if c in self.forms and _fits(self.forms[c], frame[c])}


def _fits(form: Form, values: pd.Series) -> bool:
    """Whether at least 95 % of the values that are present can be read in a form."""
    if not is_strings(values):
        return False
    present = values.dropna()
    read = form.columns(present, "it", set())["it"] if isinstance(form, DateForm) else form.read(present)
    return len(present) > 0 and float(read.notna().mean()) >= 0.95
