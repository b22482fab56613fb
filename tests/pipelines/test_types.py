"""Types of expressions: what may be computed from which columns, and why not what may not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions.columns.cards import describe_columns
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.schema import Schema, schema_of
from medalist.pipelines.features.typing import check

SCHEMA = Schema(
    {
        "price": "number",
        "area": "number",
        "rooms": "number",
        "city": "category",
        "brand": "category",
        "flag": "boolean",
        "size": "figures",
        "note": "text",
        "sold": "date",
        "stamp": "instant",
    },
    {"orders": {"city": "category", "buyer": "category", "amount": "number", "kind": "category", "day": "date"}},
)

ACCEPTED = [
    "number(price)",
    "number(city)",
    "price + area",
    "(price - mean(price) by city) / std(price) by city",
    "price / area",
    "log(price * 2.5)",
    "log(size)",
    "digit(price, -1)",
    "mod(price, 0.5)",
    "equal(city, brand)",
    "missing(sold)",
    "count(price)",
    "count(city × brand × flag × size × price)",
    "code(bin(price, 20))",
    "bin(price, 5) + 1",
    "rank(price)",
    "rank(price) by city",
    "mean(price) by brand, city, flag, size",
    "mean(price) by month(sold)",
    "max(stamp) by city",
    "hour(sold)",
    "hour(stamp)",
    "days(sold, stamp)",
    "length(city)",
    "words(flag)",
    "part(size, 0)",
    "row_missing(city, price, sold)",
    "row_sum(price, area, mean(price) by city)",
    "pca(price, area, rooms, 2)",
    "pca(price, 2)",
    "kmeans(price, area, 9)",
    "lag(price, sold, 1) by city",
    "lag(price, area, -1)",
    "rolling_mean(price, stamp, 3) by city",
    "svd(tfidf(note), 16)",
    "target_linear(char_tfidf(note))",
    "target_mean(city)",
    "target_mean(city × bin(price, 10), 5)",
    "target_mean(mode(orders.kind) by city)",
    "target_lag(sold, 0, 7) by city",
    "target_neighbours(price, area, 24)",
    "price - target_mean(city)",
    "row_mean(target_mean(city), target_mean(brand))",
    "mean(orders.amount) by city",
    "count(orders.day) by city",
    "sum(orders.amount) by brand, orders.buyer",
    "area / (mean(orders.amount) by city)",
]

REFUSED = {
    # what is not there
    "exec(price)": "Unknown operator 'exec'",
    "count(nowhere)": "no column nowhere .* the columns are price, area",
    "mean(price) by nowhere": "no column nowhere",
    "count(orders.nowhere) by city": r"no column orders\.nowhere .* the columns are city, buyer",
    "mean(amount) by city": "no column amount",
    "mean(sales.amount) by city": "no further table 'sales' .* there are: orders",
    "mean(orders.amount) by city, orders.nobody": r"no column orders\.nobody",
    # wrong types
    "log(city)": "log in log\\(city\\) needs a number, but city is a key or text",
    "price + city": "needs a number, but city",
    "log(sold)": "sold is a date or a key: take its month, hour or elapsed",
    "log(note)": "needs a number, but note is a key or text",
    "log(code(city))": r"needs a number, but code\(city\) is a key",
    "log(tfidf(note))": "needs a number, but tfidf",
    "log(row_sorted(price, area))": "needs a number, but row_sorted",
    "rank(city)": "needs a number, but city",
    "hour(price)": "needs a date, but price is a key or a number",
    "hour(city)": "needs a date, but city",
    "days(sold, price)": "needs a date, but price",
    "length(price)": "needs text, but price",
    "length(sold)": "needs text, but sold",
    "lag(price, city, 1)": "needs a number or a date that orders the rows, but city",
    "svd(note, 3)": "needs a sparse feature such as .*, but note",
    "count(tfidf(note))": "needs a key, but tfidf",
    "mean(price) by tfidf(note)": "tfidf\\(note\\) in .* is no key",
    "row_sum(price, area, city)": "needs a number, but city",
    "target_neighbours(price, city, 24)": "needs a number, but city",
    "log(orders.amount)": "has a value for each row of orders: aggregate it",
    "mode(city) by brand": "takes a column of a further table",
    # literals
    "bin(price, area)": "needs a whole number written out, but area",
    "bin(price, 2.5)": "needs a whole number written out, but 2.5 is a number",
    "lag(price, sold, 1.5)": "needs a whole number written out, but 1.5",
    "mod(price, area)": "needs a number written out, but area",
    "target_mean(city, area)": "needs a number written out, but area",
    "count(3)": "needs a key, but 3 is a number",
    "svd(tfidf(note), 3.5)": "needs a whole number written out, but 3.5",
    "pca(price, area, 2.5)": "needs a whole number written out, but 2.5",
    "pca(price, area)": "needs a whole number written out, but price",
    # numbers of arguments
    "log()": r"has 0 arguments: write it as log\(number\)",
    "log(price, area)": r"has 2 arguments: write it as log\(number\)",
    "round(price)": r"has 1 argument: write it as round\(number, whole\)",
    "lag(price, sold)": "has 2 arguments",
    "pca(2)": r"has 1 argument: write it as pca\(number\+, whole\)",
    "target_mean(city, 5, 5)": "has 3 arguments",
    "mean(price, area) by city": "has 2 arguments",
    # groups
    "mean(price)": r"needs groups: write mean\(price\) by a key",
    "mean(orders.amount)": "needs groups",
    "log(price) by city": "log looks at no groups, so leave out `by`",
    "target_mean(city) by brand": "looks at no groups",
    "mean(price) by city, brand, flag, size, rooms": "has 5 keys: name at most 4",
    # keys of further tables
    "mean(price) by orders.city": r"orders\.city in .* is of a further table: group by columns of train and test",
    "mean(orders.amount) by orders.buyer": "pairs its keys unclearly",
    "mean(orders.amount) by brand, city, orders.buyer": "pairs its keys unclearly",
    "mean(orders.amount) by brand": r"orders has no column brand .* as in by brand, orders\.key",
    "mean(orders.amount) by month(sold)": r"orders has no column month\(sold\)",
    # what was made with the target
    "mean(target_mean(city)) by brand": "looks at many rows, .* made with the target",
    "lag(price - target_mean(city), sold, 1)": "looks at many rows",
    "rank(price) by round(target_mean(city), 1)": "looks at many rows",
    "count(round(target_mean(city), 1))": "looks at many rows",
    "target_mean(round(target_mean(city), 1))": "looks at many rows",
    "target_mean(target_mean(city))": "needs a key, but target_mean",
    "code(target_mean(city))": "needs a key, but target_mean",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_fits_together_is_accepted(text):
    expression = parse(text)
    assert check(expression, SCHEMA) is expression


@pytest.mark.parametrize("text", REFUSED)
def test_what_does_not_is_refused_with_the_reason(text):
    with pytest.raises(PipelineError, match=REFUSED[text]) as refused:
        check(parse(text), SCHEMA)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["log(log(log(city)))", "count(city × bin(log(city), 3))", "mean(area) by bin(city, 2)"]
)
def test_the_reason_is_found_at_any_depth_and_names_the_whole(text):
    with pytest.raises(PipelineError, match="needs a number, but city") as refused:
        check(parse(text), SCHEMA)
    assert str(parse(text)) in str(refused.value)


@given(st.integers(1, 8), st.integers(1, 40))
def test_a_repeated_type_takes_as_many_as_there_are_and_leaves_the_last(count, whole):
    columns = tuple(Column(n) for n in ("price", "area", "rooms", "size", "flag", "stamp", "price", "area")[:count])
    check(Feature("pca", (*columns, whole)), SCHEMA)
    check(Feature("row_sum", columns), SCHEMA)
    with pytest.raises(PipelineError, match="whole number"):
        check(Feature("pca", (*columns, whole + 0.5)), SCHEMA)
    with pytest.raises(PipelineError, match="needs a number, but city"):
        check(Feature("pca", (*columns, Column("city"), whole)), SCHEMA)


def tables():
    rng = np.random.default_rng(0)
    n = 300
    return pd.DataFrame(
        {
            "price": rng.normal(size=n),
            "rooms": rng.integers(0, 5, n),
            "city": rng.choice([*"abc"], n),
            "flag": rng.choice([True, False], n),
            "answer": rng.choice(["yes", "no"], n),
            "side": rng.choice(["left", "right"], n),
            "sold": pd.date_range("2021-01-01", periods=n, freq="7h").astype(str),
            "stamp": 1_600_000_000 + rng.integers(0, 10_000_000, n),
            "note": [" ".join(rng.choice(["red", "green", "small", "big", "old"], 6)) + f" no {i}" for i in range(n)],
            "weight": rng.normal(size=n),
        }
    )


def test_a_schema_is_what_the_columns_mean():
    frame = tables()
    cards = describe_columns(frame[:200].drop(columns="weight"), frame[200:].drop(columns="weight"))
    orders = pd.DataFrame({"city": ["a", "b"], "amount": [1.5, 2.5], "day": ["2021-01-02", "2021-03-04"]})
    schema = schema_of(frame[:200], cards, {"orders": orders}, skip=("rooms",))
    assert schema.columns == {
        "price": "number",
        "city": "category",
        "flag": "boolean",
        "answer": "boolean",
        "side": "category",
        "sold": "date",
        "stamp": "instant",
        "note": "text",
        "weight": "number",  # one without a card, by its values
    }
    assert schema.tables == {"orders": {"city": "category", "amount": "number", "day": "date"}}
    assert schema.kinds["orders.amount"] == "number"
    assert schema.kinds["note"] == "text"


class Rows:
    """The tables as a frame's source."""

    n_train, n_rows = 200, 300

    def column(self, name):
        return tables()[name]

    def table(self, name):
        raise PipelineError(name)


def test_what_is_accepted_can_be_computed():
    frame = tables()
    schema = schema_of(frame[:200], describe_columns(frame[:200], frame[200:]))
    computing = Frame(Rows())
    done = 0
    for op in ("number", "log", "count", "code", "hour", "length", "missing", "rank", "text_shape", "elapsed"):
        for name in frame:
            expression = feature(op, name)
            try:
                check(expression, schema)
            except PipelineError:
                continue
            assert len(computing.value(expression)) == len(frame)
            done += 1
    assert done > 40
