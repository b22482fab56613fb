"""`medalist features`: what a run adopted and why, for people and for machines; and which features.yaml it obeys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import call, ledger_of

from medalist.agent.cli.main import main
from medalist.agent.config import RunConfig
from medalist.agent.run import run as running
from medalist.agent.run.run import RunResult
from medalist.agent.run.steering import steering_file
from medalist.competitions.errors import InputError, PipelineError
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import FeatureRow, ScreeningRow
from medalist.pipelines.features.language.steering import Steering, read_steering

Say = Callable[..., str]
HEAVY = ("pandas", "numpy", "sklearn", "scipy", "lightgbm", "catboost", "optuna", "pyarrow", "sqlalchemy")
DEVIATION = ("price - mean(price) by city", "number - mean(number) by category")
ROWS = (
    FeatureRow(*DEVIATION, 1, "candidate", 0.05, unit="residual"),
    FeatureRow("count(brand)", "count(category)", 1, "candidate", 0.031, unit="residual", reason="not its turn"),
    FeatureRow("rank(price)", "rank(number)", 1, "redundant", 0.02, unit="residual", reason="as number(price)"),
    FeatureRow(*DEVIATION, 1, "kept", 0.0123, 0.0021, "loss", 4),
    FeatureRow("a / b", "number / number", 2, "dropped", -0.0004, 0.001, "loss", 5, "within the noise of its folds"),
    FeatureRow("hour(sold_at)", "hour(date)", 2, "kept", 0.02, 0.003, "loss", 6),
    FeatureRow("number(age)", "number(number)", 0, "forced"),
    FeatureRow("code(street)", "code(category)", 3, "removed", 0.001, 0.0005, "loss", 7, "better without it"),
    FeatureRow("hour(sold_at)", "hour(date)", 3, "redundant", 0.01, unit="residual"),  # screened again
)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Calls the command line in this process and returns what it prints; it must end well and complain of nothing."""

    def say(*arguments: str | Path) -> str:
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        out, error = capsys.readouterr()
        assert (end.value.code, error) == (0, "")
        return out

    return say


def start(ledger: Ledger, run_id: str = "20260101-000000-aaaa", **config: Any) -> str:
    return ledger.start_run("late-parcels", config, {}, "ab", 0, "runs/x", run_id)


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """Runs with one that searched in three steps."""
    with ledger_of(tmp_path) as ledger:
        run_id = start(ledger)
        for step, screened, passed in ((1, 12_000, 80), (2, 300, 4), (3, 45, 0)):
            ledger.record_screening(run_id, ScreeningRow(step=step, screened=screened, passed=passed, seconds=2.5))
        ledger.add_features(run_id, ROWS)
        ledger.finish_run(run_id, "finished", {})
        start(ledger, "20260102-000000-bbbb")
    return tmp_path


def blocks(out: str) -> dict[str, list[str]]:
    """Lines of each table, by the first words of its header."""
    parts = [part.splitlines() for part in out.split("\n\n")[1:]]
    return {part[0].split("  ")[0]: part[1:] for part in parts}


def test_what_was_kept_with_gain_and_words_and_what_was_dropped_with_the_reason(say: Say, searched: Path) -> None:
    out = say("features", "20260101", "--runs-dir", searched)
    first, headline = out.splitlines()[:2]
    assert first.split() == ["20260101-000000-aaaa", "late-parcels", "finished"]
    assert headline == ("12,345 candidates screened in 3 steps, 4 passed, 3 tested, 2 kept, 1 forced, 1 taken away.")
    tables = blocks(out)
    kept = tables["kept"]
    assert [line.split("  ")[0] for line in kept] == ["hour(sold_at)", "price - mean(price) by city", "number(age)"]
    for part in ("0.0123", "± 0.0021", "loss", "#4", "price less its mean within city"):
        assert part in kept[1]
    assert kept[2].endswith("age as a number (forced)")
    assert tables["taken away"][0].startswith("code(street)")
    (dropped,) = tables["tried and dropped"]
    for part in ("a / b", "-0.0004", "± 0.001", "#5", "within the noise of its folds"):
        assert part in dropped
    assert "rank(price)" not in out
    assert "tested together" not in out
    assert "Of what passed, 1 repeats what others say, and 1 was not tested: --all lists them." in out


def test_all_lists_what_was_never_tested_too(say: Say, searched: Path) -> None:
    tables = blocks(say("features", "20260101", "--all", "--runs-dir", searched))
    assert set(tables) == {
        "kept", "taken away", "tried and dropped", "redundant", "passed the screening, not tested", "Next:",
    }  # fmt: skip
    (redundant,) = tables["redundant"]
    assert redundant.split("  ")[0] == "rank(price)"
    for part in ("2 %", "of the residual", "as number(price)"):
        assert part in redundant
    (candidate,) = tables["passed the screening, not tested"]
    assert "3.1 %" in candidate
    assert "not its turn" in candidate


def test_json_holds_every_row(say: Say, searched: Path) -> None:
    document = json.loads(say("features", "20260101", "--runs-dir", searched, "--json"))
    assert (document["run"], document["state"]) == ("20260101-000000-aaaa", "finished")
    assert [s["screened"] for s in document["searches"]] == [12_000, 300, 45]
    assert [f["text"] for f in document["features"]] == [row.text for row in ROWS]
    kept = document["features"][3]
    assert (kept["gain"], kept["standard_error"], kept["unit"], kept["experiment"]) == (0.0123, 0.0021, "loss", 4)
    assert kept["words"] == "price less its mean within city"
    assert kept["shape"] == "number - mean(number) by category"


DROPPED = FeatureRow("a / b", "number / number", 1, "dropped", 0.0, 0.1, "loss", 2, "within the noise")


@pytest.mark.parametrize(
    ("config", "search", "rows", "said"),
    [
        ({"feature_search": False}, None, (), "the search was switched off with --no-feature-search"),
        ({"feature_search": True}, None, (), "the run has made no search for features"),
        ({}, None, (), "the run has made no search for features"),
        ({}, (500, 0), (), "no candidate says more about what the model gets wrong than chance would"),
        ({}, (500, 3), (), "none of the candidates was tested"),
        ({}, (500, 1), (DROPPED,), "the only one that was tested did not improve the score beyond its noise"),
        (
            {},
            (500, 2),
            (DROPPED, FeatureRow("count(c)", "count(category)", 1, "dropped")),
            "none of the 2 that were tested improved the score beyond its noise",
        ),
    ],
)
def test_where_nothing_was_kept_it_says_so_and_why(
    say: Say, tmp_path: Path, config: dict[str, Any], search: tuple[int, int] | None, rows: Any, said: str
) -> None:
    with ledger_of(tmp_path) as ledger:
        run_id = start(ledger, **config)
        if search is not None:
            ledger.record_screening(run_id, ScreeningRow(step=1, screened=search[0], passed=search[1]))
        ledger.add_features(run_id, rows)
        assert f"\nNo feature was kept so far: {said}.\n" in say("features", run_id, "--runs-dir", tmp_path)
        ledger.finish_run(run_id, "finished", {})
        assert f"\nNo feature was kept: {said}.\n" in say("features", run_id, "--runs-dir", tmp_path)


def test_a_group_that_was_tested_together_is_shown_as_one(say: Say, tmp_path: Path) -> None:
    with ledger_of(tmp_path) as ledger:
        run_id = start(ledger)
        group = [FeatureRow(f"count({c})", "count(category)", 1, "kept", 0.1, 0.01, "loss", 2) for c in "ab"]
        ledger.add_features(run_id, group)
    out = say("features", run_id, "--runs-dir", tmp_path)
    assert "Features of one experiment were tested together: the gain is that of all of them." in out


def test_a_row_in_another_language_is_shown_as_it_is(say: Say, tmp_path: Path) -> None:
    with ledger_of(tmp_path) as ledger:
        run_id = start(ledger)
        ledger.add_features(run_id, [FeatureRow("{price} squared", "{number} squared", 1, "kept", 1.0, 0.1)])
    assert "{price} squared" in say("features", run_id, "--runs-dir", tmp_path)


@pytest.mark.parametrize(
    ("run", "said"), [("2026", "2 runs begin with '2026'"), ("2027", "has no run 2027"), ("%", "has no run %")]
)
def test_which_run_is_meant_must_be_clear(searched: Path, run: str, said: str) -> None:
    done = call("features", run, "--runs-dir", searched)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_heavy_is_imported(searched: Path) -> None:
    code = (
        "import sys\nfrom medalist.agent.cli.main import main\n"
        f"sys.argv = ['medalist', 'features', '20260101', '--all', '--runs-dir', {str(searched)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("flags", "search", "file", "status", "code"),
    [
        ((), True, None, "finished", 0),
        (("--no-feature-search",), False, None, "interrupted", 3),
        (("--feature-search", "--features", "mine.yaml"), True, "mine.yaml", "failed", 4),
    ],
)
def test_the_flags_and_the_exit_code_of_a_run(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    flags: tuple[str, ...],
    search: bool,
    file: str | None,
    status: str,
    code: int,
) -> None:
    configs: list[RunConfig] = []

    def run(config: RunConfig, *_: object, **__: object) -> RunResult:
        configs.append(config)
        return RunResult("20260101-000000-aaaa", tmp_path, {"status": status})

    monkeypatch.setattr(running, "run", run)
    with pytest.raises(SystemExit) as end:
        main(["run", str(tmp_path), "--max-experiments", "1", *flags])
    assert end.value.code == code
    (config,) = configs
    assert (config.feature_search, config.features_file) == (search, file)
    assert RunConfig.model_validate(json.loads(config.model_dump_json())) == config


def test_a_run_of_another_version_can_go_on() -> None:
    """Of an earlier one, before there was a search for features, or of a later one with an option more."""
    config = RunConfig.model_validate({"path": "x", "families": ["linear"], "option_of_later_versions": 3})
    assert config == RunConfig(path="x", families=("linear",), feature_search=True, features_file=None)


def put(path: Path, column: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"force:\n  - number({column})\n", encoding="utf-8")


def obeyed(config: RunConfig, root: Path) -> Steering:
    """What the features.yaml that a run reads wants of its features."""
    path = steering_file(config, root)
    return Steering() if path is None else read_steering(path)


def test_the_file_that_is_nearest_to_what_was_given_is_obeyed(tmp_path: Path) -> None:
    root, tasks, mine = tmp_path / "titanic", tmp_path / "tasks", tmp_path / "mine.yaml"
    root.mkdir()
    config = RunConfig(path=str(root), task_file=str(tasks / "task.yaml"))
    named = RunConfig(path=str(root), task_file=str(tasks / "task.yaml"), features_file=str(mine))
    assert steering_file(config, root) is None
    put(root / "public" / "features.yaml", "public")
    assert obeyed(config, root).force == ("number(public)",)
    put(root / "features.yaml", "root")
    assert obeyed(config, root).force == ("number(root)",)
    put(tasks / "features.yaml", "task")
    assert obeyed(config, root).force == ("number(task)",)
    assert obeyed(RunConfig(path=str(root)), root).force == ("number(root)",)
    with pytest.raises(InputError, match=r"mine\.yaml cannot be read"):
        obeyed(named, root)
    put(mine, "mine")
    assert obeyed(named, root).force == ("number(mine)",)
    mine.write_text("forced: []", encoding="utf-8")
    with pytest.raises(PipelineError, match="forced is no list"):
        obeyed(named, root)


def test_beside_a_zip_there_is_no_file_to_obey(tmp_path: Path) -> None:
    put(tmp_path / "features.yaml", "x")
    archive = tmp_path / "titanic.zip"
    archive.write_bytes(b"")
    assert steering_file(RunConfig(path=str(archive)), archive) is None
