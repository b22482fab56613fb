"""What columns mean is decided from their values."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.columns.cards import ColumnCard, Kind, describe_columns
from medalist.competitions.columns.dates import months_in, parse_dates, step_back
from medalist.competitions.columns.drift import category_drift, number_drift
from medalist.competitions.errors import TaskError
from medalist.pipelines.features.base_sets import base_features, values_recur

N = 400


def _card(values: list, test: list | None = None, **options) -> ColumnCard:
    train = pd.DataFrame({"c": pd.Series(values)})
    other = pd.DataFrame({"c": pd.Series(values if test is None else test)})
    return describe_columns(train, other, **options)[0]


def _cycle(values: list, n: int = N) -> list:
    return [values[i % len(values)] for i in range(n)]


RNG = np.random.default_rng(0)
KINDS = {
    "floats": ([0.5 * i + 0.1 for i in range(N)], Kind.NUMBER),
    "negative whole numbers": (list(RNG.integers(-500, 500, N)), Kind.NUMBER),
    "amounts": (list(RNG.poisson(40, N)), Kind.COUNT),
    "years": (_cycle(list(range(1900, 2011))), Kind.NUMBER),
    "grades": (_cycle([1, 2, 3, 4, 5]), Kind.ORDINAL),
    "two numbers": (_cycle([0, 7]), Kind.BOOLEAN),
    "two words": (_cycle(["male", "female"]), Kind.BOOLEAN),
    "booleans with gaps": (_cycle([True, False, None]), Kind.BOOLEAN),
    "present or missing": (_cycle(["x", None]), Kind.BOOLEAN),
    "one value": (_cycle([3]), Kind.CONSTANT),
    "nothing": (_cycle([None]), Kind.CONSTANT),
    "words": (_cycle(["red", "green", "blue", "grey"]), Kind.CATEGORY),
    "scale in words": (_cycle(["low", "high", "medium"]), Kind.ORDINAL),
    "ranges": (_cycle(["0-9 years", "10-19 years", "20+ years"]), Kind.ORDINAL),
    "row numbers": (list(range(10, N + 10)), Kind.KEY),
    "customer numbers": ([15_700_000 + int(i) for i in RNG.integers(0, 9_000, 4000)], Kind.KEY),
    "codes": ([f"A{i:05d}" for i in range(N)], Kind.KEY),
    "sentences": ([f"the {i} quick foxes jumped over {i * 7} dogs" for i in range(N)], Kind.TEXT),
    "days": ([str(pd.Timestamp("2020-01-01") + pd.Timedelta(days=i))[:10] for i in range(N)], Kind.DATE),
    "American days": (_cycle(["12/31/2019", "1/15/2020", "02/03/2020"]), Kind.DATE),
    "German days": (_cycle(["31.12.2019", "15.1.2020", "3.2.2020"]), Kind.DATE),
    "compact days": (_cycle([20191231, 20200115, 20200203]), Kind.DATE),
    "timestamps": (list(pd.date_range("2020-01-01", periods=N, freq="h")), Kind.DATE),
    "numbers as text": (_cycle(["1,200", "3.5", "17", "$4", "?"], 500)[:-1], Kind.CATEGORY),
    "prices as text": ([f"${i},000.50" for i in range(1, N)], Kind.NUMBER),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_kind_follows_from_the_values(name):
    values, kind = KINDS[name]
    assert _card(values).kind == kind


def test_a_scale_in_words_is_given_in_its_order():
    assert _card(_cycle(["Medium", "Low", "High", None])).levels == ("Low", "Medium", "High")


def test_missing_unseen_and_examples_are_shares_of_rows():
    card = _card(["a", "a", "b", "c"] * 50, ["a", "z", None, "b"] * 50)
    assert (card.missing, card.missing_test, card.distinct, card.unseen) == (0.0, 0.25, 3, 0.25)
    assert card.examples[0] == "a"
    assert not card.numeric


def test_a_column_equal_to_an_earlier_one_is_its_duplicate():
    table = pd.DataFrame({"a": RNG.normal(size=N), "b": 1.0, "t": _cycle(["x", "y", "z", None])})
    table["b"] = table["a"]
    table["u"] = table["t"]
    table["almost"] = table["a"]
    table.loc[3, "almost"] += 1
    cards = {card.name: card for card in describe_columns(table, table)}
    assert (cards["b"].kind, cards["b"].duplicate_of) == (Kind.DUPLICATE, "a")
    assert (cards["u"].kind, cards["u"].duplicate_of) == (Kind.DUPLICATE, "t")
    assert cards["almost"].duplicate_of is None


def test_drift_is_near_zero_for_alike_and_large_for_shifted_columns():
    n = 3000
    train = pd.DataFrame({"same": RNG.normal(size=n), "moved": RNG.normal(size=n), "word": _cycle(["a", "b"], n)})
    test = pd.DataFrame({"same": RNG.normal(size=900), "moved": 2 + RNG.normal(size=900), "word": _cycle(["a"], 900)})
    same, moved, word = describe_columns(train, test)
    assert same.drift < 0.02
    assert moved.drift > 0.6
    assert word.drift > 0.4


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_drift_lies_between_0_and_1_and_is_symmetric(a, b):
    left, right = np.array(a), np.array(b)
    assert 0 <= number_drift(left, right) <= 1
    assert number_drift(left, right) == pytest.approx(number_drift(right, left))
    codes = np.unique(np.concatenate([left, right]), return_inverse=True)[1]
    assert 0 <= category_drift(codes[: len(a)], codes[len(a) :]) <= 1


def test_skip_columns_of_one_table_and_overrides_are_obeyed():
    train = pd.DataFrame({"y": [1, 2] * 10, "a": _cycle([1, 2, 3], 20), "train_only": 1})
    test = train.drop(columns=["y", "train_only"])
    assert [card.name for card in describe_columns(train, test, skip=["y"])] == ["a"]
    assert describe_columns(train, test, overrides={"a": "category"})[0].kind == Kind.CATEGORY
    with pytest.raises(TaskError, match=r"columns\.a is 'colour', but must be one of number, count"):
        describe_columns(train, test, overrides={"a": "colour"})
    with pytest.raises(TaskError, match="'b' is no column of train or test"):
        describe_columns(train, test, overrides={"b": "category"})


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.integers(-(10**6), 10**6), st.floats(), st.text(max_size=6), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_any_mixture_of_values_is_described(values):
    card = _card(pd.Series(values, dtype=object).tolist())
    assert card.kind in tuple(Kind)
    assert 0 <= card.missing <= 1
    assert 0 <= card.drift <= 1


def test_large_tables_are_described_from_a_sample_the_same_every_time():
    table = pd.DataFrame({"a": RNG.normal(size=5000), "b": RNG.integers(0, 9, 5000).astype(str)})
    first, second = describe_columns(table, table, n_sample=500), describe_columns(table, table, n_sample=500)
    assert first == second
    assert first[0].distinct == 500


def test_describing_100000_rows_takes_about_a_second_at_most():
    n = 100_000
    table = pd.DataFrame({f"x{i}": RNG.normal(size=n) for i in range(10)})
    for i in range(10):
        table[f"s{i}"] = np.array([f"value {j}" for j in range(1000)])[RNG.integers(0, 1000, n)]
    start = time.process_time()  # whatever else the machine does
    describe_columns(table, table.iloc[:30_000])
    assert time.process_time() - start < 3.0  # 0.3 s on an idle core


def test_dates_keep_their_moment_and_plain_numbers_are_none():
    parsed = parse_dates(pd.Series(["2020-03-01 05:00", None, "2020-03-02 06:30"]))
    assert parsed is not None
    assert parsed.isna().tolist() == [False, True, False]
    assert parsed[2] == pd.Timestamp("2020-03-02 06:30")
    assert parse_dates(pd.Series(["1.5", "2.5", "3.25"])) is None
    assert parse_dates(pd.Series([2019, 2020])) is None
    assert parse_dates(pd.Series(["10-20", "20-30"])) is None


def test_stepping_back_whole_months_stays_on_the_calendar():
    day = (pd.Timestamp("2020-12-31") - pd.Timestamp("1970-01-01")).days
    back = pd.Timestamp(step_back(day, 365.0, True), unit="D")
    assert back == pd.Timestamp("2019-12-31")
    assert months_in(28.0) == 0
    assert months_in(91.0) == 3
    assert step_back(10.0, 3.0, False) == 7.0


def test_repetitions_of_ids_are_counted_in_all_rows_of_a_large_table():
    """Of a tenth of the rows hardly an id stands twice, though each has four rows in train."""
    ids = RNG.permutation(np.repeat(np.arange(5000), 5))
    table = pd.DataFrame({"whole": ids * 7919, "text": [f"user{i}" for i in ids], "x": RNG.normal(size=len(ids))})
    train, test = table.iloc[:20_000], table.iloc[20_000:]
    whole, text, x = describe_columns(train, test, n_sample=2000)
    for card in (whole, text):
        assert card.distinct == train[card.name].nunique()
        assert card.unseen == pytest.approx((~test[card.name].isin(train[card.name])).mean())
        assert values_recur(card, len(train))
    assert text.kind is Kind.KEY  # so many values are counted, and no category
    assert base_features([text], "trees", len(train)) == ("count(text)",)
    assert x.counted == 2000
    assert not values_recur(x, len(train))
