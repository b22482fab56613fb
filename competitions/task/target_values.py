"""The values of a target in train: where they are missing, cut short, infinite or no numbers, an error says so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.task.labels import plain
from medalist.competitions.task.spelling import spelling_key


def target_column(train: pd.DataFrame, target: str, *, gaps: bool = False) -> pd.Series:
    """The column of a target. `gaps`: whether it may be measured on some rows only, as one of several targets.

    Raises TaskError where train lacks it, where values are missing (with `gaps`: all values), and where the last value
    is only the beginning of another one, as in a file that was cut short.
    """
    if target not in train.columns:
        raise TaskError(f"The target {target!r} is no column of the training table: name one with --target.")
    values = train[target]
    missing = int(values.isna().sum())
    if gaps and missing == len(values):
        raise TaskError(
            f"The target {target!r} is measured in none of {len(values)} training rows, so it cannot be learned: give "
            f"the table that holds it, or name the other targets with --target."
        )
    if gaps:
        missing = 0
    if missing == 1 and len(values) > 1 and pd.isna(values.iloc[-1]):
        raise TaskError(
            f"The target {target!r} is missing in the last of {len(values)} training rows alone: the file may have "
            f"been cut short; copy it again, or remove that row."
        )
    if missing == len(values) and missing:
        raise TaskError(
            f"The target {target!r} has no value in any of {len(values)} training rows: give the table that holds it, "
            f"or name another one with --target."
        )
    if missing:
        raise TaskError(
            f"The target {target!r} is missing in {missing} of {len(values)} training rows: give --target {target}, so "
            f"that these rows are left out, or name another target."
        )
    last = values.iloc[-1] if len(values) else None
    if isinstance(last, str) and not last[-1:].isdigit() and (values == last).sum() == 1:  # 1 is no piece of 10
        longer = (v for v in values.unique() if isinstance(v, str) and v.startswith(last))
        whole = next((v for v in longer if spelling_key(v) != spelling_key(last)), None)
        if whole is not None:
            raise TaskError(
                f"The target {target!r} is {last!r} in the last training row alone, the beginning of {whole!r}: the "
                f"file may have been cut short; copy it again, or remove that row."
            )
    return values


def target_numbers(values: pd.Series) -> np.ndarray:
    """A target of regression as (n,) float64, NaN where it is missing. Raises TaskError where values are infinite or no
    numbers."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        rows = ", ".join(str(row + 1) for row in infinite[:6]) + (", …" if len(infinite) > 6 else "")
        word = "row" if len(infinite) == 1 else "rows"
        raise TaskError(
            f"The target {values.name!r} is infinite in {len(infinite)} training {word} ({word} {rows}, the header not "
            f"counted): write finite numbers there, or leave these fields empty (rows without a target are left out)."
        )
    bad = ~np.isfinite(numbers) & values.notna().to_numpy()
    if bad.any():
        count, first = int(bad.sum()), plain(values[bad].iloc[0])
        raise TaskError(
            f"The target {values.name!r} holds {count} values that are no numbers, such as {first!r}: write numbers in "
            f"their place, or give --problem-type multiclass for labels."
        )
    return numbers
