"""Which experiment comes next, from what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agent.costs import Costs
from agent.judge import Score
from agent.policy import Policy
from agent.record import Record
from competitions.columns import describe_columns
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
