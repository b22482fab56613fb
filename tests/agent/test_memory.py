"""--memory: what a job takes is expected before it starts; what would not fit is made smaller, runs alone or fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from command_line import call
from test_search import proposal, search_of
from test_workers import long, outcomes, short, training_input

from medalist.agent.experiment import Proposal
from medalist.agent.nights.schema import validate
from medalist.agent.run.affordable import refuse_too_little, refuse_unreadable
from medalist.agent.search.admission import Admission
from medalist.agent.workers.allowance import parse_memory, size_text
from medalist.agent.workers.child import sample_rows
from medalist.agent.workers.footprints import IDLE, Footprints
from medalist.agent.workers.local import Workers
from medalist.agent.workers.machine import held_together
from medalist.competitions.errors import BudgetError, InputError
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.pipeline import Pipeline

GIB = 1 << 30
COLUMNS = 50


def pipeline(name: str = "lightgbm", **params: Any) -> Pipeline:
    features = [f"number(x{i})" for i in range(COLUMNS)]
    return Pipeline.of(features, name, dict(FAMILIES[name].portfolio[0]) | params)


def footprints(rows: int = 4_000_000) -> Footprints:
    return Footprints(rows, rows // 4, rows // 8, 1)


def admission(room: int, rows: int = 4_000_000, count: int = 2) -> Admission:
    pool: Any = SimpleNamespace(room=room, count=count)
    return Admission(pool, footprints(rows))


def experiment(name: str = "lightgbm", arm: str = "") -> Proposal:
    return Proposal(pipeline(name), "tried", None, arm or f"tune:{name}")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8G", 8 * GIB),
        ("8GiB", 8 * GIB),
        ("1.5g", 3 * GIB // 2),
        ("700M", 700 << 20),
        ("8GB", 8 * 1000**3),
        ("1t", 1024 * GIB),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_memory(text) == size


def test_a_share_is_of_what_the_machine_has() -> None:
    assert parse_memory("100%") <= psutil.virtual_memory().total
    assert parse_memory("50%") == pytest.approx(parse_memory("100%") / 2, rel=1e-6)


@pytest.mark.parametrize("text", ["", "8", "G", "-8G", "8 apples", "0%", "101%", "100M", "8G%"])
def test_what_is_no_size_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(BudgetError, match=r"write 8G|give"):
        parse_memory(text)


@pytest.mark.parametrize("name", FAMILIES)
def test_more_rows_and_columns_are_expected_to_take_more(name: str) -> None:
    few, many = footprints(20_000), footprints(40_000)
    assert IDLE < few.expected(pipeline(name), COLUMNS) < many.expected(pipeline(name), COLUMNS)
    assert few.expected(pipeline(name), COLUMNS) < few.expected(pipeline(name), 4 * COLUMNS)
    assert few.expected(pipeline(name, fit_rows=2000), COLUMNS) < few.expected(pipeline(name), COLUMNS)


def test_what_was_measured_replaces_what_was_expected() -> None:
    model = footprints()
    before = model.expected(pipeline(), COLUMNS)
    model.learn(pipeline(), COLUMNS, before // 2)
    assert before // 2 <= model.expected(pipeline(), COLUMNS) < 0.6 * before
    other = pipeline(num_leaves=7)
    assert model.expected(other, COLUMNS) < before  # of the same family
    of_others = footprints().expected(pipeline("xgboost"), COLUMNS)
    assert model.expected(pipeline("xgboost"), COLUMNS) == of_others


def test_what_was_killed_for_its_memory_is_expected_to_need_more() -> None:
    model = footprints()
    before = model.expected(pipeline(), COLUMNS)
    model.learn(pipeline(), COLUMNS, before // 4, killed=True)  # while others held the rest
    assert model.expected(pipeline(), COLUMNS) == before
    model.learn(pipeline(), COLUMNS, 2 * before, killed=True)
    assert model.expected(pipeline(), COLUMNS) > 2 * before


def test_the_most_rows_that_fit() -> None:
    model = footprints()
    assert model.most_rows(pipeline(), COLUMNS, 100 * GIB) == model.rows
    assert model.most_rows(pipeline(), COLUMNS, 1 << 20) == 0
    rows = model.most_rows(pipeline(), COLUMNS, 2 * GIB)
    assert 0 < rows < model.rows
    assert model.expected(pipeline(), COLUMNS, rows) <= 2 * GIB < model.expected(pipeline(), COLUMNS, rows + 1000)


def test_what_fits_runs_as_it_is() -> None:
    assert admission(100 * GIB).admitted(experiment()) == experiment()


def test_what_does_not_fit_is_fitted_on_fewer_rows() -> None:
    made = admission(2 * GIB).admitted(experiment())
    assert isinstance(made, Proposal)
    rows = made.pipeline.parameters["fit_rows"]
    assert 400_000 <= rows < 4_000_000
    assert f"on {rows:,} of 4,000,000 rows" in made.reason
    assert footprints().expected(made.pipeline, COLUMNS) <= 2 * GIB
    assert made.pipeline.hash != experiment().pipeline.hash


def test_what_does_not_fit_even_so_is_refused_with_figures() -> None:
    reason = admission(1 * GIB).admitted(experiment())
    assert isinstance(reason, str)
    needed = footprints().expected(pipeline(), COLUMNS)
    assert reason.startswith(f"refused before it started: it would need {size_text(needed)} of 1.0 GiB")


def test_a_test_of_features_is_never_made_smaller() -> None:
    reason = admission(2 * GIB).admitted(experiment(arm="features"))
    assert isinstance(reason, str)
    assert "could not be compared" in reason


def test_a_sample_of_rows_is_the_same_again_and_in_order() -> None:
    rows = np.arange(0, 3000, 3)
    one = sample_rows(rows, 100, 7)
    assert len(one) == 100
    assert (np.diff(one) > 0).all()
    assert set(one) <= set(rows)
    assert (one == sample_rows(rows, 100, 7)).all()
    assert (one != sample_rows(rows, 100, 8)).any()
    assert sample_rows(rows, None, 7) is rows
    assert sample_rows(rows, 5000, 7) is rows


def test_a_refused_experiment_is_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    known = Footprints(160, 40, 40, 1)
    large = proposal(1).pipeline.changed(family="trees")
    known.learn(large, 1, 1 << 50)  # a million GiB
    proposals = [proposal(9), replace(proposal(1), pipeline=large), proposal(2)]
    search = search_of(tmp_path, proposals, max_experiments=3, footprints=known)
    search.run(lambda: None)
    assert [r.verdict for r in search.records] == ["keep", "memory", "keep"]
    assert search.records[1].verdict_reason.startswith("refused before it started: it would need 1")
    assert all(job.pipeline != large for job in search.workers.handed_out)  # type: ignore[attr-defined]


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(2)
    workers.start(training_input(tmp_path))
    yield workers
    workers.close()


def test_large_jobs_run_one_after_another(pool: Workers) -> None:
    large = int(0.7 * pool.room)
    assert pool.has_room(short=False, needed=large)
    pool.submit(replace(long(1), memory=large))
    assert not pool.has_room(short=False, needed=large)
    assert not pool.has_room(short=False)  # not known: an equal share
    assert pool.has_room(short=False, needed=large // 10)
    pool.cancel_all()
    assert pool.has_room(short=False, needed=10 * pool.room)  # alone, and watched


def test_jobs_come_back_with_the_most_memory_that_they_held(pool: Workers) -> None:
    pool.submit(short(1))
    (got,) = outcomes(pool, 1)
    assert 10 << 20 < got.peak < 1 * GIB


def test_pages_shared_after_a_fork_count_once(pool: Workers) -> None:
    pool.submit(short(1))
    pool.submit(short(2))
    outcomes(pool, 2)
    together, alone = held_together(pool.pids), [held_together([pid]) for pid in pool.pids]
    assert min(alone) > 0
    assert together == pytest.approx(sum(alone), rel=0.2)
    resident = sum(psutil.Process(pid).memory_info().rss for pid in pool.pids)
    assert together < resident


def test_a_limit_is_for_all_processes_of_the_run() -> None:
    workers = Workers(2, memory=4 * GIB)
    workers.fit_to_memory(1, own=3 * GIB, exact=True)
    assert workers.room == 1 * GIB
    assert workers.memory_limit == GIB // 2
    workers.fit_to_memory(0.8 * GIB, own=3 * GIB, exact=True)
    assert (workers.count, workers.threads) == (1, 2)
    workers.fit_to_memory(1, own=5 * GIB, exact=True)
    assert workers.room == 0


def test_too_little_memory_for_the_data_is_refused_with_what_is_needed() -> None:
    refuse_too_little(footprints(), pipeline(), 2 * GIB, 8 * GIB)
    with pytest.raises(BudgetError, match=r"at least 3\.\d GiB of memory, and there are 2\.0 GiB: .* 4G"):
        refuse_too_little(footprints(), pipeline(), 2 * GIB, 2 * GIB)


def test_a_table_that_cannot_even_be_read_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "train.csv").open("wb") as stream:
        stream.write(b"id,x,target\n1,2,3\n")
        stream.truncate(2 * GIB)  # a sparse file
    with pytest.raises(BudgetError, match=r"train.csv holds 2\.0 GiB .* least 1\.9 GiB .* give --memory 2G"):
        refuse_unreadable(str(tmp_path), GIB)
    refuse_unreadable(str(tmp_path), 2 * GIB)
    refuse_unreadable(str(tmp_path / "nowhere"), 1)


def test_the_command_line_refuses_what_is_no_size(tmp_path: Path) -> None:
    for command in (("run", tmp_path), ("resume", "last"), ("demo",)):
        done = call(*command, "--memory", "much", "--runs-dir", tmp_path / "runs")
        assert done.returncode == 2
        assert "Cannot read the memory 'much': write 8G, 500M or 50%." in done.stderr


def test_nights_take_a_limit_for_each_competition() -> None:
    entry = {"path": "titanic", "memory": "8G"}
    assert validate({"competitions": [entry]}, "nights.yaml").competitions[0].memory == "8G"
    with pytest.raises(InputError, match=r"memory of competition 1 .* must be a size such as 8G"):
        validate({"competitions": [entry | {"memory": "lots"}]}, "nights.yaml")
