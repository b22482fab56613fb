"""What a run tries once its usual proposals bring nothing: when that is, and what is stacked and screened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from medalist.agent.experiment import Proposal, Record
from medalist.agent.proposals import late_features
from medalist.agent.proposals.exhaustion import LEAST_EXPERIMENTS, LEAST_SECONDS, RECENT, is_late
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.late import OF_FAMILY, RENEWED, offers
from medalist.agent.proposals.offers import Situation
from medalist.agent.proposals.policy import Policy
from medalist.agent.score import Score
from medalist.agent.workers.costs import Costs
from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

FAMILIES = ("lightgbm", "catboost", "linear")
COLUMNS = tuple(f"number(x{i})" for i in range(10))
BLOCKS = 1.0 + np.linspace(-1, 1, 20)  # of a loss whose standard error is about .14


def record(number: int, family: str, loss: float = 1.0, arm: str = "", gain: float = 0.0, **recipe: object) -> Record:
    params = {"learning_rate": 0.05, "rounds": 100, "draw": number}
    evaluation = Evaluation(np.full((4, 1), loss), np.zeros((2, 1)), np.ones((1, 1)), 1.0, 0.1, {})
    pipeline = Pipeline.of(recipe.pop("features", COLUMNS), family, params, **recipe)  # type: ignore[arg-type]
    proposal = Proposal(pipeline, "why", None, arm or f"tune:{family}")
    score = Score(loss, 0.1, loss, BLOCKS)
    return Record(number, proposal, "keep", "", score=score, evaluation=evaluation, gain=gain, seconds=20.0)


@pytest.fixture
def night() -> list[Record]:
    """As many experiments as a late run has at least, of which the first gained."""
    first = record(0, "lightgbm", 1.1, "start")
    rest = [record(n, FAMILIES[n % 3], 1.0 + n / 1000) for n in range(1, LEAST_EXPERIMENTS + 2)]
    return [first, replace(rest[0], gain=1.0), *rest[1:]]


def made(history: Sequence[Record], left: float = float("inf")) -> dict[str, Proposal]:
    frame = pd.DataFrame({f"x{i}": np.arange(300) * (i + 1.0) for i in range(10)})
    policy = Policy(describe_columns(frame[:200], frame[200:]), FAMILIES, Costs(160, 1), 200, 5, 2, 0)
    situation = Situation(history, len(history), left)
    found = {offer.arm: offer.make() for offer in offers(policy, Expectations(noise_unit=0.1), situation)}
    return {arm: proposal for arm, proposal in found.items() if proposal is not None}


def test_a_run_is_late_where_the_last_usual_experiments_gained_nothing(night):
    assert is_late(night, 2, by_clock=False)
    assert not is_late(night[: LEAST_EXPERIMENTS - 1], 2, by_clock=False)
    assert not is_late([*night[:-1], replace(night[-1], gain=0.01)], 2, by_clock=False)
    stacked_late = [record(len(night) + k, "linear", arm="stack:many", gain=1.0) for k in range(RECENT)]
    assert is_late([*night, *stacked_late], 2, by_clock=False)  # what late runs try does not end it
    assert is_late([*night, Record.placeholder(night[-1].proposal)], 2, by_clock=False)


def test_by_the_clock_a_run_is_late_only_after_as_long_as_a_short_one_takes(night):
    enough = int(sum(r.seconds for r in night) / LEAST_SECONDS)
    assert is_late(night, enough, by_clock=True)
    assert not is_late(night, enough + 1, by_clock=True)


def test_nothing_of_it_is_offered_before(night):
    assert made(night[:-3]) == {}
    assert {"stack:many"} == set(made(night))


def test_stacks_of_many_have_three_of_each_family_and_come_by_turns(night):
    proposal = made(night)["stack:many"]
    of_hash = {r.pipeline.hash: r for r in night}
    below = [of_hash[h] for h in proposal.pipeline.stacked]
    for name in FAMILIES:
        best = sorted((r for r in night if r.pipeline.family == name and r.arm != "start"), key=lambda r: r.loss or 0)
        assert [r for r in night if r in below and r.pipeline.family == name] == best[:OF_FAMILY]
    history = [*night, replace(record(len(night), "linear"), proposal=proposal)]
    second = made(history)["stack:many"]
    assert second.pipeline.family != proposal.pipeline.family
    history.append(replace(record(len(history), "linear"), proposal=second))
    after = [record(len(history) + k, "lightgbm", 0.9 - k / 1000) for k in range(RENEWED)]
    assert "stack:many" not in made([*history, *after[:-1]])
    again = made([*history, *after])["stack:many"].pipeline
    assert after[-1].pipeline.hash in again.stacked
    assert proposal.pipeline.hash not in again.stacked


def test_what_leads_is_the_mean_of_families_that_are_not_far_behind(night):
    models = [replace(night[0], number=0), record(1, "lightgbm", 0.5), record(2, "catboost", 0.6)]
    far = record(3, "linear", 9.0)
    np.testing.assert_allclose(late_features.leading([*models, far]), np.full((4, 1), 0.55))
    assert late_features.leading([]) is None


def test_each_screening_without_a_gain_waits_for_more_experiments(night):
    pause = late_features.PAUSE
    assert late_features.due(night[: pause + 2], since=0, fruitless=1)
    assert not late_features.due(night[: pause + 1], since=0, fruitless=1)
    assert not late_features.due(night[: pause + 2], since=0, fruitless=2)
