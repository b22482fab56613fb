"""Parameters from Optuna, from the experiments alone."""

import numpy as np
import optuna
import pytest

from medalist.agent.proposals.sampler import ask
from medalist.pipelines.estimators.registry import FAMILIES


@pytest.mark.parametrize("name", FAMILIES)
def test_equal_past_and_seed_give_equal_parameters(name):
    fam = FAMILIES[name]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    observations = [(fam.space(study.ask()), float(i)) for i in range(6)]
    first = ask(fam, observations, seed=4)
    assert ask(fam, observations, seed=4) == first
    assert ask(fam, observations, seed=5) != first
    assert ask(fam, observations, seed=10**14)


def test_the_past_guides():
    fam = FAMILIES["linear"]
    rng = np.random.default_rng(0)
    observations = [
        ({"alpha": float(a), "knots": 0, "weights": "equal"}, abs(np.log(a / 30)))
        for a in np.exp(rng.uniform(np.log(0.01), np.log(300), 40))
    ]
    drawn = [ask(fam, observations, seed=s)["alpha"] for s in range(20)]
    assert 5 < np.median(drawn) < 150


def test_entries_outside_the_space_do_not_stop_it():
    fam = FAMILIES["lightgbm"]
    observations = [(dict(fam.portfolio[0]), 0.5), ({"rounds": 9}, 0.1)]
    assert ask(fam, observations, seed=0)["num_leaves"] >= 6
