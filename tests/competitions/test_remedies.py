"""What a refusal advises works when it is followed: each test sees the message, does what it says, and sees it work."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import MedalistError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.task.file import read_task, write_task
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task
from tests.competitions.little import little_competition

N, N_TEST = 90, 12
RNG = np.random.default_rng(4)
Tables = dict[str, pd.DataFrame]


def tables(**columns: object) -> Tables:
    """Train with an id, two inputs and the columns given, test with the inputs, and a sample with zeros for each column
    given."""
    x = {"row": range(N + N_TEST), "a": RNG.normal(size=N + N_TEST).round(3), "city": list("xyz") * ((N + N_TEST) // 3)}
    frame = pd.DataFrame(x)
    train = frame[:N].assign(**columns)
    test = frame[N:].reset_index(drop=True)
    return {"train": train, "test": test, "sample": test[["row"]].assign(**dict.fromkeys(columns, 0))}


def in_turn(*values: object) -> list[object]:
    return [values[i % len(values)] for i in range(N)]


def numbers() -> list[float]:
    return RNG.normal(size=N).round(3).tolist()


def read_and_check(folder: Path, files: dict[str, str] | None = None, **options) -> Task:
    """The task of the files in a folder, whose folds can be drawn, and whose submission looks like its sample."""
    competition = read_competition(folder, **(files or {}))
    task = infer_task(competition, **options)
    y = task.encode(competition.train)
    make_folds(task.folds, competition.train, y)
    metric = task.scorer()
    metric.score(y, np.tile(metric.best_constant(y, task.n_classes), (len(y), 1)))
    constant = metric.best_constant(y, task.n_classes)
    made = task.submission(competition.test, np.tile(constant, (len(competition.test), 1)), competition.sample)
    assert competition.sample is not None
    assert list(made.columns) == [str(c) for c in competition.sample.columns]
    assert len(made) == len(competition.sample)
    return task


def write(folder: Path, made: Tables) -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in made.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


@dataclass
class Case:
    """Tables and options that are refused with a message, in which `remedies` stand: words → (tables, options) that
    follow them. `files`: roles that are settled before."""

    made: Tables
    message: str
    remedies: dict[str, tuple[Callable[[Tables], Tables], dict]]
    options: dict = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def same(made: Tables) -> Tables:
    return made


def finite(made: Tables) -> Tables:
    return made | {"train": made["train"].replace(np.inf, 99.0)}


def emptied(made: Tables) -> Tables:
    return made | {"train": made["train"].replace(np.inf, np.nan)}


def with_labels(value: object) -> Callable[[Tables], Tables]:
    return lambda made: made | {"train": made["train"].replace("seven", value)}


CASES = {
    "infinite targets": Case(
        tables(y=[np.inf, np.inf, *numbers()[2:]]), "infinite in 2 training rows (rows 1, 2, the header",
        {"write finite numbers there": (finite, {}), "leave these fields empty": (emptied, {})},
        {"metric": "rmse"},
    ),
    "words among numbers": Case(
        tables(y=["seven", *in_turn(1, 2, 3, 4)[1:]]), "1 values that are no numbers, such as 'seven'",
        {"write numbers in their place": (with_labels("5"), {}),
         "--problem-type multiclass": (same, {"problem_type": "multiclass", "metric": "accuracy"})},
        {"problem_type": "regression", "metric": "rmse"},
    ),
    "which is positive": Case(
        tables(y=in_turn("cat", "dog")), "Which of 'cat' and 'dog'",
        {"--positive": (same, {"positive": "dog"})}, {"metric": "auc"},
    ),
    "no such positive": Case(
        tables(y=in_turn("cat", "dog")), "'cow' is no label",
        {"--positive with 'cat' or 'dog'": (same, {"positive": "cat"})}, {"metric": "auc", "positive": "cow"},
    ),
    "several classes in one column": Case(
        tables(y=in_turn("a", "b", "c")), "needs a probability for each of 3 classes",
        {"--metric accuracy": (same, {"metric": "accuracy"})}, {"metric": "mlogloss"},
    ),
    "words and an error": Case(
        tables(y=in_turn("a", "b", "c")), "does not fit the target y, which looks like multiclass",
        {"such as accuracy": (same, {"metric": "accuracy"})}, {"metric": "rmse"},
    ),
    "metric of another problem": Case(
        tables(y=numbers()), "scores binary or multiclass problems, not regression",
        {"--metric rmse": (same, {"metric": "rmse"})}, {"metric": "auc", "problem_type": "regression"},
    ),
    "type of another metric": Case(
        tables(y=in_turn(1, 2, 3)), "scores regression or ordinal problems, not multiclass",
        {"--problem-type that it scores": (same, {"problem_type": "regression"}),
         "--metric accuracy": (same, {"metric": "accuracy"})},
        {"metric": "rmse", "problem_type": "multiclass"},
    ),
    "more than two words": Case(
        tables(y=in_turn("a", "b", "c")), "has 3 different values, not two",
        {"multiclass": (same, {"problem_type": "multiclass"}), "ordinal": (same, {"problem_type": "ordinal"})},
        {"problem_type": "binary"},
    ),
    "more than two numbers": Case(
        tables(y=in_turn(1, 2, 3)), "has 3 different values, not two",
        {"multiclass": (same, {"problem_type": "multiclass"}), "regression": (same, {"problem_type": "regression"})},
        {"problem_type": "binary"},
    ),
    "one value": Case(
        tables(y=in_turn(1)) | {"train": tables(y=in_turn(1), z=numbers())["train"]}, "has one value only (1)",
        {"--target": (same, {"targets": "z"})},
    ),
    "targets that train does not have": Case(
        (lambda t: t | {"sample": t["sample"].rename(columns={"z": "zz_answer"})})(tables(y=numbers(), z=numbers())),
        "asks for y, zz_answer, of which train has only y",
        {"name a column of train for each of them, in this order": (same, {"targets": "y,z"})},
    ),
    "columns that nobody knows": Case(
        (lambda t: t | {"sample": t["sample"].rename(columns={"y": "one", "z": "two", "u": "three"}),
                        "train": t["train"].assign(other=1.5)})(tables(y=numbers(), z=numbers(), u=numbers())),
        "stand for cannot be told",
        {"name a column of train for each of them, in this order": (same, {"targets": "y,z,u"})},
        files={"sample": "sample.csv"},
    ),
    "one name for several columns": Case(
        (lambda t: t | {"sample": t["sample"].rename(columns={"y": "one", "z": "two"})})(
            tables(y=numbers(), z=numbers())),
        "the sample submission has 2 columns to predict (one, two), and y has",
        {"name a column of train for each of them, in this order": (same, {"targets": "y,z"})},
        {"targets": "y"}, {"sample": "sample.csv"},
    ),
    "one of several candidates": Case(
        (lambda t: t | {"sample": t["sample"][["row"]].assign(answer=0.0)})(tables(y=numbers(), z=numbers())),
        "stand for cannot be told (only in train: y, z)",
        {"name it with --target": (same, {"targets": "z"})},
    ),
    "too many folds": Case(
        tables(y=numbers()), "folds cannot be made",
        {"a number from 2 to 90": (same, {"n_splits": 90})}, {"n_splits": 91},
    ),
    "no time": Case(
        tables(y=numbers()), "holds neither dates nor numbers",
        {"--folds time:COLUMN": (same, {"folds": "time:a"})}, {"folds": "time:city"},
    ),
    "no dates": Case(
        (lambda t: {k: f.drop(columns="row", errors="ignore").assign(key=[f"k{i}" for i in range(len(f))])
                    if k != "sample" else f.drop(columns="row").assign(key=[f"k{i}" for i in range(len(f))])
                    for k, f in t.items()})(tables(y=numbers())),
        "no column holds dates", {"--folds time:COLUMN": (same, {"folds": "time:a"})}, {"folds": "time"},
    ),
    "negative targets": Case(
        tables(y=[v - 9 for v in numbers()]), "a target is -",
        {"choose another metric with --metric": (same, {"metric": "rmse"})}, {"metric": "rmsle"},
    ),
    "a metric without its parameter": Case(
        tables(y=in_turn("a", "b", "c", "d")), "needs its parameter",
        {"map@3": (same, {"metric": "map@3"})}, {"metric": "map"},
    ),
    "a metric misspelt": Case(
        tables(y=numbers()), "did you mean",
        {"rmse": (same, {"metric": "rmse"})}, {"metric": "rmsse"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_refusal_advises_works(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    with pytest.raises(MedalistError) as caught:
        read_and_check(write(tmp_path / "refused", case.made), case.files, **case.options)
    message = str(caught.value)
    assert case.message in message
    assert_plain(message)
    for k, (words, (mend, options)) in enumerate(case.remedies.items()):
        assert words in message, message
        read_and_check(write(tmp_path / f"mended-{k}", mend(case.made)), case.files, **(case.options | options))


def test_several_targets_of_several_classes_are_put_together_from_runs_of_each(tmp_path: Path) -> None:
    made = tables(kind=in_turn("a", "b", "c"), size=in_turn("s", "m", "l", "xl"))
    folder = write(tmp_path / "both", made)
    with pytest.raises(MedalistError, match=r"with --target NAME and --sample FILE, .* put the columns together"):
        read_and_check(folder)
    columns = {}
    for name in ("kind", "size"):
        made["sample"][["row", name]].to_csv(tmp_path / f"only_{name}.csv", index=False)
        task = read_and_check(folder, {"sample": str(tmp_path / f"only_{name}.csv")}, targets=name)
        assert task.targets == (name,)
        columns[name] = task.submission_columns
    assert columns == {"kind": ("row", "kind"), "size": ("row", "size")}


def test_dates_as_a_target_are_predicted_as_numbers(tmp_path: Path) -> None:
    made = tables(y=pd.date_range("2030-01-01", periods=N))
    folder = tmp_path / "dates"
    folder.mkdir()
    for name, frame in made.items():
        frame.to_parquet(folder / f"{name}.parquet")
    with pytest.raises(MedalistError, match=r"write numbers in their place .* such as the days since"):
        read_and_check(folder)
    days = (made["train"]["y"] - made["train"]["y"].min()).dt.days
    made["train"].assign(y=days).to_parquet(folder / "train.parquet")
    assert read_and_check(folder).problem_type == "regression"


def test_ids_that_repeat_are_told_apart_by_further_columns() -> None:
    made = tables(y=numbers())
    made["test"] = made["test"].assign(row=[i // 2 for i in range(N_TEST)], part=[i % 2 for i in range(N_TEST)])
    made["train"] = made["train"].assign(part=0)
    asked = made["test"][["row", "part"]].assign(y=0.0).iloc[::-1].reset_index(drop=True)  # not row by row as in test
    competition = little_competition(made["train"], made["test"], asked)
    with pytest.raises(MedalistError, match=r"6 ids repeat in test \(row\): name the columns .* with --id"):
        infer_task(competition, id="row")
    task = infer_task(competition, id="row,part")
    assert len(task.submission(competition.test, np.zeros(N_TEST), competition.sample)) == N_TEST


def test_too_few_groups_need_fewer_folds_or_another_column(tmp_path: Path) -> None:
    competition = read_competition(write(tmp_path / "data", tables(y=numbers())))
    file = tmp_path / "task.yaml"
    write_task(infer_task(competition, folds="group:city"), file)
    text = file.read_text()
    file.write_text(re.sub(r"n_splits: \d+", "n_splits: 5", text))
    with pytest.raises(MedalistError, match=r"there are 3: ask for fewer .* folds.n_splits in task.yaml, or"):
        read_task(file, competition)
    file.write_text(re.sub(r"n_splits: \d+", "n_splits: 3", text))
    assert read_task(file, competition).folds.n_splits == 3


def test_a_horizon_that_leaves_nothing_is_mended_in_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", tables(y=numbers()))
    competition = read_competition(folder)
    file = tmp_path / "task.yaml"
    write_task(infer_task(competition, folds="time:a"), file)
    text = file.read_text()
    file.write_text(re.sub(r"horizon: \S+", "horizon: 1000.0", text))
    with pytest.raises(MedalistError, match=r"set a smaller folds.horizon in task.yaml, or another scheme"):
        read_task(file, competition)
    file.write_text(re.sub(r"horizon: \S+", "horizon: 0.5", text))
    assert read_task(file, competition).folds.horizon == 0.5
    assert infer_task(competition, folds="random").folds.scheme == "random"


def assert_plain(text: str) -> None:
    """No numpy or pandas object shows how it is written in Python, and it is one line."""
    assert not re.search(r"\bnp\.|numpy|Timestamp\(|Timedelta\(|dtype=|array\(|\bnan\b|<NA>", text), text
    assert "\n" not in text


TARGETS = st.sampled_from(
    [
        [1, 2, 3], [0, 1], [1.0, 2.0], [0.5, 1.5], [True, False], ["a", "b"], ["a", "b", "c"], ["1", "2", "?"],
        [1, None, 2],
        [np.inf, 1.0, 2.0], [-np.inf, np.inf, 3.0, 4.5], [7], ["7"], [2**60, 2**60 + 1], [10.0, 20.0, 30.0],
    ]
)  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "metric": st.sampled_from(["rmse", "auc", "accuracy", "rmsle", "mlogloss", "qwk", "map@3", "kendall"]),
        "problem_type": st.sampled_from(["binary", "multiclass", "ordinal", "regression"]),
        "positive": st.sampled_from([1, 1.0, "a", True, np.float64(1.0), np.int64(3), np.str_("b")]),
        "classes": st.sampled_from([[1, 2], ["a", "b"], [np.int64(1)], [1.5, 0.5]]),
        "folds": st.sampled_from(["group:city", "time:a", "time", "blocks:a", "stratified"]),
    },
)
SAMPLES = st.sampled_from([0, 1, 0.5, 0.0, "a", True, -1, "?"])


@settings(deadline=None)
@given(TARGETS, OPTIONS, SAMPLES)
def test_messages_and_notes_show_values_as_a_person_writes_them(y: list, options: dict, sample: object) -> None:
    made = tables(y=in_turn(*y))
    competition = little_competition(made["train"], made["test"], made["sample"].assign(y=sample))
    try:
        task = infer_task(competition, **options)
        values = task.encode(competition.train)
        metric = get_metric(task.metric)
        metric.score(values, np.tile(metric.best_constant(values, task.n_classes), (len(values), 1)))
        for text in (*task.notes, task.folds.reason):
            assert_plain(text)
    except MedalistError as error:
        assert_plain(str(error))
