"""Patterns beyond those of the issue, as somebody else might think of them: a stand-in for a hidden set."""

from __future__ import annotations

import numpy as np
import pandas as pd
from patterns import ROWS, Draft, Generator, bands, chance, labels, mean_by, moments, previous, stamps, with_counts


def product(rng: np.random.Generator) -> Draft:
    """Product of two numbers that all but cancel."""
    first = np.round(rng.lognormal(3, 2, ROWS), 5)
    second = np.round(100 * rng.lognormal(0, 0.1, ROWS) / first, 5)
    return Draft("auc", chance(bands(first * second, 6)), first * second, hidden=[first, second])


def difference(rng: np.random.Generator) -> Draft:
    """Difference of two numbers that lie close together."""
    first = np.round(rng.uniform(0, 1000, ROWS), 3)
    second = np.round(first + rng.normal(0, 3, ROWS), 3)
    return Draft("rmse", 100 + 4 * bands(second - first, 4), second - first, hidden=[first, second])


def days_between(rng: np.random.Generator) -> Draft:
    """Days between two dates."""
    start, gap = rng.integers(0, 1100, ROWS), rng.integers(0, 60, ROWS)
    named = {"opened": stamps(start * 86_400, "D"), "closed": stamps((start + gap) * 86_400, "D")}
    return Draft("rmse", 50 + 5 * bands(gap, 4), gap, named=named)


def weekday(rng: np.random.Generator) -> Draft:
    """Weekday of a date within twenty years."""
    day = rng.integers(0, 7300, ROWS)
    sign = rng.permutation([1, 1, 1, 1, -1, -1, -1])[day % 7]
    return Draft("auc", chance(sign), day % 7, named={"date": stamps(day * 86_400, "D")})


def number_as_category(rng: np.random.Generator) -> Draft:
    """An ID-like number with an effect of its own for each of its values."""
    value = rng.integers(0, 3500, ROWS)
    number = rng.choice(90_000, 3500, replace=False)[value] + 10_000
    sign = rng.choice([-1, 1], 3500)[value]
    return Draft("auc", chance(sign, 0.95), number.astype(str).astype(object), hidden=[number])


def distinct_in_row(rng: np.random.Generator) -> Draft:
    """Number of distinct values among five like columns."""
    count = rng.integers(2, 6, ROWS)
    values = rng.permuted(np.tile(np.arange(40), (ROWS, 1)), axis=1)[:, :5]
    picked = np.minimum(np.arange(5), count[:, None] - 1)
    repeat = (np.arange(5) >= count[:, None]) * (rng.random((ROWS, 5)) * count[:, None]).astype(int)
    picked = np.where(np.arange(5) >= count[:, None], repeat, picked)
    rows = rng.permuted(np.take_along_axis(values, picked, axis=1), axis=1) + 1
    named = {f"m{i + 1}": rows[:, i] for i in range(5)}
    return Draft("auc", chance(np.where(count % 2, 1, -1)), count, named=named)


def zeros_in_row(rng: np.random.Generator) -> Draft:
    """Whether the number of zeros in ten like columns is odd."""
    zeros = rng.permuted(np.arange(10) < rng.integers(0, 11, ROWS)[:, None], axis=1)
    values = np.where(zeros, 0, np.round(rng.lognormal(2, 1, (ROWS, 10)), 2))
    count = zeros.sum(axis=1)
    named = {f"m{i + 1}": values[:, i] for i in range(10)}
    return Draft("rmse", 10 + 2.0 * (count % 2), count, named=named)


def missing_in_row(rng: np.random.Generator) -> Draft:
    """Whether the number of missing values in twelve like columns is odd."""
    gone = rng.permuted(np.arange(12) < rng.integers(0, 13, ROWS)[:, None], axis=1)
    values = np.where(gone, np.nan, np.round(rng.normal(20, 5, (ROWS, 12)), 2))
    count = gone.sum(axis=1)
    named = {f"m{i + 1}": values[:, i] for i in range(12)}
    return Draft("auc", chance(np.where(count % 2, 1, -1)), count, named=named)


def modulo(rng: np.random.Generator) -> Draft:
    """A whole number modulo seven."""
    number = rng.integers(0, 100_000, ROWS)
    return Draft("auc", chance(rng.permutation([1, 1, 1, 1, -1, -1, -1])[number % 7]), number % 7, hidden=[number])


def equality(rng: np.random.Generator) -> Draft:
    """Whether two categories are equal."""
    first = rng.integers(0, 2500, ROWS)
    second = np.where(rng.random(ROWS) < 0.5, first, rng.integers(0, 2500, ROWS))
    names = labels(rng, np.arange(2500))
    same = first == second
    return Draft("accuracy", chance(2 * same - 1), same.astype(int), hidden=[names[first], names[second]])


def rank_in_group(rng: np.random.Generator) -> Draft:
    """Rank within the group, groups differing in mean and spread."""
    group = rng.integers(0, 400, ROWS)
    x = np.round(rng.normal(0, 300, 400)[group] + rng.lognormal(0, 1, 400)[group] * rng.normal(0, 1, ROWS), 5)
    rank = pd.Series(x).groupby(group).rank(pct=True).to_numpy()
    return Draft("rmse", 8 + bands(rank, 4), rank, hidden=[x, labels(rng, group)])


def distinct_in_group(rng: np.random.Generator) -> Draft:
    """How many levels of a category the group has, in groups of five rows."""
    group, count = np.repeat(np.arange(4000), 5), np.repeat(rng.integers(1, 5, 4000), 5)
    place = np.tile(np.arange(5), 4000)
    place = np.where(place < count, place, (rng.random(ROWS) * count).astype(int))
    level = rng.permuted(np.tile(np.arange(12), (4000, 1)), axis=1)[group, place]
    return Draft("auc", chance(np.where(count % 2, 1, -1)), count, hidden=[labels(rng, level), labels(rng, group)])


def since_previous(rng: np.random.Generator) -> Draft:
    """Time since the key's previous row."""
    key = np.repeat(np.arange(800), 25)
    gaps = (rng.lognormal(10, 1, ROWS)).astype(int) + 1
    starts = rng.integers(0, 300 * 86_400, 800)
    seconds = np.concatenate([s + np.cumsum(g) for s, g in zip(starts, gaps.reshape(800, 25), strict=True)])
    gap = np.where(np.arange(ROWS) % 25, gaps, np.nan)
    return Draft("rmse", 6 + bands(gap, 3), gap, named={"time": stamps(seconds), "account": labels(rng, key)})


def rolling_by_key(rng: np.random.Generator) -> Draft:
    """Mean of the key's three previous numbers."""
    key, seconds = rng.integers(0, 800, ROWS), moments(rng, 300)
    x = np.round(rng.normal(0, 1, ROWS), 4)
    before = pd.DataFrame([previous(key, seconds, x, s) for s in (1, 2, 3)]).mean().to_numpy()
    return Draft("auc", 1 / (1 + np.exp(-6 * np.nan_to_num(before))), before, hidden=[x],
                 named={"time": stamps(seconds), "sensor": labels(rng, key)})  # fmt: skip


def change_by_key(rng: np.random.Generator) -> Draft:
    """Change since the key's previous row of a number that wanders."""
    key, seconds = rng.integers(0, 800, ROWS), moments(rng, 300)
    order = np.lexsort((seconds, key))
    walk = pd.Series(rng.normal(0, 1, ROWS)).groupby(key[order]).cumsum().to_numpy()
    x = np.empty(ROWS)
    x[order] = walk
    x = np.round(x + rng.normal(0, 60, 800)[key], 3)
    change = x - previous(key, seconds, x)
    return Draft("rmse", 30 + 3 * np.tanh(2 * np.nan_to_num(change)), change, hidden=[x],
                 named={"time": stamps(seconds), "store": labels(rng, key)})  # fmt: skip


def places(rng: np.random.Generator) -> Draft:
    """Where a point lies in the plane: 900 places, alternating like a checkerboard."""
    row, column = rng.integers(0, 30, ROWS), rng.integers(0, 30, ROWS)
    jitter = rng.uniform(-0.15, 0.15, (2, 30, 30))[:, row, column]
    lat = np.round(40 + (row + jitter[0] + rng.normal(0, 0.12, ROWS)) * 0.5, 5)
    lon = np.round(-10 + (column + jitter[1] + rng.normal(0, 0.12, ROWS)) * 0.7, 5)
    cell = (row * 30 + column).astype(str).astype(object)
    return Draft("auc", chance(np.where((row + column) % 2, 1, -1)), cell, named={"lat": lat, "lon": lon})


def three_way_cross(rng: np.random.Generator) -> Draft:
    """Three crossed categories, of which one or two tell nothing."""
    codes = rng.integers(0, 500, ROWS), rng.integers(0, 2, ROWS), rng.integers(0, 2, ROWS)
    sign = rng.choice([-1, 1], 500)[codes[0]] * (2 * codes[1] - 1) * (2 * codes[2] - 1)
    crossed = (codes[0] * 4 + codes[1] * 2 + codes[2]).astype(str).astype(object)
    return Draft("auc", chance(sign, 0.95), crossed, hidden=[labels(rng, c) for c in codes])


def crossed_group_deviation(rng: np.random.Generator) -> Draft:
    """Deviation from the mean of a crossed group."""
    codes = rng.integers(0, 30, (2, ROWS))
    x = np.round(rng.normal(0, 100, (30, 30))[codes[0], codes[1]] + rng.normal(0, 1, ROWS), 4)
    deviation = x - mean_by(x, codes[0] * 30 + codes[1])
    return Draft("auc", 1 / (1 + np.exp(-4 * deviation)), deviation, hidden=[x, *(labels(rng, c) for c in codes)])


def ratio_to_table(rng: np.random.Generator) -> Draft:
    """Ratio of a number to that of its key in another table."""
    item = rng.integers(0, 2000, ROWS)
    names, price = labels(rng, np.arange(2000)), np.round(rng.lognormal(3, 1.5, 2000) + 1, 2)
    paid = np.round(price[item] * rng.lognormal(0, 0.15, ROWS), 3)
    table = pd.DataFrame({"item": names, "price": price, "weight": np.round(rng.lognormal(0, 1, 2000), 3)})
    return Draft("rmse", 2 * np.tanh(10 * np.log(paid / price[item])), paid / price[item], hidden=[paid],
                 named={"item": names[item]}, tables={"items": table})  # fmt: skip


def rows_in_table(rng: np.random.Generator) -> Draft:
    """How many rows of another table the key has."""
    key, counts = np.repeat(np.arange(10_000), 2), rng.integers(1, 9, 10_000)
    names, owner = labels(rng, np.arange(10_000)), rng.permutation(np.repeat(np.arange(10_000), counts))
    table = pd.DataFrame({"user": names[owner], "seconds": np.round(rng.lognormal(3, 1, len(owner)), 1)})
    return Draft("rmse", counts[key] - 4.0, counts[key], named={"user": names[key]}, tables={"sessions": table})


def title_in_name(rng: np.random.Generator) -> Draft:
    """The title in a name like "Smith, Mr. John"."""
    titles = np.array(["Mr", "Mrs", "Miss", "Dr", "Rev", "Sir", "Master", "Col"])
    title, last, first = rng.integers(0, 8, ROWS), _words(rng, 3000), _words(rng, 200)
    chosen = last[rng.integers(0, 3000, ROWS)], titles[title], first[rng.integers(0, 200, ROWS)]
    names = [f"{a.title()}, {t}. {b.title()}" for a, t, b in zip(*chosen, strict=True)]
    sign = rng.permutation([1, 1, 1, 1, -1, -1, -1, -1])[title]
    return Draft("accuracy", chance(sign), title, named={"name": np.array(names, dtype=object)})


def prefix_of_code(rng: np.random.Generator) -> Draft:
    """The first two characters of a code without separators."""
    prefix = rng.integers(0, 40, ROWS)
    heads = np.array([f"{'QRSTUVWXYZ'[i % 10]}{'1379'[i // 10]}" for i in range(40)], dtype=object)
    code = heads[prefix] + rng.integers(10_000, 100_000, ROWS).astype(str).astype(object)
    return Draft("rmse", 12 + rng.normal(0, 2, 40)[prefix], heads[prefix], hidden=[code])


def digit_of_code(rng: np.random.Generator) -> Draft:
    """The hundreds digit of a whole number."""
    number = rng.integers(100_000, 1_000_000, ROWS)
    digit = number // 100 % 10
    sign = rng.permutation([1, -1] * 5)[digit]
    return Draft("auc", chance(sign), digit, hidden=[number])


def word_in_text(rng: np.random.Generator) -> Draft:
    """Whether a text holds one of two words."""
    words = _words(rng, 400)
    texts = words[rng.integers(2, 400, (ROWS, 10))]
    has = rng.random(ROWS) < 0.5
    texts[np.arange(ROWS), rng.integers(0, 10, ROWS)] = np.where(has, words[rng.integers(0, 2, ROWS)], words[5])
    notes = np.array([" ".join(t) for t in texts], dtype=object)
    return Draft("auc", chance(2 * has - 1), has.astype(int), named={"note": notes})


def words_in_text(rng: np.random.Generator) -> Draft:
    """How many words a text has."""
    words, count = _words(rng, 400), rng.integers(3, 19, ROWS)
    texts = words[rng.integers(0, 400, (ROWS, 18))]
    notes = np.array([" ".join(t[:n]) for t, n in zip(texts, count, strict=True)], dtype=object)
    return Draft("rmse", 40 + 5 * bands(count, 4), count, named={"note": notes})


def frequency_of_combination(rng: np.random.Generator) -> Draft:
    """How often a combination of two whole numbers occurs in train and test."""
    codes, counts = with_counts(rng, 4)
    pair = rng.choice(40_000, codes.max() + 1, replace=False)[codes]
    sign = np.where(counts % 2, 1, -1)
    return Draft("auc", chance(sign), counts, hidden=[pair // 200, pair % 200])


def binned_number_by_category(rng: np.random.Generator) -> Draft:
    """Whether a number lies above its median, crossed with a category."""
    level, x = rng.integers(0, 1800, ROWS), np.round(rng.random(ROWS), 5)
    above = x > np.median(x)
    sign = rng.choice([-1, 1], 1800)[level] * (2 * above - 1)
    crossed = (level * 2 + above).astype(str).astype(object)
    return Draft("auc", chance(sign, 0.95), crossed, hidden=[labels(rng, level), x])


def range_of_row(rng: np.random.Generator) -> Draft:
    """Largest less smallest of five like columns."""
    values = rng.normal(0, 100, ROWS)[:, None] + rng.normal(0, 1, (ROWS, 5)) * rng.lognormal(0, 0.5, ROWS)[:, None]
    values = np.round(values, 3)
    width = values.max(axis=1) - values.min(axis=1)
    return Draft("auc", chance(bands(width, 3)), width, named={f"m{i + 1}": values[:, i] for i in range(5)})


def hour_of_unix_time(rng: np.random.Generator) -> Draft:
    """Hour of a time stored as seconds since 1970."""
    seconds = 1_609_718_400 + moments(rng, 600)
    hour = seconds // 3600 % 24
    return Draft("auc", chance(np.where((hour - 7) % 24 < 12, 1, -1)), hour, named={"ts": seconds})


def difference_of_ratios(rng: np.random.Generator) -> Draft:
    """Difference of two ratios."""
    below = np.round(rng.lognormal(4, 2, (2, ROWS)), 4)
    above = np.round(below * rng.lognormal(0, 0.1, (2, ROWS)), 4)
    gap = above[0] / below[0] - above[1] / below[1]
    return Draft("rmse", 7 + bands(gap, 3), gap, hidden=[*above, *below])


def _words(rng: np.random.Generator, count: int) -> np.ndarray:
    """Distinct words (count,) that can be spoken."""
    syllables = np.array([a + b for a in "bdfgklmnprstvz" for b in "aeiou"], dtype=object)
    drawn = syllables[rng.integers(0, len(syllables), (4 * count, 3))].sum(axis=1)
    return np.array(list(dict.fromkeys(drawn))[:count], dtype=object)


OTHER: dict[str, Generator] = {
    "product": product,
    "difference": difference,
    "days_between": days_between,
    "weekday": weekday,
    "number_as_category": number_as_category,
    "distinct_in_row": distinct_in_row,
    "zeros_in_row": zeros_in_row,
    "missing_in_row": missing_in_row,
    "modulo": modulo,
    "equality": equality,
    "rank_in_group": rank_in_group,
    "distinct_in_group": distinct_in_group,
    "since_previous": since_previous,
    "rolling_by_key": rolling_by_key,
    "change_by_key": change_by_key,
    "places": places,
    "three_way_cross": three_way_cross,
    "crossed_group_deviation": crossed_group_deviation,
    "ratio_to_table": ratio_to_table,
    "rows_in_table": rows_in_table,
    "title_in_name": title_in_name,
    "prefix_of_code": prefix_of_code,
    "digit_of_code": digit_of_code,
    "word_in_text": word_in_text,
    "words_in_text": words_in_text,
    "frequency_of_combination": frequency_of_combination,
    "binned_number_by_category": binned_number_by_category,
    "range_of_row": range_of_row,
    "hour_of_unix_time": hour_of_unix_time,
    "difference_of_ratios": difference_of_ratios,
}
