"""Feature sets to start from, from what the columns mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.pipelines.features.language.expression import Feature, feature

DATE_PARTS = ("year", "month", "day", "weekday", "dayofyear", "hour", "elapsed")
FEW_LEVELS = 64  # a number with no more values may be a category
MOST_PARTS = 4
REPEATING = 0.7  # different values a row, from which on a column's values say too little of each other
MOST_UNSEEN = 0.6  # of the test rows, with values that train does not have
MOST_ENCODED = 300  # numbers a row, of all encodings


def base_features(cards: Sequence[ColumnCard], wants: str, n_rows: int) -> tuple[str, ...]:
    """The first feature set: every column in the encoding that its meaning and the family (`wants`) call for.

    A set is never empty: where no column can be used as it is, frequencies stand in.
    """
    features: list[str] = []
    for card in cards:
        name = card.name
        if card.kind in (Kind.CONSTANT, Kind.DUPLICATE):
            continue
        if card.kind is Kind.DATE:
            features += [str(feature(part, name)) for part in DATE_PARTS]
            if wants == "linear" and not card.numeric:
                features += [str(feature("code", name))] if card.distinct < FEW_LEVELS else []
        elif card.kind is Kind.TEXT:
            features.append(str(feature("text_shape", name)))
            if wants == "linear":
                features += [str(feature("tfidf", name)), str(feature("char_tfidf", name))]
        elif card.kind is Kind.BOOLEAN or card.numeric:
            # a boolean told by two words has no order that a number could keep
            features.append(str(feature("number" if card.numeric else "code", name)))
        elif card.kind is Kind.KEY and (found := parts(card)):
            features += found
        elif card.kind is Kind.KEY:
            if card.unseen < 0.5 and card.distinct_share(n_rows) < 0.5:
                features.append(str(feature("count", name)))
        else:
            features.append(str(feature("code", name)))
    return tuple(features) or tuple(str(feature("count", card.name)) for card in cards)


def comes_again(card: ColumnCard, n_rows: int) -> bool:
    """Whether a column's values repeat often enough, in test too, for one row to tell of another. `n_rows`: train's."""
    return card.distinct_share(n_rows) < REPEATING * (1 - card.missing) and card.unseen < MOST_UNSEEN


def encoded_features(cards: Sequence[ColumnCard], n_rows: int, outputs: int) -> tuple[str, ...]:
    """A second view of the columns: each value, numbers' too, by the target's mean where it occurs and by how often it
    does. Not of dates, of long text, and of columns whose values do not come again; of structured text the parts.

    outputs: numbers that a target mean has. Categories come first where there is not room for all.
    """
    keys: list[tuple[bool, Feature | str]] = []
    for card in cards:
        if card.kind in (Kind.CONSTANT, Kind.DUPLICATE, Kind.DATE, Kind.TEXT):
            continue
        if card.kind is Kind.KEY and (found := parts(card)):
            keys += [(False, feature("part", card.name, i)) for i in range(len(found) - 1)]
        elif comes_again(card, n_rows):
            keys.append((card.kind in (Kind.NUMBER, Kind.COUNT), card.name))
    room = MOST_ENCODED // (outputs + 1)
    chosen = [key for _, key in sorted(keys, key=lambda k: k[0])][:room]
    return tuple(str(feature(op, key)) for key in chosen for op in ("target_mean", "count"))


def parts(card: ColumnCard) -> tuple[str, ...]:
    """Features of the parts of structured text such as `B/45/S` or `0013_01`; () where the values have no such form."""
    tokens = [re.split(r"[\W_]+", example) for example in card.examples]
    lengths = {len(t) for t in tokens}
    if card.numeric or len(lengths) != 1 or not MOST_PARTS >= lengths.pop() > 1 or not all(map(all, tokens)):
        return ()
    features = [
        str(feature("part_number" if all(v.isdecimal() for v in values) else "part", card.name, i))
        for i, values in enumerate(zip(*tokens, strict=True))
    ]
    return (*features, str(Feature("count", (feature("part", card.name, 0),))))
