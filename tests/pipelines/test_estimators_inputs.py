"""What every estimator family does with inputs that are small, wide, empty or say nothing."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from estimator_requests import PROBLEMS, fit_request, matrix, of_families, small, target

from medalist.pipelines.estimators import xgboost
from medalist.pipelines.estimators.predictions import constant_fit
from medalist.pipelines.estimators.preprocessing import is_informative
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.matrix import Matrix

KINDS = ("regression", "binary", "multiclass")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", of_families())
def test_one_column_no_validation_rows_and_a_class_that_is_absent(name, kind):
    made = fit_request(name, PROBLEMS[kind], columns=1, watched=False, valid=matrix(0, 1), rounds=5)
    if kind == "multiclass":
        made = replace(made, y=np.minimum(made.y, 2))
    fitted = family(name).fit_predict(made)
    assert len(fitted.valid) == 0
    assert len(fitted.test) == 40
    assert np.isfinite(fitted.test).all()
    if kind == "multiclass":
        assert fitted.test[:, 3].max() < 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", of_families())
def test_nothing_to_predict(name, kind):
    made = fit_request(name, PROBLEMS[kind], watched=False, valid=matrix(0), test=matrix(0), rounds=5)
    fitted = family(name).fit_predict(made)
    assert fitted.valid.shape == fitted.test.shape == ((0, 4) if kind == "multiclass" else (0,))


@pytest.mark.parametrize("dense", [np.zeros((240, 0)), np.full((240, 2), np.nan), np.ones((240, 1))])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", of_families())
def test_columns_that_say_nothing_give_the_prior(name, kind, dense):
    made = fit_request(name, PROBLEMS[kind])
    train, valid, test = (_dense(dense[:n]) for n in (240, 60, 40))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        fitted = family(name).fit_predict(replace(made, train=train, valid=valid, test=test))
    assert np.ptp(fitted.test, axis=0) == pytest.approx(0, abs=1e-6)
    if kind == "regression":
        assert abs(fitted.test[0] - made.y.mean()) < 0.5 * made.y.std()
    else:
        shares = np.bincount(made.y.astype(int)) / len(made.y)
        assert fitted.test[0] == pytest.approx(shares if kind == "multiclass" else shares[1], abs=0.15)


def _dense(values: np.ndarray) -> Matrix:
    return Matrix(values.astype(np.float32), tuple(f"c{i}" for i in range(values.shape[1])), ())


@pytest.mark.parametrize("n", [2, 7])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", of_families())
def test_a_handful_of_rows(name, kind, n):
    made = fit_request(name, PROBLEMS[kind], n=n, valid=matrix(1, seed=1), y_valid=np.ones(1))
    y = np.arange(n, dtype=float) if kind == "regression" else np.arange(n) % 2.0
    fitted = family(name).fit_predict(replace(made, y=y))
    assert np.isfinite(fitted.valid).all()
    assert np.isfinite(fitted.test).all()
    assert len(fitted.test) == 40


@pytest.mark.parametrize("name", of_families())
def test_more_columns_than_rows(name):
    made = fit_request(name, PROBLEMS["binary"], n=80, columns=200)
    fitted = family(name).fit_predict(made)
    assert np.isfinite(fitted.test).all()


@pytest.mark.parametrize("name", of_families())
def test_a_block_of_text_beside_the_columns(name):
    train, valid, test = (matrix(n, seed=seed, text=True) for seed, n in enumerate((400, 200, 0)))
    y, y_valid = (np.asarray(m.sparse[:, 0].todense()).ravel() > 0 for m in (train, valid))
    made = fit_request(name, PROBLEMS["binary"], train=train, y=y.astype(float), valid=valid, y_valid=None, test=test)
    fitted = family(name).fit_predict(made)
    assert np.isfinite(fitted.valid).all()
    if name == "linear":
        assert fitted.valid[y_valid].mean() > fitted.valid[~y_valid].mean() + 0.2


@pytest.mark.parametrize(
    "name", [p for p in of_families() if p.values[0] in ("linear", "neighbours", "neural", "perceptron")]
)
def test_text_alone_is_learned_from(name):
    rng = np.random.default_rng(0)
    topics = rng.integers(0, 2, 500)
    words = rng.random((500, 40)) < np.where(np.arange(40) % 2 == topics[:, None], 0.3, 0.1)
    from scipy import sparse

    parts = [
        Matrix(np.zeros((len(rows), 0), dtype=np.float32), (), (), sparse.csr_matrix(words[rows], dtype=np.float32))
        for rows in np.split(np.arange(500), [300, 400])
    ]
    made = fit_request(name, PROBLEMS["binary"], watched=False)
    made = replace(made, train=parts[0], valid=parts[1], test=parts[2], y=topics[:300].astype(float))
    fitted = family(name).fit_predict(made)
    assert ((fitted.test > 0.5) == topics[400:]).mean() > 0.85


def test_xgboost_takes_unknown_categories_for_missing():
    made = fit_request("xgboost", PROBLEMS["regression"])
    pytest.importorskip("xgboost")
    by_level = np.array([3.0, -4.0, 5.0, -6.0, 7.0, 1.0])
    codes = np.nan_to_num(made.train.dense[:, -1]).astype(int)
    unknown, missing = matrix(40, seed=2), matrix(40, seed=2)
    unknown.dense[:, -1], missing.dense[:, -1] = [99, -1, 2.5, 1e9] * 10, np.nan
    for y in (by_level[codes], made.y):
        fitted = xgboost.fit_predict(replace(made, y=y, valid=unknown, test=missing, y_valid=None))
        assert (fitted.valid == fitted.test).all()


def test_what_is_informative():
    nan = float("nan")
    assert not is_informative(_dense(np.array([[1, nan], [1, nan]])))
    assert not is_informative(_dense(np.zeros((0, 3))))
    assert is_informative(_dense(np.array([[1, nan], [1, 0]])))
    assert is_informative(_dense(np.array([[nan, 1], [nan, 2]])))


def test_the_best_constant():
    y = np.array([0.0, 0.0, 1.0, 10.0])
    made = fit_request("linear", PROBLEMS["regression"], n=4, y=y)
    assert constant_fit(made).test == pytest.approx(2.75)
    assert constant_fit(replace(made, problem=PROBLEMS["mae"])).test == pytest.approx(0)
    assert constant_fit(replace(made, problem=PROBLEMS["quantile"])).test == pytest.approx(10)
    assert constant_fit(replace(made, weights=np.array([0, 0, 2.0, 2.0]))).test == pytest.approx(5.5)
    assert constant_fit(replace(made, y=np.c_[y, -y])).test == pytest.approx(np.tile([2.75, -2.75], (40, 1)))
    shares = constant_fit(replace(made, problem=PROBLEMS["multiclass"], y=np.array([1.0, 1, 3, 3]))).valid
    assert shares == pytest.approx(np.tile([0, 0.5, 0, 0.5], (60, 1)))
    assert constant_fit(replace(made, problem=PROBLEMS["binary"], y=np.ones(4))).valid == pytest.approx(1)


@pytest.mark.parametrize("name", of_families())
def test_a_target_of_huge_and_of_tiny_values(name):
    made = fit_request(name, PROBLEMS["regression"], params=small(name))
    reference = np.corrcoef(family(name).fit_predict(made).valid, target(made.problem, made.valid))[0, 1]
    for size in (1e8, 1e-6):
        scaled = replace(made, y=made.y * size, y_valid=made.y_valid * size)
        assert np.corrcoef(family(name).fit_predict(scaled).valid, made.y_valid)[0, 1] > reference - 0.2
