"""A contract that every estimator family keeps: the registry discovers a new one, and these tests hold it to it."""

import multiprocessing
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import optuna
import pytest
from estimator_requests import PROBLEMS, SMALL, fit_request, of_families, small

from medalist.pipelines.estimators.base import FitRequest, Fitted
from medalist.pipelines.estimators.registry import FAMILIES, family, installed

TENFOLD = {name: {"rounds": 200} for name in ("lightgbm", "catboost", "xgboost")} | {"neural": {"epochs": 20}}


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("name", of_families())
def test_every_problem_with_gaps_and_unseen_categories(name, kind):
    problem = PROBLEMS[kind]
    made = fit_request(name, problem)
    before = pickle.dumps((made.train, made.y, made.valid, made.test))
    fitted = family(name).fit_predict(made)
    shape = (60, 4) if kind == "multiclass" else (60,)
    assert fitted.valid.shape == shape
    assert fitted.test.shape == (40, *shape[1:])
    assert np.isfinite(fitted.valid).all()
    if problem.classification:
        assert fitted.valid.min() >= 0
        assert fitted.valid.max() <= 1
    if kind == "multiclass":
        assert fitted.valid.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert set(fitted.importance) <= set(made.train.names)
    assert sum(fitted.importance.values()) <= 1.001
    assert pickle.dumps((made.train, made.y, made.valid, made.test)) == before  # what it was given is as it was


@pytest.mark.parametrize("name", of_families())
def test_learns(name):
    params = {
        **family(name).portfolio[0],
        **{k: v for k, v in {"trees": 50, "rounds": 150, "epochs": 20}.items() if k in small(name)},
    }
    made = fit_request(name, PROBLEMS["regression"], n=800, params=params)
    fitted = family(name).fit_predict(made)
    assert np.corrcoef(fitted.valid, made.y_valid)[0, 1] > 0.8


@pytest.mark.parametrize("name", of_families())
def test_the_seed_repeats(name):
    made = fit_request(name, PROBLEMS["binary"])
    first, again = family(name).fit_predict(made), family(name).fit_predict(pickle.loads(pickle.dumps(made)))
    assert (first.valid == again.valid).all()
    assert (first.test == again.test).all()
    other = family(name).fit_predict(replace(made, seed=4))
    assert (other.valid != first.valid).any() == family(name).uses_seed


def test_another_process_gives_the_same():
    requests = [fit_request(name, PROBLEMS["multiclass"]) for name in installed()]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name, here, there in zip(installed(), requests, pool.map(_fitted, installed(), requests), strict=True):
            assert np.array_equal(family(name).fit_predict(here).test, there.test), name


def _fitted(name: str, made: FitRequest) -> Fitted:
    return family(name).fit_predict(made)


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_rounds_are_obeyed_where_nothing_is_watched(name):
    fitted = family(name).fit_predict(fit_request(name, PROBLEMS["regression"], watched=False, rounds=7))
    assert fitted.rounds == fitted.rounds_run == 7


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_boosting_stops_where_the_validation_rows_gain_nothing(name):
    made = fit_request(name, PROBLEMS["regression"], params=small(name, rounds=400, learning_rate=0.12))
    noise = np.random.default_rng(5).normal(size=300)
    fitted = family(name).fit_predict(replace(made, y=noise[:240], y_valid=noise[240:]))
    assert fitted.rounds <= fitted.rounds_run < 400


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_boosting_stops_by_the_validation_rows_that_count(name):
    made = fit_request(name, PROBLEMS["regression"], params=small(name, rounds=400, learning_rate=0.12))
    noisy = np.concatenate([made.y_valid[:30], np.random.default_rng(5).normal(0, 99, 30)])
    counted = np.repeat([1.0, 1e-9], 30)
    alike = family(name).fit_predict(replace(made, y_valid=noisy, weights_valid=counted))
    misled = family(name).fit_predict(replace(made, y_valid=noisy))
    right = family(name).fit_predict(replace(made, weights_valid=counted))
    assert alike.rounds == right.rounds != misled.rounds


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_a_fit_that_stops_at_once_still_knows_how_rare_a_class_is(name):
    made = fit_request(name, PROBLEMS["binary"], params=small(name, rounds=400, learning_rate=0.03))
    rare = (np.random.default_rng(5).random(300) < 0.06).astype(float)
    fitted = family(name).fit_predict(replace(made, y=rare[:240], y_valid=rare[240:]))
    assert fitted.valid.mean() == pytest.approx(rare[:240].mean(), abs=0.02)


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_time_that_is_up_ends_a_watched_fit_too(name):
    made = fit_request(name, PROBLEMS["regression"], deadline=time.monotonic() - 1)
    fitted = family(name).fit_predict(made)
    assert fitted.rounds_run <= 2
    assert np.isfinite(fitted.test).all()


@pytest.mark.parametrize("name", of_families())
def test_the_smallest_values_are_distinguished(name):
    made = fit_request(name, PROBLEMS["regression"], n=800, params=small(name, **TENFOLD.get(name, {})))
    tiny = replace(made, y=made.y * 1e-12, y_valid=made.y_valid * 1e-12)
    assert np.corrcoef(family(name).fit_predict(tiny).valid, made.y_valid)[0, 1] > 0.5


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_a_boosted_fit_that_the_clock_ends_keeps_its_best_round(name, monkeypatch):
    made = fit_request(name, PROBLEMS["regression"], n=300, params=small(name, rounds=3000, learning_rate=0.1))
    noise = np.random.default_rng(0).normal(size=300)
    made = replace(made, y=noise, y_valid=np.random.default_rng(1).normal(size=60))
    whole = family(name).fit_predict(made)  # stops by itself: more rounds only get worse
    looks = iter(range(100_000))
    late = whole.rounds + 10
    monkeypatch.setattr(type(made), "out_of_time", property(lambda _: next(looks) >= late))
    assert family(name).fit_predict(made).rounds == whole.rounds < late


@pytest.mark.parametrize("name", of_families(having="boosted"))
def test_a_target_of_nothing_does_not_end_boosting_under_percentage_errors(name):
    made = fit_request(name, PROBLEMS["mape"], n=600, params=small(name, rounds=60))
    y_valid = made.y_valid.copy()
    y_valid[0] = 0.0
    assert family(name).fit_predict(replace(made, y_valid=y_valid)).rounds > 5


@pytest.mark.parametrize("given", [0.3, -1.0], ids=["soon", "over"])
@pytest.mark.parametrize("name", of_families())
def test_the_deadline_ends_a_fit_early_with_what_it_has(name, given):
    endless = {"rounds": 100_000, "trees": 50_000, "learning_rate": 1e-3, "epochs": 50_000}
    params = small(name, **{k: v for k, v in endless.items() if k in small(name)})
    began = time.monotonic()
    fitted = family(name).fit_predict(
        fit_request(name, PROBLEMS["regression"], n=1500, watched=False, params=params, deadline=began + given)
    )
    assert time.monotonic() - began < 20  # of a machine that has other things to do
    assert len(fitted.test) == 40
    assert np.isfinite(fitted.test).all()


@pytest.mark.parametrize("name", of_families())
def test_the_space_draws_parameters_that_fit(name):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(2):
        params = family(name).space(study.ask())
        params.update({k: v for k, v in SMALL.items() if k in params})
        fitted = family(name).fit_predict(fit_request(name, PROBLEMS["binary"], n=120, params=params))
        assert np.isfinite(fitted.valid).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_proven_parameters_lie_in_the_space(name):
    for entry in family(name).portfolio:
        fixed = optuna.trial.FixedTrial(dict(entry))
        family(name).space(fixed)  # which raises ValueError where the entry lacks a parameter
        for parameter, distribution in fixed.distributions.items():
            assert distribution._contains(distribution.to_internal_repr(entry[parameter])), (parameter, entry)


@pytest.mark.parametrize("name", FAMILIES)
def test_more_rows_and_columns_cost_more(name):
    fam = family(name)
    for params in fam.portfolio:
        assert fam.cost(100_000, 20, 1, params) > fam.cost(1000, 20, 1, params) > 0
        assert fam.cost(100_000, 80, 1, params) > fam.cost(100_000, 20, 1, params)
