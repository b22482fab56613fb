"""medalist from Python: what `import medalist` costs and offers, runs and their results as DataFrames."""

from __future__ import annotations

import ast
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import assert_valid, demo

import medalist

HEAVY = ("numpy", "pandas", "scipy", "sklearn", "pyarrow", "lightgbm", "optuna", "typer", "rich", "pydantic",
         "sqlalchemy", "matplotlib", "yaml")  # fmt: skip
SMALL: dict[str, Any] = {"families": "linear", "threads": 1, "max_experiments": 1}


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def run(public: Path) -> medalist.Run:
    """A run, with the events that it told."""
    events: list[dict[str, Any]] = []
    made = medalist.run(
        public, runs_dir=public.parent / "runs", progress=lambda e: events.append(dict(e)), report=False, **SMALL
    )
    made.told = events  # type: ignore[attr-defined]
    return made


def test_importing_it_imports_nothing_heavy() -> None:
    code = f"import sys, medalist; dir(medalist); print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented() -> None:
    for name in medalist.__all__:
        value = getattr(medalist, name)
        assert value.__doc__, name
        assert name in dir(medalist)
    for name in ("run", "inspect", "holdout", "grade", "open"):
        text = getattr(medalist, name).__doc__
        for part in ("Parameters", "Returns", "Raises", "Examples"):
            assert f"    {part}\n    {'-' * len(part)}\n" in text, f"{name}: {part}"
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        _ = medalist.train
    assert (Path(medalist.__file__).parent / "py.typed").is_file()


def test_an_argument_that_there_is_not_is_named_with_the_one_that_is_meant(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"'familys': did you mean families\?"):
        medalist.run(tmp_path, budget="10m", familys="linear")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget": "10m", "until": "07:00"}, "either budget= or until="),
        ({"budget": "soon"}, "Cannot read the budget"),
        ({"budget": "1m", "seed": -1}, "seed is -1"),
        ({"budget": "1m", "progress": 3}, "progress is 3"),
        ({"budget": "1m", "task": "task.yaml", "target": "late"}, "Give task= or target="),
        ({}, "Say how long to work"),
    ],
)
def test_bad_input_is_one_sentence(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(medalist.MedalistError, match=message):
        medalist.run(tmp_path, runs_dir=tmp_path / "runs", **given)


def test_frames_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "y": [0, 1]})
    with pytest.raises(medalist.MedalistError, match="test= is missing"):
        medalist.inspect(train=frame)
    with pytest.raises(medalist.MedalistError, match="leave out a path"):
        medalist.inspect(tmp_path, train=frame, test=frame)
    with pytest.raises(medalist.MedalistError, match="give target="):
        medalist.inspect(train=frame, test=frame[["a"]])
    with pytest.raises(medalist.MedalistError, match="train has no column 'z'; it has a, y"):
        medalist.inspect(train=frame, test=frame[["a"]], target="z")
    with pytest.raises(medalist.MedalistError, match="column 'a' twice"):
        medalist.inspect(train=frame[["a", "a", "y"]], test=frame[["a"]], target="y")


def test_frames_keep_their_types_and_the_form_follows_from_the_metric() -> None:
    rng = np.random.default_rng(0)
    n = 90
    train = pd.DataFrame(
        {
            "code": rng.choice(["001", "002", "010"], n),
            "kind": pd.Categorical(rng.choice(list("ab"), n)),
            "mixed": pd.Series([1, "x", None] * (n // 3), dtype=object),
            "waited": pd.to_timedelta(rng.integers(1, 1000, n), unit="s"),
            "y": rng.choice(["u", "v", "w"], n),
        }
    )
    found = medalist.inspect(train=train, test=train.drop(columns="y")[:30], target="y", metric="logloss", name="mine")
    assert (found.task.name, found.task.problem_type, found.task.layout) == ("mine", "multiclass", "per_class")
    assert found.task.class_columns == ("u", "v", "w")
    assert found.columns.loc["code", "examples"][0].startswith("0")
    labels = medalist.inspect(train=train, test=train.drop(columns="y")[:30], target="y", metric="accuracy")
    assert labels.task.submission_columns == ("y",)


def test_an_inspection_is_that_of_the_command_line(public: Path, tmp_path: Path) -> None:
    found = medalist.inspect(public)
    assert (found.task.metric, found.task.targets) == ("auc", ("late",))
    assert list(found.files["role"][:3]) == ["train", "test", "sample"]
    assert set(found.findings["kind"]) <= {finding["kind"] for finding in found.document["audit"]}
    assert "late-parcels" in found._repr_html_()
    assert found.write_task(tmp_path / "task.yaml").read_text(encoding="utf-8").count("auc")


@pytest.mark.slow
def test_a_run_gives_what_the_command_line_gives(run: medalist.Run, public: Path) -> None:
    assert run.status == "finished"
    assert run.summary == json.loads((run.folder / "summary.json").read_text(encoding="utf-8"))
    assert (run.score, run.standard_error) == (run.summary["score"], run.summary["standard_error"])
    assert run.standing is None
    assert_valid(run.folder / "submission.csv", public / "sample_submission.csv")
    assert list(run.submission.columns) == ["parcel_id", "late"]
    assert list(run.experiments["verdict"]) == ["keep"]
    assert run.experiments["weight"].sum() == pytest.approx(1)
    assert run.experiments.loc[0, "family"] == "linear"
    assert list(run.features.columns)[:3] == ["feature", "words", "status"]
    kinds = [event["event"] for event in run.told]  # type: ignore[attr-defined]
    assert (kinds[0], kinds[-1]) == ("start", "finish")
    assert run.id in run._repr_html_()
    assert run.id in repr(run)
    assert pickle.loads(pickle.dumps(run)).score == run.score


@pytest.mark.slow
def test_out_of_fold_predictions_are_of_the_rows_of_train(run: medalist.Run, public: Path) -> None:
    table = run.oof
    train = pd.read_csv(public / "train.csv")
    assert list(table.columns) == ["parcel_id", "late", "fold", "prediction"]
    assert (table["parcel_id"] == train["parcel_id"].loc[table.index]).all()
    assert set(table["fold"]) == set(range(5))
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(table["late"], table["prediction"]) == pytest.approx(run.experiments.loc[0, "score"], abs=0.02)


@pytest.mark.slow
def test_a_run_is_opened_by_its_folder_its_id_and_last(run: medalist.Run) -> None:
    for opened in (
        medalist.open(run.folder),
        medalist.open(run.id[:15], runs_dir=run.runs_dir),
        medalist.open(runs_dir=run.runs_dir),
    ):
        assert (opened.id, opened.score) == (run.id, run.score)
    with pytest.raises(medalist.MedalistError, match="no folder of runs"):
        medalist.open("last", runs_dir=Path(run.runs_dir) / "elsewhere")
    with pytest.raises(medalist.MedalistError, match="is no folder of a run"):
        medalist.open(Path(run.runs_dir) / "late-parcels" / "gone")


@pytest.mark.slow
def test_a_submission_is_graded_as_a_run_and_as_a_table(run: medalist.Run, public: Path) -> None:
    answers = public.parent / "private" / "answers.csv"
    as_run = medalist.grade(run, answers)
    table = pd.read_csv(answers)
    as_table = medalist.grade(run.submission, table, competition=public, runs_dir=run.runs_dir)
    assert as_run.score == as_table.score
    assert 0.5 < as_run.score < 1


def test_a_holdout_is_cut_to_run_and_grade_on(public: Path, tmp_path: Path) -> None:
    cut = medalist.holdout(public, tmp_path / "cut", fraction=0.25)
    assert len(pd.read_csv(cut.answers)) == pytest.approx(100, abs=2)
    assert medalist.inspect(cut.public).task.targets == ("late",)


@pytest.mark.slow
def test_a_run_in_a_thread_is_closed_by_its_event(public: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    made: list[medalist.Run] = []

    def told(event: Any) -> None:
        if event["event"] == "experiment":
            stop.set()

    def work() -> None:
        made.append(medalist.run(public, budget="5m", runs_dir=tmp_path, progress=told, stop=stop, threads=1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(120)
    assert [run.status for run in made] == ["interrupted"]
    assert len(made[0].submission) == 150


@pytest.mark.slow
def test_a_callback_that_fails_is_warned_of_and_the_run_goes_on(public: Path, tmp_path: Path) -> None:
    def fails(event: Any) -> None:
        raise ZeroDivisionError("of the caller")

    with pytest.warns(RuntimeWarning, match="ZeroDivisionError: of the caller"):
        assert medalist.run(public, runs_dir=tmp_path, progress=fails, **SMALL).status == "finished"


@pytest.mark.slow
def test_a_run_on_frames_shows_a_bar_and_can_be_resumed_by_the_command_line(
    public: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from command_line import call

    train, test = (pd.read_csv(public / f"{name}.csv") for name in ("train", "test"))
    run = medalist.run(
        train=train, test=test, target="late", id="parcel_id", metric="auc", runs_dir=tmp_path, progress="bar",
        **SMALL,
    )  # fmt: skip
    assert "1/1 experiments" in capsys.readouterr().err
    assert list(run.submission["parcel_id"]) == list(test["parcel_id"])
    assert run.submission["late"].between(0, 1).all()
    done = call("resume", run.id, "--runs-dir", tmp_path, "--max-experiments", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert len(medalist.open(run.folder).experiments) == 2


def test_public_modules_say_what_they_return() -> None:
    """Every public function and property of the room has a docstring."""
    room = Path(medalist.__file__).parent / "agent" / "python"
    for path in room.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                in_protocol = path.name == "displays.py" and node.name in ("update", "set_postfix_str", "close")
                assert ast.get_docstring(node) or in_protocol or node.name in ("event", "tick"), (path.name, node.name)


@pytest.mark.slow
def test_ctrl_c_closes_the_run_of_a_script_which_goes_on(public: Path, tmp_path: Path) -> None:
    text = (
        "import sys, medalist\n"
        "told = lambda event: print(event['event'], flush=True)\n"
        "run = medalist.run(sys.argv[1], budget='5m', threads=1, progress=told)\n"
        "print('then', run.status, len(run.submission), run.report is not None)\n"
    )
    environment = dict(os.environ, PYTHONPATH=str(Path(medalist.__file__).parents[1]), MEDALIST_REPORT="1")
    process = subprocess.Popen(
        [sys.executable, "-c", text, str(public)], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line == "experiment\n":
            process.send_signal(signal.SIGINT)
            break
    rest, _ = process.communicate(timeout=120)
    assert rest.splitlines()[-1] == "then interrupted 150 True"
