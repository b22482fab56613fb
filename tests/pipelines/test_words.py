"""Features in words, and their shapes: every operator has words, and names of columns do not change a shape."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.pipelines.features.language.expression import INFIX, Column, Feature, Node, feature, nodes
from medalist.pipelines.features.language.operator import OPERATORS, Operator
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.language.words import in_words

ROOT = Path(__file__).resolve().parents[2]


def example(name: str, operator: Operator, *, most: bool, grouped: bool) -> Feature:
    """A feature of an operator: with every argument that it may have, or only those that it must."""
    args: list[Node] = []
    for i, kind in enumerate(operator.takes):
        if kind.endswith("?") and not most:
            continue
        column = Column(f"column{i}", "orders" if kind.startswith("table") else None)
        literal = {"whole": 2, "literal": 0.5}.get(kind.rstrip("?+"))
        one = feature("tfidf", column.name) if kind == "sparse" else column if literal is None else literal
        args += [one, Column("other")] if kind.endswith("+") and most else [one]
    by: tuple[Node, ...] = (Column("shop"), Column("town")) if grouped else ()
    return Feature(name.removeprefix("table."), tuple(args), by)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_words(name):
    operator = OPERATORS[name]
    grouped = (True, False) if operator.grouped is None else (bool(operator.grouped),)
    for most in (True, False):
        for by in grouped:
            example_feature = example(name, operator, most=most, grouped=by)
            words = in_words(example_feature)
            assert words != str(example_feature)
            assert all(c.name in words for c in nodes(example_feature) if isinstance(c, Column)), words
            assert not set("{}`_") & set(words), words
            assert "  " not in words
            for literal in (n for n in example_feature.args if isinstance(n, float)):
                assert str(literal) in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("number(age)", "age as a number"),
        ("price - mean(price) by city", "price less its mean within city"),
        ("price / max(price) by city, day", "price divided by its largest value within city and day"),
        ("(mean(price) by city) - price", "mean of price within city less price"),
        ("price - mean(weight) by city", "price less mean of weight within city"),
        ("count(city)", "how often the value of city occurs in train and test"),
        ("count(city × brand)", "how often the combination of brand and city occurs in train and test"),
        ("target_mean(city)", "smoothed mean target of city"),
        ("target_mean(a × b × c)", "smoothed mean target of the combination of a, b and c"),
        ("digit(weight, 3)", "third decimal digit of weight"),
        ("digit(weight, 0)", "units digit of weight"),
        ("round(price, 1)", "price rounded to 1 decimal"),
        ("round(price, 0)", "price rounded to a whole number"),
        ("round(price, -3)", "price rounded to thousands"),
        ("a / b", "a divided by b"),
        ("(a + b) / c", "(a plus b) divided by c"),
        ("log(a * b)", "logarithm of (a times b)"),
        ("hour(sold_at)", "hour of sold_at"),
        ("lag(price, date, 1) by shop", "value of price 1 row before, within shop in order of date"),
        ("lag(price, date, -2)", "value of price 2 rows after, in order of date"),
        ("price - lag(price, date, 1) by shop", "price less its value 1 row before, within shop in order of date"),
        ("since_previous(date) by user", "time since the previous row, within user in order of date"),
        ("rolling_mean(x, t, 3) by k", "mean of x over the 3 rows before, within k in order of t"),
        ("target_lag(date, 7) by shop", "mean target of earlier rows, at least 7 back, within shop in order of date"),
        ("mean(orders.amount) by customer", "mean of orders.amount over the rows of orders with the same customer"),
        (
            "sum(orders.amount) by customer, orders.buyer",
            "sum of orders.amount over the rows of orders whose buyer is customer",
        ),
        ("part(cabin, 0)", "first part of cabin"),
        ("part_number(cabin, -1)", "number in the last part of cabin"),
        ("field_word(name, 1, -2)", "second last word in the second field of name"),
        ("prefix(code, 1)", "first character of code"),
        ("suffix(code, 4)", "last 4 characters of code"),
        ("svd(tfidf(text), 16)", "16 leading components of the weighted words of text"),
        ("bin(price, 20) × city", "the combination of price in 20 bins and city"),
        ("row_zeros(a, b, c)", "how many of a, b and c are 0"),
        ("row_mean(a, b, c, d, e, f, g, h, i)", "mean across a, b, c, d, e, f … i (9 in all)"),
        ("kmeans(a, b, 8)", "cluster of the row, one of 8 by a and b"),
        ("count(`sold at`)", "how often the value of sold at occurs in train and test"),
        ("unheard_of(a, 3) by b", "unheard_of(a, 3) by b"),
    ],
)
def test_words(text, words):
    assert in_words(parse(text)) == words


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("target_mean(city × brand)", "target_mean(category × category)"),
        ("count(a × b × c × d × k)", "count(category × number …)"),
        ("count(a × k × l × b × c × d)", "count(category × category × number …)"),
        ("count(a × b × c × d)", "count(cross(number …))"),
        ("price - mean(price) by city", "number - mean(number) by category"),
        ("mean(price) by city, brand", "mean(number) by category, category"),
        ("mean(price) by city, day", "mean(number) by category, date"),
        ("bin(price, 20) × city", "bin(number, 20) × category"),
        ("number(price)", "number(number)"),
        ("weight + price", "number + number"),
        ("price / unknown", "number / any"),
        ("(price + weight) * price", "number * (number + number)"),
        ("mean(orders.amount) by city, orders.city", "mean(table.number) by category, table.category"),
        ("row_mean(price, weight, price)", "row_mean(number, number, number)"),
        ("row_mean(price, weight, price, weight, city)", "row_mean(category, number …)"),
        ("pca(price, weight, price, weight, 3)", "pca(number …, 3)"),
        ("price + weight + price + weight", "number + number + number + number"),
    ],
)
def test_shapes(text, shape):
    kinds = {"price": "number", "weight": "number", "city": "category", "brand": "category", "day": "date"}
    kinds |= dict.fromkeys("abcd", "number") | dict.fromkeys("kl", "category")
    assert shape_of(parse(text), kinds | {"orders.amount": "number", "orders.city": "category"}) == shape


KINDS = {"a": "number", "b": "number", "c": "number", "k": "category", "l": "category"}
SAME = {"number": ("a", "b", "c"), "category": ("k", "l")}
trees = st.recursive(
    st.sampled_from([*KINDS]).map(Column) | st.integers(0, 3),
    lambda inner: st.builds(
        lambda op, args, by: Feature(op, tuple(args), () if op in INFIX else tuple(by)),
        st.sampled_from(["log", "mean", *INFIX]),
        st.lists(inner, min_size=2, max_size=3),
        st.lists(st.sampled_from("kl").map(Column), max_size=2),
    ),
    max_leaves=8,
).filter(lambda t: isinstance(t, Feature))


def renamed(node: Node, names: dict[str, str]) -> Node:
    if isinstance(node, Column):
        return Column(names[node.name])
    if not isinstance(node, Feature):
        return node
    return Feature(node.op, tuple(renamed(a, names) for a in node.args), tuple(renamed(k, names) for k in node.by))


@given(trees, st.permutations(SAME["number"]), st.permutations(SAME["category"]))
def test_names_do_not_change_a_shape(tree, numbers, categories):
    names = dict(zip([*SAME["number"], *SAME["category"]], [*numbers, *categories], strict=True))
    assert shape_of(renamed(tree, names), KINDS) == shape_of(tree, KINDS)
    assert in_words(tree)


def test_words_need_no_numpy():
    code = (
        "import sys\n"
        "from medalist.pipelines.features.language.parser import parse\n"
        "from medalist.pipelines.features.language.words import in_words\n"
        "in_words(parse('mean(a) by b')); print([m for m in ('numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
