"""Transformations of a target: what is submitted is a function of a column of train, such as its logarithm.

A transformation is written as a text: "log1p", "per area", "minus price", or several from the outside to the inside,
"log of per area". "" is the column itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError

NONE = "none"  # how the column itself is written in task.yaml
_OF = " of "


def _ranked(values: np.ndarray) -> np.ndarray:
    """The share of the values, (n,) in (0, 1], that are at most as large as each; ties share the mean."""
    return pd.Series(values).rank(pct=True).to_numpy()


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.log,
    "log1p": np.log1p,
    "log10": np.log10,
    "log2": np.log2,
    "log10p1": lambda values: np.log10(values + 1),
    "log2p1": lambda values: np.log2(values + 1),
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "square": np.square,
    "exp": np.exp,
    "expm1": np.expm1,
    "exp10": lambda values: np.power(10.0, values),
    "negative": np.negative,
    "rank": _ranked,
    "percentile": lambda values: 100 * _ranked(values),
}
OPERATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "per": np.divide,
    "times": np.multiply,
    "minus": np.subtract,
    "plus": np.add,
}
LOGARITHMS = ("log", "log1p", "log10", "log2", "log10p1", "log2p1")
WRITTEN = f"{NONE}, {', '.join(FUNCTIONS)}, or {', '.join(OPERATIONS)} with a column or a number, as in 'per area'"


@dataclass(frozen=True)
class Transform:
    """A transformation of a target's values, `text` being its canonical form ("" for none).

    `functions`: names in FUNCTIONS, the first one applied last. `operation`: a name in OPERATIONS, applied first, with
    the column or the number `operand`; "" for none.
    """

    text: str
    functions: tuple[str, ...] = ()
    operation: str = ""
    operand: str | float = ""

    @property
    def column(self) -> str | None:
        """The column that it needs beside the target; None where it needs none."""
        return self.operand if self.operation and isinstance(self.operand, str) else None

    @property
    def logarithmic(self) -> bool:
        """Whether its values are logarithms."""
        return bool(self.functions) and self.functions[0] in LOGARITHMS

    def raw(self, values: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
        """The transformed values (n,), NaN or infinite where they are not defined; `frame` holds the `column`."""
        with np.errstate(all="ignore"):
            if self.operation:
                other = self.operand if isinstance(self.operand, float) else _numbers(frame[self.operand])
                values = OPERATIONS[self.operation](values, np.asarray(other, dtype=float))
            for name in reversed(self.functions):
                values = FUNCTIONS[name](values)
        return np.asarray(values, dtype=float)

    def apply(self, values: np.ndarray, frame: pd.DataFrame, name: str) -> np.ndarray:
        """The transformed values (n,) of the column `name`; missing ones stay missing.

        Raises TaskError where `frame` lacks the `column`, and where a value has no transformed one.
        """
        if not self.text:
            return values
        if self.column is not None and self.column not in frame.columns:
            raise TaskError(f"transform: {self.text!r} needs the column {self.column!r}, which is not in the table.")
        changed = self.raw(values, frame)
        lost = np.isfinite(values) & ~np.isfinite(changed)
        if lost.any():
            other = " or log1p" if self.functions[:1] == ("log",) else ""
            raise TaskError(
                f"transform: {self.text} of {name} is not defined in {int(lost.sum())} rows, such as for "
                f"{values[lost][0]:g}: write {NONE}{other} there, or leave these rows out of train."
            )
        return changed


def parse_transform(text: str) -> Transform:
    """The transformation of a text; that of "" and "none" changes nothing. Raises TaskError for an unknown one."""
    text = " ".join(text.split())
    if text in ("", NONE):
        return Transform("")
    functions: list[str] = []
    rest = text
    while rest:
        head, _, tail = rest.partition(_OF)
        if head in FUNCTIONS:
            functions.append(head)
            rest = tail
            continue
        word, _, operand = rest.partition(" ")
        if word in OPERATIONS and operand:
            return Transform(text, tuple(functions), word, _operand(operand))
        raise TaskError(f"transform: {text!r} is none; write {WRITTEN}.")
    return Transform(text, tuple(functions))


def _operand(text: str) -> str | float:
    """A number, or else the name of a column."""
    try:
        return float(text)
    except ValueError:
        return text


def _numbers(values: pd.Series) -> np.ndarray:
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
