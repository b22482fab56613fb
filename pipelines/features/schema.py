"""Schemas: the type of every column, which decides as which arguments of operators it may be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.columns.dates import parse_dates, since_1970

#: Type of a column → the argument types of operators (`Operator.takes`) as which it may be used.
USES: dict[str, frozenset[str]] = {
    "number": frozenset({"number", "key", "order"}),
    "boolean": frozenset({"number", "key", "text"}),
    "figures": frozenset({"number", "key", "order", "text"}),  # numbers stored as text
    "category": frozenset({"key", "text"}),
    "text": frozenset({"key", "text"}),
    "date": frozenset({"date", "key", "order"}),
    "instant": frozenset({"date", "key", "order", "number"}),  # dates stored as numbers
}


@dataclass(frozen=True)
class Schema:
    """The type of every column of train and test, and of each further table: one of the keys of `USES`.

    joins: by further table, pairs of a column of train and test and the column of the table that holds its keys; a
    table that is not in it has those of the same name. lookups: by further table, key columns whose values it has once
    each, so that every aggregate by them is the value itself. links: by further table, the tables that its rows refer
    to. times: by further table of events, a date or number of the rows of train and test, and the column of the table
    that must be before it.
    """

    columns: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    joins: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    lookups: Mapping[str, Collection[tuple[str, ...]]] = field(default_factory=dict)
    links: Mapping[str, Sequence[tuple[str, str, str]]] = field(default_factory=dict)
    times: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, str]:
        """The type of every column by name; those of further tables have names `table.column`."""
        further = {f"{table}.{name}": use for table, columns in self.tables.items() for name, use in columns.items()}
        return {**self.columns, **further}

    def keys_of(self, table: str) -> list[tuple[str, str]]:
        """Pairs of a column of train and test and its counterpart in a further table, by which it can be joined."""
        if table in self.joins:
            return [(a, b) for a, b in self.joins[table] if a in self.columns and b in self.tables[table]]
        return [(c, c) for c in self.tables[table] if c in self.columns]


def schema_of(
    train: pd.DataFrame,
    cards: Sequence[ColumnCard],
    tables: Mapping[str, pd.DataFrame] | None = None,
    skip: Collection[str] = (),
    joins: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    lookups: Mapping[str, Collection[tuple[str, ...]]] | None = None,
    links: Mapping[str, Sequence[tuple[str, str, str]]] | None = None,
    times: Mapping[str, tuple[str, str]] | None = None,
) -> Schema:
    """The schema of a competition's tables.

    Columns of train with a card are typed by it, others and those of further tables by their values. skip: columns of
    train that are left out, such as targets. joins, lookups, links, times: as in `Schema`.
    """
    by_name = {card.name: card for card in cards}
    columns = {}
    for name in train.columns:
        if name not in set(skip):
            columns[name] = _of_card(by_name[name], train[name]) if name in by_name else _of_values(train[name])
    further = {t: {c: _of_values(frame[c]) for c in frame.columns} for t, frame in (tables or {}).items()}
    return Schema(columns, further, joins or {}, lookups or {}, links or {}, times or {})


def _of_card(card: ColumnCard, values: pd.Series) -> str:
    if card.kind is Kind.DATE:
        return "instant" if card.numeric else "date"
    if card.numeric:
        return "instant" if since_1970(values) else "boolean" if card.kind is Kind.BOOLEAN else "number"
    if card.kind is Kind.NUMBER:
        return "figures"
    if card.kind is Kind.BOOLEAN:
        truth = {v.lower() for v in card.examples}
        return "boolean" if truth <= {"true", "false", "yes", "no"} else "category"
    return "text" if card.kind is Kind.TEXT else "category"


def _of_values(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "instant" if since_1970(values) or parse_dates(values) is not None else "number"
    return "date" if parse_dates(values) is not None else "category"
