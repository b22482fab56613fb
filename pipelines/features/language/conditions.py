"""Columns by name, and conditions on the rows of a further table: `loans.status = 'Active'`, `visits.date within 30
before sold_at`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from medalist.competitions.errors import PipelineError

WORD = re.compile(r"[^\W\d]\w*")
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
BEFORE = "before"


@dataclass(frozen=True)
class Column:
    """A column by name: of train and test, or of a further table."""

    name: str
    table: str | None = None

    def __str__(self) -> str:
        return _quoted(self.name) if self.table is None else f"{_quoted(self.table)}.{_quoted(self.name)}"


@dataclass(frozen=True)
class Condition:
    """Which rows of a further table count, by one of its columns; a row whose value is missing does not.

    mark: one of COMPARISONS, with a text or a number as `value`; or BEFORE, with the row's own date or number, a column
    of the rows that are described. within: how far before it at most, in days for dates, else in the column's unit;
    None for any time before. PipelineError where these do not fit together.
    """

    column: Column
    mark: str
    value: str | int | float | Column
    within: int | float | None = None

    def __post_init__(self) -> None:
        for name in ("value", "within"):
            number = getattr(self, name)
            if isinstance(number, float):
                if not math.isfinite(number):
                    raise PipelineError(f"A condition on {self.column} cannot hold the number {number}.")
                object.__setattr__(self, name, int(number) if number.is_integer() else number)
        if (self.mark == BEFORE) != isinstance(self.value, Column):
            raise PipelineError(
                f"The condition on {self.column} cannot be read: compare it with a number or a text in single quotes "
                f"({', '.join(COMPARISONS)}), or write {self.column} before a column of the row."
            )
        if isinstance(self.value, str) and self.mark not in ("=", "!="):
            raise PipelineError(f"{self.column} {self.mark} {self.value!r}: a text is compared by = or != alone.")
        if self.within is not None and not self.within > 0:
            raise PipelineError(f"{self.column} within {self.within} before {self.value}: a window is longer than 0.")

    def __str__(self) -> str:
        if isinstance(self.value, Column):
            window = "" if self.within is None else f" within {self.within}"
            return f"{self.column}{window} {BEFORE} {self.value}"
        text = "'" + self.value.replace("'", "''") + "'" if isinstance(self.value, str) else str(self.value)
        return f"{self.column} {self.mark} {text}"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that it looks at."""
        return (self.column, self.value) if isinstance(self.value, Column) else (self.column,)


def _quoted(name: str) -> str:
    return name if WORD.fullmatch(name) and name != "by" else "`" + name.replace("`", "``") + "`"
