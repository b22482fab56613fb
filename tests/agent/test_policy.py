"""Which experiment comes next, from what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agent.costs import Costs
from agent.experience import Experience
from agent.judge import Score
from agent.policy import Policy
from agent.record import Record
from competitions.columns import describe_columns
from pipelines.estimators.families import FAMILIES
from pipelines.evaluate import Evaluation

EVALUATION = Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((1, 1)), 1.0, 0.1, {})


def test_a_second_entry_is_not_expected_to_gain_what_the_first_did():
    """That a family was new to the ensemble says nothing of what follows: others' first entries come before it."""
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300), "b": np.arange(300) % 7})
    cards = describe_columns(frame[:200], frame[200:])
    policy = Policy(cards, ("lightgbm", "xgboost", "trees"), Costs(160, 1), 200, 5, 2, 0, noise_unit=0.1)
    history: list[Record] = []
    for number in range(5):
        proposal = policy.propose(history, number, float("inf")) if history else policy.first()
        assert proposal is not None
        score = Score(1.0 - number / 100, 0.1, 1.0 - number / 100, np.ones(20))
        gain = 0.3 if proposal.idea == "0" else 0.0
        history.append(Record(number, proposal, "keep", "", score=score, evaluation=EVALUATION, gain=gain))
    assert {r.arm for r in history[1:4]} == {"portfolio:lightgbm", "portfolio:xgboost", "portfolio:trees"}
    assert [r.idea for r in history[1:]] == ["0", "0", "0", "1"]


def test_where_the_best_entry_does_not_fit_into_the_time_a_quicker_one_is_tried():
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=4000), "b": np.arange(4000) % 7})
    cards = describe_columns(frame[:3000], frame[3000:])
    policy = Policy(cards, ("lightgbm", "trees"), Costs(2400, 1), 3000, 5, 2, 0, noise_unit=0.1)
    seconds = [policy.costs.guess(FAMILIES["trees"], 3, entry) for entry in FAMILIES["trees"].portfolio]
    dearest = str(int(np.argmax(seconds)))
    gains = {str(i): 3.0 if str(i) == dearest else 2.0 for i in range(len(seconds))}
    told_before = [(f"{i}{run}", "portfolio:trees", i, gain) for run in range(9) for i, gain in gains.items()]
    policy.experience = Experience.of(told_before)
    first = policy.first()
    history = [Record(0, first, "keep", "", score=Score(1.0, 0.1, 1.0, np.ones(20)), evaluation=EVALUATION)]
    told = [policy.propose(history, 1, seconds) for seconds in np.geomspace(0.1, 1000, 60)]
    ideas = [p.idea for p in told if p is not None and p.arm == "portfolio:trees"]
    assert ideas[-1] == dearest
    assert ideas[0] != dearest
