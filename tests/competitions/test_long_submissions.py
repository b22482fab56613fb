"""A submission with a row for each test row and target (or class) is the same task as one with a column for each."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition, write

from medalist.agent.grading import grade
from medalist.competitions.competition import read_competition
from medalist.competitions.errors import SubmissionError, TaskError
from medalist.competitions.holdout import cut_holdout
from medalist.competitions.inspection import inspection_document
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.submission import check_submission
from medalist.competitions.task.file import read_task, task_text, write_task
from medalist.competitions.task.infer import infer_task

RMSE = "Submissions are evaluated on RMSE over all rows."
RNG = np.random.default_rng(3)
N, M = 60, 20
TARGETS = ("wind", "rain", "heat_max")


def tables(ids=None, targets=TARGETS):
    stations = list(range(N + M)) if ids is None else ids
    frame = pd.DataFrame({"station": stations, "x": RNG.normal(size=N + M).round(3), "z": RNG.normal(size=N + M)})
    for place, target in enumerate(targets):
        frame[target] = (frame["x"] * (place + 1) + 10 * place + RNG.normal(size=N + M) / 9).round(3)
    return frame[:N].reset_index(drop=True), frame[N:].reset_index(drop=True)


def long_sample(test, naming, keys, shuffled=False):
    rows = [naming(station, key) for station in test["station"] for key in keys]
    sample = pd.DataFrame(rows, columns=["row"] if isinstance(rows[0], str) else ["station", "quantity"])
    sample["value"] = 0.0
    return sample.sample(frac=1, random_state=1, ignore_index=True) if shuffled else sample


NAMINGS = {  # how a row is named, by which keys, whose order is that of TARGETS
    "number after": (lambda i, k: f"{i}_{k}", ("0", "1", "2")),
    "number from one": (lambda i, k: f"{i}-{k}", ("1", "2", "3")),
    "number before": (lambda i, k: f"{k}:{i}", ("0", "1", "2")),
    "name after": (lambda i, k: f"{i}-{k}", TARGETS),
    "name before": (lambda i, k: f"{k}_{i}", TARGETS),
    "words around": (lambda i, k: f"station{i}_t{k}", ("1", "2", "3")),
    "no separator": (lambda i, k: f"{i}{k}", ("a", "b", "c")),
    "two columns": (lambda i, k: (i, k), TARGETS),
    "two columns with numbers": (lambda i, k: (i, int(k)), ("1", "2", "3")),
}


def wide_and_long(name, shuffled=False, ids=None):
    naming, keys = NAMINGS[name]
    train, rest = tables(ids)
    test = rest.drop(columns=list(TARGETS))
    sample = long_sample(test, naming, keys, shuffled)
    long = little_competition(train, test, sample, RMSE)
    plain = little_competition(train, test, test[["station"]].assign(**dict.fromkeys(TARGETS, 0.0)), RMSE)
    return plain, long, rest, (naming, keys)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("name", NAMINGS)
def test_a_long_submission_is_the_task_of_its_columns(name, shuffled):
    plain, long, rest, (naming, keys) = wide_and_long(name, shuffled)
    one, other = infer_task(plain), infer_task(long)
    assert other.layout == "long"
    assert other.metric == "pooled_rmse"
    assert (one.id, one.targets, one.problem_type) == (other.id, other.targets, other.problem_type)
    assert (one.folds, one.drop, one.train_only) == (other.folds, other.drop, other.train_only)
    assert np.array_equal(one.encode(plain.train), other.encode(long.train))
    answers = rest[list(TARGETS)].to_numpy()
    frame = other.submission(long.test, answers, long.sample)
    check_submission(frame, long.sample, other.submission_id)
    expected = {naming(i, k): answers[row, t] for row, i in enumerate(rest["station"]) for t, k in enumerate(keys)}
    named = list(frame[list(other.submission_id)].itertuples(index=False))
    assert [expected[row[0] if len(row) == 1 else tuple(row)] for row in named] == frame["value"].tolist()


@pytest.mark.parametrize("name", NAMINGS)
def test_the_score_is_that_of_all_rows_together_whatever_form_the_answers_have(name):
    _, long, rest, _ = wide_and_long(name, shuffled=True)
    task = infer_task(long)
    off = np.array([0.0, 1.0, 5.0])
    true = rest[list(TARGETS)].to_numpy()
    frame = task.submission(long.test, true + off, long.sample)
    over_all = np.sqrt((0.0 + 1.0 + 25.0) / 3)
    answers = task.submission(long.test, true, long.sample)
    assert grade(task, frame, answers).score == pytest.approx(over_all)
    assert grade(task, frame, rest[["station", *TARGETS]]).score == pytest.approx(over_all)
    assert get_metric("mean_rmse", 3).score(true, true + off) == pytest.approx(2.0)


def test_a_mean_over_columns_stays_one():
    _, long, _, _ = wide_and_long("number after")
    for text, metric in (
        ("Submissions are evaluated on the mean columnwise root mean squared error (MCRMSE).", "mean_rmse"),
        ("Submissions are evaluated on the mean absolute error.", "pooled_mae"),
    ):
        data = little_competition(long.train, long.test, long.sample, text)
        assert infer_task(data).metric == metric
    assert infer_task(long, metric="mean_mae").metric == "mean_mae"
    assert infer_task(long, metric="r2").metric == "pooled_r2"


LEGENDS = [
    "0 is heat_max, 1 is wind, 2 is rain.",
    "The numbers: `heat_max` (0), `wind` (1), `rain` (2).",
    "\n| number | quantity |\n|---|---|\n| 0 | heat_max |\n| 1 | wind |\n| 2 | rain |\n",
    "- 0: heat_max\n- 1: wind\n- 2: rain\n",
    "0 = heat_max, 1 = wind, 2 = rain",
]


@pytest.mark.parametrize("legend", LEGENDS)
def test_the_description_says_which_number_is_which_target(legend):
    _, long, _, _ = wide_and_long("number after")
    task = infer_task(little_competition(long.train, long.test, long.sample, f"{legend}\n\n{RMSE}"))
    assert dict(zip(task.long.keys, task.targets, strict=True)) == {"0": "heat_max", "1": "wind", "2": "rain"}
    assert task.targets == TARGETS


def test_without_a_word_the_order_of_train_decides_and_a_note_says_so(tmp_path):
    _, long, _, _ = wide_and_long("number from one")
    task = infer_task(long)
    assert any("1 = wind, 2 = rain, 3 = heat_max" in note and "row_keys:" in note for note in task.notes)
    path = tmp_path / "task.yaml"
    path.write_text("row_keys: {1: rain, 2: heat_max, 3: wind}\n")
    told = read_task(path, long)
    assert dict(zip(told.long.keys, told.targets, strict=True)) == {"1": "rain", "2": "heat_max", "3": "wind"}
    assert infer_task(long, targets="rain,wind,heat_max").targets == ("rain", "wind", "heat_max")


@pytest.mark.parametrize("name", NAMINGS)
def test_a_task_file_gives_the_same_task(name, tmp_path):
    _, long, _, _ = wide_and_long(name)
    task = infer_task(long)
    write_task(task, tmp_path / "task.yaml")
    again = read_task(tmp_path / "task.yaml", long)
    assert (again.long, again.targets, again.metric, again.layout) == (task.long, task.targets, task.metric, "long")
    write_task(again, tmp_path / "second.yaml")
    assert task_text(read_task(tmp_path / "second.yaml", long)) == task_text(again)
    shown = json.loads(json.dumps(inspection_document(long, task, (), ())))["task"]
    assert list(shown["row_keys"].values()) == list(TARGETS)


def test_more_columns_than_rows_are_asked_for_are_named_and_the_remedy_works():
    train, rest = tables(targets=(*TARGETS, "fog"))
    test = rest[["station", "x", "z"]]
    sample = long_sample(test, lambda i, k: f"{i}_{k}", ("0", "1", "2"))
    data = little_competition(train, test, sample, RMSE)
    with pytest.raises(TaskError, match=r"3 rows for each row of test .* with --target"):
        infer_task(data)
    task = infer_task(data, targets="rain,fog,wind")
    assert (task.targets, task.train_only) == (("rain", "fog", "wind"), ("heat_max",))


def test_a_row_for_each_class_holds_its_probability():
    train, rest = tables(targets=())
    train["soil"] = ["clay", "sand", "loam"] * (N // 3)
    test = rest[["station", "x", "z"]]
    for naming in (lambda i, k: f"{i}_{k}", lambda i, k: (i, k)):
        sample = long_sample(test, naming, ("sand", "clay", "loam"))
        data = little_competition(train, test, sample, "Submissions are evaluated on the multiclass log loss.")
        task = infer_task(data)
        assert (task.metric, task.problem_type, task.targets) == ("mlogloss", "multiclass", ("soil",))
        shares = np.tile([[0.2, 0.3, 0.5]], (M, 1))  # clay, loam, sand
        frame = task.submission(test, shares, sample)
        assert frame["value"].tolist() == [0.5, 0.2, 0.3] * M
        check_submission(frame, sample, task.submission_id, probability=True)
        truth = test[["station"]].assign(soil="sand")
        assert grade(task, frame, truth).score == pytest.approx(-np.log(0.5))


def test_several_classes_may_hold_at_once():
    train, rest = tables(targets=())
    train = train.assign(mold=[0, 1] * (N // 2), rust=[0, 0, 1] * (N // 3))
    test = rest[["station", "x", "z"]]
    sample = long_sample(test, lambda i, k: f"{i}_{k}", ("rust", "mold"))
    task = infer_task(little_competition(train, test, sample, "The metric is the area under the ROC curve."))
    assert (task.metric, task.problem_type, task.targets) == ("pooled_auc", "binary", ("mold", "rust"))
    frame = task.submission(test, np.tile([[0.1, 0.9]], (M, 1)), sample)
    assert frame["value"].tolist() == [0.9, 0.1] * M


def test_rows_that_are_not_asked_for_are_left_out_and_strange_ones_refused():
    _, long, rest, _ = wide_and_long("number after")
    some = long.sample[long.sample["row"] != "70_1"].reset_index(drop=True)
    task = infer_task(little_competition(long.train, long.test, some, RMSE))
    frame = task.submission(long.test, rest[list(TARGETS)].to_numpy(), some)
    assert len(frame) == 3 * M - 1
    with pytest.raises(SubmissionError, match="such as 70x1"):
        task.submission(long.test, np.zeros((M, 3)), some.replace({"row": {"70_0": "70x1"}}))
    with pytest.raises(SubmissionError, match="repeat in row"):
        grade(task, pd.concat([frame, frame.iloc[:1]]), frame)


def test_a_folder_is_read_and_a_holdout_of_it_is_long_too(tmp_path):
    _, long, _, _ = wide_and_long("number after")
    folder = write(tmp_path / "weather", train=long.train, test=long.test, sample_submission=long.sample)
    (folder / "description.md").write_text(RMSE)
    data = read_competition(folder)
    assert next(file.reason for file in data.files if file.role == "sample").startswith("has 3 rows for each row")
    task = infer_task(data)
    assert (task.layout, task.targets) == ("long", TARGETS)
    cut = cut_holdout(data, task, tmp_path / "cut")
    again = read_competition(cut)
    assert infer_task(again).long.keys == task.long.keys
    answers = pd.read_csv(cut / "private" / "answers.csv")
    frame = task.submission(again.test, answers[list(TARGETS)].to_numpy() + 2, again.sample)
    assert grade(task, frame, answers).score == pytest.approx(2)


_IDS = st.lists(st.text("abcXYZ0123456789", min_size=1, max_size=6), min_size=M, max_size=M, unique=True)


@settings(max_examples=15, deadline=None)
@given(_IDS, st.sampled_from(["_", "-", ":", "|", "/", "."]), st.booleans(), st.booleans())
def test_ids_of_any_kind_are_split(ids, separator, id_first, shuffled):
    train, rest = tables(ids=[f"t{i}" for i in range(N)] + [f"k{text}" for text in ids])
    test = rest[["station", "x", "z"]]
    naming = (lambda i, k: f"{i}{separator}{k}") if id_first else (lambda i, k: f"{k}{separator}{i}")
    sample = long_sample(test, naming, TARGETS, shuffled)
    task = infer_task(little_competition(train, test, sample, RMSE))
    frame = task.submission(test, rest[list(TARGETS)].to_numpy(), sample)
    wide = task.long.wide(frame, "value").set_index("station").loc[rest["station"]]
    assert np.array_equal(wide[list(TARGETS)].to_numpy(float), rest[list(TARGETS)].to_numpy())


@pytest.mark.parametrize("form", ["two columns", "one column", "another name"])
def test_a_long_train_is_a_plain_task_of_as_many_test_rows(form, tmp_path):
    stations = np.repeat(np.arange(N), 3)
    x = np.repeat(RNG.normal(size=N + M).round(3), 3)
    train = pd.DataFrame({"station": stations, "hours": np.tile([1, 6, 24], N), "x": x[: 3 * N]})
    train["wind"] = (train["x"] + train["hours"] / 10).round(3)
    test = pd.DataFrame({"station": range(N, N + M), "x": x[3 * N :: 3]})
    rows = [(i, h) for i in test["station"] for h in (1, 6, 24)]
    if form == "one column":
        sample = pd.DataFrame({"row": [f"{i}_{h}" for i, h in rows], "wind": 0.0})
    else:
        name = "hours" if form == "two columns" else "ahead"
        sample = pd.DataFrame(rows, columns=["station", name]).assign(wind=0.0)
    folder = write(tmp_path / "wind", train=train, test=test, sample_submission=sample)
    data = read_competition(folder)
    assert len(data.test) == 3 * M
    assert any("test's rows are repeated, with hours" in note for note in data.notes)
    task = infer_task(data, metric="rmse")
    assert (task.layout, task.targets, task.metric) == ("value", ("wind",), "rmse")
    assert {"x", "hours"} <= set(task.features(data.train, data.test))
    predicted = data.test["x"] + data.test["hours"] / 10
    frame = task.submission(data.test, predicted.to_numpy()[:, None], data.sample)
    check_submission(frame, sample, task.submission_id)
    expected = [x[3 * i] + h / 10 for i, h in rows]
    assert frame["wind"].tolist() == pytest.approx(expected)


def test_ids_that_repeat_in_test_and_sample_alike_are_matched_by_order(tmp_path):
    train, rest = tables(ids=[*range(N), *(N + i // 2 for i in range(M))], targets=("wind",))
    test = rest[["station", "x"]]
    folder = write(tmp_path / "twice", train=train, test=test, sample_submission=test[["station"]].assign(wind=0.0))
    data = read_competition(folder)
    assert any("10 ids repeat in test.csv" in note and "by their order" in note for note in data.notes)
    task = infer_task(data, metric="rmse")
    frame = task.submission(data.test, rest[["wind"]].to_numpy(), data.sample)
    check_submission(frame, data.sample, task.submission_id)
    assert frame["wind"].tolist() == rest["wind"].tolist()
    assert grade(task, frame, rest[["station", "wind"]]).score == 0.0
