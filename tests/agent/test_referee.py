"""The referee: verdicts of finished experiments, what leads a run by them, and simpler ensembles to compare with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import fold_set, referee, run_data

from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.judging.champion import BEST, BEST_OF_FAMILY, Leaders, candidates
from medalist.agent.judging.referee import Judgement, Referee
from medalist.agent.score import Score
from medalist.agent.search.jobs import Active
from medalist.agent.search.pruning import Pruner
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

ROWS, FOLDS = 600, 5
Y = np.random.default_rng(0).normal(size=(ROWS, 1))


@pytest.fixture
def judge(tmp_path: Path) -> Referee:
    return referee(run_data(tmp_path, Y), fold_set(Y, np.arange(ROWS) % FOLDS))


def judged(judge: Referee, history: list[Record], oof: np.ndarray, leaders: Leaders, **more: Any) -> Judgement:
    """The next experiment, whose out-of-fold predictions these are."""
    number = len(history)
    options = {"arm": "tune:linear", "idea": None, "features": ("number(x)",), "stacked": ()} | more
    pipeline = Pipeline.of(options["features"], "linear", {"number": number}, stacked=options["stacked"])
    proposal = Proposal(pipeline, "why", None, options["arm"], options["idea"])
    evaluation = Evaluation(oof, np.zeros((9, oof.shape[1])), np.ones((FOLDS, 1)), 1.0, 0.1, {})
    return judge.judge(number, proposal, evaluation, 1.0, (), history, leaders)


def off_by(scale: float, seed: int) -> np.ndarray:
    return Y + scale * np.random.default_rng(seed).normal(size=Y.shape)


def test_the_better_leads_and_what_helps_beside_it_is_kept(judge: Referee) -> None:
    first = judged(judge, [], off_by(1.0, 1), Leaders(), arm="start")
    assert (first.record.verdict, first.leaders.best) == ("keep", 0)
    better = judged(judge, [first.record], off_by(0.4, 2), first.leaders)
    assert (better.record.verdict, better.leaders.best) == ("keep", 1)
    history = [first.record, better.record]
    worse = judged(judge, history, off_by(5.0, 3), better.leaders)
    assert (worse.record.verdict, worse.record.gain, worse.leaders) == ("discard", 0.0, better.leaders)
    beside = judged(judge, history, off_by(0.42, 4), better.leaders)  # not better, but with errors of its own
    assert beside.record.verdict == "keep"
    assert beside.record.gain > 0
    assert beside.leaders.best == 1
    assert beside.leaders.champion is not None
    assert set(beside.leaders.champion.ensemble.weights) >= {1, 2}
    assert [len(r.fold_scores) for r in (*history, beside.record)] == [FOLDS] * 3


def test_a_gain_below_the_noise_of_seeds_does_not_make_an_experiment_better(judge: Referee) -> None:
    first = judged(judge, [], off_by(1.0, 1), Leaders(), arm="start")
    slightly = Y + 0.99 * (off_by(1.0, 1) - Y)
    clear, below = (
        judged(judge, [first.record], slightly, replace(first.leaders, noise_floor=floor)).record
        for floor in (0.001, 0.5)
    )
    assert clear.verdict == "keep"
    assert "the ensemble gains" not in clear.verdict_reason
    assert below.verdict == "keep"
    assert "the ensemble gains" in below.verdict_reason  # which is why it is kept


def test_features_that_are_not_adopted_take_part_in_nothing(judge: Referee) -> None:
    first = judged(judge, [], off_by(1.0, 1), Leaders(), arm="start")
    on_screened_rows = np.where(judge.features.held_out(0)[:, None], off_by(1.0, 1), Y)  # perfect where it was chosen
    features = ("number(x)", "number(z)")
    test = judged(judge, [first.record], on_screened_rows, first.leaders, arm=ARM, idea="0:picks", features=features)
    assert (test.record.verdict, test.record.adopted, test.leaders) == ("discard", False, first.leaders)
    assert test.trial is not None
    assert test.trial.incumbent is first.record
    adopted = judged(judge, [first.record], off_by(0.3, 2), first.leaders, arm=ARM, idea="0:picks", features=features)
    assert (adopted.record.verdict, adopted.record.adopted, adopted.leaders.best) == ("keep", True, 1)


@pytest.mark.parametrize("part", ["oof", "test"])
def test_predictions_that_are_no_numbers_are_a_crash(judge: Referee, part: str) -> None:
    arrays = {"oof": Y.copy(), "test": np.zeros((9, 1))}
    arrays[part][3] = np.inf
    evaluation = Evaluation(arrays["oof"], arrays["test"], np.ones((FOLDS, 1)), 1.0, 0.1, {})
    proposal = Proposal(Pipeline.of(("number(x)",), "linear", {}), "why", None, "start")
    judgement = judge.judge(0, proposal, evaluation, 1.0, (), [], Leaders())
    assert (judgement.record.verdict, judgement.leaders) == ("crash", Leaders())
    assert "not all numbers" in (judgement.record.error or "")


def test_simpler_ensembles_are_a_blend_without_stacks_and_the_best_model(judge: Referee) -> None:
    records, leaders = [], Leaders()
    for seed in range(3):
        judgement = judged(judge, records, off_by(0.5, seed), leaders, arm="start" if not seed else "tune:linear")
        records, leaders = [*records, judgement.record], judgement.leaders
    stacked = tuple(r.pipeline.hash for r in records)
    stack = judged(judge, records, off_by(0.05, 9), leaders, arm="stack:linear", stacked=stacked)
    assert stack.leaders.champion is not None
    assert set(stack.leaders.champion.ensemble.weights) == {3}
    (plain,) = judge.alternatives(stack.leaders.champion, [*records, stack.record])  # the best model is the champion
    assert set(plain.ensemble.weights) <= {0, 1, 2}
    assert len(plain.ensemble.weights) > 1
    assert plain.score.loss > stack.leaders.champion.score.loss


def test_the_noise_floor_is_that_of_all_rows_and_unknown_where_the_metric_is(tmp_path: Path) -> None:
    binary = Problem("binary", 1, 2, "logloss", False)
    y = (np.arange(ROWS) < ROWS // 2).astype(float)[:, None]  # each of two folds holds one class
    one_class = referee(run_data(tmp_path, y, metric="auc", problem=binary), fold_set(y, (np.arange(ROWS) < 300) * 1))
    p = np.random.default_rng(0).random((2, 300, 1))
    assert one_class.noise_floor(p[0], p[1], fold=0) is None
    judge = referee(run_data(tmp_path, Y), fold_set(Y, np.arange(ROWS) % FOLDS))
    rows = judge.folds.positions[0]
    one, other = (Y[rows] + 0.5 * np.random.default_rng(s).normal(size=(len(rows), 1)) for s in (1, 2))
    floor = judge.noise_floor(one, other, fold=0)
    losses = [np.sqrt(np.mean((q - Y[rows]) ** 2)) for q in (one, other)]
    assert floor is not None
    assert floor >= abs(losses[0] - losses[1]) / np.sqrt(FOLDS) * 0.999
    assert judge.noise_floor(one, one, fold=0) == 0.0


def test_of_many_experiments_the_best_of_all_and_of_each_family_are_candidates() -> None:
    def record(number: int, family: str, arm: str = "tune:x") -> Record:
        evaluation = Evaluation(np.zeros((2, 1)), np.zeros((1, 1)), np.ones((1, 1)), 1.0, 0.1, {})
        proposal = Proposal(Pipeline.of(("number(x)",), family, {"number": number}), "", None, arm)
        score = Score(float(number), 0.1, float(number), np.ones(20))
        return Record(number, proposal, "keep", "", score=score, evaluation=evaluation)

    history = [record(n, "lightgbm") for n in range(BEST + 20)] + [record(200 + n, "linear") for n in range(10)]
    tested = record(300, "linear", ARM)  # not adopted
    chosen = candidates([*history, tested], {BEST + 7}, record(400, "trees"))
    assert list(chosen) == [*range(BEST), BEST + 7, *(200 + n for n in range(BEST_OF_FAMILY)), 400]


def test_features_are_not_adopted_where_the_rows_that_judge_hold_one_class(tmp_path: Path) -> None:
    """Defect: AUC is undefined on them, and the error of the comparison ended the run without a close."""
    fold_of_row = np.arange(ROWS) % FOLDS
    y = (np.random.default_rng(0).random(ROWS) < 0.5)[:, None] & (fold_of_row > 1)[:, None]  # none in the judging folds
    y = y.astype(float)
    data = run_data(tmp_path, y, metric="auc", problem=Problem("binary", 1, 2, "logloss", False))
    judge = referee(data, fold_set(y, fold_of_row))
    p = np.clip(0.5 * y + np.random.default_rng(1).random(y.shape) / 2, 0.01, 0.99)
    first = judged(judge, [], p, Leaders(), arm="start")
    features = ("number(x)", "number(z)")
    test = judged(judge, [first.record], p, first.leaders, arm=ARM, idea="0:picks", features=features)
    assert (test.record.verdict, test.record.adopted, test.leaders) == ("discard", False, first.leaders)
    assert "cannot judge them" in test.record.verdict_reason
    reference = replace(first.record, fold_losses=(0.0,) * FOLDS)
    active = Active(1, test.record.proposal, [], reference)
    for k in (0, 1):
        active.results[k] = FoldResult(p[fold_of_row == k], p[:9], (1,), 1, 1.0, 0.1, {})
        active.losses[k] = 0.0
    assert Pruner(judge).verdict(active) is None  # it is tested in full
