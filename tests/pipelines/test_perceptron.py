"""Perceptrons: how numbers are encoded, how long training takes, and which centre of the target is fitted."""

import time
from dataclasses import replace

import numpy as np
import pytest
from estimator_requests import PROBLEMS, fit_request
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.pipelines.estimators.networks import perceptron
from medalist.pipelines.estimators.networks.inputs import network_inputs
from medalist.pipelines.features.matrix import Matrix

ONE = {**perceptron.PORTFOLIO[0], "members": 1, "width": 16}


def test_later_days_are_encoded_as_the_last_training_day_and_not_far_away():
    days = np.arange(1460.0)
    x = np.column_stack([days, np.sin(days / 58), np.random.default_rng(0).normal(size=1460)]).astype(np.float32)
    parts = [Matrix(r, ("day", "sin", "x"), ()) for r in (x[:1095], x[1095:], x[:0])]
    y = np.where(days >= 1000, -5.0, 0.0) + x[:, 1]  # the last quarter of a year is unlike all before it
    numbers, predicted = {}, {}
    for ahead in (True, False):
        made = replace(
            fit_request("perceptron", replace(PROBLEMS["regression"], ahead=ahead)),
            train=parts[0], valid=parts[1], test=parts[2], y=y[:1095], y_valid=None, params=ONE,
        )  # fmt: skip
        numbers[ahead], predicted[ahead] = network_inputs(made)[0], perceptron.fit_predict(made).valid
    assert (numbers[True][1][:, 0] == numbers[True][0][-1, 0]).all()
    assert np.allclose(np.diff(numbers[True][0][:, 0]), np.diff(numbers[True][0][:2, 0]), rtol=1e-3)
    assert (numbers[True][1][:, 1:] == numbers[False][1][:, 1:]).all()
    assert numbers[False][1][0, 0] > 2 * numbers[True][1][0, 0]
    assert predicted[True].mean() > predicted[False].mean()  # which goes further down than the last quarter


@given(st.integers(2, 60), st.integers(1, 30), st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_inputs_are_finite_standardised_and_not_too_many(rows, columns, bins):
    made = fit_request("perceptron", PROBLEMS["regression"], n=rows, columns=columns)
    inputs = perceptron.encoded(made, bins)
    assert len({part.shape[1] for part in inputs}) == 1
    assert all(np.isfinite(part).all() and part.dtype == np.float32 for part in inputs)
    if inputs[0].shape[1]:
        assert np.abs(inputs[0].mean(axis=0)).max() < 1e-3
        assert inputs[0].std(axis=0).max() < 1 + 1e-3


def test_a_wide_table_gets_fewer_bins():
    wide = [Matrix(np.random.default_rng(s).normal(size=(40, 700)).astype(np.float32), tuple(map(str, range(700))), ())
            for s in range(3)]  # fmt: skip
    made = fit_request("perceptron", PROBLEMS["regression"])
    made = replace(made, train=wide[0], valid=wide[1], test=wide[2], y=np.arange(40.0))
    assert perceptron.encoded(made, 8)[0].shape[1] == 700


def test_a_number_is_encoded_by_how_far_it_has_come_through_each_bin():
    x = np.linspace(0, 1, 400, dtype=np.float32)[:, None]
    parts = [Matrix(x[:n], ("x",), ()) for n in (400, 3, 0)]
    made = replace(fit_request("perceptron", PROBLEMS["regression"]), train=parts[0], valid=parts[1], test=parts[2])
    train, valid, test = perceptron.encoded(made, 4)
    assert (train.shape[1], len(valid), len(test)) == (5, 3, 0)
    of_bins = train[:, 1:]
    assert (np.diff(of_bins, axis=0) >= -1e-6).all()
    moves = np.diff(of_bins, axis=0) > 1e-6
    assert (moves.sum(axis=1) <= 2).all()
    assert moves.any(axis=0).all()


@pytest.mark.parametrize("rows", [5, 200, 3000, 50_000])
def test_few_rows_are_gone_through_more_often_but_not_for_ever(rows):
    epochs = perceptron.epochs_of(rows, perceptron.PORTFOLIO[0])
    steps = epochs * -(-rows // perceptron.batch_size(rows))
    assert 24 <= epochs <= perceptron.MAX_EPOCHS
    assert epochs == perceptron.MAX_EPOCHS or steps >= perceptron.MIN_STEPS


def test_percentage_errors_are_fitted_where_small_values_count_most():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(300) < 0.5, 10.0, 1000.0)  # no column predicts which
    means = {}
    for kind in ("regression", "mape"):
        made = fit_request("perceptron", PROBLEMS[kind], n=300, params=ONE)
        means[kind] = perceptron.fit_predict(replace(made, y=y[: len(made.train)])).test.mean()
    assert means["mape"] < 0.5 * means["regression"]


def test_a_quantile_is_above_the_mean():
    made = fit_request("perceptron", PROBLEMS["quantile"], n=400, params=ONE)
    noise = np.random.default_rng(1).exponential(size=len(made.train))
    high = perceptron.fit_predict(replace(made, y=noise)).test
    middle = perceptron.fit_predict(replace(made, y=noise, problem=PROBLEMS["regression"])).test
    assert high.mean() > middle.mean() + 0.3


def test_time_that_runs_out_leaves_a_model_all_the_same():
    made = fit_request("perceptron", PROBLEMS["binary"], n=2000)
    began = time.monotonic()
    fitted = perceptron.fit_predict(replace(made, deadline=began + 0.2))
    assert time.monotonic() - began < 5
    assert ((fitted.test >= 0) & (fitted.test <= 1)).all()


def test_the_learning_rate_falls_until_the_training_ends():
    assert perceptron.rate_factor(0.0) == 1.0
    assert perceptron.rate_factor(1.0) == perceptron.rate_factor(7.0) == pytest.approx(perceptron.MIN_RATE)
    shares = [perceptron.rate_factor(gone) for gone in np.linspace(0, 1, 50)]
    assert (np.diff(shares) < 0).all()


def test_the_rate_has_fallen_when_the_time_is_up_though_epochs_are_left(monkeypatch):
    gone = []
    monkeypatch.setattr(perceptron, "rate_factor", lambda share: gone.append(share) or 1.0)
    made = fit_request("perceptron", PROBLEMS["regression"], params={**ONE, "epochs": 1_000_000})
    perceptron.fit_predict(replace(made, deadline=time.monotonic() + 0.6))
    assert gone[-1] > 0.5


def test_the_rate_that_falls_is_the_one_that_the_library_uses(monkeypatch):
    rates = []
    monkeypatch.setattr(perceptron, "rate_factor", lambda gone: rates.append(gone) or 0.0)
    made = fit_request("perceptron", PROBLEMS["regression"], params={**ONE, "epochs": 200})
    still = perceptron.fit_predict(made)
    monkeypatch.setattr(perceptron, "rate_factor", lambda _: 1.0)
    moving = perceptron.fit_predict(made)
    assert rates == sorted(set(rates))
    corr = [np.corrcoef(f.valid, made.y_valid)[0, 1] for f in (still, moving)]
    assert corr[0] < corr[1]  # it has learned in its first epoch alone


def test_batches_differ_from_epoch_to_epoch(monkeypatch):
    from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

    steps, real = [], BaseMultilayerPerceptron._backprop

    def seen(self, X, *args, **more):
        steps.append(np.asarray(X)[0].tolist())
        return real(self, X, *args, **more)

    monkeypatch.setattr(BaseMultilayerPerceptron, "_backprop", seen)
    made = fit_request("perceptron", PROBLEMS["regression"], params={**ONE, "epochs": 6})
    one = perceptron.fit_predict(made)
    assert len({tuple(row) for row in steps[:: -(-len(made.train) // perceptron.batch_size(len(made.train)))]}) > 4
    assert (perceptron.fit_predict(made).test == one.test).all()
