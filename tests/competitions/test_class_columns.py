"""Columns of a submission for classes: further ones, lacking ones, codes, spellings, and labels in other forms."""

import numpy as np
import pandas as pd
import pytest
from little import little_competition, write

from medalist.agent.grading import grade
from medalist.competitions.competition import read_competition
from medalist.competitions.errors import TaskError
from medalist.competitions.submission import check_submission
from medalist.competitions.task.file import read_task, write_task
from medalist.competitions.task.infer import infer_task

LOG_LOSS = "Submissions are evaluated on log loss."
N, M = 60, 12


def tables(labels, columns, text=LOG_LOSS):
    soil = [labels[i % len(labels)] for i in range(N)]
    train = pd.DataFrame({"key": range(N), "x": np.arange(N) % 7 / 7, "z": np.arange(N) % 5, "soil": soil})
    test = pd.DataFrame({"key": range(N, N + M), "x": np.arange(M) / M, "z": np.arange(M) % 5})
    return little_competition(train, test, test[["key"]].assign(**columns), text)


def submitted(data, task, shares):
    frame = task.submission(data.test, np.tile([shares], (M, 1)), data.sample)
    check_submission(frame, data.sample, task.submission_id, probability=True, sum_to_one=True)
    return frame.iloc[0].drop("key").to_dict()


@pytest.mark.parametrize("named", ["{}", "Soil_{}", "p_{}", "{}_probability", "prob class {}"])
def test_a_class_that_only_the_sample_knows_gets_no_probability(named, tmp_path):
    columns = {named.format(c): 0.25 for c in ("D", "B", "A", "C")}
    data = tables(["a", "b", "c"], columns)
    folder = write(tmp_path / "soils", train=data.train, test=data.test, sample_submission=data.sample)
    (folder / "description.md").write_text(LOG_LOSS)
    data = read_competition(folder)
    task = infer_task(data)
    assert task.class_columns == tuple(named.format(c) for c in "ABC")
    assert any("no row of train has" in note for note in task.notes)
    row = submitted(data, task, [0.5, 0.3, 0.2])
    assert row == {named.format(c): share for c, share in zip("DBAC", (0.0, 0.3, 0.5, 0.2), strict=True)}


def test_a_class_without_a_column_leaves_its_probability_to_the_others(tmp_path):
    data = tables(["clay", "loam", "sand"], {"clay": 0.5, "sand": 0.5})
    task = infer_task(data)
    assert task.class_columns == ("clay", "", "sand")
    assert any("no column for loam" in note for note in task.notes)
    assert submitted(data, task, [0.3, 0.4, 0.3]) == {"clay": 0.5, "sand": 0.5}
    assert submitted(data, task, [0.0, 1.0, 0.0]) == {"clay": 0.5, "sand": 0.5}
    frame = task.submission(data.test, np.tile([[0.3, 0.4, 0.3]], (M, 1)), data.sample)
    assert grade(task, frame, data.test[["key"]].assign(soil="sand")).score == pytest.approx(np.log(2))
    write_task(task, tmp_path / "task.yaml")
    assert read_task(tmp_path / "task.yaml", data).class_columns == task.class_columns


CODES = {"Class_1": 0.25, "Class_2": 0.25, "Class_3": 0.5}


def test_codes_of_classes_follow_the_description_or_their_order_and_can_be_corrected(tmp_path):
    labels = ["oak", "elm", "fir"]
    text = "Class 1 is fir, class 2 is oak and class 3 is elm. " + LOG_LOSS
    assert infer_task(tables(labels, CODES, text)).class_columns == ("Class_3", "Class_1", "Class_2")
    for told in (
        "1 = fir, 2 = oak, 3 = elm. ",
        "fir (1), oak (2), elm (3). ",
        "| 1 | fir |\n| 2 | oak |\n| 3 | elm |\n\n",
    ):
        assert infer_task(tables(labels, CODES, told + LOG_LOSS)).class_columns == ("Class_3", "Class_1", "Class_2")
    data = tables(labels, CODES)
    task = infer_task(data)
    assert dict(zip(task.classes, task.class_columns, strict=True)) == {
        "elm": "Class_1", "fir": "Class_2", "oak": "Class_3",
    }  # fmt: skip
    assert any("class_columns: in task.yaml" in note for note in task.notes)
    path = tmp_path / "task.yaml"
    path.write_text("class_columns: {Class_1: oak, Class_2: elm, Class_3: fir}\n")
    assert read_task(path, data).class_columns == ("Class_2", "Class_3", "Class_1")
    folder = write(tmp_path / "trees", train=data.train, test=data.test, sample_submission=data.sample)
    assert infer_task(read_competition(folder)).class_columns == task.class_columns
    for mistake, message in (("{Class_9: oak}", "no column of the sample"), ("{Class_1: ash}", "'ash' is no class")):
        path.write_text(f"class_columns: {mistake}\n")
        with pytest.raises(TaskError, match=message):
            read_task(path, data)


def test_several_targets_under_other_names_are_found_in_files(tmp_path):
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"key": range(N), "x": rng.normal(size=N), "price": rng.uniform(1e3, 1e5, N)})
    train["weight"] = rng.uniform(100, 900, N).round(1)
    test = pd.DataFrame({"key": range(N, N + M), "x": rng.normal(size=M)})
    folder = write(tmp_path / "goods", train=train, test=test,
                   sample_submission=test[["key"]].assign(log_weight=0.0, log_price=0.0))  # fmt: skip
    task = infer_task(read_competition(folder))
    assert (task.targets, task.transform) == (("weight", "price"), "log")


LABELS = {  # labels of train, value of the sample, what is submitted for the second class
    "words as booleans": (["no", "yes"], False, True),
    "words as numbers": (["no", "yes"], 0, 1),
    "numbers as words": ([0, 1], "no", "yes"),
    "numbers as capital words": ([0, 1], "No", "Yes"),
    "numbers as booleans": ([0, 1], False, True),
    "booleans as words": ([False, True], "absent", "present"),
    "booleans as numbers": ([False, True], 0, 1),
    "decimals": ([0, 1], 0.0, 1),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_are_submitted_in_the_form_of_the_sample_and_graded_in_it(case):
    labels, shown, second = LABELS[case]
    data = tables(labels, {"soil": shown}, "Submissions are evaluated on accuracy.")
    task = infer_task(data)
    frame = task.submission(data.test, np.ones((M, 1)), data.sample)
    check_submission(frame, data.sample, task.submission_id)
    assert frame["soil"].tolist() == [second] * M
    assert grade(task, frame, data.test[["key"]].assign(soil=labels[1])).score == 1.0
    assert grade(task, frame, data.test[["key"]].assign(soil=labels[0])).score == 0.0


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", None])
def test_dates_are_no_targets_and_the_remedy_works(form):
    days = pd.date_range("2020-01-01", periods=N)
    data = tables([0], {"soil": "2020-03-01"}, "")
    train = data.train.assign(soil=days if form is None else days.strftime(form))
    with pytest.raises(TaskError, match=r"holds dates.* numbers in their place"):
        infer_task(little_competition(train, data.test, data.sample))
    train = train.assign(soil=np.arange(N))
    sample = data.sample.assign(soil=0)
    assert infer_task(little_competition(train, data.test, sample)).problem_type == "regression"


@pytest.mark.parametrize("columns", [{"answer": 0.5}, {"p_clay": 0.5, "p_sand": 0.5}, {"soil": "clay"}])
def test_rows_without_a_label_are_left_out_whatever_the_sample_calls_it(columns, tmp_path):
    data = tables(["clay", "sand", "clay", None], columns)
    folder = write(tmp_path / "soils", train=data.train, test=data.test, sample_submission=data.sample)
    read = read_competition(folder)
    assert len(read.train) == 3 * N // 4
    assert any("have no soil: they are left out" in note for note in read.notes)
    assert infer_task(read, metric="accuracy" if "soil" in columns else "logloss", positive="clay").targets == ("soil",)
