"""Labels that differ in blanks or letter case alone are one label, unless sample, text or task file keep them apart."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.agent.grading import grade
from medalist.competitions.errors import TaskError
from medalist.competitions.task.file import read_task, write_task
from medalist.competitions.task.infer import infer_task

ACCURACY = "Submissions are evaluated on accuracy. "


def competition(labels, sample="Wet", text=ACCURACY, columns=None):
    n = len(labels)
    train = pd.DataFrame({"key": range(n), "x": np.arange(n) % 7, "soil": labels})
    test = pd.DataFrame({"key": range(900, 910), "x": np.arange(10) % 7})
    frame = test[["key"]].assign(**(columns or {"soil": sample}))
    return little_competition(train, test, frame, text)


@pytest.mark.parametrize(
    ("labels", "sample", "classes"),
    [
        (["Wet", "Dry", "wet ", " DRY"], "Wet", ("Dry", "Wet")),
        (["Wet", "Dry", "Wet\u00a0", "Dry"], "Wet", ("Dry", "Wet")),
        (["Ｗet", "Dry", "Wet", "Dry"], "Wet", ("Dry", "Wet")),
        (["very  wet", "Dry", "very wet", "Dry"], "Dry", ("Dry", "very wet")),
        (["Wet", "Dry", "WET", "Dry"], "wet", ("Dry", "wet")),  # as the sample writes it
        (["True", "FALSE", "true", "false"], "true", ("false", "true")),
        (["1", "1.0", "none", "None"], "none", ("1", "none")),
        (["wet\u200b", "dry", "wet", "dry"], "dry", ("dry", "wet")),
    ],
)
def test_spellings_of_one_label_are_one_class(labels, sample, classes):
    task = infer_task(competition(labels * 12, sample))
    assert sorted(task.classes) == list(classes)
    assert task.problem_type == "binary"
    assert any("blanks or letter case" in note and "classes:" in note for note in task.notes)


def test_the_most_frequent_spelling_is_taken_where_the_sample_shows_none():
    task = infer_task(competition(["Wet", "wet", "wet", "Dry", "Mud"] * 10, 0), metric="accuracy")
    assert task.classes == ("Dry", "Mud", "wet")
    assert "'wet' 20, 'Wet' 10" in task.notes[0]


def test_what_is_submitted_and_graded_has_one_spelling():
    data = competition(["Wet", "wet ", "Dry", " dry"] * 10, "Wet")
    task = infer_task(data)
    codes = task.encode(data.train)[:, 0]
    assert [task.classes[int(code)] for code in codes[:4]] == ["Wet", "Wet", "Dry", "Dry"]
    frame = task.submission(data.test, np.zeros((10, 1)), data.sample)
    assert set(frame["soil"]) <= {"Wet", "Dry"}
    answers = frame.assign(soil=[f" {label.upper()}" for label in frame["soil"]])
    assert grade(task, frame, answers).score == 1.0


@pytest.mark.parametrize(
    "kept",
    [
        {"text": ACCURACY + "The soils are `a`, `A` and `B`.", "sample": "B"},
        {"text": ACCURACY + "Labels are case-sensitive.", "sample": "B"},
        {"sample": ["a", "A"] * 5},
        {"columns": {"A": 0.3, "B": 0.3, "a": 0.4}, "text": "Submissions are evaluated on log loss."},
    ],
)
def test_spellings_that_sample_or_text_tell_apart_are_different_labels(kept):
    task = infer_task(competition(["a", "A", "B"] * 12, **kept))
    assert task.classes == ("A", "B", "a")
    assert not any("letter case" in note for note in task.notes)


def test_a_task_file_keeps_spellings_apart_or_together(tmp_path):
    data = competition(["Wet", "wet", "Dry"] * 12, "Dry")
    path = tmp_path / "task.yaml"
    task = infer_task(data)
    write_task(task, path)
    assert read_task(path, data).classes == task.classes == ("Dry", "Wet")
    path.write_text('classes: ["wet", "Wet", "Dry"]\nmetric: accuracy\n')
    apart = read_task(path, data)
    assert (apart.classes, apart.problem_type) == (("wet", "Wet", "Dry"), "multiclass")
    assert len(set(apart.encode(data.train)[:, 0])) == 3
    path.write_text('classes: ["Dry"]\nmetric: accuracy\n')
    with pytest.raises(TaskError, match="leaves out 'Wet'"):
        read_task(path, data)


def test_labels_that_a_class_column_names_are_one_class_however_they_are_typed():
    data = competition(["low", "Low ", "high", "mid", "MID"] * 8, columns={"High": 0.3, "Low": 0.3, "Mid": 0.4},
                       text="Submissions are evaluated on log loss.")  # fmt: skip
    task = infer_task(data)
    assert dict(zip(map(str.lower, task.classes), task.class_columns, strict=True)) == {
        "low": "Low", "high": "High", "mid": "Mid",
    }  # fmt: skip


_WORDS = st.sampled_from(["clay", "sand", "loam", "peat"])
_TYPED = st.sampled_from([str.upper, str.title, lambda t: f" {t}", lambda t: f"{t} ", lambda t: f"{t}\u00a0", str])


@settings(deadline=None)
@given(st.lists(st.tuples(_WORDS, _TYPED), min_size=8, max_size=40))
def test_typing_changes_no_code(cells):
    words = [word for word, _ in cells]
    if len(set(words)) < 2:
        return
    plain = competition(words, words[0])
    typed = competition([typing(word) for word, typing in cells], words[0])
    one, other = infer_task(plain, metric="accuracy"), infer_task(typed, metric="accuracy")
    assert [c.strip().lower() for c in one.classes] == sorted(c.strip().lower() for c in other.classes)
    names = {i: label.strip().lower() for i, label in enumerate(other.classes)}
    assert [names[int(code)] for code in other.encode(typed.train)[:, 0]] == words
