"""The feature sets that models start from, chosen by what the columns mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.pipelines.features.language.conditions import BEFORE
from medalist.pipelines.features.language.expression import Column, Condition, Feature, feature
from medalist.pipelines.features.schema import USES, Schema

DATE_PARTS = ("year", "month", "day", "weekday", "dayofyear", "hour", "elapsed")
FEW_LEVELS = 64  # distinct values of a date, below which it is a category too in linear feature sets
FLAGS = 32  # most frequent labels of values that hold several, with a column each in sets for trees
MOST_TEXT_PAIRS = 6  # pairs of columns of text that are compared, at most
MOST_PARTS = 4  # parts of structured text, at most
MAX_DISTINCT_SHARE = 0.7  # distinct values per row that has one, from which on a column is not encoded
MOST_UNSEEN = 0.6  # share of test rows with values that train does not have, from which on a column is not encoded
MOST_ENCODED = 300  # columns of all encodings together, at most


def base_features(
    cards: Sequence[ColumnCard], feature_set: str, n_rows: int, names: Collection[str] = ()
) -> tuple[str, ...]:
    """The first feature set, as texts of expressions: every column encoded by its kind and for the estimator family.

    feature_set: "trees" or "linear", by family. n_rows: number of train rows. names: columns of whole
    numbers that may be names, which linear feature sets have as categories too. Never empty: where no column is
    encoded, it holds the frequencies of all.
    """
    features: list[str] = []
    for card in cards:
        name = card.name
        if card.kind in (Kind.CONSTANT, Kind.DUPLICATE):
            continue
        if card.separator and not card.numeric:
            several = feature("labels", name) if feature_set == "linear" else feature("frequent_labels", name, FLAGS)
            features += [str(feature("label_count", name)), str(several)]
        if card.kind is Kind.ORDINAL and not card.numeric:
            features.append(str(feature("ordinal", name)))
        if card.kind is Kind.DATE:
            features += [str(feature(part, name)) for part in DATE_PARTS]
            if feature_set == "linear" and not card.numeric:
                features += [str(feature("code", name))] if card.distinct < FEW_LEVELS else []
        elif card.kind is Kind.TEXT:
            features.append(str(feature("text_shape", name)))
            if feature_set == "linear":
                features += [str(feature("tfidf", name)), str(feature("char_tfidf", name))]
        elif card.kind is Kind.BOOLEAN or card.numeric:
            # a boolean that is stored as two words has no order that a number could keep
            features.append(str(feature("number" if card.numeric else "code", name)))
        elif card.kind is Kind.KEY and (of_parts := parts(card)):
            features += of_parts
        elif card.kind is Kind.KEY:
            if card.unseen < 0.5 and card.distinct_share(n_rows) < 0.5:
                features.append(str(feature("count", name)))
        else:
            features.append(str(feature("code", name)))
        if feature_set == "linear" and name in names and str(feature("code", name)) not in features:
            features.append(str(feature("code", name)))
    texts = [card.name for card in cards if card.kind is Kind.TEXT]
    features += [str(feature("similarity", a, b)) for a, b in list(combinations(texts, 2))[:MOST_TEXT_PAIRS]]
    return tuple(features) or tuple(str(feature("count", card.name)) for card in cards)


def with_codes(features: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """A feature set in which these columns of whole numbers are categories instead of numbers; what else is made from
    them stays."""
    codes = {str(feature("number", name)): str(feature("code", name)) for name in names}
    return tuple(dict.fromkeys((*(codes.get(f, f) for f in features), *codes.values())))


def values_recur(card: ColumnCard, n_rows: int) -> bool:
    """Whether a column's values recur often enough, in test too, for target means and frequencies. n_rows: of train."""
    return card.distinct_share(n_rows) < MAX_DISTINCT_SHARE * (1 - card.missing) and card.unseen < MOST_UNSEEN


@dataclass(frozen=True)
class Encoding:
    """What the values of a column, or of a part of it, say of the target and how often they occur.

    column: its name. numeric: whether it holds numbers. features: texts of the target mean and the frequency.
    """

    column: str
    numeric: bool
    features: tuple[str, ...]


def encodings(cards: Sequence[ColumnCard], n_rows: int) -> tuple[Encoding, ...]:
    """A further feature set: target mean and frequency of every column, numbers included; categories come first.

    Dates, long text and columns whose values hardly repeat are left out; structured text is encoded by its parts.
    n_rows: number of train rows. A model takes those of as many columns as there is `room_for_encodings`.
    """
    made: list[Encoding] = []
    for card in cards:
        keys: Sequence[Feature | str] = ()
        if card.kind in (Kind.CONSTANT, Kind.DUPLICATE, Kind.DATE, Kind.TEXT):
            continue
        if card.kind is Kind.KEY and (of_parts := parts(card)):
            keys = [feature("part", card.name, i) for i in range(len(of_parts) - 1)]
        elif values_recur(card, n_rows):
            keys = [card.name]
        numeric = card.kind in (Kind.NUMBER, Kind.COUNT)
        made += [
            Encoding(card.name, numeric, (str(feature("target_mean", key)), str(feature("count", key)))) for key in keys
        ]
    return tuple(sorted(made, key=lambda encoding: encoding.numeric))


def room_for_encodings(outputs: int) -> int:
    """Of how many columns a model takes the encodings. outputs: columns of a target mean, the number of targets or
    classes."""
    return MOST_ENCODED // (outputs + 1)


def joined_features(schema: Schema, columns: Collection[str]) -> tuple[str, ...]:
    """A further feature set, as texts of expressions: what each further table says of a row, by its best key.

    Where the table has one row a key, its values; else their number and statistics over the rows of the key. columns:
    of train and test, the keys that may be used. At most MOST_ENCODED features, the simplest of each table first.
    """
    rounds: list[list[Feature]] = [[] for _ in range(4)]
    for table, kinds in schema.tables.items():
        pairs = [(a, b) for a, b in schema.keys_of(table) if a in columns]
        lookups = schema.lookups.get(table, ())
        shared = tuple(b for a, b in pairs if a == b)
        of_table: tuple[str, ...] = ()
        by: tuple[Column, ...] = ()
        if not any((b,) in lookups for _, b in pairs) and shared in lookups:
            of_table, by = shared, tuple(map(Column, shared))
        elif pairs:
            column, other = next(((a, b) for a, b in pairs if (b,) in lookups), pairs[0])
            of_table, by = (other,), (Column(column), *([Column(other, table)] if column != other else []))
        if not by:
            continue
        where: tuple[Condition, ...] = ()
        if table in schema.times:
            own, other = schema.times[table]
            where = (Condition(Column(other, table), BEFORE, Column(own)),)
        if of_table not in lookups:
            rounds[0].append(feature("count", Column(of_table[0], table), by=by, where=where))
        for name, kind in kinds.items():
            if name in of_table or name in columns:
                continue
            column_of_table = Column(name, table)
            number = "number" in USES[kind] or "date" in USES[kind]
            if of_table in lookups:
                rounds[0].append(feature("value" if number else "label", column_of_table, by=by, where=where))
                continue
            for place, op in enumerate(("mean", "max", "std") if number else ("distinct", "mode")):
                rounds[1 + place].append(feature(op, column_of_table, by=by, where=where))
    return tuple(dict.fromkeys(str(f) for each in rounds for f in each))[:MOST_ENCODED]


def parts(card: ColumnCard) -> tuple[str, ...]:
    """Texts of features of the parts of structured text such as `B/45/S` or `0013_01`; () for a column without
    parts."""
    tokens = [re.split(r"[\W_]+", example) for example in card.examples]
    lengths = {len(t) for t in tokens}
    if (
        card.numeric
        or card.separator
        or len(lengths) != 1
        or not MOST_PARTS >= lengths.pop() > 1
        or not all(map(all, tokens))
    ):
        return ()
    features = [
        str(feature("part_number" if all(v.isdecimal() for v in values) else "part", card.name, i))
        for i, values in enumerate(zip(*tokens, strict=True))
    ]
    return (*features, str(Feature("count", (feature("part", card.name, 0),))))
