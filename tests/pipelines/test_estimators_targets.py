"""Row weights, losses and several targets at once, in every estimator family that knows them."""

from dataclasses import replace

import numpy as np
import pytest
from estimator_requests import PROBLEMS, fit_request, matrix, of_families, small

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators import lightgbm
from medalist.pipelines.estimators.objectives import objective_of, robust_deviation
from medalist.pipelines.estimators.registry import FAMILIES, family
from medalist.pipelines.features.matrix import Matrix

WITH_LOSSES = [
    pytest.param(p.values[0], loss, marks=p.marks, id=f"{p.values[0]}-{loss}")
    for p in of_families(having="losses")
    for loss in FAMILIES[p.values[0]].losses
]


def longer(name: str, rounds: int, **changes) -> dict:
    """Parameters with which a short fit comes near to where a long one would."""
    fam = FAMILIES[name]
    mine = {"rounds": rounds, "learning_rate": 0.15} if fam.boosted else {"k": 60, "epochs": 20}
    return small(name, **{k: v for k, v in mine.items() if k in fam.portfolio[0]}, **changes)


def noise(n: int = 300) -> Matrix:
    return Matrix(np.random.default_rng(7).integers(0, 3, (n, 2)).astype(np.float32), ("a", "b"), ())


@pytest.mark.parametrize("kind", ["regression", "mae", "binary", "multiclass"])
@pytest.mark.parametrize("name", of_families())
def test_heavy_rows_pull_the_predictions(name, kind):
    rows = noise()
    y = (np.arange(300) % 2).astype(float)
    made = fit_request(name, PROBLEMS[kind], watched=False, train=rows, y=y, valid=rows, test=rows)
    made = replace(made, params=longer(name, 60))
    means = []
    for weights in (np.where(y == 1, 1.8, 0.2), None, np.where(y == 1, 0.2, 1.8)):
        p = family(name).fit_predict(replace(made, weights=weights)).test
        means.append((p[:, 1] if kind == "multiclass" else p).mean())
    if kind == "mae":
        assert means[0] > means[2] + 0.5
    else:
        assert means[0] > means[1] + 0.1
        assert means[1] > means[2] + 0.1


@pytest.mark.parametrize("name", of_families())
def test_rows_without_weight_count_for_nothing(name):
    made = fit_request(name, PROBLEMS["regression"], n=300, watched=False, params=longer(name, 60))
    wrong = np.arange(300) % 3 == 0
    y = np.where(wrong, -made.y, made.y)
    fitted = family(name).fit_predict(replace(made, y=y, weights=np.where(wrong, 0.0, 1.5)))
    misled = family(name).fit_predict(replace(made, y=y))
    truth = made.valid.dense[:, 1]
    assert np.corrcoef(fitted.valid, truth)[0, 1] > 0.75
    assert np.abs(fitted.valid - 10 * truth).mean() < np.abs(misled.valid - 10 * truth).mean()


def test_lightgbm_keeps_binned_rows_apart_by_their_weights():
    made = fit_request("lightgbm", PROBLEMS["regression"], watched=False, cache={})
    made = replace(made, train=replace(made.train, token="rows"))
    weights = np.linspace(0.1, 1.9, 240)
    fits = [lightgbm.fit_predict(replace(made, weights=w)).test for w in (None, weights, weights[::-1], None, weights)]
    assert len(made.cache) == 3
    assert not np.array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[1], fits[2])
    assert np.array_equal(fits[0], fits[3])
    assert np.array_equal(fits[1], fits[4])


@pytest.mark.parametrize(("name", "loss"), WITH_LOSSES)
def test_another_loss_than_the_problem_s(name, loss):
    made = fit_request(name, PROBLEMS["regression"], n=400, params=longer(name, 60, loss=loss))
    y, y_valid = np.exp(made.train.dense[:, 1] / 2), np.exp(made.valid.dense[:, 1] / 2)
    made = replace(made, y=y, y_valid=y_valid)
    fitted = family(name).fit_predict(made)
    assert np.corrcoef(fitted.valid, y_valid)[0, 1] > 0.6
    if loss in ("poisson", "tweedie"):
        assert fitted.valid.min() >= 0
    classes = fit_request(name, PROBLEMS["binary"], params=small(name, loss=loss))
    with pytest.raises(PipelineError, match="is for values"):
        family(name).fit_predict(classes)


@pytest.mark.parametrize("name", of_families(having="losses"))
def test_losses_that_do_not_fit_are_refused(name):
    with pytest.raises(PipelineError, match="its losses are l2"):
        family(name).fit_predict(fit_request(name, PROBLEMS["regression"], params=small(name, loss="hinge")))
    for loss in set(FAMILIES[name].losses) & {"poisson", "tweedie"}:
        with pytest.raises(PipelineError, match="at least 0"):
            family(name).fit_predict(fit_request(name, PROBLEMS["regression"], params=small(name, loss=loss)))


def test_the_objective():
    made = fit_request("lightgbm", PROBLEMS["poisson"])
    assert objective_of(made, ()) == "poisson"
    assert objective_of(replace(made, y=made.y - 1), ()) == "l2"
    assert objective_of(fit_request("lightgbm", PROBLEMS["binary"]), ()) == "logloss"
    ordinal = fit_request("lightgbm", PROBLEMS["ordinal"], params={"loss": "l1"})
    assert objective_of(ordinal, ("l2", "l1")) == "l1"


@pytest.mark.parametrize("name", [p for p in of_families(having="losses") if "l1" in FAMILIES[p.values[0]].losses])
def test_absolute_errors_and_quantiles_seek_their_own_centre(name):
    rows = noise(400)
    y = np.exp(np.random.default_rng(8).normal(size=400) * 1.5)  # its mean is about three times its median
    made = fit_request(name, PROBLEMS["regression"], watched=False, params=longer(name, 120))
    made = replace(made, train=rows, y=y, valid=rows, test=rows)
    means = {
        kind: family(name).fit_predict(replace(made, problem=PROBLEMS[kind])).test.mean()
        for kind in ("regression", "mae", "quantile")
    }
    assert means["mae"] < 0.7 * means["regression"] < means["regression"] < means["quantile"]


@pytest.mark.parametrize("name", [p for p in of_families(having="losses") if "huber" in FAMILIES[p.values[0]].losses])
def test_outliers_move_the_huber_loss_less(name):
    made = fit_request(name, PROBLEMS["regression"], n=400, watched=False)
    made = replace(made, params=longer(name, 80))
    wild = made.y + np.where(np.arange(400) % 20 == 0, 3000.0, 0.0)
    errors = {}
    for loss in ("l2", "huber"):
        fitted = family(name).fit_predict(replace(made, y=wild, params={**made.params, "loss": loss}))
        errors[loss] = np.abs(fitted.valid - 10 * made.valid.dense[:, 1]).mean()
    assert errors["huber"] < 0.5 * errors["l2"]


def test_the_spread_of_a_target():
    rng = np.random.default_rng(0)
    assert robust_deviation(rng.normal(5, 2, 5000)) == pytest.approx(2, rel=0.1)
    assert robust_deviation(np.array([0.0, 0.0, 0.0, 4.0])) > 0
    assert robust_deviation(np.zeros(3)) == 1


@pytest.mark.parametrize("watched", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["regression", "binary"])
@pytest.mark.parametrize("name", of_families(having="native_targets"))
def test_several_targets_at_once(name, kind, watched):
    problem = replace(PROBLEMS[kind], n_targets=3)
    made = fit_request(name, problem, n=400)
    params = longer(name, 60, targets="native")

    def targets(m: Matrix) -> np.ndarray:
        values = np.c_[m.dense[:, 1], -m.dense[:, 2], m.dense[:, 1] + m.dense[:, 3]]
        return (values > 0).astype(float) if kind == "binary" else values

    made = replace(made, y=targets(made.train), y_valid=targets(made.valid) if watched else None, params=params)
    fitted = family(name).fit_predict(made)
    assert fitted.valid.shape == (60, 3)
    assert fitted.test.shape == (40, 3)
    for truth, predicted in zip(targets(made.valid).T, fitted.valid.T, strict=True):
        assert np.corrcoef(truth, predicted)[0, 1] > 0.5
    if kind == "binary":
        assert fitted.valid.min() >= 0
        assert fitted.valid.max() <= 1
    empty = family(name).fit_predict(replace(made, valid=matrix(0), y_valid=None, weights=np.ones(400)))
    assert empty.valid.shape == (0, 3)
    absent = made.y.copy()
    absent[:, 0] = 0  # a target of one value in this fold
    alone = family(name).fit_predict(replace(made, y=absent, y_valid=None))
    assert alone.test[:, 0] == pytest.approx(0, abs=0.15)
