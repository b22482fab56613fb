"""The search for features: what it screens on and what it adopts; runs with it are repeated, resumed and steered."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import call, demo, finished, here, ledger_of, only_run, write
from synthetic import REGRESSION, fold_set, run_data

from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM, was_screened
from medalist.agent.history import incumbent_features
from medalist.agent.judging.feature_trials import ADOPT_P_VALUE, SINGLES, FeatureJudge, trial_text
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals.exhaustion import LEAST_EXPERIMENTS
from medalist.agent.proposals.features import MOST_EMPTY, MOST_STEPS, FeatureSearch
from medalist.agent.proposals.late_features import PAUSE
from medalist.agent.proposals.policy import Policy
from medalist.agent.records.feature_rows import rows_of_trial
from medalist.agent.score import Comparison, compare, score
from medalist.agent.workers.costs import Costs
from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.scoring import ScoredFeature
from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult, screen
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

ROWS, FOLDS = 1000, 5
BASE = ("number(a)", "number(b)", "code(city)")
SCHEMA = Schema({"a": "number", "b": "number", "city": "category"})
RATIO = ScoredFeature("a / b", 0.2, 0.01)


@pytest.fixture
def search(tmp_path: Path) -> FeatureSearch:
    """A search over 1,000 rows in five folds, of a target that is a / b; rows are numbered from 100."""
    return made(tmp_path)


def made(
    folder: Path,
    folds: int = FOLDS,
    groups: np.ndarray | None = None,
    y: np.ndarray | None = None,
    problem: Problem = REGRESSION,
    **options: Any,
) -> FeatureSearch:
    """As `search`, with other folds, groups of the evaluated rows, other targets y (n, 1), or other options."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=ROWS + 100), "b": rng.uniform(0.5, 2, ROWS + 100)})
    frame["city"] = rng.choice(["Oslo", "Rome"], len(frame))
    y = (frame["a"] / frame["b"]).to_numpy()[:, None] if y is None else y
    cards = describe_columns(frame[:ROWS], frame[ROWS:])
    store = FeatureStore.create(folder / "store", "abc", frame[:ROWS], frame[ROWS:])
    data = run_data(folder, y, problem=problem, cards=cards, store=store, schema=SCHEMA)
    fold_of_row = (np.arange(900) % folds).astype(np.int16)
    evaluated = fold_set(y[100:ROWS], fold_of_row, first_row=100, groups=groups)
    judge = FeatureJudge(data, evaluated, options.get("seed", 0))
    return FeatureSearch(judge, SCHEMA, frozenset(SCHEMA.columns), **options)


def record(
    search: FeatureSearch,
    number: int,
    noise: np.ndarray | float,
    features: tuple[str, ...] = BASE,
    arm: str = "start",
    idea: str | None = None,
    **options: Any,
) -> Record:
    """An experiment whose out-of-fold predictions are off by so much, row by row."""
    folds = search.judge.folds
    errors = np.random.default_rng(number).normal(size=folds.y.shape)
    oof = folds.y + np.broadcast_to(np.asarray(noise, float).reshape(-1, 1), errors.shape) * errors
    importance = {name: 1 / len(features) for name in features}
    evaluation = Evaluation(oof, np.zeros((100, 1)), np.ones((FOLDS, 1)), 1.0, 0.1, importance)
    scored = score(search.judge.data.metric, REGRESSION, folds.y, oof, oof, folds.blocks)
    pipeline = Pipeline.of(features, "lightgbm", {"learning_rate": 0.1, "rounds": 50})
    proposal = Proposal(pipeline, "why", None, arm, idea)
    return Record(number, proposal, "keep", "", score=scored, evaluation=evaluation, **options)


def result(step: int = 0, **found: Any) -> ScreenResult:
    empty = ScreenResult.empty(step, 0.1)
    return replace(empty, screened=10, **{"picks": (RATIO,), **found})


def running(features: tuple[str, ...], idea: str) -> Record:
    pipeline = Pipeline.of(features, "lightgbm", {"learning_rate": 0.1, "rounds": 50})
    return Record.placeholder(Proposal(pipeline, "why", 0, ARM, idea))


def request_of(search: FeatureSearch, history: list[Record]) -> ScreenRequest:
    """The next screening, for which it must be time."""
    assert search.ready(history, float("inf"))
    return search.request(history, search.judge.data.folder, counted=True)


def screened(search: FeatureSearch, history: list[Record], step: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, residual and target that a screening of that number reads."""
    search.steps.clear()
    for earlier in range(step):
        search.add_step(result(earlier, picks=()), history)
    request = search.request(history, search.judge.data.folder, counted=True)
    assert request.step == step
    with np.load(request.data_file) as material:
        return material["rows"], material["residual"], material["target"]


# which rows choose and which judge


def test_what_was_only_tested_beside_others_may_be_screened_again(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0)
    picks = record(search, 1, 0.9, (*BASE, "a / b"), ARM, "0:picks", adopted=True)
    many = tuple(f"a * {k}" for k in range(10))
    both = record(search, 2, 1.0, (*BASE, "a / b", *many), ARM, "0:both")
    alone = record(search, 3, 1.0, (*BASE, "a / b", "a - b"), ARM, "0:idle")
    failed = Record(4, Proposal(picks.pipeline.changed(features=("b - a",)), "why", 1, ARM, "0:picks"), "crash", "")
    search.add_step(result(), [first])
    request = search.request([first, picks, both, alone, failed], search.judge.data.folder, counted=True)
    assert request.tested == {"a - b"}


@pytest.mark.parametrize(("error", "tested"), [(0.97, set()), (1.05, {"a - b"})])
def test_what_seemed_to_help_may_be_screened_again_by_other_rows(
    search: FeatureSearch, error: float, tested: set[str]
) -> None:
    first = record(search, 0, 1.0)
    assert first.evaluation is not None
    better = search.judge.folds.y + error * (first.evaluation.oof - search.judge.folds.y)
    tried = record(search, 1, 1.0, (*BASE, "a - b"), ARM, "0:first")
    assert tried.evaluation is not None
    tried = replace(tried, evaluation=replace(tried.evaluation, oof=better))
    other = record(search, 2, 1.0, arm="loss", idea="a3f0")  # an idea of another kind, which no screening has
    search.add_step(result(), [first])
    assert search.request([first, tried, other], search.judge.data.folder, counted=True).tested == tested


@pytest.mark.parametrize("count", [2, 3, 30])
def test_no_group_is_screened_and_held_out_where_folds_are_few(tmp_path: Path, count: int) -> None:
    groups = np.random.default_rng(0).integers(0, count, 900)
    judge = made(tmp_path, 3, groups).judge
    for step in range(4):
        held_out = judge.held_out(step)
        assert 0 < held_out.mean() < 1
        assert not set(groups[held_out]) & set(groups[~held_out])


@pytest.mark.parametrize("folds", [1, 2, 3, 4, 5, 10, 15])
def test_held_out_rows_take_turns_and_no_screening_sees_them(tmp_path: Path, folds: int) -> None:
    search = made(tmp_path, folds)
    judge, evaluated = search.judge, search.judge.folds
    first = record(search, 0, 1.0)
    assert first.evaluation is not None
    times = np.zeros(len(evaluated.rows), dtype=int)
    for step in range(MOST_STEPS):
        held_out = judge.held_out(step)
        assert (held_out == judge.held_out(step)).all()
        assert 0.1 < held_out.mean() < 0.6
        whole = judge.held_out_folds(step)
        assert len(whole) == (2 if folds >= 4 else 0)
        if whole:
            assert set(evaluated.fold_of_row[held_out]) == set(whole)
            assert not set(evaluated.fold_of_row[~held_out]) & set(whole)
        times += held_out
        rows, residual, target = screened(search, [first], step)
        assert set(rows) == set(evaluated.rows[~held_out])
        assert (target == judge.data.y[rows]).all()
        assert residual == pytest.approx((evaluated.y - first.evaluation.oof)[~held_out])
    assert (judge.held_out(0) != judge.held_out(1)).any()
    if folds in (4, 5, 10):
        assert times.min() >= 1  # every row judges in its turn
    assert (made(tmp_path, 2, seed=1).judge.held_out(0) != made(tmp_path, 2).judge.held_out(0)).any()


def test_a_residual_of_classes_is_that_of_their_probabilities(tmp_path: Path) -> None:
    y = np.random.default_rng(0).integers(0, 3, (ROWS, 1)).astype(float)
    search = made(tmp_path, y=y, problem=Problem("multiclass", 1, 3, "logloss", False))
    first = record(search, 0, 0.0)
    assert first.evaluation is not None
    first = replace(first, evaluation=replace(first.evaluation, oof=np.full((900, 3), 1 / 3)))
    rows, residual, target = screened(search, [first])
    assert target == pytest.approx(np.eye(3)[y[rows, 0].astype(int)])
    assert residual == pytest.approx(target - 1 / 3)


def test_a_residual_is_on_the_scale_that_is_fitted(tmp_path: Path) -> None:
    search = made(tmp_path, y=np.full((ROWS, 1), np.e - 1), problem=replace(REGRESSION, log=True))
    first = record(search, 0, 0.0)
    assert first.evaluation is not None
    first = replace(first, evaluation=replace(first.evaluation, oof=np.zeros((900, 1))))
    assert screened(search, [first])[1] == pytest.approx(1.0)


# what is adopted


def test_a_group_that_gains_on_rows_that_did_not_choose_it_is_adopted(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0)
    better = record(search, 1, 0.5, (*BASE, "a / b"), ARM, "0:picks")
    trial = search.judge.judge(better, [first])
    assert trial.adopted
    assert trial.incumbent is first
    assert trial.comparison is not None
    assert trial.comparison.gain > 0
    assert "rows that did not choose them" in trial.reason
    adopted = replace(better, adopted=True)
    assert adopted.usable
    assert incumbent_features([first, adopted]) is adopted
    rows = rows_of_trial(adopted, trial, SCHEMA)
    assert [(r.text, r.status, r.unit, r.experiment) for r in rows] == [("a / b", "kept", "loss", 1)]
    assert (rows[0].gain, rows[0].shape) == (trial.comparison.gain, "number / number")


def test_a_gain_on_the_rows_that_chose_it_alone_is_none(search: FeatureSearch) -> None:
    """Half of the error on rows that the screening saw, none less on the held-out ones: what fitting noise looks
    like."""
    first = record(search, 0, 1.0)
    overfit = record(search, 1, np.where(search.judge.held_out(0), 1.0, 0.5), (*BASE, "a / b"), ARM, "0:picks")
    assert overfit.score is not None
    assert first.score is not None
    assert compare(overfit.score, first.score).z > 5  # on all rows it would look like a great gain
    trial = search.judge.judge(overfit, [first])
    assert not trial.adopted
    assert not overfit.usable
    assert incumbent_features([first, overfit]) is first
    rows = rows_of_trial(overfit, trial, SCHEMA)
    assert [(r.text, r.status) for r in rows] == [("a / b", "dropped")]
    # the same predictions, judged by a step that holds out other rows, do gain: rows decide, not the record
    other = replace(overfit, proposal=replace(overfit.proposal, idea="1:picks"))
    assert search.judge.judge(other, [first]).adopted


def test_without_a_gain_it_is_dropped_but_a_removal_may_cost_nothing(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0, (*BASE, "count(city)"))
    same = first.evaluation
    more = replace(record(search, 1, 1.0, (*BASE, "count(city)", "a / b"), ARM, "0:picks"), evaluation=same)
    fewer = replace(record(search, 2, 1.0, BASE, ARM, "0:idle"), evaluation=same)
    worse = record(search, 3, 2.0, BASE, ARM, "0:idle")
    assert not search.judge.judge(more, [first]).adopted
    assert not search.judge.judge(worse, [first]).adopted
    trial = search.judge.judge(fewer, [first])
    assert trial.adopted
    rows = rows_of_trial(replace(fewer, adopted=True), trial, SCHEMA)
    assert [(r.text, r.status) for r in rows] == [("count(city)", "removed")]


def test_a_test_is_judged_as_soon_as_the_held_out_folds_are_done(search: FeatureSearch) -> None:
    judge = search.judge
    first = record(search, 0, 1.0)
    better = record(search, 1, 0.5, (*BASE, "a / b"), ARM, "0:picks")
    assert better.evaluation is not None
    predictions = {k: better.evaluation.oof[judge.folds.positions[k]] for k in range(FOLDS)}
    one, two = judge.held_out_folds(0)
    assert judge.early_comparison("0:picks", first, {k: p for k, p in predictions.items() if k != two}) is None
    change = judge.early_comparison("0:picks", first, {one: predictions[one], two: predictions[two]})
    whole = judge.judge(better, [first]).comparison
    assert change is not None
    assert whole is not None
    assert (change.gain, change.standard_error) == pytest.approx((whole.gain, whole.standard_error))
    assert judge.early_comparison("0:alike", first, predictions) is None  # no screening chose it: all rows judge


def test_seasons_of_keys_are_tested_before_the_first_screening(tmp_path: Path) -> None:
    season = "target_season(city, month(day))"
    search = made(tmp_path, seasons=(season,))
    first = record(search, 0, 1.0)
    assert not search.ready([first], float("inf"))
    found = search.next_group([first])
    assert found is not None
    assert (found[0].name, found[0].add, found[1]) == ("0:seasons", (season,), first)
    better = record(search, 1, 0.5, (*BASE, season), ARM, "0:seasons")
    whole = search.judge.judge(better, [first])  # no screening chose it: all rows judge
    assert whole.adopted
    assert search.next_group([first, better]) is None
    assert search.ready([first, better], float("inf"))


def test_without_a_model_to_compare_with_nothing_is_adopted(search: FeatureSearch) -> None:
    better = record(search, 1, 0.5, (*BASE, "a / b"), ARM, "0:picks")
    trial = search.judge.judge(better, [])
    assert (trial.adopted, trial.comparison, trial.incumbent) == (False, None, None)
    assert rows_of_trial(better, trial, SCHEMA) == []


def test_what_was_not_adopted_is_in_no_ensemble(search: FeatureSearch) -> None:
    tested = record(search, 1, 0.1, (*BASE, "a / b"), ARM, "0:picks")
    assert not tested.usable
    assert replace(tested, adopted=True).usable
    assert record(search, 2, 1.0, arm="tune:linear").usable


def test_the_more_is_tested_of_a_screening_the_surer_a_gain_has_to_be(search: FeatureSearch) -> None:
    accepts = search.judge.accepts
    for z in np.linspace(0, 5, 51):
        change = Comparison(z, 1.0, 20)
        group = accepts(change, "0:first", removal=False)
        single = accepts(change, "0:one1", removal=False)
        assert group == (change.p_value < ADOPT_P_VALUE)
        assert single == (change.p_value < ADOPT_P_VALUE / SINGLES)
        assert accepts(change, "0:picks", removal=False) >= group >= single
        assert not accepts(replace(change, in_every_fold=False), "0:first", removal=False)


def test_of_changes_that_are_noise_no_more_are_adopted_than_the_level_allows(tmp_path: Path) -> None:
    """200 groups of features that only redraw the errors: a test at level p adopts about 200 p of them, and hardly ever
    more than three standard deviations above."""
    search = made(tmp_path, y=np.random.default_rng(0).normal(size=(ROWS, 1)))
    adopted = 0
    for k in range(0, 400, 2):
        incumbent = record(search, k, 1.0)
        test = record(search, k + 1, 1.0, (*BASE, "a / b"), ARM, f"{k % 5}:first")
        adopted += search.judge.judge(test, [incumbent]).adopted
    expected = 200 * ADOPT_P_VALUE
    assert adopted <= expected + 3 * np.sqrt(expected)


# steps and groups


def test_what_repeats_and_what_has_many_values_is_tested_before_anything_is_screened(tmp_path: Path) -> None:
    search = made(tmp_path, repeated=("a", "b", "city"), high_cardinality=("city",))
    first = record(search, 0, 1.0)
    group, parent = search.next_group([first]) or (None, None)
    assert group is not None
    assert parent is first
    assert group.add == ("target_mean(a × b × city, 1)", "count(a × b × city)")
    assert search.next_group([first, running(group.apply(BASE), group.name)]) is None  # the next starts from its end
    # nothing chose it, so all rows judge: a gain on those alone that a screening would look at is one
    better = record(search, 1, np.where(search.judge.held_out(0), 1.0, 0.5), group.apply(BASE), ARM, group.name)
    assert search.judge.judge(better, [first]).adopted
    ended = replace(better, verdict="timeout", evaluation=None)  # by Ctrl-C, which leaves no error
    assert ended.cut_short
    assert search.next_group([first, ended]) == (group, first)
    assert not search.ready([first, ended], float("inf"))
    better = replace(better, adopted=True)
    after, parent = search.next_group([first, better]) or (None, None)
    assert after is not None
    assert parent is better
    assert after.add == ("target_mean(city)", "count(city)")
    assert not search.ready([first, better], float("inf"))
    dropped = record(search, 2, 1.0, after.apply(better.pipeline.features), ARM, after.name)
    assert search.next_group([first, better, dropped]) is None
    assert search.ready([first, better, dropped], float("inf"))


def test_after_a_removal_alone_nothing_is_screened_again(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0, (*BASE, "count(city)"))
    search.add_step(result(picks=()), [first])
    fewer = replace(record(search, 1, 1.0, BASE, ARM, "0:idle"), adopted=True)
    assert incumbent_features([first, fewer]) is fewer
    assert not search.ready([first, fewer], float("inf"))
    added = replace(record(search, 2, 0.5, (*BASE, "a / b"), ARM, "0:used"), adopted=True)
    assert search.ready([first, fewer, added], float("inf"))


def test_a_step_is_screened_tested_and_followed_by_the_next(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0)
    assert not search.ready([], float("inf"))
    request = request_of(search, [first])
    assert (request.step, request.base, request.classes) == (0, BASE, 0)
    search.add_step(result(used=(ScoredFeature("count(city)", 0.1, 0.01),)), [first])
    assert not search.ready([first], float("inf"))  # what was proposed is tested first
    group, parent = search.next_group([first]) or (None, None)
    assert group is not None
    assert parent is first
    assert (group.name, group.apply(BASE)) == ("0:picks", (*BASE, "a / b"))
    picks = running((*BASE, "a / b"), group.name)
    group, _ = search.next_group([first, picks]) or (None, None)
    assert group is not None
    assert (group.name, group.add) == ("0:both", ("a / b", "count(city)"))
    tested = replace(record(search, 1, 0.5, (*BASE, "a / b"), ARM, "0:picks"), adopted=True)
    both = record(search, 2, 0.5, (*BASE, "a / b", "count(city)"), ARM, "0:both")
    assert search.next_group([first, tested, both]) is None  # parts of what was adopted are not tested again
    again = request_of(search, [first, tested, both])
    assert (again.step, again.base) == (1, tested.pipeline.features)
    assert "count(city)" in again.tested
    search.add_step(result(1, picks=()), [first, tested, both])
    assert not search.ready([first, tested, both], float("inf"))
    assert not search.searching([first, tested, both], float("inf"))


@pytest.mark.parametrize(
    ("seconds", "took", "steps"), [(3000.0, 2.0, MOST_EMPTY), (3000.0, 200.0, 1), (np.inf, 2.0, 1)]
)
def test_where_nothing_was_adopted_cheap_steps_screen_on_other_rows(
    tmp_path: Path, seconds: float, took: float, steps: int
) -> None:
    search = made(tmp_path, 5, seconds=seconds)
    history = [record(search, 0, 1.0)]
    for step in range(steps):
        assert search.ready(history, 0.9 * seconds)
        search.add_step(replace(result(step), picks=(replace(RATIO, text=f"a / (b + {step})"),)), history)
        assert not search.ready(history, 0.9 * seconds)  # before its groups are tested
        group, _ = search.next_group(history) or (None, None)
        assert group is not None
        history.append(record(search, step + 1, 1.05, group.apply(BASE), ARM, group.name, seconds=took))
        assert not search.searching(history, 0.9 * seconds)  # what others wait for is over
    assert not search.ready(history, 0.9 * seconds)


def test_where_no_group_gained_its_features_are_tested_one_by_one_if_that_is_cheap(tmp_path: Path) -> None:
    search = made(tmp_path, 5, seconds=3000.0)
    history = [record(search, 0, 1.0)]
    found = [replace(RATIO, text=text) for text in ("a / b", "a * b", "a - b", "log(a)")]
    search.add_step(result(0, picks=tuple(found[:1]), used=tuple(found[1:])), history)
    names, adopted = [], None
    for number in range(1, 20):
        if (following := search.next_group(history)) is None:
            break
        group, parent = following
        names.append(group.name)
        features = group.apply(parent.pipeline.features)
        good = group.add == ("a * b",)
        adopted = features if good else adopted
        test = record(search, number, 0.8 if adopted else 1.05, features, ARM, group.name, seconds=1.0)
        history.append(replace(test, adopted=good))
    singles = [name for name in names if ":one" in name]
    assert singles == ["0:one1", "0:one0", "0:one2", "0:one3"]  # the first was the picks alone
    assert adopted == (*BASE, "a * b")
    assert set(history[-1].pipeline.features) > set(adopted)  # what follows is tested beside what was adopted


def test_it_ends_with_its_share_of_the_budget_and_where_it_is_switched_off(tmp_path: Path) -> None:
    search = made(tmp_path, seconds=100.0)
    history = [record(search, 0, 1.0)]
    assert search.searching(history, 90.0)
    assert search.ready(history, 90.0)
    assert not search.ready(history, 50.0)
    off = made(tmp_path, enabled=False)
    assert not off.searching(history, float("inf"))
    assert not off.ready(history, float("inf"))


def test_in_a_late_run_it_goes_on_with_what_the_best_models_together_leave_unexplained(tmp_path: Path) -> None:
    search = made(tmp_path, seconds=1000.0)
    first = replace(record(search, 0, 1.0), seconds=20.0)
    other = record(search, 1, 1.0, arm="portfolio:catboost", seconds=20.0)
    pipeline = other.pipeline.changed(family="catboost")
    other = replace(other, proposal=replace(other.proposal, pipeline=pipeline))
    history = [first, other, *(replace(other, number=n) for n in range(2, LEAST_EXPERIMENTS + 2))]
    assert not search.over(600.0)
    assert search.ready(history, 300.0)  # beyond its share of the time
    assert not search.searching(history, 300.0)  # others do not wait for it
    assert not search.ready(history[:10], 300.0)
    assert not search.ready(history, 50.0)  # near the end
    request = search.request(history, search.judge.data.folder, counted=False)
    assert first.evaluation is not None
    assert other.evaluation is not None
    kept = ~search.judge.held_out(0)
    together = (first.evaluation.oof + other.evaluation.oof) / 2
    np.testing.assert_allclose(np.load(request.data_file)["residual"], (search.judge.folds.y - together)[kept])
    search.add_step(result(picks=()), history)
    assert search.ready(history, 300.0) == (len(history) - 1 > PAUSE)
    search.add_step(result(1, picks=()), history)
    assert not search.ready(history, 300.0)


def test_networks_wait_for_the_features_and_have_them_in_all_entries_but_the_second(tmp_path: Path) -> None:
    search = made(tmp_path, seconds=1000.0)
    families: tuple[str, ...] = ("lightgbm", "linear", "perceptron", "neural")
    cards = search.judge.data.cards
    policy = Policy(cards, families, Costs(900, 1), 900, FOLDS, 2, 0, features=search, noise_unit=0.1)
    history = [record(search, 0, 1.0)]
    search.add_step(result(), history)

    def proposed(left: float) -> Proposal | None:
        proposal = policy.propose(history, len(history), left)
        if proposal is not None:
            finished = record(search, len(history), 1.0)
            history.append(replace(finished, proposal=proposal, adopted=proposal.idea == "0:picks"))
        return proposal

    early = [p for _ in range(4) if (p := proposed(900.0)) is not None]
    assert early
    assert not {p.pipeline.family for p in early} & {"perceptron", "neural"}
    late: dict[str, list[bool]] = {name: [] for name in families}
    for _ in range(12):
        p = proposed(400.0)
        if p is not None and p.arm.startswith("portfolio:"):
            late[p.pipeline.family].append("a / b" in p.pipeline.features)
    assert late["perceptron"] == late["neural"] == [True, False]
    policy.families = ("neural",)
    identity = FAMILIES["neural"].portfolio_ids[2]
    policy.experience = Experience({("portfolio:neural", identity): (9.0, 9)})
    third = proposed(400.0)
    assert third is not None
    assert (third.arm, third.idea, "a / b" in third.pipeline.features) == ("portfolio:neural", identity, True)


def test_a_step_is_kept_as_json_as_it_was() -> None:
    whole = result(
        3, used=(ScoredFeature("count(city)", 0.1, 0.01, synergy=0.2),), redundant=(RATIO,), idle=("number(b)",)
    )
    whole = replace(whole, best=RATIO, threshold=3.5)
    assert ScreenResult.from_dict(json.loads(json.dumps(whole.as_dict()))) == whole


def test_screening_finds_what_the_model_leaves(search: FeatureSearch) -> None:
    """From the request to the pick, as a child does it; what is forbidden takes no part."""
    first = record(search, 0, 0.0)
    assert first.evaluation is not None
    store, y = search.judge.data.store, search.judge.folds.y
    linear = np.c_[np.ones(900), pd.DataFrame({"a": store.column("a")}).to_numpy()[100:ROWS]]
    fitted = linear @ np.linalg.lstsq(linear, y, rcond=None)[0]
    first = replace(first, evaluation=replace(first.evaluation, oof=fitted))
    request = replace(request_of(search, [first]), limit=300)
    found = screen(store, request, 0.0, float("inf"))
    assert "a / b" in {f.text for f in (*found.picks, *found.redundant)}
    without = replace(request, forbidden_columns=frozenset({"b"}))
    found = screen(store, without, 0.0, float("inf"))
    assert not any("b" in f.text.split() for f in (*found.picks, *found.used, *found.redundant))


def test_where_there_is_no_time_for_features_cheap_ones_that_need_no_screening_are_tested(tmp_path: Path) -> None:
    search = made(tmp_path, repeated=("a", "b", "city"), seconds=100.0)
    first = record(search, 0, 1.0)
    policy = policy_of(search)
    late = 0.5 * search.seconds
    assert search.over(late)
    found = policy.propose([first], 1, late)
    assert found is not None
    assert (found.arm, found.idea) == (ARM, "0:alike")
    costly = replace(policy, costs=Costs(80_000_000, 1))
    other = costly.propose([first], 1, late)
    assert other is None or other.arm != ARM
    search.add_step(result(), [first])  # what a screening found needs time to be judged: it is not tested so late
    screened = policy.propose([first], 1, late)
    assert screened is None or screened.arm != ARM


# steering


def policy_of(search: FeatureSearch) -> Policy:
    return Policy(search.judge.data.cards, ("lightgbm", "linear"), Costs(800, 1), 900, FOLDS, 1, 0, features=search)


@pytest.mark.parametrize("enabled", [True, False])
def test_what_a_person_forces_and_forbids_is_obeyed_in_every_first_set(tmp_path: Path, enabled: bool) -> None:
    steering = Steering(force=("a / b",), forbid=("code(city)", "number(a)"))
    policy = policy_of(made(tmp_path, steering=steering, enabled=enabled))
    for name in ("lightgbm", "linear"):
        assert policy.first_features(name) == ("number(b)", "a / b")
    assert policy.first().pipeline.features == ("number(b)", "a / b")


def test_what_a_person_forbids_and_forces_is_obeyed_in_groups(tmp_path: Path) -> None:
    search = made(tmp_path, steering=Steering(force=("number(b)",), forbid=("a / b", "city"), add=("a * b",)))
    first = record(search, 0, 1.0)
    assert request_of(search, [first]).add == ("a * b",)
    used = tuple(ScoredFeature(t, 0.1, 0.01) for t in ("log(a / b)", "count(city)", "a - b"))
    search.add_step(result(used=used, idle=("number(b)", "number(a)")), [first])
    seen: list[Record] = []
    while (found := search.next_group([first, *seen])) is not None:
        seen.append(running(found[0].apply(BASE), found[0].name))
    features = {f for r in seen for f in r.pipeline.features}
    assert "a - b" in features
    assert not features & {"a / b", "log(a / b)", "count(city)"}
    assert all("number(b)" in r.pipeline.features for r in seen)
    assert any("number(a)" not in r.pipeline.features for r in seen)


# runs


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A competition whose target depends on a digit of one of its columns and on the ratio of two others."""
    rng = np.random.default_rng(0)
    n = 1500
    frame = pd.DataFrame({"row": np.arange(n)} | {f"x{i}": rng.gamma(2.0, size=n).round(5) for i in range(6)})
    digit = np.floor(frame["x2"] * 100) % 10
    chance = 0.6 * np.log(frame["x1"] / frame["x4"]) + 0.5 * (digit - 4.5) + rng.logistic(0, 0.5, n)
    frame["late"] = (chance > 0).astype(int)
    sample = frame[1000:][["row"]].assign(late=0.5)
    folder = tmp_path_factory.mktemp("planted") / "digits"
    return write(folder, frame[:1000], frame[1000:].drop(columns="late"), sample, "Evaluated on log loss.")


@pytest.mark.parametrize("repeats", [True, False])
def test_rows_that_repeat_each_other_tell_of_each_other(tmp_path: Path, repeats: bool) -> None:
    """Of two equal rows one has each value of the target, so that a row's twin says what it is not."""
    rng = np.random.default_rng(1)
    n = 900
    frame = pd.DataFrame({"row": np.arange(n)} | {f"x{i}": rng.normal(size=n).round(4) for i in range(3)})
    frame["late"] = rng.integers(0, 2, n)
    if repeats:
        place = rng.permutation(n)
        some, others = place[:200], place[200:400]
        frame.loc[others, ["x0", "x1", "x2"]] = frame.loc[some, ["x0", "x1", "x2"]].to_numpy()
        frame.loc[others, "late"] = 1 - frame.loc[some, "late"].to_numpy()
    sample = frame[600:][["row"]].assign(late=0.5)
    folder = write(tmp_path / "twins", frame[:600], frame[600:].drop(columns="late"), sample, "Evaluated on log loss.")
    ran = ("run", folder, "--runs-dir", tmp_path / "runs", "--max-experiments", "2", "--families", "lightgbm")
    summary = here(*ran)
    with ledger_of(tmp_path / "runs") as ledger:
        rows = [(f.text, f.status) for f in ledger.features(summary["run"])]
    twins = [("target_mean(x0 × x1 × x2, 1)", "kept"), ("count(x0 × x1 × x2)", "kept")]
    assert [r for r in rows if "x0 × x1 × x2" in r[0]] == (twins if repeats else [])
    assert (summary["score"] < 0.66) == repeats


def recorded(runs: Path, run_id: str) -> tuple[Any, ...]:
    """The experiments, features and screenings of a run in the ledger, without what depends on the clock."""
    with ledger_of(runs) as ledger:
        experiments = [
            (e.number, e.pipeline_hash, e.verdict, e.verdict_reason, e.score) for e in ledger.experiments(run_id)
        ]
        features = [(f.text, f.step, f.status, f.gain, f.experiment) for f in ledger.features(run_id)]
        steps = [(s.step, s.screened, s.passed, s.note) for s in ledger.screenings(run_id)]
    return experiments, features, steps


@pytest.mark.slow
def test_equal_runs_search_equally(planted: Path, tmp_path: Path) -> None:
    given = ("run", planted, "--max-experiments", "6", "--seed", "0", "--threads", "2", "--families", "lightgbm")
    one, two = (finished(*given, "--runs-dir", tmp_path / name) for name in ("one", "two"))
    assert Path(one["submission"]).read_bytes() == Path(two["submission"]).read_bytes()
    assert recorded(tmp_path / "one", one["run"]) == recorded(tmp_path / "two", two["run"])
    experiments, features, steps = recorded(tmp_path / "one", one["run"])
    assert len(experiments) == 6
    assert steps[0][1] > 100
    kept = {f[0] for f in features if f[2] == "kept"}
    assert "digit(x2, 2)" in kept
    with ledger_of(tmp_path / "one") as ledger:
        assert ledger.screenings(one["run"])[0].result["screened"] == steps[0][1]


@pytest.mark.slow
def test_the_demonstration_twice_with_the_search(public: Path, tmp_path: Path) -> None:
    given = ("run", public, "--max-experiments", "6", "--seed", "0", "--threads", "1")
    one, two = (finished(*given, "--runs-dir", tmp_path / name) for name in ("one", "two"))
    assert Path(one["submission"]).read_bytes() == Path(two["submission"]).read_bytes()
    experiments, _, steps = recorded(tmp_path / "one", one["run"])
    assert recorded(tmp_path / "two", two["run"])[0] == experiments
    assert steps


@pytest.mark.slow
def test_a_run_that_goes_on_has_the_steps_that_it_had(planted: Path, tmp_path: Path) -> None:
    given = (planted, "--seed", "0", "--threads", "1", "--families", "lightgbm")
    whole = here("run", *given, "--max-experiments", "5", "--runs-dir", tmp_path / "whole")
    part = here("run", *given, "--max-experiments", "3", "--runs-dir", tmp_path / "part")
    before = recorded(tmp_path / "part", part["run"])
    more = here("resume", part["run"], "--max-experiments", "5", "--runs-dir", tmp_path / "part")
    after = recorded(tmp_path / "part", part["run"])
    assert [a[: len(b)] for a, b in zip(after, before, strict=True)] == list(before)
    assert after == recorded(tmp_path / "whole", whole["run"])
    assert Path(more["submission"]).read_bytes() == Path(whole["submission"]).read_bytes()


def test_switched_off_nothing_is_screened_but_what_is_forced_is_used(public: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("force:\n  - digit(promised_hours, 0)\nforbid:\n  - route\n", encoding="utf-8")
    given = ("--no-feature-search", "--features", file, "--max-experiments", "3", "--runs-dir", tmp_path / "runs")
    summary = here("run", public, *given)
    experiments, features, steps = recorded(tmp_path / "runs", summary["run"])
    assert ([(f[0], f[2]) for f in features], steps) == ([("digit(promised_hours, 0)", "forced")], [])
    assert not list((only_run(tmp_path / "runs") / "work").glob("s*_*.*"))
    with ledger_of(tmp_path / "runs") as ledger:
        rows = ledger.experiments(summary["run"])
    assert len(rows) == len(experiments) == 3
    for row in rows:
        assert "digit(promised_hours, 0)" in row.pipeline["features"]
        assert not any("route" in f for f in row.pipeline["features"])
        assert row.arm != ARM
    assert "digit(promised_hours, 0)" in (only_run(tmp_path / "runs") / "features.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_of_shuffled_targets_hardly_a_feature_is_kept_and_it_is_said(public: Path, tmp_path: Path) -> None:
    """Counted runs, which are equal each time. Of three of them at most one may adopt a group of features: it tests a
    handful at a level of about one in eighty, so that two would mean that rows which chose features judge them too."""
    target = "late"
    tests, adopting = 0, 0
    for seed in range(3):
        shuffled = tmp_path / f"shuffled{seed}"
        shutil.copytree(public, shuffled)
        train = pd.read_csv(shuffled / "train.csv")
        train[target] = np.random.default_rng(seed).permutation(train[target].to_numpy())
        train.to_csv(shuffled / "train.csv", index=False)
        given = ("--max-experiments", "8", "--threads", "1", "--families", "lightgbm")
        summary = here("run", shuffled, *given, "--runs-dir", tmp_path / "runs")
        with ledger_of(tmp_path / "runs") as ledger:
            arms = [e.arm for e in ledger.experiments(summary["run"])]
        tests += arms.count(ARM)
        adopting += bool(summary["features"])
        assert ("none was kept" in summary["text"]) == (not summary["features"])
    assert tests >= 3
    assert adopting <= 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("forbid: [rout]", "names the column rout, which there is not"),
        pytest.param("forbid: ['count(rout)']", "names the column rout, which there is not", marks=pytest.mark.slow),
        pytest.param("force: ['kmeans(weight_kg, 0)']", "cannot be computed", marks=pytest.mark.slow),
        ("add: ['mean(weight_kg)']", "needs groups"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(public: Path, tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "features.yaml"
    file.write_text(written + "\n", encoding="utf-8")
    done = call("run", public, "--features", file, "--max-experiments", "2", "--runs-dir", tmp_path / "runs")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert not [p for p in (tmp_path / "runs").glob("*/2*") if p.is_dir()]


def test_a_reason_names_what_an_insufficient_gain_lacks() -> None:
    assert trial_text(Comparison(0.5, 0.1, 20), "0", adopted=True).endswith("did not choose them")
    assert trial_text(Comparison(0.1, 0.5, 20), "0", adopted=False).endswith("less than 0.013 is asked")
    assert trial_text(Comparison(0.5, 0.1, 20, in_every_fold=False), "0", adopted=False).endswith("which is chance")
    assert trial_text(Comparison(-0.5, 0.1, 20, in_every_fold=False), "0", adopted=False).endswith(
        "did not choose them"
    )


# what needs no screening


def test_what_further_tables_say_is_tested_first_and_judged_by_all_rows(tmp_path: Path) -> None:
    told = ("mean(loans.debt) by a", "value(people.age) by city")
    search = made(tmp_path, joined=told, repeated=("a", "b"), high_cardinality=("city",))
    first = record(search, 0, 1.0)
    found = search.next_group([first])
    assert found is not None
    group, parent = found
    assert (group.add, parent.number) == (told, 0)
    assert not was_screened(group.name)
    forbidding = made(tmp_path / "other", joined=told, steering=Steering(forbid=("a",)))
    found = forbidding.next_group([record(forbidding, 0, 1.0)])
    assert found is not None
    assert found[0].add == told[1:]
