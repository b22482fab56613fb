"""The operators of the feature language: one file per type of input.

To add an operator, write its compute function and its line in `OPERATORS` of the file where it belongs: it is then
parsed, typed, printed, put into words, computed, listed in docs/features.md and covered by the leak tests. A new file
is added to `FILES`.
"""

from __future__ import annotations

from medalist.pipelines.features.language.operator import OPERATORS
from medalist.pipelines.features.operators import (
    dates,
    digits,
    groups,
    holidays,
    keys,
    labels,
    numbers,
    rows,
    sequences,
    similarity,
    spaces,
    strings,
    table_orders,
    tables,
    targets,
    text,
    text_targets,
)

#: In the order of the documentation.
FILES = (
    numbers, digits, dates, holidays, strings, labels, keys, groups, rows, sequences, spaces, tables, table_orders,
    text, similarity, text_targets, targets,
)  # fmt: skip

for _file in FILES:
    OPERATORS.update(_file.OPERATORS)
