"""Which experiment is proposed next, from the finished ones, the costs and the time that is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import best_of_families
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals.policy import Policy
from medalist.agent.proposals.sampler import FEW_OBSERVATIONS, MOST_OBSERVATIONS, observations
from medalist.agent.proposals.variations import Variations
from medalist.agent.score import Score
from medalist.agent.workers.costs import Costs
from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

EVALUATION = Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((1, 1)), 1.0, 0.1, {})
TREES = ("lightgbm", "xgboost", "trees")
NONE: Mapping[str, float] = {}


def scored(number, family, loss, arm, *, features=("number(a)",), params=None, idea=None, gain=0.0, **recipe):
    params = {"learning_rate": 0.1, "number": number} if params is None else params
    proposal = Proposal(Pipeline.of(features, family, params, **recipe), "", None, arm, idea)
    score = Score(loss, 0.1, loss, np.ones(20))
    return Record(number, proposal, "keep", "", score=score, evaluation=EVALUATION, gain=gain)


def crashed(number, family, arm, *, features=("number(a)",)):
    proposal = Proposal(Pipeline.of(features, family, {"number": number}), "", None, arm)
    return Record(number, proposal, "crash", "", error="Traceback …")


def policy_of(families=TREES, *, rows=200, **options):
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=rows + 100), "b": np.arange(rows + 100) % 7})
    cards = describe_columns(frame[:rows], frame[rows:])
    return Policy(cards, families, Costs(int(0.8 * rows), 1), rows, 5, 2, 0, **{"noise_unit": 0.1} | options)


def all_portfolios(families, losses=NONE):
    """A first model and every portfolio entry of these families, without gains; a family's loss is 1 if not given."""
    entries = [
        (name, idea, params)
        for name in families
        for idea, params in zip(FAMILIES[name].portfolio_ids, FAMILIES[name].portfolio, strict=True)
    ]
    return [scored(0, families[0], losses.get(families[0], 1.0), "start")] + [
        scored(number, name, losses.get(name, 1.0), f"portfolio:{name}", idea=idea, params=params)
        for number, (name, idea, params) in enumerate(entries, 1)
    ]


def proposals(policy: Policy, history: list[Record], count: int, losses=NONE) -> Iterator[Proposal]:
    """The next proposals, each of which becomes an experiment without a gain before the next one is made."""
    history = list(history)
    for _ in range(count):
        proposal = policy.propose(history, len(history), float("inf"))
        if proposal is None:
            return
        yield proposal
        loss = losses.get(proposal.pipeline.family, 1.0)
        score = Score(loss, 0.1, loss, np.ones(20))
        history.append(Record(len(history), proposal, "discard", "", score=score, evaluation=EVALUATION))


def test_a_second_entry_is_not_expected_to_gain_what_the_first_did():
    """That a family was new to the ensemble is no evidence for its next entry: others' first entries come before it."""
    policy = policy_of()
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
    policy = policy_of(("lightgbm", "trees"), rows=3000)
    seconds = [policy.costs.expected_fit_seconds(FAMILIES["trees"], 3, entry) for entry in FAMILIES["trees"].portfolio]
    ids = FAMILIES["trees"].portfolio_ids
    dearest = ids[int(np.argmax(seconds))]
    gains = {idea: 3.0 if idea == dearest else 2.0 for idea in ids}
    policy.experience = Experience.of(
        (f"{idea}{run}", "portfolio:trees", idea, gain) for run in range(9) for idea, gain in gains.items()
    )
    score = Score(1.0, 0.1, 1.0, np.ones(20))
    history = [Record(0, policy.first(), "keep", "", score=score, evaluation=EVALUATION)]
    proposed = [policy.propose(history, 1, seconds) for seconds in np.geomspace(0.1, 1000, 60)]
    ideas = [p.idea for p in proposed if p is not None and p.arm == "portfolio:trees"]
    assert ideas[-1] == dearest
    assert ideas[0] != dearest


def test_a_far_better_stack_does_not_end_the_tuning_of_what_it_is_made_from():
    history = all_portfolios(TREES)
    stack = scored(50, "lightgbm", 0.5, "stack:lightgbm", stacked=("a", "b"))
    assert best_of_families([*history, stack], TREES) == best_of_families(history, TREES)
    arms = {p.arm for p in proposals(policy_of(noise_unit=0.001), [*history, stack], 30)}
    assert {f"tune:{name}" for name in TREES} <= arms


def test_a_family_far_behind_is_not_tuned():
    families, losses = ("lightgbm", "trees"), {"trees": 2.0}
    policy = policy_of(families, noise_unit=0.01)
    arms = {p.arm for p in proposals(policy, all_portfolios(families, losses), 30, losses)}
    assert "tune:lightgbm" in arms
    assert "tune:trees" not in arms
    losses = {"trees": 1.01}
    assert "tune:trees" in {p.arm for p in proposals(policy, all_portfolios(families, losses), 30, losses)}


def test_one_model_of_all_targets_is_tried_where_chained_ones_take_too_long():
    params = {"learning_rate": 0.1, "rounds": 300}
    history = [scored(k, "catboost", 1.0 - k / 10, "portfolio:catboost", params=params) for k in range(2)]
    policy = policy_of(("catboost",), variations=Variations(0, ("catboost",), multi_target=True))
    policy.experience = Experience({("targets", None): (3000.0, 1000)})  # nothing else is worth as much
    policy.costs.n_targets = 20
    seconds = {
        p.pipeline.parameters["targets"]: policy.seconds(p.pipeline)
        for p in policy.variations.proposals(history)
        if p.arm == "targets"
    }

    def way(seconds_left):
        proposal = policy.propose(history, 2, seconds_left)
        assert proposal is not None
        assert proposal.arm == "targets"
        return proposal.pipeline.parameters["targets"]

    assert seconds["native"] < seconds["chained"]
    assert way(10 * seconds["chained"]) == "chained"
    assert way(2.5 * seconds["native"]) == "native"


def test_a_family_that_fails_is_given_up_but_not_for_failing_features_and_stacks():
    history = all_portfolios(("lightgbm", "trees"))
    policy = policy_of(("lightgbm", "trees"))

    def tuned(arm):
        failed = [crashed(90 + k, "lightgbm", arm, features=(f"f{k}",)) for k in range(3)]
        return {p.arm for p in proposals(policy, [*history, *failed], 10)}

    assert "tune:lightgbm" in tuned("features")
    assert "tune:lightgbm" in tuned("stack:lightgbm")
    assert "tune:lightgbm" not in tuned("tune:lightgbm")
    assert "tune:trees" in tuned("tune:lightgbm")


@given(st.lists(st.integers(0, 999).map(lambda k: k / 1000), min_size=1, max_size=300), st.integers(0, 40))
def test_the_sampler_gets_the_best_and_the_latest(losses, others):
    history = [scored(k, "lightgbm", loss, "tune:lightgbm") for k, loss in enumerate(losses)]
    elsewhere = [scored(1000 + k, "lightgbm", 5.0 + k, "tune:lightgbm", features=("x",)) for k in range(others)]
    best = min(history, key=lambda r: r.loss)
    given_losses = observations(best, [*elsewhere, *history])
    numbers = [params["number"] for params, _ in given_losses]
    least = min(loss for _, loss in given_losses)
    assert least == pytest.approx(best.loss)  # what was tried on other features is as far from its own best
    assert len(given_losses) <= MOST_OBSERVATIONS
    assert best.number in numbers
    assert history[-1].number in numbers
    assert any(n >= 1000 for n in numbers) == (others > 0 and len(losses) < FEW_OBSERVATIONS)


def test_arms_that_gain_nothing_take_turns():
    """The best of them would otherwise take all the time of a night: the others were tried when there was less."""
    arms = [p.arm for p in proposals(policy_of(), all_portfolios(TREES), 40)]
    counts = {name: arms[10:].count(f"tune:{name}") for name in TREES}
    assert min(counts["lightgbm"], counts["xgboost"]) >= 5
    assert 1 <= counts["trees"] < min(counts["lightgbm"], counts["xgboost"])


@pytest.mark.parametrize(
    ("gains", "again"), [([0.3] * 20, True), ([0.0] * 20, False), ([0.3] * 20 + [0.0] * 60, False)]
)
def test_an_arm_that_gains_goes_on_and_one_that_gained_long_ago_does_not(gains, again):
    families = ("lightgbm", "xgboost")
    tuned = [scored(50 + k, "lightgbm", 1.0, "tune:lightgbm", gain=gain) for k, gain in enumerate(gains)]
    proposal = policy_of(families).propose([*all_portfolios(families), *tuned], 200, float("inf"))
    assert proposal is not None
    assert (proposal.arm == "tune:lightgbm") == again


def test_what_earlier_runs_gained_counts_until_the_run_knows_better():
    families = ("lightgbm", "xgboost")
    policy = policy_of(families, experience=Experience({("tune:xgboost", None): (300.0, 100)}))
    history = all_portfolios(families)
    proposal = policy.propose(history, 50, float("inf"))
    assert proposal is not None
    assert proposal.arm == "tune:xgboost"
    tuned = [scored(50 + k, "xgboost", 1.0, "tune:xgboost") for k in range(300)]
    proposal = policy.propose([*history, *tuned], 400, float("inf"))
    assert proposal is not None
    assert proposal.arm != "tune:xgboost"
