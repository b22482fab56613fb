"""Operators of numbers, dates, rows, strings and text against plain references."""

import warnings
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.operator import OPERATORS
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.operators import rows, strings, text


@dataclass
class Table:
    """A source of columns for a frame."""

    columns: pd.DataFrame
    n_train: int = 0

    @property
    def n_rows(self):
        return len(self.columns)

    def column(self, name):
        return self.columns[name]

    def table(self, name):
        raise KeyError(name)


def frame_of(**columns):
    return Frame(Table(pd.DataFrame(columns)))


def value(written, **columns):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return frame_of(**columns).value(parse(written))


def same(actual, expected):
    np.testing.assert_allclose(np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), rtol=1e-12)


NAN = np.nan
X = [2.5, -4.0, 0.0, NAN]
Y = [2.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("number(x)", X),
        ("missing(x)", [0, 0, 0, 1]),
        ("missing(x / y)", [0, 1, 1, 1]),
        ("missing(word)", [0, 0, 1, 0]),
        ("x + y + 1", [5.5, -3, 1, NAN]),
        ("x - y", [0.5, -4, 0, NAN]),
        ("x * y", [5, 0, 0, NAN]),
        ("x / y", [1.25, NAN, NAN, NAN]),
        ("1 / x", [0.4, -0.25, NAN, NAN]),
        ("log(x)", [np.log(3.5), -np.log(5), 0, NAN]),
        ("abs(x)", [2.5, 4, 0, NAN]),
        ("root(x)", [np.sqrt(2.5), -2, 0, NAN]),
        ("round(x * 123.4, -2)", [300, -500, 0, NAN]),
        ("round(x / 3, 2)", [0.83, -1.33, 0, NAN]),
        ("fraction(x - 0.25)", [0.25, 0.75, 0.75, NAN]),
        ("mod(x, 3)", [2.5, 2, 0, NAN]),
        ("mod(x, 0)", [NAN, NAN, NAN, NAN]),
        ("smaller(x, y)", [2, -4, 0, 1]),
        ("larger(x, y)", [2.5, 0, 0, 1]),
        ("sine(x, 10)", [1, np.sin(-0.8 * np.pi), 0, NAN]),
        ("cosine(y, 4)", [-1, 1, 1, 0]),
        ("equal(x, y)", [0, 0, 1, NAN]),
        ("equal(word, word2)", [1, 0, NAN, 0]),
        ("equal(part(word, 0), part(word2, -1))", [1, 1, NAN, 0]),
        ("equal(word2, y)", [0, 0, 0, 1]),
        ("x / 1e-300 / 1e-300", [NAN, NAN, 0, NAN]),
    ],
)
def test_numbers(written, expected):
    words = {"word": ["a", "b", None, "c"], "word2": ["a", "x b", "b", "1"]}
    actual = value(written, x=X, y=Y, **words)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


decimal_writings = st.builds(
    lambda sign, whole, part: f"{sign}{whole}.{part}",
    st.sampled_from(["", "-"]),
    st.integers(0, 99_999),
    st.text(alphabet="0123456789", min_size=1, max_size=8),
)


@given(st.lists(decimal_writings, min_size=1, max_size=10), st.integers(-5, 8))
def test_digits_and_decimals_are_those_of_the_writing(writings, k):
    x = [float(w) for w in writings]
    digits = [int(abs(Decimal(w)) * Decimal(10) ** k) % 10 for w in writings]
    same(value(f"digit(x, {k})", x=x), digits)
    same(value("decimals(x)", x=x), [len(w.split(".")[1].rstrip("0")) for w in writings])


def test_digits_of_single_precision_and_of_large_numbers():
    single = np.array([0.29, 12.7, 3.0, 1.005, NAN], dtype=np.float32)
    same(value("digit(x, 2)", x=single), [9, 0, 0, 0, NAN])
    same(value("decimals(x)", x=single), [2, 1, 0, 3, NAN])
    large = np.array([29_999_999.0, 9_007_199_254_740_991.0])
    same(value("digit(x, -7)", x=large), [2, 5])
    same(value("digit(x, 3)", x=large), [0, 0])
    same(value("decimals(x)", x=[1 / 3, 1e20]), [15, 0])


moments = st.none() | st.datetimes(min_value=pd.Timestamp("1700-01-01"), max_value=pd.Timestamp("2200-01-01"))


@given(st.lists(moments, min_size=1, max_size=10))
def test_date_parts_are_those_of_pandas(actual):
    column = pd.Series(actual, dtype="datetime64[ns]")
    frame = frame_of(d=column)
    parts = {"weekday": "day_of_week", "dayofyear": "day_of_year"}
    for name in ("year", "month", "day", "weekday", "dayofyear", "hour", "minute", "second", "quarter"):
        same(frame.value(parse(f"{name}(d)")), getattr(column.dt, parts.get(name, name)).to_numpy(float, na_value=NAN))
    same(frame.value(parse("week(d)")), column.dt.isocalendar().week.to_numpy(float, na_value=NAN))
    midnight = (column - column.dt.normalize()) / pd.Timedelta(hours=1)
    same(frame.value(parse("daytime(d)")), midnight)
    days = (column.astype("datetime64[us]") - column.min().as_unit("us")) / pd.Timedelta(days=1)
    same(frame.value(parse("elapsed(d)")), days)


def test_days_between_dates():
    start = ["2020-02-28", "2020-03-01", None]
    end = ["2020-03-01 12:00", None, "2020-03-01 12:00"]
    same(value("days(end, start)", start=start, end=end), [2.5, NAN, NAN])


cells = st.none() | st.sampled_from([0.0, 1.0, 2.0, -3.0, 0.5])


@given(st.integers(1, 5).flatmap(lambda k: st.lists(st.lists(cells, min_size=k, max_size=k), min_size=1, max_size=8)))
def test_row_statistics_are_those_of_pandas(table):
    data = pd.DataFrame(np.array(table, dtype=float)).add_prefix("c")
    frame, args = Frame(Table(data)), ", ".join(data.columns)

    def row(name):
        actual = frame.value(parse(f"row_{name}({args})"))
        assert len(actual) == len(data)
        return actual

    known = data.count(axis=1) > 0
    same(row("sum"), data.sum(axis=1).where(known))
    for name in ("mean", "std", "min", "max", "median"):
        np.testing.assert_allclose(row(name), getattr(data, name)(axis=1), atol=1e-12)
    same(row("range"), data.max(axis=1) - data.min(axis=1))
    same(row("zeros"), (data == 0).sum(axis=1))
    same(row("distinct"), data.nunique(axis=1))
    same(row("missing"), data.isna().sum(axis=1))
    same(row("argmax"), [NAN if r.isna().all() else int(np.nanargmax(r)) for _, r in data.iterrows()])
    same(row("mode"), [r.mode().max() for _, r in data.iterrows()])
    ascending = np.sort(data.to_numpy(), axis=1)
    same(row("sorted"), ascending)
    if data.shape[1] > 1:
        same(row("gaps"), np.diff(ascending, axis=1))
    for (_, r), actual in zip(data.iterrows(), row("repeats"), strict=True):
        counts = [*r.value_counts(), 0, 0, 0]
        same(actual, counts[: min(3, data.shape[1])])


CODES = ["B/45/S", "F/7", None, "", "12 x", "-3.5,a b", "ÄÖ_9"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("length(t)", [6, 3, NAN, 0, 4, 8, 4]),
        ("words(t)", [1, 1, NAN, 0, 2, 2, 1]),
        ("parts(t)", [3, 2, NAN, 0, 2, 4, 2]),
        ("part_number(t, 1)", [45, 7, NAN, NAN, NAN, 5, 9]),
        ("part_number(t, -1)", [NAN, 7, NAN, NAN, NAN, NAN, 9]),
        ("field_number(t, 1)", [45, 7, NAN, NAN, NAN, 3.5, 9]),
        ("first_number(t)", [45, 7, NAN, NAN, 12, 3.5, 9]),
    ],
)
def test_numbers_within_strings(written, expected):
    same(value(written, t=CODES), expected)


def test_thousands_are_read_as_one_number():
    same(value("first_number(t)", t=["$1,234,567.5 for 2", "1,2", "from 1,234"]), [1_234_567.5, 1, 1234])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("part(t, 0)", ["B", "F", None, None, "12", "3", "ÄÖ"]),
        ("part(t, -1)", ["S", "7", None, None, "x", "b", "9"]),
        ("part(t, 2)", ["S", None, None, None, None, "a", None]),
        ("field(t, 0)", ["B", "F", None, None, "12 x", None, "ÄÖ"]),
        ("field(t, -1)", ["S", "7", None, None, "12 x", "a b", "9"]),
        ("prefix(t, 2)", ["B/", "F/", None, None, "12", "-3", "ÄÖ"]),
        ("character(t, 1)", ["/", "/", None, None, "2", "3", "Ö"]),
        ("suffix(t, 2)", ["/S", "/7", None, None, " x", " b", "_9"]),
        ("letters(t)", ["BS", "F", None, None, "x", "ab", "ÄÖ"]),
        ("pattern(t)", ["A/9/A", "A/9", None, None, "9 A", "-9.9,A A", "A_9"]),
        ("field_word(t, 1, -1)", [None, None, None, None, None, "b", None]),
    ],
)
def test_categories_within_strings(written, expected):
    ordered = sorted({e for e in expected if e is not None})
    same(value(written, t=CODES), [NAN if e is None else ordered.index(e) for e in expected])


def test_a_title_is_a_word_of_a_field():
    names = ["Smith, Mr. John", "Li, Miss. An", "Roe, Mr. J.-P. (Jo)", "Alone"]
    same(value("field_word(t, 1, 0)", t=names), [1, 0, 1, NAN])
    assert list(strings.labels(frame_of(t=names), parse("field_word(t, 1, 0)"))) == ["Mr", "Miss", "Mr", None]


def test_a_pattern_is_cut():
    (actual,) = strings.labels(frame_of(t=["a1" * 50]), parse("pattern(t)"))
    assert actual == "A9" * 12


def test_strings_of_nothing_known():
    for name in ("length(t)", "part(t, 0)", "letters(t)"):
        same(value(name, t=pd.Series([None, None], dtype=object)), [NAN, NAN])


@pytest.mark.parametrize("written", ["prefix(t, 0)", "suffix(t, -1)", "digit(x, 16)", "sine(x, 0)", "svd(x, 2)"])
def test_arguments_without_a_meaning_are_refused(written):
    with pytest.raises(PipelineError):
        value(written, t=["a"], x=[1.0])


def _shape(written):
    n, words = len(written), written.split()
    if not n:
        return [0.0] * 6
    marks = sum(not (c.isalnum() or c.isspace()) for c in written)
    capitals, digits = sum(map(str.isupper, written)), sum(map(str.isdigit, written))
    return [n, len(words), capitals / n, digits / n, marks / n, sum(map(len, words)) / max(1, len(words))]


@given(st.lists(st.none() | st.text(max_size=12), min_size=1, max_size=6))
def test_text_shape(texts):
    actual = value("text_shape(t)", t=pd.Series(texts, dtype=object))
    same(actual, [_shape(t or "") for t in texts])


def _talk(n=200):
    rng = np.random.default_rng(0)
    good = rng.random(n) < 0.5
    words = np.array(["red", "green", "blue", "salt", "sand"])
    texts = [" ".join([*rng.choice(words, 4), "fine day" if g else "sad night"]) for g in good]
    return texts, good.astype(float)


def test_sparse_features_are_made_once_and_reduced(monkeypatch):
    texts, good = _talk()
    frame, computed = frame_of(t=texts), []
    monkeypatch.setitem(
        OPERATORS,
        "tfidf",
        replace(OPERATORS["tfidf"], compute=lambda *a: computed.append(1) or text.tfidf(*a)),
    )
    assert sparse.issparse(frame.value(parse("tfidf(t)")))
    computed.clear()
    reduced = frame.value(parse("svd(tfidf(t), 3)"))
    assert reduced.shape == (200, 3)
    assert frame.value(parse("svd(tfidf(t), 2)")).shape == (200, 2)
    assert len(computed) == 1
    assert max(abs(np.corrcoef(reduced[:, i], good)[0, 1]) for i in range(3)) > 0.9
    assert frame.value(parse("svd(tfidf(t), 999)")).shape[1] < 60
    assert frame_of(t=["a", "b"]).value(parse("svd(tfidf(t), 4)")).shape == (2, 1)
    assert sparse.issparse(frame.value(parse("char_tfidf(t)")))


@pytest.mark.parametrize("classes", [0, 3])
def test_linear_predictions_are_out_of_fold(classes):
    texts, good = _talk()
    labels = good + (np.arange(200) % 7 == 0) if classes else good
    fit = np.arange(150)
    feature = parse("target_linear(tfidf(t))")

    def predicted(y):
        frame = frame_of(t=texts).fitted_on(Target(fit, y[fit, None], classes, seed=1))
        return frame.value(feature)

    actual = predicted(labels)
    assert actual.shape == (200, classes or 1)
    of_good = actual[:, 0] if not classes else 1 - actual[:, 0]
    assert np.corrcoef(of_good[150:], good[150:])[0, 1] > 0.7
    other = labels.copy()
    row = 10
    other[row] = (classes - 1) - other[row] if classes else 1 - other[row]
    np.testing.assert_array_equal(predicted(other)[row], actual[row])  # a row never sees its own target
    assert not np.array_equal(predicted(other), actual)


def test_a_linear_model_of_one_class_and_of_absent_classes():
    texts, _ = _talk(20)
    for y in (np.zeros(20), np.arange(20) % 2 * 2):
        frame = frame_of(t=texts).fitted_on(Target(np.arange(20), y[:, None], 3, seed=0))
        actual = frame.value(parse("target_linear(tfidf(t))"))
        np.testing.assert_allclose(actual.sum(axis=1), np.ones(20), atol=1e-6)
        same(actual[:, 1], np.zeros(20))


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_every_operator_has_a_description_of_one_sentence(operator):
    description = operator.description
    assert description.endswith(".")
    assert description[0].isupper() or not description[0].isalpha() or description.startswith("sign(x)")
    assert 15 <= len(description) <= 120


def test_rows_of_many_cells_are_looked_at_block_by_block(monkeypatch):
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 4, 500).astype(float) for name in "abcd"}
    columns["b"][::9] = np.nan
    texts = [f"{op}(a, b, c, d)" for op in rows.OPERATORS if op != "row_missing"]
    whole = [value(text, **columns) for text in texts]
    sizes = []
    monkeypatch.setattr(rows, "MOST_CELLS", 4 * 70)
    real = rows.Frame
    monkeypatch.setattr(rows, "Frame", lambda source, rows: sizes.append(len(rows)) or real(source, rows=rows))
    for written, expected in zip(texts, whole, strict=True):
        same(value(written, **columns), expected)
    assert max(sizes) == 70
    assert sum(sizes) == 500 * len(texts)


def test_distances_on_the_earth():
    actual = value(
        "haversine(a, b, c, d)",
        a=[52.52, 0.0, NAN, 10.0],
        b=[13.405, 0.0, 0.0, 20.0],
        c=[48.8566, 0.0, 1.0, 10.0],
        d=[2.3522, 180.0, 1.0, 20.0],
    )
    assert actual[0] == pytest.approx(878, abs=2)  # Berlin and Paris
    assert actual[1] == pytest.approx(np.pi * 6371.0088)
    assert np.isnan(actual[2])
    assert actual[3] == 0
