"""The search: in which order experiments are handed out, pruned and recorded. Its child processes are played by a
script, which says what each fold's model predicts and which job ends next."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from synthetic import fold_set, referee, run_data

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.agent.search.jobs import Active
from medalist.agent.search.loop import Search
from medalist.agent.search.recording import Recorder
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline

ROWS, TEST = 200, 8
Y = np.random.default_rng(0).normal(size=(ROWS, 1))
ERRORS = np.random.default_rng(1).normal(size=(ROWS, 1))


class ScriptedWorkers:
    """Child processes whose jobs end one at a time: always the one with the smallest `place`."""

    threads = 1
    room = 1 << 40

    def __init__(self, count: int, outcome: Callable[[Job], Outcome], place: Callable[[Job], Any]):
        self.count = self.cores = count
        self.running: list[Job] = []
        self.handed_out: list[Job] = []
        self._outcome, self._place = outcome, place

    @property
    def idle(self) -> int:
        return self.count - len(self.running)

    def has_room(self, *, short: bool, needed: int = 0) -> bool:  # noqa: ARG002 - as of Workers
        return self.idle > 0

    def submit(self, job: Job) -> None:
        self.running.append(job)
        self.handed_out.append(job)

    def poll(self, timeout: float) -> list[Outcome]:  # noqa: ARG002 - as of Workers
        if not self.running:
            return []
        job = min(self.running, key=self._place)
        self.running.remove(job)
        return [self._outcome(job)]

    def cancel(self, keys: Collection[int]) -> None:
        self.running = [job for job in self.running if job.key not in keys]

    def cancel_all(self) -> None:
        self.running = []


def proposal(error: float, arm: str = "portfolio:linear", parent: int | None = None, **more: Any) -> Proposal:
    """Of a model whose predictions are off by so much."""
    return Proposal(Pipeline.of(("number(x)",), "linear", {"error": error, **more}), "why", parent, arm)


def predictions(job: Job, folds: int) -> Outcome:
    """A fold's predictions, which are off by the `error` of the job's pipeline."""
    rows = np.flatnonzero(np.arange(ROWS) % folds == job.fold)
    error = job.pipeline.parameters["error"]
    valid = Y[rows] + (error + 0.01 * (job.replicate > 0)) * ERRORS[rows]
    return Outcome(job, "ok", FoldResult(valid, np.zeros((TEST, 1)), (1,), 1, 0.1, 0.0), None, 0.1)


def search_of(
    folder: Path,
    proposals: list[Proposal],
    *,
    folds: int = 1,
    count: int = 2,
    max_experiments: int | None = None,
    place: Callable[[Job], Any] = lambda _: 0,
    outcome: Callable[[Job, int], Outcome] = predictions,
    **options: Any,
) -> Search:
    """A search that makes these proposals, one after another."""
    (folder / "run").mkdir(parents=True)
    data = run_data(folder / "run", Y, store=SimpleNamespace(has=lambda _: True))
    evaluated = fold_set(Y, np.arange(ROWS) % folds)
    judge = referee(data, evaluated)
    ledger = Ledger(folder / "ledger.sqlite")
    run_id = ledger.start_run("synthetic", {}, {"folds": {}}, "abc", 0, folder / "run")
    schema = Schema({"x": "number"})
    journal = Journal(run_id, folder / "run", ledger, Predictions.create(folder / "run"), schema, lambda _: None)
    left = iter(proposals[1:])
    policy = SimpleNamespace(first=lambda: proposals[0], propose=lambda *_: next(left, None), noise_unit=0.0)
    written: Any = SimpleNamespace(
        submit_first_fold=lambda *_: None, submit_champion=lambda *_: None, write_seconds=0.0
    )
    fields: dict[str, Any] = {
        "features": FeatureSearch(judge.features, schema, frozenset(), enabled=False),
        "policy": policy,
        "workers": ScriptedWorkers(count, lambda job: outcome(job, folds), place),
        "costs": Costs(160, 1),
        "budget": Budget(time.monotonic(), float("inf")),
        "stopped": lambda: False,
        "closing_seconds": lambda _: 0.0,
    }
    return Search(Recorder(judge, journal, written), max_experiments=max_experiments, **fields | options)


def errors_of(records: list[Record]) -> list[float]:
    """What identifies the proposals of these experiments."""
    return [r.pipeline.parameters["error"] for r in records]


@pytest.mark.parametrize(("most", "recorded"), [(None, [9, 2, 3, 1]), (4, [9, 1, 2, 3])])
def test_what_has_ended_does_not_wait_for_a_slow_experiment_but_in_runs_to_be_repeated(
    tmp_path: Path, most: int | None, recorded: list[float]
) -> None:
    place = {9: 0, 2: 1, 3: 2, 1: 3}  # of the end, by the model's error: the second proposal is the slow one
    search = search_of(
        tmp_path,
        [proposal(error) for error in (9, 1, 2, 3)],
        max_experiments=most,
        place=lambda job: place[job.pipeline.parameters["error"]],
    )
    search.run(lambda: None)
    assert errors_of(search.records) == recorded
    assert [r.number for r in search.records] == [0, 1, 2, 3]
    with search.recorder.journal.ledger as ledger:
        rows = ledger.experiments(search.recorder.journal.run_id)
    assert [(r.number, r.pipeline_hash) for r in rows] == [(r.number, r.pipeline.hash) for r in search.records]


def test_the_best_leads_and_seeds_tell_the_noise(tmp_path: Path) -> None:
    search = search_of(tmp_path, [proposal(error) for error in (1.0, 0.5, 2.0)], max_experiments=3)
    search.run(lambda: None)
    assert search.leaders.best == 1
    assert search.leaders.champion is not None
    assert search.leaders.champion.ensemble.weights == {1: 1.0}
    assert [r.verdict for r in search.records] == ["keep", "keep", "discard"]
    assert search.recorder.journal.noise_floor() == search.leaders.noise_floor is not None


def crash_of(errors: Collection[float], nan: Collection[float] = ()) -> Callable[[Job, int], Outcome]:
    """Models with these errors crash; those in `nan` predict something that is no number."""

    def outcome(job: Job, folds: int) -> Outcome:
        made = predictions(job, folds)
        if job.pipeline.parameters["error"] in errors:
            return Outcome(job, "crash", None, "Traceback …\nValueError: no", 0.1)
        if job.pipeline.parameters["error"] in nan:
            assert isinstance(made.result, FoldResult)
            made.result.valid[0] = np.nan
        return made

    return outcome


def test_a_model_that_fails_or_predicts_no_numbers_is_a_crash_and_the_search_goes_on(tmp_path: Path) -> None:
    search = search_of(
        tmp_path,
        [proposal(error) for error in (1.0, 0.1, 0.2, 0.5)],
        folds=3,
        max_experiments=4,
        outcome=crash_of([0.1], nan=[0.2]),
    )
    search.run(lambda: None)
    by_error = {r.pipeline.parameters["error"]: r for r in search.records}
    assert {error: r.verdict for error, r in by_error.items()} == {1.0: "keep", 0.1: "crash", 0.2: "crash", 0.5: "keep"}
    assert by_error[0.1].verdict_reason == "ValueError: no"
    assert "not all numbers" in by_error[0.2].verdict_reason
    assert all(r.error for r in search.records if r.verdict == "crash")
    assert search.leaders.best == by_error[0.5].number


@pytest.mark.parametrize("backwards", [False, True])
def test_what_falls_behind_is_pruned_by_the_same_rule_whatever_order_folds_end_in(
    tmp_path: Path, backwards: bool
) -> None:
    search = search_of(
        tmp_path,
        [proposal(1.0), proposal(1.0, "tune:linear", 0, alpha=1), proposal(3.0, "tune:linear", 0)],
        folds=5,
        count=5,
        max_experiments=3,
        place=lambda job: (job.key, -job.fold if backwards else job.fold),
    )
    search.run(lambda: None)
    one, equal, behind = search.records
    assert one.score is not None
    assert equal.verdict != "pruned"
    assert (behind.verdict, behind.verdict_reason) == ("pruned", "behind the best of its family after 2 folds")
    losses = [search.pruner.loss(Y[k::5] + 3.0 * ERRORS[k::5], k) for k in range(2)]
    assert behind.early_loss == pytest.approx(one.score.loss + np.mean(losses) - np.mean(one.fold_losses[:2]))


def test_what_runs_at_a_request_to_end_may_be_tried_again(tmp_path: Path) -> None:
    requests = iter([False, False])
    search = search_of(
        tmp_path, [proposal(error) for error in (1.0, 0.5)], folds=2, stopped=lambda: next(requests, True), count=1
    )
    search.run(lambda: None)
    assert [(r.verdict, r.verdict_reason, r.cut_short) for r in search.records] == [("timeout", "interrupted", True)]
    assert search.workers.running == []


# seconds


BOOSTED = {"learning_rate": 0.1, "rounds": 500}


def costly_search(folder: Path) -> Search:
    """A search of 300 s over a table of which a single fold of boosting takes longer than that."""
    costs = Costs(300_000, 500)
    assert costs.expected_fit_seconds(FAMILIES["lightgbm"], 40, BOOSTED) > 300
    return search_of(folder, [proposal(1.0)], costs=costs, budget=Budget(time.monotonic(), 300))


def boosted(number: int) -> Active:
    pipeline = Pipeline.of([f"number(x{i})" for i in range(40)], "lightgbm", BOOSTED)
    return Active(number, Proposal(pipeline, "why", None, "start"), [], None)


def test_the_first_experiment_leaves_time_for_others(tmp_path: Path) -> None:
    jobs = costly_search(tmp_path).jobs
    first, second = (jobs.folds(boosted(number))[0].soft_seconds for number in range(2))
    assert first <= 0.25 * 300 < second


def test_a_fold_that_was_killed_shows_what_it_costs_at_least(tmp_path: Path) -> None:
    search = costly_search(tmp_path)
    search.under_way.active = [active := boosted(1)]
    job = search.jobs.folds(active)[0]
    before = search.costs.expected_fold_seconds(job.pipeline, 40)
    search.intake.take(Outcome(job, "timeout", error="Killed", seconds=10 * before))
    assert search.costs.expected_fold_seconds(job.pipeline, 40) > 5 * before


def test_with_many_workers_the_folds_of_what_may_be_pruned_wait_for_its_first_ones(tmp_path: Path) -> None:
    behind = [proposal(3.0, "tune:linear", 0, alpha=i) for i in range(12)]
    search = search_of(tmp_path, [proposal(1.0), *behind], folds=5, count=10, place=lambda job: (job.key, job.fold))
    search.run(lambda: None)
    assert [r.verdict for r in search.records] == ["keep", *["pruned"] * 12]
    assert isinstance(search.workers, ScriptedWorkers)
    folds = [sum(job.key == number for job in search.workers.handed_out) for number in range(13)]
    assert folds[1:8] == [2] * 7  # the last ones get further folds, where nothing else is left to do


def test_with_many_workers_jobs_wait_ready(tmp_path: Path) -> None:
    proposals = [proposal(1.0 + i) for i in range(12)]
    search = search_of(tmp_path, proposals, folds=5, count=10, place=lambda job: (job.key, job.fold))
    ready: list[int] = []

    def tick() -> None:
        if search.records and not search.workers.idle and search.next_number < len(proposals):
            ready.append(sum(len(a.waiting) for a in search.under_way.active))

    search.run(tick)
    assert len(search.records) == len(proposals)
    assert ready
    assert min(ready) >= 1


@pytest.mark.parametrize(("count", "written"), [(2, 4), (10, 2)])
def test_with_many_workers_submissions_take_a_small_share_of_the_time(tmp_path: Path, count: int, written: int) -> None:
    proposals = [proposal(2.0 / 2**i) for i in range(4)]  # each leads
    search = search_of(tmp_path, proposals, count=count, place=lambda job: job.key)
    submitted = []
    search.recorder.submissions = SimpleNamespace(  # type: ignore[assignment]
        submit_first_fold=lambda *_: None,
        submit_champion=lambda champion, _: submitted.append(champion),
        write_seconds=10.0,
    )
    search.run(lambda: None)
    assert len(submitted) == written
    assert submitted[-1] is search.leaders.champion
