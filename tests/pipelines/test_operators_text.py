"""What text is read as, and naive Bayes on it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.operators import text, text_targets
from medalist.pipelines.features.store import FeatureStore


class Table:
    """Columns of text, all of them train rows."""

    def __init__(self, **columns):
        self.columns = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
        self.n_train = self.n_rows = len(next(iter(self.columns.values())))

    def column(self, name):
        return self.columns[name]

    def table(self, name):
        raise KeyError(name)


def value(expression, target=None, **columns):
    frame = Frame(Table(**columns))
    return (frame if target is None else frame.fitted_on(target)).value(parse(expression))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (None, []),
        ("rock &amp; roll", ["rock", "&", "roll"]),
        ("see https://t.co/aB3xY9 now", ["see", "t.co", "now"]),
        ("HTTP://Example.com?q=1#top", ["Example.com"]),
        ("www.example.org/a/b end", ["example.org", "end"]),
        ("price < 3 &lt; 4", ["price", "<", "3", "<", "4"]),
        ("a wwwonder", ["a", "wwwonder"]),
    ],
)
def test_what_a_text_is_read_as(written, words):
    assert text.normalised(written).split() == words


@given(st.text(alphabet="abc .:/#@1!", max_size=30))
def test_text_without_addresses_and_entities_is_read_as_it_is(written):
    assert text.normalised(written) == written


def test_texts_that_differ_by_an_address_alone_are_equal():
    texts = ["storm hits town https://t.co/q1w2e3", "storm hits town https://t.co/zzzzzz", "storm over", "town town"]
    for operator in ("tfidf", "char_tfidf"):
        rows = value(f"{operator}(t)", t=texts * 2).toarray()
        np.testing.assert_array_equal(rows[0], rows[1])
        assert (rows[0] != rows[2]).any()


@given(st.lists(st.text(alphabet="ab", max_size=12), min_size=1, max_size=12), st.integers(0, 60))
def test_the_beginnings_of_long_texts(texts, most):
    kept = text._beginnings(texts, most)
    assert all(whole.startswith(part) for whole, part in zip(texts, kept, strict=True))
    sizes = [len(part) for part in kept]
    assert sum(sizes) <= max(most, 0)
    if sum(map(len, texts)) <= most:
        assert kept == texts
    else:
        cut = [len(part) for whole, part in zip(texts, kept, strict=True) if part != whole]
        assert cut
        assert min(cut) == max(cut) == max(sizes)  # none is cut while another keeps more
        assert sum(sizes) + len(cut) > most  # a character more of each would be too many


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=20), st.floats(0.1, 3))
def test_log_count_ratios(rows, smoothing):
    has, y = np.array(rows, dtype=float)[:, :3], np.array(rows, dtype=float)[:, 3:]
    actual = text_targets.log_count_ratios(sparse.csr_matrix(has), y, smoothing)
    inside, outside = has[y[:, 0] == 1].sum(0) + smoothing, has[y[:, 0] == 0].sum(0) + smoothing
    np.testing.assert_allclose(actual[:, 0], np.log(inside / inside.sum() / (outside / outside.sum())), atol=1e-5)
    np.testing.assert_allclose(
        text_targets.log_count_ratios(sparse.csr_matrix(has), 1 - y, smoothing), -actual, atol=1e-5
    )


def talk(n=120):
    rng = np.random.default_rng(0)
    good = rng.random(n) < 0.4
    texts = [" ".join([*rng.choice(["red", "salt", "sand"], 3), "fine day" if g else "sad night"]) for g in good]
    return texts, good.astype(float)


def target_of(y, fit, classes=0):
    return Target(fit, y[fit, None], classes, seed=1)


@pytest.mark.parametrize("kind", ["binary", "values", "classes"])
def test_naive_bayes_is_out_of_fold(kind):
    texts, good = talk()
    classes = 3 if kind == "classes" else 0
    y = good + 2 * (np.arange(120) % 9 == 0) * (1 - good) if classes else good
    y = 3 * y + np.random.default_rng(3).normal(size=120) * 0.1 if kind == "values" else y
    fit = np.arange(90)

    def predicted(labels):
        return value("target_bayes(tfidf(t))", target_of(labels, fit, classes), t=texts)

    actual = predicted(y)
    assert actual.shape == (120, classes or 1)
    assert np.corrcoef(actual[90:, 1 if classes else 0], good[90:])[0, 1] > 0.9
    other = y.copy()
    other[10] = 2 - y[10] if classes else 3.5 - y[10] if kind == "values" else 1 - y[10]
    np.testing.assert_array_equal(predicted(other)[10], actual[10])  # a row never sees its own target
    assert not np.array_equal(predicted(other), actual)


def test_naive_bayes_by_hand():
    texts = ["up", "up", "down", "up down", "down", "up"]
    y = np.array([1.0, 1.0, 0.0, 0.0, 0.0, np.nan])
    actual = value("target_bayes(tfidf(t))", target_of(y, np.arange(5)), t=texts)
    up = np.log((2.5 / (2.5 + 0.5)) / (1.5 / (1.5 + 3.5)))  # counts of up and down in either class, and a half
    assert actual[5, 0] == pytest.approx(up, rel=1e-5)


def test_naive_bayes_without_terms_says_nothing():
    texts = [f"{'x' * i}" for i in range(1, 13)]  # no word comes twice
    y = np.arange(12) % 2.0
    assert not value("target_bayes(tfidf(t))", target_of(y, np.arange(12)), t=texts).any()


def test_words_are_read_from_where_they_are_kept(tmp_path):
    """A screening that needs the words of all texts leaves them to the models that are fitted on them."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"t": [" ".join(rng.choice(list("abcdef"), 4)) for _ in range(60)]})
    store = FeatureStore.create(tmp_path, "f", table[:40], table[40:])
    target = Target(np.arange(40), rng.normal(size=(40, 1)), 0, 0)
    expression = parse("target_linear(tfidf(t))")
    in_memory = Frame(Table(t=table["t"])).fitted_on(target).value(expression)
    assert not store.has("tfidf(t)")
    np.testing.assert_allclose(Frame(store).fitted_on(target).value(expression), in_memory)
    assert store.has("tfidf(t)")
    some = np.arange(0, 60, 2)
    assert Frame(store, rows=some).sparse(parse("tfidf(t)")).shape[0] == 30  # of a part, by its own words
