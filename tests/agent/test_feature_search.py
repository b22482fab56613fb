"""The search for features: what it screens on, what it takes over; runs with it are repeated, resumed and steered."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import call, demo, finished, here, ledger_of, only_run, write
from scipy import stats

from medalist.agent import score as judge
from medalist.agent.experiment import Proposal, Record
from medalist.agent.ground import FoldSet, Ground
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.proposals.features import (
    ADOPT_CHANCE,
    MOST_EMPTY,
    MOST_STEPS,
    PICKS_CHANCE,
    FeatureSearch,
    Step,
    in_words,
)
from medalist.agent.proposals.policy import Policy
from medalist.agent.records.feature_rows import rows_of_test
from medalist.agent.score import Comparison
from medalist.agent.workers.costs import Costs
from medalist.competitions.columns.cards import describe_columns
from medalist.competitions.metrics.registry import get_metric
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
REGRESSION = Problem("regression", 1, 0, "l2", False)


@pytest.fixture
def search(tmp_path: Path) -> FeatureSearch:
    """A search over 1,000 rows in five folds, of a target that is a / b; rows are numbered from 100."""
    (tmp_path / "work").mkdir()
    return made(tmp_path)


def made(folder: Path, folds: int = FOLDS, units: np.ndarray | None = None, **options: Any) -> FeatureSearch:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=ROWS + 100), "b": rng.uniform(0.5, 2, ROWS + 100)})
    frame["city"] = rng.choice(["Oslo", "Rome"], len(frame))
    y = (frame["a"] / frame["b"]).to_numpy()[:, None]
    cards = describe_columns(frame[:ROWS], frame[ROWS:])
    store = FeatureStore.create(folder / "store", "abc", frame[:ROWS], frame[ROWS:])
    metric = get_metric("rmse")
    task: Any = SimpleNamespace(folds=SimpleNamespace(scheme="random"))
    ground = Ground(None, task, cards, metric, REGRESSION, y, None, store, SCHEMA, folder)  # type: ignore[arg-type]
    of_row = (np.arange(900) % folds).astype(np.int16)
    slots = tuple(np.flatnonzero(of_row == k) for k in range(folds))
    seen = y[100:ROWS]
    given = FoldSet(folder / "f.npz", slots, np.arange(100, ROWS), of_row, judge.block_of_rows(seen), seen, None, units)
    return FeatureSearch(ground, given, SCHEMA, frozenset(SCHEMA.columns), **options)


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
    errors = np.random.default_rng(number).normal(size=search.folds.y.shape)
    oof = search.folds.y + np.broadcast_to(np.asarray(noise, float).reshape(-1, 1), errors.shape) * errors
    importance = {name: 1 / len(features) for name in features}
    evaluation = Evaluation(oof, np.zeros((100, 1)), np.ones((FOLDS, 1)), 1.0, 0.1, importance)
    score = judge.score(search.ground.metric, REGRESSION, search.folds.y, oof, oof, search.folds.blocks)
    pipeline = Pipeline.of(features, "lightgbm", {"learning_rate": 0.1, "rounds": 50})
    proposal = Proposal(pipeline, "why", None, arm, idea)
    return Record(number, proposal, "keep", "", score=score, evaluation=evaluation, **options)


def result(step: int = 0, **found: Any) -> ScreenResult:
    empty = ScreenResult.empty(step, 0.1)
    return replace(empty, screened=10, **{"picks": (RATIO,), **found})


def running(features: tuple[str, ...], idea: str) -> Record:
    pipeline = Pipeline.of(features, "lightgbm", {"learning_rate": 0.1, "rounds": 50})
    return Record.under_way(Proposal(pipeline, "why", 0, ARM, idea))


def request_of(search: FeatureSearch, history: list[Record]) -> ScreenRequest:
    assert search.ready(history, float("inf"))
    return search.request(history, ordered=True)


# which rows choose and which judge


def test_what_was_only_tested_beside_others_may_be_looked_at_again(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0)
    picks = record(search, 1, 0.9, (*BASE, "a / b"), ARM, "0:picks", adopted=True)
    many = tuple(f"a * {k}" for k in range(10))
    both = record(search, 2, 1.0, (*BASE, "a / b", *many), ARM, "0:both")
    alone = record(search, 3, 1.0, (*BASE, "a / b", "a - b"), ARM, "0:idle")
    failed = Record(4, Proposal(picks.pipeline.changed(features=("b - a",)), "why", 1, ARM, "0:picks"), "crash", "")
    search.steps.append(Step(0, result()))
    asked = search.request([first, picks, both, alone, failed], ordered=True)
    assert asked.not_again == {"a - b"}


@pytest.mark.parametrize("count", [2, 3, 30])
def test_no_group_chooses_and_judges_where_folds_are_few(tmp_path: Path, count: int) -> None:
    (tmp_path / "work").mkdir()
    units = np.random.default_rng(0).integers(0, count, 900)
    search = made(tmp_path, 3, units)
    for step in range(4):
        held = search.held(step)
        assert 0 < held.mean() < 1
        assert not set(units[held]) & set(units[~held])


@pytest.mark.parametrize("folds", [1, 2, 3, 4, 5, 10, 15])
def test_rows_that_judge_take_turns_and_no_step_looks_at_its_own(tmp_path: Path, folds: int) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, folds)
    first = record(search, 0, 1.0)
    times = np.zeros(len(search.folds.rows), dtype=int)
    for step in range(MOST_STEPS):
        held = search.held(step)
        assert (held == search.held(step)).all()
        assert 0.1 < held.mean() < 0.6
        if folds >= 4:
            assert len(set(search.folds.of_row[held])) == 2
        times += held
        with np.load(search._material(first, step)) as material:
            rows, residual, target = material["rows"], material["residual"], material["target"]
        assert set(rows) == set(search.folds.rows[~held])
        assert (target == search.ground.y[rows]).all()
        assert first.evaluation is not None
        assert residual == pytest.approx((search.folds.y - first.evaluation.oof)[~held])
    assert (search.held(0) != search.held(1)).any()
    if folds in (4, 5, 10):
        assert times.min() >= 1  # every row judges in its turn
    assert (made(tmp_path, 2, seed=1).held(0) != made(tmp_path, 2).held(0)).any()


def test_residuals_are_of_probabilities_and_on_the_scale_that_is_fitted(search: FeatureSearch) -> None:
    first = record(search, 0, 0.0)
    classes = Problem("multiclass", 1, 3, "logloss", False)
    y = np.random.default_rng(0).integers(0, 3, (900, 1)).astype(float)
    shares = np.full((900, 3), 1 / 3)
    assert first.evaluation is not None
    search.ground = replace(search.ground, problem=classes)
    search.folds = replace(search.folds, y=y)
    told = replace(first, evaluation=replace(first.evaluation, oof=shares))
    with np.load(search._material(told, 0)) as material:
        kept = ~search.held(0)
        assert material["target"] == pytest.approx(np.eye(3)[y[kept, 0].astype(int)])
        assert material["residual"] == pytest.approx(material["target"] - 1 / 3)
    search.ground = replace(search.ground, problem=replace(REGRESSION, log=True))
    search.folds = replace(search.folds, y=np.full((900, 1), np.e - 1))
    told = replace(first, evaluation=replace(first.evaluation, oof=np.zeros((900, 1))))
    with np.load(search._material(told, 1)) as material:
        assert material["residual"] == pytest.approx(1.0)


# what is taken over


def test_a_group_that_gains_on_rows_that_did_not_choose_it_is_adopted(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0)
    better = record(search, 1, 0.5, (*BASE, "a / b"), ARM, "0:picks")
    taken, change, words = search.trial(better, [first])
    assert taken
    assert change is not None
    assert change.gain > 0
    assert "rows that did not choose them" in words
    adopted = replace(better, adopted=True)
    assert adopted.usable
    assert search.incumbent([first, adopted]) is adopted
    rows = rows_of_test(adopted, first, change, words, SCHEMA)
    assert [(r.text, r.status, r.unit, r.experiment) for r in rows] == [("a / b", "kept", "loss", 1)]
    assert (rows[0].gain, rows[0].shape) == (change.gain, "number / number")


def test_a_gain_on_the_rows_that_chose_it_alone_is_none(search: FeatureSearch) -> None:
    """Half of the error on rows that screening saw, none less on the held ones: what fitting noise looks like."""
    first = record(search, 0, 1.0)
    overfit = record(search, 1, np.where(search.held(0), 1.0, 0.5), (*BASE, "a / b"), ARM, "0:picks")
    assert overfit.score is not None
    assert first.score is not None
    assert judge.compare(overfit.score, first.score).z > 5  # on all rows it would look like a great gain
    taken, change, words = search.trial(overfit, [first])
    assert not taken
    assert not overfit.usable
    assert search.incumbent([first, overfit]) is first
    rows = rows_of_test(overfit, first, change, words, SCHEMA)
    assert [(r.text, r.status) for r in rows] == [("a / b", "dropped")]
    # the same predictions, judged by a step that holds out other rows, do gain: rows decide, not the record
    other = replace(overfit, proposal=replace(overfit.proposal, idea="1:picks"))
    assert search.trial(other, [first])[1] != change


def test_without_a_gain_it_is_dropped_but_a_removal_may_cost_nothing(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0, (*BASE, "count(city)"))
    same = first.evaluation
    more = replace(record(search, 1, 1.0, (*BASE, "count(city)", "a / b"), ARM, "0:picks"), evaluation=same)
    fewer = replace(record(search, 2, 1.0, BASE, ARM, "0:idle"), evaluation=same)
    worse = record(search, 3, 2.0, BASE, ARM, "0:idle")
    assert not search.trial(more, [first])[0]
    assert search.trial(fewer, [first])[0]
    assert not search.trial(worse, [first])[0]
    _, change, words = search.trial(fewer, [first])
    rows = rows_of_test(replace(fewer, adopted=True), first, change, words, SCHEMA)
    assert [(r.text, r.status) for r in rows] == [("count(city)", "removed")]


def test_what_was_not_adopted_is_in_no_ensemble(search: FeatureSearch) -> None:
    tried = record(search, 1, 0.1, (*BASE, "a / b"), ARM, "0:picks")
    assert [tried.usable, replace(tried, adopted=True).usable, record(search, 2, 1.0, arm="tune:linear").usable] == [
        False,
        True,
        True,
    ]


# steps and groups


def test_what_repeats_and_what_has_many_values_is_tested_before_anything_is_screened(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, repeated=("a", "b", "city"), many=("city",))
    first = record(search, 0, 1.0)
    group, parent = search.next_group([first]) or (None, None)
    assert group is not None
    assert parent is first
    assert group.add == ("target_mean(a × b × city, 1)", "count(a × b × city)")
    assert search.next_group([first, running(group.apply(BASE), group.name)]) is None  # the next starts from its end
    # nothing chose it, so all rows judge: a gain on those alone that a screening would look at is one
    better = record(search, 1, np.where(search.held(0), 1.0, 0.5), group.apply(BASE), ARM, group.name)
    assert search.trial(better, [first])[0]
    ended = replace(better, verdict="timeout", evaluation=None)  # by Ctrl-C, which leaves no error
    assert ended.unfinished
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
    search.take(result(picks=()), [first])
    fewer = replace(record(search, 1, 1.0, BASE, ARM, "0:idle"), adopted=True)
    assert search.incumbent([first, fewer]) is fewer
    assert not search.ready([first, fewer], float("inf"))
    added = replace(record(search, 2, 0.5, (*BASE, "a / b"), ARM, "0:used"), adopted=True)
    assert search.ready([first, fewer, added], float("inf"))


def test_a_step_is_asked_for_tested_and_followed_by_the_next(search: FeatureSearch) -> None:
    first = record(search, 0, 1.0)
    assert not search.ready([], float("inf"))
    request = request_of(search, [first])
    assert (request.step, request.base, request.classes) == (0, BASE, 0)
    search.take(result(used=(ScoredFeature("count(city)", 0.1, 0.01),)), [first])
    assert not search.ready([first], float("inf"))  # what was found is tested first
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
    assert search.next_group([first, tested, both]) is None  # parts of what was taken over are not tested again
    again = request_of(search, [first, tested, both])
    assert (again.step, again.base) == (1, tested.pipeline.features)
    assert "count(city)" in again.not_again
    search.take(result(1, picks=()), [first, tested, both])
    assert not search.ready([first, tested, both], float("inf"))
    assert not search.looking([first, tested, both], float("inf"))


@pytest.mark.parametrize(
    ("seconds", "took", "steps"), [(3000.0, 2.0, MOST_EMPTY), (3000.0, 200.0, 1), (np.inf, 2.0, 1)]
)
def test_where_nothing_was_found_cheap_steps_look_at_other_rows(
    tmp_path: Path, seconds: float, took: float, steps: int
) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, 5, seconds=seconds)
    history = [record(search, 0, 1.0)]
    for step in range(steps):
        assert search.ready(history, 0.9 * seconds)
        search.take(replace(result(step), picks=(replace(RATIO, text=f"a / (b + {step})"),)), history)
        assert not search.ready(history, 0.9 * seconds)  # before its groups are tested
        found = search.next_group(history)
        assert found is not None
        features = found[0].apply(BASE)
        history.append(record(search, step + 1, 1.05, features, ARM, found[0].name, seconds=took))
        assert not search.looking(history, 0.9 * seconds)  # what others wait for is over
    assert not search.ready(history, 0.9 * seconds)


def test_where_no_group_gained_its_features_are_tested_one_by_one_if_that_is_cheap(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, 5, seconds=3000.0)
    history = [record(search, 0, 1.0)]
    texts = ("a / b", "a * b", "a - b", "log(a)")
    found = [replace(RATIO, text=text) for text in texts]
    search.take(result(0, picks=tuple(found[:1]), used=tuple(found[1:])), history)
    names, taken = [], None
    for number in range(1, 20):
        if (group := search.next_group(history)) is None:
            break
        names.append(group[0].name)
        features = group[0].apply(group[1].pipeline.features)
        good = group[0].add == ("a * b",)
        taken = features if good else taken
        made_of = record(search, number, 0.8 if good or taken else 1.05, features, ARM, group[0].name, seconds=1.0)
        history.append(replace(made_of, adopted=good))
    assert [n for n in names if ":one" in n] == [
        "0:one1",
        "0:one0",
        "0:one2",
        "0:one3",
    ]  # the first was the picks alone
    assert taken == (*BASE, "a * b")
    assert set(history[-1].pipeline.features) > set(taken)  # what follows is tested beside what was taken over
    change = judge.Comparison(1.0, 0.45, 20)
    assert search.enough(change, "0:first", fewer=False) == (change.chance < ADOPT_CHANCE)
    assert not search.enough(change, "0:one1", fewer=False)


def test_it_ends_with_its_share_of_the_budget_and_where_it_is_switched_off(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, seconds=100.0)
    history = [record(search, 0, 1.0)]
    assert search.looking(history, 90.0)
    assert search.ready(history, 90.0)
    assert not search.ready(history, 50.0)
    off = made(tmp_path, enabled=False)
    assert not off.looking(history, float("inf"))
    assert not off.ready(history, float("inf"))


def test_networks_wait_for_the_features_and_have_them_in_all_entries_but_the_second(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, seconds=1000.0)
    families: tuple[str, ...] = ("lightgbm", "linear", "perceptron", "neural")
    policy = Policy(search.ground.cards, families, Costs(900, 1), 900, FOLDS, 2, 0, features=search, noise_unit=0.1)
    history = [record(search, 0, 1.0)]
    search.take(result(), history)

    def proposed(left: float) -> Proposal | None:
        proposal = policy.propose(history, len(history), left)
        if proposal is not None:
            told = record(search, len(history), 1.0)
            history.append(replace(told, proposal=proposal, adopted=proposal.idea == "0:picks"))
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
    linear = np.c_[np.ones(900), pd.DataFrame({"a": search.ground.store.column("a")}).to_numpy()[100:ROWS]]
    fitted = linear @ np.linalg.lstsq(linear, search.folds.y, rcond=None)[0]
    first = replace(first, evaluation=replace(first.evaluation, oof=fitted))
    request = replace(request_of(search, [first]), limit=300)
    found = screen(search.ground.store, request, 0.0, float("inf"))
    assert "a / b" in {f.text for f in (*found.picks, *found.redundant)}
    without = replace(request, forbidden=frozenset({"b"}))
    found = screen(search.ground.store, without, 0.0, float("inf"))
    assert not any("b" in f.text.split() for f in (*found.picks, *found.used, *found.redundant))


def test_where_there_is_no_time_for_features_cheap_ones_that_need_no_screening_are_tested(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, repeated=("a", "b", "city"), seconds=100.0)
    first = record(search, 0, 1.0)
    decides = policy(search)
    late = 0.5 * search.seconds
    assert search.over(late)
    found = decides.propose([first], 1, late)
    assert found is not None
    assert (found.arm, found.idea) == (ARM, "0:alike")
    dear = replace(decides, costs=Costs(80_000_000, 1))
    other = dear.propose([first], 1, late)
    assert other is None or other.arm != ARM
    search.take(result(), [first])  # what a screening found needs time to be judged: it is not tested so late
    screened = decides.propose([first], 1, late)
    assert screened is None or screened.arm != ARM


# steering


def policy(search: FeatureSearch) -> Policy:
    return Policy(search.ground.cards, ("lightgbm", "linear"), Costs(800, 1), 900, FOLDS, 1, 0, features=search)


@pytest.mark.parametrize("enabled", [True, False])
def test_what_a_person_forces_and_forbids_is_obeyed_in_every_first_set(tmp_path: Path, enabled: bool) -> None:
    steering = Steering(force=("a / b",), forbid=("code(city)", "number(a)"))
    found = policy(made(tmp_path, steering=steering, enabled=enabled))
    for name in ("lightgbm", "linear"):
        assert found.base(name) == ("number(b)", "a / b")
    assert found.first().pipeline.features == ("number(b)", "a / b")


def test_what_a_person_forbids_and_forces_is_obeyed_in_groups(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    search = made(tmp_path, steering=Steering(force=("number(b)",), forbid=("a / b", "city"), add=("a * b",)))
    first = record(search, 0, 1.0)
    assert request_of(search, [first]).add == ("a * b",)
    used = tuple(ScoredFeature(t, 0.1, 0.01) for t in ("log(a / b)", "count(city)", "a - b"))
    search.take(result(used=used, idle=("number(b)", "number(a)")), [first])
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


def told(runs: Path, run_id: str) -> tuple[Any, ...]:
    """What a run did, as the ledger has it, without what depends on the clock."""
    with ledger_of(runs) as ledger:
        experiments = [
            (e.number, e.pipeline_hash, e.verdict, e.verdict_reason, e.score) for e in ledger.experiments(run_id)
        ]
        features = [(f.text, f.step, f.status, f.gain, f.experiment) for f in ledger.features(run_id)]
        steps = [(s.step, s.screened, s.passed, s.note) for s in ledger.searches(run_id)]
    return experiments, features, steps


@pytest.mark.slow
def test_equal_runs_search_equally(planted: Path, tmp_path: Path) -> None:
    given = ("run", planted, "--max-experiments", "6", "--seed", "0", "--threads", "2", "--families", "lightgbm")
    one, two = (finished(*given, "--runs-dir", tmp_path / name) for name in ("one", "two"))
    assert Path(one["submission"]).read_bytes() == Path(two["submission"]).read_bytes()
    assert told(tmp_path / "one", one["run"]) == told(tmp_path / "two", two["run"])
    experiments, features, steps = told(tmp_path / "one", one["run"])
    assert len(experiments) == 6
    assert steps[0][1] > 100
    kept = {f[0] for f in features if f[2] == "kept"}
    assert "digit(x2, 2)" in kept
    with ledger_of(tmp_path / "one") as ledger:
        assert ledger.searches(one["run"])[0].result["screened"] == steps[0][1]


@pytest.mark.slow
def test_the_demonstration_twice_with_the_search(public: Path, tmp_path: Path) -> None:
    given = ("run", public, "--max-experiments", "6", "--seed", "0", "--threads", "1")
    one, two = (finished(*given, "--runs-dir", tmp_path / name) for name in ("one", "two"))
    assert Path(one["submission"]).read_bytes() == Path(two["submission"]).read_bytes()
    experiments, _, steps = told(tmp_path / "one", one["run"])
    assert told(tmp_path / "two", two["run"])[0] == experiments
    assert steps


@pytest.mark.slow
def test_a_run_that_goes_on_has_the_steps_that_it_had(planted: Path, tmp_path: Path) -> None:
    given = (planted, "--seed", "0", "--threads", "1", "--families", "lightgbm")
    whole = here("run", *given, "--max-experiments", "5", "--runs-dir", tmp_path / "whole")
    part = here("run", *given, "--max-experiments", "3", "--runs-dir", tmp_path / "part")
    before = told(tmp_path / "part", part["run"])
    more = here("resume", part["run"], "--max-experiments", "5", "--runs-dir", tmp_path / "part")
    after = told(tmp_path / "part", part["run"])
    assert [a[: len(b)] for a, b in zip(after, before, strict=True)] == list(before)
    assert after == told(tmp_path / "whole", whole["run"])
    assert Path(more["submission"]).read_bytes() == Path(whole["submission"]).read_bytes()


def test_switched_off_nothing_is_screened_but_what_is_forced_is_used(public: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("force:\n  - digit(promised_hours, 0)\nforbid:\n  - route\n", encoding="utf-8")
    given = ("--no-feature-search", "--features", file, "--max-experiments", "3", "--runs-dir", tmp_path / "runs")
    summary = here("run", public, *given)
    experiments, features, steps = told(tmp_path / "runs", summary["run"])
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
def test_of_shuffled_targets_no_more_groups_are_kept_than_chance_would_keep(public: Path, tmp_path: Path) -> None:
    """With a count of experiments nothing depends on the clock, so that the same groups are tested every time."""
    test_columns = pd.read_csv(public / "test.csv").columns
    tested, kept = 0, 0
    for seed in range(4):
        shuffled = tmp_path / f"shuffled{seed}"
        shutil.copytree(public, shuffled)
        train = pd.read_csv(shuffled / "train.csv")
        (target,) = (c for c in train.columns if c not in test_columns)
        train[target] = np.random.default_rng(seed).permutation(train[target].to_numpy())
        train.to_csv(shuffled / "train.csv", index=False)
        given = ("--max-experiments", "6", "--seed", "0", "--threads", "2", "--families", "lightgbm")
        summary = finished("run", shuffled, *given, "--runs-dir", tmp_path / f"runs{seed}")
        with ledger_of(tmp_path / f"runs{seed}") as ledger:
            rows = ledger.features(summary["run"])
        of_kept = {r.experiment for r in rows if r.status == "kept"}
        assert bool(summary["features"]) == bool(of_kept)
        assert ("none was kept" in summary["text"]) == (not of_kept)
        tested += len({r.experiment for r in rows if r.status in ("kept", "dropped")})
        kept += len(of_kept)
    assert tested >= 4  # else nothing was put to the test
    assert kept <= stats.binom.ppf(0.95, tested, PICKS_CHANCE)


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


def test_a_gain_that_not_every_fold_has_is_told_as_that() -> None:
    assert in_words(Comparison(0.5, 0.1, 20), taken=True).endswith("did not choose them")
    assert in_words(Comparison(0.1, 0.5, 20), taken=False).endswith("within the noise")
    assert in_words(Comparison(0.5, 0.1, 20, everywhere=False), taken=False).endswith("not in each fold")
    assert in_words(Comparison(-0.5, 0.1, 20, everywhere=False), taken=False).endswith("did not choose them")
