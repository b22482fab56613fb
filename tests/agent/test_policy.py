"""Which experiment comes next, from what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.experiment import Proposal, Record
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals.policy import Policy, _fails
from medalist.agent.proposals.tuning import FEW_PAST, MOST_PAST, past
from medalist.agent.proposals.variations import Derived
from medalist.agent.score import Score
from medalist.agent.workers.costs import Costs
from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

EVALUATION = Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((1, 1)), 1.0, 0.1, {})


def test_a_second_entry_is_not_expected_to_gain_what_the_first_did():
    """That a family was new to the ensemble says nothing of what follows: others' first entries come before it."""
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300), "b": np.arange(300) % 7})
    cards = describe_columns(frame[:200], frame[200:])
    policy = Policy(cards, ("lightgbm", "xgboost", "trees"), Costs(160, 1), 200, 5, 2, 0, noise_unit=0.1)
    firsts = {FAMILIES[name].portfolio_ids[0] for name in policy.families}
    history: list[Record] = []
    for number in range(5):
        proposal = policy.propose(history, number, float("inf")) if history else policy.first()
        assert proposal is not None
        score = Score(1.0 - number / 100, 0.1, 1.0 - number / 100, np.ones(20))
        gain = 0.3 if proposal.idea in firsts else 0.0
        history.append(Record(number, proposal, "keep", "", score=score, evaluation=EVALUATION, gain=gain))
    assert {r.arm for r in history[1:4]} == {"portfolio:lightgbm", "portfolio:xgboost", "portfolio:trees"}
    assert [r.idea in firsts for r in history[1:]] == [True, True, True, False]


def test_where_the_best_entry_does_not_fit_into_the_time_a_quicker_one_is_tried():
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=4000), "b": np.arange(4000) % 7})
    cards = describe_columns(frame[:3000], frame[3000:])
    policy = Policy(cards, ("lightgbm", "trees"), Costs(2400, 1), 3000, 5, 2, 0, noise_unit=0.1)
    seconds = [policy.costs.guess(FAMILIES["trees"], 3, entry) for entry in FAMILIES["trees"].portfolio]
    ids = FAMILIES["trees"].portfolio_ids
    dearest = ids[int(np.argmax(seconds))]
    gains = {i: 3.0 if i == dearest else 2.0 for i in ids}
    told_before = [(f"{i}{run}", "portfolio:trees", i, gain) for run in range(9) for i, gain in gains.items()]
    policy.experience = Experience.of(told_before)
    first = policy.first()
    history = [Record(0, first, "keep", "", score=Score(1.0, 0.1, 1.0, np.ones(20)), evaluation=EVALUATION)]
    told = [policy.propose(history, 1, seconds) for seconds in np.geomspace(0.1, 1000, 60)]
    ideas = [p.idea for p in told if p is not None and p.arm == "portfolio:trees"]
    assert ideas[-1] == dearest
    assert ideas[0] != dearest


def scored(number, family, loss, arm, *, features=("number(a)",), params=None, **more):
    pipeline = Pipeline.of(
        features, family, {"learning_rate": 0.1, "number": number} if params is None else params, **more
    )
    score = Score(loss, 0.1, loss, np.ones(20))
    return Record(number, Proposal(pipeline, "", None, arm), "keep", "", score=score, evaluation=EVALUATION)


def a_policy(**options):
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300), "b": np.arange(300) % 7})
    cards = describe_columns(frame[:200], frame[200:])
    return Policy(cards, ("lightgbm", "xgboost", "trees"), Costs(160, 1), 200, 5, 2, 0, **options)


def test_a_far_better_stack_does_not_end_the_tuning_of_what_it_is_made_from():
    history = [scored(k, name, 1.0, f"portfolio:{name}") for k, name in enumerate(("lightgbm", "xgboost", "trees"))]
    stack = scored(50, "lightgbm", 0.5, "stack:lightgbm", stacked=("a", "b"))
    policy = a_policy(noise_unit=0.001)
    for name in ("lightgbm", "xgboost", "trees"):
        assert policy._nearness(name, policy._leaders([*history, stack])) == 1.0


def test_one_model_of_all_targets_is_tried_where_chained_ones_take_too_long():
    params = {"learning_rate": 0.1, "rounds": 300}
    history = [scored(k, "catboost", 1.0 - k, "portfolio:catboost", params=params) for k in range(2)]
    policy = a_policy(noise_unit=0.1, derived=Derived(0, ("catboost",), several=True))
    policy.costs.n_targets = 20

    def ways(seconds):
        found = policy._derived(history, set(), seconds)
        return [p.pipeline.parameters["targets"] for _, arm, p in found if arm == "targets"]

    seconds = {
        way: policy.seconds(p.pipeline)
        for arm, p in policy.derived.proposals(history)
        if arm == "targets"
        for way in [p.pipeline.parameters["targets"]]
    }
    assert seconds["native"] < seconds["chained"]
    assert ways(10 * seconds["chained"]) == ["chained"]
    assert ways(2.5 * seconds["native"]) == ["native"]


def test_failing_features_and_stacks_do_not_end_a_family():
    failed = [replace(scored(k, "lightgbm", 1.0, arm), error="x") for k, arm in enumerate(["features"] * 3)]
    assert not _fails("lightgbm", failed)
    assert _fails("lightgbm", [replace(r, proposal=replace(r.proposal, arm="tune:lightgbm")) for r in failed])


@given(st.lists(st.integers(0, 999).map(lambda k: k / 1000), min_size=1, max_size=300), st.integers(0, 40))
def test_the_sampler_is_told_of_the_best_and_the_latest(losses, others):
    history = [scored(k, "lightgbm", loss, "tune:lightgbm") for k, loss in enumerate(losses)]
    elsewhere = [scored(1000 + k, "lightgbm", 5.0 + k, "tune:lightgbm", features=("x",)) for k in range(others)]
    best = min(history, key=lambda r: r.loss)
    told = past(best, [*elsewhere, *history])
    numbers = [params["number"] for params, _ in told]
    assert min(loss for _, loss in told) == pytest.approx(
        best.loss
    )  # what was tried elsewhere is as far from its own best
    assert len(told) <= MOST_PAST
    assert best.number in numbers
    assert history[-1].number in numbers
    assert any(n >= 1000 for n in numbers) == (others > 0 and len(losses) < FEW_PAST)


def test_arms_that_gain_nothing_take_turns():
    """The best of them would otherwise take all the time of a night: the others were tried when there was less."""
    policy = Policy((), ("lightgbm", "xgboost", "catboost"), Costs(1000, 1), 1000, 5, 2, 0, noise_unit=0.1)
    priors = {"tune:lightgbm": 0.04, "tune:xgboost": 0.03, "seed": 0.01}
    history: list[Record] = []
    for number in range(300):
        arm = max(priors, key=lambda arm: policy._expected(arm, priors[arm], history))
        proposal = Proposal(Pipeline.of(("number(a)",), "lightgbm", {}), "why", None, arm)
        history.append(Record(number, proposal, "discard", ""))
    last = [r.arm for r in history[150:]]
    assert {arm: last.count(arm) for arm in priors} == pytest.approx(
        {arm: 150 * prior / 0.08 for arm, prior in priors.items()}, abs=3
    )


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=60), st.floats(0, 1))
def test_what_an_arm_is_expected_to_gain_lies_between_what_is_told_and_what_it_gained(gains, prior):
    policy = Policy((), ("lightgbm",), Costs(1000, 1), 1000, 5, 2, 0, noise_unit=0.1)
    pipeline = Pipeline.of(("number(a)",), "lightgbm", {})
    history = [Record(n, Proposal(pipeline, "why", None, "seed"), "keep", "", gain=g) for n, g in enumerate(gains)]
    told = policy._expected("seed", prior, history)
    units = [g / 0.1 for g in gains]
    assert min([prior, *units]) - 1e-9 <= told <= max([prior, *units]) + 1e-9
    steady = [replace(r, gain=0.05) for r in history] * 20
    assert policy._expected("seed", prior, steady) == pytest.approx(0.5, abs=0.04)
