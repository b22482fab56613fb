"""Canonical texts of features."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import INFIX, Column, Feature, feature, nodes
from medalist.pipelines.features.language.parser import parse

names = st.one_of(
    st.text(min_size=1, max_size=8),
    st.text(alphabet="`.,()+-*/× by09é", min_size=1, max_size=8),
    st.sampled_from(["by", "a", "b", "city", "3", "1e5", "Ω", "e\u0301", "²"]),
)
columns = st.builds(Column, names, st.none() | names)
numbers = st.integers(-99, 99) | st.floats(allow_nan=False, allow_infinity=False)


def _calls(inner):
    return st.one_of(
        st.builds(
            Feature,
            st.sampled_from(["number", "code", "mean", "rank", "by", "svd"]),
            st.lists(inner, min_size=1, max_size=3).map(tuple),
            st.lists(inner, max_size=2).map(tuple),
        ),
        st.builds(Feature, st.sampled_from(sorted(INFIX)), st.tuples(inner, inner)),
        st.builds(Feature, st.sampled_from(["add", "multiply", "cross"]), st.tuples(inner, inner, inner)),
        st.builds(Feature, st.sampled_from(sorted(INFIX)), st.tuples(inner)),
    )


trees = _calls(st.recursive(columns | numbers, _calls, max_leaves=6))


@given(trees)
def test_text_and_back(tree):
    again = parse(str(tree))
    assert again == tree
    assert hash(again) == hash(tree)
    assert str(again) == str(tree)


@given(names)
def test_any_column_name_survives(name):
    assert parse(str(feature("count", name))).columns == (name,)


@given(names, names)
def test_a_table_s_column_survives(table, name):
    again = parse(str(Feature("count", (Column(name, table),))))
    assert again.args == (Column(name, table),)
    assert (again.columns, again.tables) == ((), (table,))


@given(trees, trees, trees)
def test_order_and_brackets_that_mean_nothing_are_dropped(a, b, c):
    for op in ("add", "multiply", "cross"):
        flat = Feature(op, (a, b, c))
        assert flat == Feature(op, (c, a, b)) == Feature(op, (Feature(op, (c, b)), a))
        assert str(flat) == str(Feature(op, (b, Feature(op, (a, c)))))
    for op in ("equal", "smaller", "larger"):
        assert Feature(op, (a, b)) == Feature(op, (b, a))
    assert (
        Feature("mean", (a,), (b, c))
        == Feature("mean", (a,), (c, b, c))
        == Feature("mean", (a,), (Feature("cross", (b, c)),))
    )


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("b + a", "a + b"),
        ("(c + b) + a", "a + b + c"),
        ("a - (b - c)", "a - (b - c)"),
        ("a - b - c", "(a - b) - c"),
        ("a/b/c", "a / b / c"),
        ("a / (b * c)", "a / (b * c)"),
        ("(a + b) * c", "(a + b) * c"),
        ("count(b × a × a)", "count(a × b)"),
        ("number(number(a))", "number(a)"),
        ("number(a) - number(number(b))", "a - b"),
        ("mean(price) by city, brand", "mean(price) by brand, city"),
        ("mean(price) by city × brand", "mean(price) by brand, city"),
        ("price-mean(price)by city", "price - mean(price) by city"),
        ("mean(x) by b, a - y", "(mean(x) by a, b) - y"),
        ("y - mean(x) by b, a", "y - mean(x) by a, b"),
        ("lag(mean(x) by a, 1)", "lag(mean(x) by a, 1)"),
        ("rank((mean(x) by a, b))", "rank((mean(x) by a, b))"),
        ("rank(x) by (mean(y) by b)", "rank(x) by (mean(y) by b)"),
        ("bin(x, 20.0)", "bin(x, 20)"),
        ("round(x, -2)", "round(x, -2)"),
        ("x - -2", "x - -2"),
        ("x * 1e-7", "1e-07 * x"),
        ("count(`a``b`)", "count(`a``b`)"),
        ("mean(orders.`the amount`) by customer", "mean(orders.`the amount`) by customer"),
    ],
)
def test_canonical_texts(written, canonical):
    assert str(parse(written)) == canonical
    assert parse(canonical) == parse(written)


def test_what_differs_stays_apart():
    texts = [
        "a - b",
        "b - a",
        "a / b",
        "f(a, b)",
        "f(b, a)",
        "f(a) by b",
        "f(b) by a",
        "f(a.b)",
        "f(`a.b`)",
        "f(3)",
        "f(`3`)",
    ]
    assert len({parse(t) for t in texts}) == len({str(parse(t)) for t in texts}) == len(texts)


def test_a_comma_in_an_argument_list_ends_the_keys():
    assert parse("f(mean(x) by a, b)").args == (feature("mean", "x", by=("a",)), Column("b"))
    assert parse("f((mean(x) by a, b))").args == (feature("mean", "x", by=("a", "b")),)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "city", "`city`", "t.city", "3", "-3", "count(", "count(city", "count(city))", "count city", "f(a,)",
        "f(,a)", "f(;)", "f(`a)", "f(a", "a +", "* a", "a b", "a - - b", "f(a) by", "f(a) by b,",
        "f(a) by b by c", "a by b", "(a + b) by c", "f(t.)", "f(.a)", "f(t.3)", "f(3.)", "f(1e999)",
        "f(" + "9" * 5000 + ")", "f(3x)", "f(a)(b)", "`f`(a)", "f(" * 13 + "a" + ")" * 13,
        "(" * 500 + "a" + ")" * 500, " - ".join("a" * 2000), "f(a.b.c)", "f(a): g", "f('a')",
    ],
)  # fmt: skip
def test_what_is_no_feature_is_refused(text):
    with pytest.raises(PipelineError):
        parse(text)


@given(st.text(alphabet="ab`.,()+-*/× by3e-1'", max_size=20))
def test_any_text_is_read_or_refused(text):
    try:
        tree = parse(text)
    except PipelineError:
        return
    assert parse(str(tree)) == tree


def test_a_long_sum_is_not_deep():
    assert len(parse(" + ".join(f"c{i}" for i in range(300))).args) == 300


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(PipelineError, match="cannot hold"):
        feature("add", "a", float("inf"))


def test_columns_in_order_of_appearance():
    tree = parse("f(b, g(a, b), `c d`, t.x) by e")
    assert tree.columns == ("b", "a", "c d", "e")
    assert tree.tables == ("t",)
    assert list(nodes(tree))[:3] == [tree, Column("b"), feature("g", "a", "b")]
