"""Linear models: how blocks are balanced, how terms are weighted, and fits that come to their end."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from estimator_requests import PROBLEMS, fit_request, matrix, target
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.linear import block_weights, design
from medalist.pipelines.estimators.linear import models as linear
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.operators.text_targets import log_count_ratios
from medalist.pipelines.problem import Problem

TERMS = 400


@dataclass(frozen=True)
class Blocks(Matrix):
    """A matrix that says where each text feature ends."""

    sparse_widths: tuple[int, ...] = ()


def documents(n: int, seed: int, terms: int = TERMS, each: int = 8) -> sparse.csr_matrix:
    """Rows of length 1 that have some terms, frequent and rare ones."""
    rng = np.random.default_rng(seed)
    places = np.minimum((terms * rng.random((n, each)) ** 2).astype(int), terms - 1)
    rows = sparse.csr_matrix(
        (np.ones(n * each, np.float32), (np.repeat(np.arange(n), each), places.ravel())), (n, terms)
    )
    rows.data[:] = 1
    return sparse.diags_array(1 / np.sqrt(np.asarray(rows.sum(axis=1)).ravel())).dot(rows).astype(np.float32).tocsr()


def signal_of(rows: sparse.csr_matrix, seed: int = 0) -> np.ndarray:
    return rows @ np.random.default_rng(seed).normal(size=rows.shape[1])


def text_request(problem: Problem, params: dict, n: int = 600, junk: int = 0) -> FitRequest:
    """A fit on a text that predicts the target and, where `junk` is not 0, another of so many terms that does not."""
    parts = []
    for seed, size in ((1, n), (2, 400), (3, 50)):
        texts = [documents(size, seed)] + ([documents(size, seed + 10, junk, 30)] if junk else [])
        parts.append(
            Blocks(
                np.zeros((size, 0), np.float32), (), (), sparse.hstack(texts, "csr"),
                sparse_widths=tuple(t.shape[1] for t in texts),
            )
        )  # fmt: skip
    train, valid, test = parts
    targets = [
        signal_of(m.sparse[:, :TERMS]) * 3 + 0.3 * np.random.default_rng(5).normal(size=len(m)) for m in parts[:2]
    ]
    if problem.classification:
        cuts = np.quantile(targets[0], np.arange(1, problem.n_classes) / problem.n_classes)
        targets = [np.digitize(t, cuts).astype(float) for t in targets]
    return FitRequest(problem, params, train, targets[0], valid, targets[1], test, seed=0, threads=1)


def auc(made: FitRequest) -> float:
    return float(roc_auc_score(made.y_valid, linear.fit_predict(made).valid))


def test_an_uninformative_text_does_not_drown_an_informative_one():
    made = text_request(PROBLEMS["binary"], {"alpha": 1.0, "knots": 0, "weights": "blocks"}, n=2000, junk=3000)
    equal = auc(replace(made, params={**made.params, "weights": "equal"}))
    assert auc(made) > equal + 0.02
    assert auc(replace(made, params={**made.params, "weights": "terms"})) > equal + 0.02
    assert auc(made) > auc(text_request(PROBLEMS["binary"], made.params, n=2000)) - 0.01  # hardly worse than without it


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass", "ordinal"])
@pytest.mark.parametrize("weights", ["equal", "blocks", "terms"])
def test_every_weighting_learns_every_kind_of_target(kind, weights):
    problem = PROBLEMS[kind]
    made = text_request(problem, {"alpha": 1.0, "knots": 0, "weights": weights}, junk=200)
    fitted = linear.fit_predict(made)
    if kind == "multiclass":
        true_class = fitted.valid[np.arange(400), made.y_valid.astype(int)]
        assert -np.log(true_class).mean() < np.log(4) - 0.04
    else:
        assert np.corrcoef(fitted.valid, made.y_valid)[0, 1] > 0.4
    assert fitted.test.shape == ((50, 4) if kind == "multiclass" else (50,))
    assert np.isfinite(fitted.test).all()


def test_several_targets_share_a_design_whatever_their_units():
    params = {"alpha": 1.0, "knots": 0, "weights": "terms", "targets": "native"}
    made = text_request(replace(PROBLEMS["regression"], n_targets=2), params, junk=200)
    both = linear.fit_predict(replace(made, y=np.c_[made.y, 1e6 * signal_of(made.train.sparse[:, :TERMS], 9)]))
    assert both.valid.shape == (400, 2)
    assert np.corrcoef(both.valid[:, 0], made.y_valid)[0, 1] > 0.4
    assert np.corrcoef(both.valid[:, 1], signal_of(made.valid.sparse[:, :TERMS], 9))[0, 1] > 0.4


def test_without_text_terms_weigh_nothing():
    plain = fit_request("linear", PROBLEMS["binary"], params={"alpha": 1.0, "knots": 5})
    terms = replace(plain, params={**plain.params, "weights": "terms"})
    np.testing.assert_array_equal(linear.fit_predict(plain).valid, linear.fit_predict(terms).valid)


def test_the_fit_on_rare_terms_comes_to_its_end():
    made = text_request(PROBLEMS["binary"], {"alpha": 0.3, "knots": 0, "weights": "equal"}, n=3000)
    exact = LogisticRegression(C=1 / 0.3, solver="newton-cg", tol=1e-8).fit(made.train.sparse, made.y)
    predicted = linear.fit_predict(made).valid
    assert np.abs(predicted - exact.predict_proba(made.valid.sparse)[:, 1]).mean() < 0.005


def numbers_and_noise(n: int = 300, seed: int = 0) -> tuple[list[design.Block], np.ndarray]:
    rng = np.random.default_rng(seed)
    good, bad = rng.normal(size=(n, 3)).astype(np.float32), documents(n, seed, 100)
    y = (good[:, :1] + 0.5 * rng.normal(size=(n, 1)) > 0).astype(float)
    empty = sparse.csr_matrix((0, 100), dtype=np.float32)
    return [design.Block("numbers", (good, good[:5], good[:0])), design.Block("text", (bad, bad[:5], empty))], y


def lengths(blocks: list[design.Block], n: int = 300) -> np.ndarray:
    return np.array([b.length(np.arange(n)) for b in blocks])


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.booleans())
def test_balance_does_not_depend_on_the_size_of_a_block(a, b, classes):
    blocks, y = numbers_and_noise()
    plain = lengths(block_weights.balance(blocks, y, 0, classes=classes))
    sized = lengths(block_weights.balance([blocks[0].scaled(a), blocks[1].scaled(b)], y, 0, classes=classes))
    np.testing.assert_allclose(plain, sized, rtol=1e-3)
    assert plain[0] > 5 * plain[1]


def test_the_more_is_explained_the_weaker_the_penalty():
    blocks, y = numbers_and_noise()
    rng = np.random.default_rng(1)
    vague = np.where(rng.random(y.shape) < 0.4, 1 - y, y)
    clear, unclear = (np.square(lengths(block_weights.balance(blocks, t, 0, classes=True))).sum() for t in (y, vague))
    assert clear > 5 > unclear * 2
    values = block_weights.balance(blocks, blocks[0].train[:, :1] + rng.normal(size=y.shape), 0, classes=False)
    assert np.square(lengths(values)).sum() == pytest.approx(1, abs=0.35)  # as much signal as noise


def test_empty_blocks_are_left_out():
    blocks, y = numbers_and_noise()
    nothing = design.Block("numbers", tuple(np.zeros((n, 2), np.float32) for n in (300, 5, 0)))  # type: ignore[arg-type]
    assert len(block_weights.balance([nothing, *blocks], y, 0, classes=True)) == 2
    assert block_weights.balance([nothing], y, 0, classes=True) == []


def test_how_much_of_an_explained_share_is_left_where_a_target_is_cut_into_classes():
    even, rare, few = (block_weights.binarised_share(np.array([p])) for p in (0.5, 0.05, 0.2))
    assert even == pytest.approx(2 / np.pi)
    assert rare < few < even
    assert block_weights.binarised_share(np.array([0.2, 0.8])) == pytest.approx(few)
    assert block_weights.binarised_share(np.array([0.0, 1.0])) == 1


def test_terms_are_scaled_by_how_they_separate_classes():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400).astype(float)
    has = np.c_[y, 1 - y, rng.integers(0, 2, (400, 2)), np.ones(400)].astype(np.float32)
    rows = sparse.csr_matrix(has * 0.3)
    block = design.Block("text", (rows, rows[:4], rows[:0]), 2.0)
    before = rows.data.copy()
    made = block_weights.weight_terms(block, np.c_[1 - y, y], 0, classes=True)
    np.testing.assert_array_equal(rows.data, before)
    factors = made.factors / made.factors.max()
    assert factors[:2].min() > 0.9
    assert factors[2:].max() < 0.2
    assert made.length(np.arange(400)) == pytest.approx(block.length(np.arange(400)))
    first = has[0] / np.sqrt((has[0]).sum())
    np.testing.assert_allclose(made.train[0].toarray()[0], first, rtol=1e-6)
    expected = np.abs(log_count_ratios(sparse.csr_matrix(has), y[:, None])[:, 0])
    np.testing.assert_allclose(factors, expected / expected.max(), rtol=1e-5)
    valued = block_weights.weight_terms(block, 50 + 10 * y[:, None], 0, classes=False).factors
    assert valued[:2].min() > 3 * valued[2:].max()


def test_a_request_of_every_sort_of_column_is_joined_with_its_factors():
    made = fit_request(
        "linear", PROBLEMS["binary"],
        train=matrix(240, text=True), valid=matrix(60, seed=1, text=True), test=matrix(40, seed=2, text=True),
    )  # fmt: skip
    blocks = design.blocks_of(made, 0)
    assert [b.kind for b in blocks] == ["numbers", "categories", "text"]
    train, valid, test = design.joined([b.scaled(2.0) for b in blocks], made)
    once = design.joined(blocks, made)[0]
    np.testing.assert_allclose(train.toarray(), 2 * once.toarray(), rtol=1e-6)
    assert (train.shape[0], valid.shape[0], test.shape[0]) == (240, 60, 40)
    assert (made.train.sparse.data == matrix(240, text=True).sparse.data).all()


@pytest.mark.parametrize("kind", ["mae", "mape", "quantile"])
def test_absolute_errors_are_fitted_where_they_count(kind):
    """Noise on one side: the mean of a row is not its median, and neither is its quantile."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 2)).astype(np.float32)
    y = 20 + x @ [3.0, -2.0] + rng.exponential(8, 4000)
    problem = PROBLEMS[kind]
    rows = [Matrix(part, ("a", "b"), ()) for part in (x[:3000], x[3000:], x[:1])]
    made = FitRequest(problem, {"alpha": 1.0, "knots": 0}, rows[0], y[:3000], rows[1], None, rows[2], 0, 1)
    left = y[3000:] - linear.fit_predict(made).valid
    plain = y[3000:] - linear.fit_predict(replace(made, problem=PROBLEMS["regression"])).valid
    level = {"mae": 0.5, "mape": 0.45, "quantile": 0.9}[kind]  # relative errors want less than the median
    assert (left < 0).mean() == pytest.approx(level, abs=0.05)
    assert abs((plain < 0).mean() - level) > 0.05
    both = linear.fit_predict(replace(made, y=np.column_stack([y[:3000], -y[:3000]]), params={**made.params}))
    assert both.valid.shape == (1000, 2)
    assert both.valid[:, 0] == pytest.approx(linear.fit_predict(made).valid)


def test_the_deadline_that_has_passed_gives_the_constant():
    made = fit_request("linear", PROBLEMS["binary"], deadline=time.monotonic() - 1)
    fitted = linear.fit_predict(made)
    assert fitted.test == pytest.approx(np.full(40, target(PROBLEMS["binary"], made.train).mean()))


def test_proven_parameters_name_the_whole_space():
    for entry in linear.PORTFOLIO:
        assert linear.space(FixedTrial(dict(entry))) == entry
    assert len({tuple(entry.values()) for entry in linear.PORTFOLIO}) == len(linear.PORTFOLIO)


def test_numbers_are_expanded_as_all_at_once_would_be():
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    rng = np.random.default_rng(0)
    raw = [rng.normal(size=(n, 3)).astype(np.float32) for n in (300, 40, 0)]
    raw[0][::7, 1] = np.nan
    parts = design.numbers_and_splines(raw, 6)
    filled = np.where(np.isnan(raw[0]), np.nanmedian(raw[0], axis=0), raw[0]).astype(np.float32)
    scaled = np.clip(StandardScaler().fit_transform(filled), -6, 6)
    spline = SplineTransformer(n_knots=6, degree=3, knots="quantile", extrapolation="linear")
    whole = np.hstack([scaled, spline.fit_transform(scaled), np.isnan(raw[0])[:, [1]]])
    assert [p.shape for p in parts] == [(300, 28), (40, 28), (0, 28)]
    assert parts[0] == pytest.approx(whole, abs=1e-5)
    assert all(p.dtype == np.float32 for p in parts)
