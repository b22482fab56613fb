"""Experiments made from earlier ones: what is proposed when, and what stacks and pseudo-labels are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import demo, here
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.agent.experiment import Proposal, Record
from medalist.agent.proposals.column_views import ColumnViews
from medalist.agent.proposals.stacking import MOST_BASES, RENEWED, bases_of
from medalist.agent.proposals.variations import Variations, prior_of
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.agent.score import Score
from medalist.agent.search.jobs import sources_of
from medalist.agent.workers.jobs import Job, Sources, TrainingInput
from medalist.agent.workers.local import Workers
from medalist.pipelines.features.base_sets import Encoding
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.fitting.stacking import as_columns
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

FAMILIES = ("lightgbm", "catboost", "linear", "trees")
BOOSTED = {"learning_rate": 0.05, "rounds": 1000}
ENCODINGS = ("target_mean(x)", "count(x)")
ENCODING = Encoding("x", True, ENCODINGS)
EVALUATION = Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((1, 1)), 1.0, 0.1, {})


def record(number: int, family: str, loss: float, arm: str = "", parent: int | None = None, **recipe: Any) -> Record:
    params = recipe.pop("params", {**BOOSTED, "draw": number} if family in ("lightgbm", "catboost") else {"a": number})
    pipeline = Pipeline.of(("number(x)",), family, params, **recipe)
    proposal = Proposal(pipeline, "why", parent, arm or f"portfolio:{family}")
    score = Score(loss, 0.1, loss, np.full(20, loss))
    return Record(number, proposal, "keep", "", score=score, evaluation=EVALUATION, keeps_fold_tests=True)


@pytest.fixture
def history() -> list[Record]:
    """A first model and the opening: one of each family, LightGBM in the lead."""
    first = record(0, "lightgbm", 1.0, "start")
    losses = (("lightgbm", 0.8), ("catboost", 0.85), ("linear", 1.5), ("trees", 1.1), ("lightgbm", 0.9))
    return [first, *(record(i, name, loss) for i, (name, loss) in enumerate(losses, 1))]


def proposals(history: list[Record], **options: Any) -> dict[str, Proposal]:
    return {p.arm: p for p in Variations(seed=0, families=FAMILIES, **options).proposals(history)}


def test_each_family_is_tried_on_the_classes_of_the_target_the_best_first(history):
    views = (("classes", "the values"), ("cumulative", "the limits"))
    assert not any(arm.startswith("view:c") for arm in proposals(history))
    made = proposals(history, views=views)
    assert {made[f"view:{name}"].pipeline.target for name, _ in views} == {"classes", "cumulative"}
    assert made["view:classes"].parent == 1
    tried = record(6, "lightgbm", 0.9, "view:classes", 1, target="classes")
    again = proposals([*history, tried], views=views)
    assert (again["view:classes"].parent, again["view:cumulative"].parent) == (2, 1)
    assert proposals(history[:1], views=views) == {}
    assert all(prior_of(f"view:{name}") > 0 for name, _ in views)


def test_a_first_model_alone_is_changed_by_nothing(history):
    assert proposals(history[:1], transformations=[("log", "why")], multi_target=True) == {}


def test_each_arm_changes_one_thing_of_the_best(history):
    made = proposals(history, transformations=[("log", "skewed"), ("sqrt", "skewed")], losses=["tweedie"])
    best = history[1].pipeline
    assert made["slow"].pipeline == best.changed(params=best.parameters | {"learning_rate": 0.02, "rounds": 2500})
    assert made["target"].pipeline == best.changed(target="log")
    assert made["loss"].pipeline == best.changed(params=best.parameters | {"loss": "tweedie"})
    assert made["pseudo"].pipeline == best.changed(pseudo=best.hash)
    assert all(p.parent == 1 for arm, p in made.items() if not arm.startswith("stack"))
    assert all(prior_of(arm) > 0 for arm in made)


def test_a_transformation_that_failed_is_not_tried_with_another_family_and_one_that_gained_is(history):
    two = [("log", "skewed"), ("sqrt", "skewed")]
    failed = [*history, record(6, "lightgbm", 0.95, "target", 1, params=history[1].pipeline.parameters, target="log")]
    assert proposals(failed, transformations=two)["target"].pipeline.target == "sqrt"
    gained = [*history, record(6, "lightgbm", 0.7, "target", 1, params=history[1].pipeline.parameters, target="log")]
    again = proposals(gained, transformations=two)["target"].pipeline
    assert (again.target, again.family) == ("log", "catboost")


def test_a_family_that_draws_nothing_at_random_gets_no_other_seed(history):
    made = proposals([*history, record(6, "linear", 0.1)])["seed"]
    assert (made.parent, made.pipeline.family) == (1, "lightgbm")


def test_another_target_is_fitted_by_its_own_loss(history):
    best = record(6, "lightgbm", 0.5, "loss", 1, params={**BOOSTED, "loss": "tweedie"})
    made = proposals([*history, best], transformations=[("ranks", "skewed")])["target"].pipeline
    assert (made.target, made.parameters) == ("ranks", BOOSTED)


def test_stacks_are_made_from_the_best_of_each_family_and_made_anew_when_there_is_more(history):
    made = proposals(history)
    hashes = {history[n].pipeline.hash for n in (1, 2, 3, 4, 5)}
    assert hashes <= set(made["stack:linear"].pipeline.stacked)
    assert made["stack:linear"].pipeline.features == made["stack:lightgbm"].pipeline.features == ()
    assert made["stack:wide"].pipeline.features == history[1].pipeline.features
    stacked = record(6, "linear", 0.75, "stack:linear", stacked=made["stack:linear"].pipeline.stacked)
    later = [record(7 + i, "lightgbm", 0.79 - i / 1000) for i in range(RENEWED)]
    assert "stack:linear" not in proposals([*history, stacked, *later[:-1]])
    again = proposals([*history, stacked, *later])["stack:linear"].pipeline
    assert stacked.pipeline.hash not in again.stacked  # no stack upon stacks
    assert later[-1].pipeline.hash in again.stacked


def test_nothing_is_stacked_where_rows_lack_predictions_or_a_person_does_not_want_it(history):
    assert not any(arm.startswith("stack") for arm in proposals(history, stacking=False))
    made = proposals(history, stackable=False)
    assert not any(arm.startswith("stack") or arm == "pseudo" for arm in made)


def test_several_targets_are_chained_and_then_fitted_at_once_where_a_family_can(history):
    variations = Variations(seed=0, families=FAMILIES, multi_target=True)
    first, second = (p.pipeline for p in variations.proposals(history) if p.arm == "targets")
    assert first == history[1].pipeline.changed(params=history[1].pipeline.parameters | {"targets": "chained"})
    assert (second.family, second.parameters["targets"]) == ("catboost", "native")
    chained = [*history, record(6, "lightgbm", 0.9, "targets", 1, params=first.parameters)]
    assert [p.pipeline for p in variations.proposals(chained) if p.arm == "targets"] == [second]
    assert "targets" not in proposals(history)


def views(history: list[Record], arm: str, **options: Any) -> list[Proposal]:
    variations = Variations(seed=0, families=FAMILIES, columns=ColumnViews((ENCODING,), 1, **options))
    return [p for p in variations.proposals(history) if p.arm == arm]


def test_each_boosted_family_takes_whole_numbers_for_categories_once(history):
    codes = ("code(x)",)
    assert "view:codes" not in proposals(history)
    variations = Variations(seed=0, families=FAMILIES, columns=ColumnViews(codes=codes))
    made = [p for p in variations.proposals(history) if p.arm == "view:codes"]
    assert [p.pipeline.family for p in made] == ["lightgbm", "catboost"]
    assert all(p.pipeline.features == codes for p in made)
    assert made[0].pipeline.parameters == history[1].pipeline.parameters
    tried = record(6, "lightgbm", 0.7, "view:codes", 1)
    left = [p for p in variations.proposals([*history, tried]) if p.arm == "view:codes"]
    assert [p.pipeline.family for p in left] == ["catboost"]


def test_each_boosted_family_sees_the_encodings_beside_its_features_and_alone_once(history):
    assert not any(arm.startswith("view") for arm in proposals(history))
    beside, alone = views(history, "view:beside"), views(history, "view:alone", forced=("number(z)",))
    leaders = history[1].pipeline, history[2].pipeline  # of the two families that boost
    assert [p.pipeline for p in beside] == [p.changed(features=("number(x)", *ENCODINGS)) for p in leaders]
    assert [p.pipeline for p in alone] == [p.changed(features=("number(z)", *ENCODINGS)) for p in leaders]
    seen = Record(6, beside[0], "keep", "", score=Score(0.1, 0.1, 0.1, np.full(20, 0.1)), evaluation=EVALUATION)
    assert views([*history, seen], "view:beside") == beside[1:]
    tuned = replace(seen, number=7, proposal=replace(beside[0], arm="tune:lightgbm"))
    assert views([*history, seen, tuned], "view:alone") == views(history, "view:alone")  # made from the columns' best


def test_where_there_is_no_room_for_all_encodings_those_of_the_columns_that_are_used_most_are_taken(history):
    of_town = Encoding("town", False, ("target_mean(town)", "count(town)"))
    numbers = [Encoding(c, True, (f"target_mean({c})", f"count({c})")) for c in "xyz"]
    counts = tuple(encoding.features[1] for encoding in (of_town, *numbers))
    columns = ColumnViews((of_town, *numbers), 2, counts)
    shares = {"number(y)": 0.7, "number(x)": 0.3}
    fitted = [replace(r, evaluation=replace(EVALUATION, importance=shares)) for r in history]
    made = proposals(fitted, columns=columns)
    assert made["view:alone"].pipeline.features == (*of_town.features, "target_mean(y)", "count(y)")
    assert made["view:counts"].pipeline.features == ("number(x)", *counts)
    seen = replace(fitted[1], number=6, proposal=made["view:counts"])
    left = Variations(seed=0, families=FAMILIES, columns=columns).proposals([*fitted, seen])
    assert [p.pipeline.family for p in left if p.arm == "view:counts"] == ["lightgbm"]


def test_a_view_that_adds_nothing_is_not_tried(history):
    nothing = Encoding("x", True, ("number(x)",))
    made = proposals(history, columns=ColumnViews((nothing,), 1))
    assert not any(arm.startswith("view") for arm in made)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FAMILIES), st.floats(0, 2)), max_size=30), st.randoms())
def test_bases_hold_the_leaders_whatever_the_order(drawn, rng):
    records = [record(i, name, loss) for i, (name, loss) in enumerate(drawn)]
    bases = bases_of(records)
    assert len(bases) == min(MOST_BASES, len(records))
    assert len({r.number for r in bases}) == len(bases)
    assert [r.score.loss for r in bases] == sorted(r.score.loss for r in bases)
    for name in {r.pipeline.family for r in records}:
        assert any(r.pipeline.family == name for r in bases)
    rng.shuffle(records)
    assert bases_of(records) == bases


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_stacked_columns_keep_the_order_of_predictions(seed):
    p = np.random.default_rng(seed).random((30, 1))
    p[:2, 0] = 0, 1
    for problem in (
        Problem("binary", 1, 2, "logloss", False),
        Problem("regression", 1, 0, "l2", True),
        Problem("regression", 1, 0, "l1", False),
    ):
        columns = as_columns(problem, p)
        assert columns.shape == p.shape
        assert np.isfinite(columns).all()
        assert (np.diff(columns[np.argsort(p[:, 0]), 0]) >= 0).all()
    shares = np.exp(as_columns(Problem("multiclass", 1, 2, "logloss", False), np.hstack([p, 1 - p])))
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-3)


TRAIN, TEST = 60, 40
LINEAR = {"alpha": 0.001, "knots": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a child process reads: a column of noise, targets, and five folds."""
    folder = tmp_path_factory.mktemp("child")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=TRAIN + TEST)})
    FeatureStore.create(folder / "store", "abc", frame[:TRAIN], frame[TRAIN:])
    np.save(folder / "targets.npy", rng.normal(size=(TRAIN, 1)))
    fold_of_row = np.arange(TRAIN) % 5
    rows = {f"fit_{k}": np.flatnonzero(fold_of_row != k) for k in range(5)}
    np.savez(folder / "folds.npz", **rows, **{f"valid_{k}": np.flatnonzero(fold_of_row == k) for k in range(5)})
    return folder


@pytest.fixture(scope="module")
def child(folder: Path) -> Iterator[Workers]:
    workers = Workers(1)
    problem = Problem("regression", 1, 0, "l2", False)
    workers.start(TrainingInput(folder / "store", "abc", TRAIN, TEST, problem, folder / "targets.npy", 1 << 30))
    yield workers
    workers.close()


def fold_result(child: Workers, folder: Path, pipeline: Pipeline, fold: int, sources: Sources) -> FoldResult:
    """Of one fold in the child process."""
    child.submit(Job(0, "fold", pipeline, fold, folder / "folds.npz", sources=sources))
    outcomes: list[Any] = []
    while not outcomes:
        outcomes = child.poll(60.0)
    assert isinstance(outcomes[0].result, FoldResult), outcomes[0].error
    return outcomes[0].result


def journal_of(folder: Path, *tests: np.ndarray) -> Journal:
    """The journal of a run whose experiments predict the targets perfectly, and test by these values."""
    journal = Journal("run", folder, None, Predictions.create(folder), None, print)  # type: ignore[arg-type]
    for number, test in enumerate(tests):
        evaluation = Evaluation(np.load(folder.parent / "targets.npy"), test, np.ones((1, 1)), 1.0, 0.1, {})
        journal.predictions.keep(number, evaluation)
        journal.restore(replace(record(number, "linear", 1.0), evaluation=evaluation))
    return journal


def test_pseudo_labels_of_a_fold_come_from_the_model_of_that_fold(child: Workers, folder: Path) -> None:
    journal = journal_of(folder / "pseudo", np.zeros((TEST, 1)))
    journal.predictions.keep_fold_tests(0, [np.full((TEST, 1), 10.0 * k) for k in range(5)])
    pipeline = Pipeline.of(("number(x)",), "linear", LINEAR, pseudo=journal.records[0].pipeline.hash)
    sources = sources_of(pipeline, journal)
    means = [float(fold_result(child, folder, pipeline, k, sources).valid.mean()) for k in (0, 1, 3)]
    assert means[1] - means[0] > 1.0  # the rows with labels 10 higher pull predictions up, and three times as far
    assert means[2] - means[0] == pytest.approx(3 * (means[1] - means[0]), rel=0.3)
    elsewhere = {pipeline.pseudo: (np.zeros((12, 1)), np.full((TEST, 1), 30.0))}
    given = fold_result(child, folder, pipeline, 3, sources_of(pipeline, journal, elsewhere))
    assert float(given.valid.mean()) == pytest.approx(means[2], abs=0.05)


def test_a_stack_is_fitted_on_the_predictions_of_its_bases_and_a_child_forgets_them(
    child: Workers, folder: Path
) -> None:
    journal = journal_of(folder / "stack", np.full((TEST, 1), 0.5), np.full((TEST, 1), -0.5))

    def predicted(number: int, **options: Any) -> float:
        """For test, by a stack upon one experiment: what that predicts, since it is perfect on train."""
        pipeline = Pipeline.of((), "linear", LINEAR, stacked=(journal.records[number].pipeline.hash,))
        return float(fold_result(child, folder, pipeline, 0, sources_of(pipeline, journal, **options)).test.mean())

    assert [predicted(number) for number in (0, 1)] == pytest.approx([0.5, -0.5], abs=0.02)
    evaluation = journal.records[0].evaluation
    assert evaluation is not None
    journal.predictions.keep(0, replace(evaluation, test=np.full((TEST, 1), 0.8)))
    assert predicted(0) == pytest.approx(0.8, abs=0.02)  # read again: a night's predictions do not fit into memory
    elsewhere = {r.pipeline.hash: (np.zeros((12, 1)), np.full((TEST, 1), -0.8)) for r in journal.records}
    assert predicted(0, predicted=elsewhere) == pytest.approx(-0.8, abs=0.02)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("derived")
    options = ("--max-experiments", "14", "--no-feature-search", "--runs-dir", folder / "runs")
    return folder, here("run", demo(folder / "demo"), *options)


@pytest.mark.slow
def test_a_run_stacks_and_still_ends_with_a_confirmed_score(run):
    _, summary = run
    log = (Path(summary["submission"]).parent / "log.txt").read_text(encoding="utf-8")
    assert "on the predictions of #" in log
    assert "Seeds alone change the loss by about" in log
    assert summary["confirmed_on_fresh_folds"]
    assert not {"crash", "timeout", "memory"} & set(summary["verdicts"])


@pytest.mark.slow
def test_a_run_without_stacking_has_no_stack(run):
    folder, with_stacks = run
    options = ("--max-experiments", "14", "--no-feature-search", "--no-stacking", "--runs-dir", folder / "without")
    summary = here("run", next(folder.rglob("public")), *options)
    log = (Path(summary["submission"]).parent / "log.txt").read_text(encoding="utf-8")
    assert "on the predictions of #" not in log
    assert with_stacks["experiments"] == summary["experiments"] == 14
