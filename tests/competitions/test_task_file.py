"""task.yaml is readable, makes the round trip, and a corrected file is obeyed; mistakes get one clear sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import little_competition

from medalist.competitions.columns.cards import Kind, describe_columns
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError, MedalistError, MetricError, TaskError
from medalist.competitions.task.file import read_task, task_text, write_task
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task

RNG = np.random.default_rng(5)
N = 200


@pytest.fixture
def competition() -> Competition:
    table = pd.DataFrame(
        {
            "id": range(N),
            "colour": RNG.choice(["red", "green", "blue"], N),
            "size": RNG.integers(1, 6, N),
            "shop": np.repeat(range(N // 5), 5),
            "when": np.repeat(pd.date_range("2020-01-01", periods=N // 2).astype(str), 2),
            "w: 'odd' # name": RNG.random(N),
            "price": RNG.random(N) * 100,
            "grade": RNG.choice([1, 2, 3], N),
        }
    )
    test = table.drop(columns=["price", "grade"]).iloc[: N // 4].assign(id=range(1000, 1000 + N // 4))
    sample = pd.DataFrame({"id": test["id"], "price": 0.0})
    return little_competition(table, test, sample, "Scored by the mean absolute error: MAE.")


def _same(a: Task, b: Task) -> bool:
    return replace(a, notes=()) == replace(b, notes=())


OPTIONS = [
    {},
    {"folds": "group:shop"},
    {"folds": "time:when"},
    {"folds": "blocks:when", "n_splits": 4},
    {"problem_type": "regression", "metric": "rmsle", "seed": 3, "n_splits": 10},
    {"drop": ["colour", "w: 'odd' # name"]},
    {"columns": {"size": "category", "w: 'odd' # name": "number"}},
    {"weights": "w: 'odd' # name"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_written_task_is_read_back_as_it_was(competition, tmp_path, options):
    task = infer_task(competition, **options)
    write_task(task, tmp_path / "task.yaml", describe_columns(competition.train, competition.test))
    again = read_task(tmp_path / "task.yaml", competition)
    assert _same(task, again)


@pytest.mark.parametrize("labels", [[0, 1], [True, False], ["no", "yes"], ["a", "b", "c"], ["1", "2", "3"], [1, 2, 5]])
def test_labels_of_every_type_are_read_back(competition, tmp_path, labels):
    train = competition.train.assign(price=[labels[i % len(labels)] for i in range(N)])
    ours = replace(competition, train=train)
    for metric in ("accuracy", "qwk"):
        task = infer_task(ours, metric=metric)
        write_task(task, tmp_path / "task.yaml")
        again = read_task(tmp_path / "task.yaml", ours)
        assert again.classes == task.classes
        assert [type(label) for label in again.classes] == [type(label) for label in task.classes]


def test_the_file_explains_itself(competition):
    text = task_text(infer_task(competition), describe_columns(competition.train, competition.test))
    assert "metric: mae" in text
    assert "Read from the description: Scored by the mean absolute error" in text
    assert "#   size: ordinal" in text
    assert "random, stratified (by target), group" in text
    assert max(map(len, text.splitlines())) < 140


def test_an_assumed_metric_stays_assumed_until_a_person_changes_or_confirms_it(competition, tmp_path):
    silent = replace(competition, description="")
    task = infer_task(silent)
    assert task.metric_source == "assumed"
    text = task_text(task)
    assert read_task(_write(tmp_path, text), silent).metric_source == "assumed"
    changed = text.replace(f"\nmetric: {task.metric}\n", "\nmetric: mape\n")
    again = read_task(_write(tmp_path, changed), silent)
    assert (again.metric, again.metric_source) == ("mape", "file")
    confirmed = text.replace(f"metric_source:\n  {task.metric}: assumed\n", "")
    assert confirmed != text
    assert read_task(_write(tmp_path, confirmed), silent).metric_source == "file"


def test_a_metric_of_the_description_keeps_its_sentence(competition, tmp_path):
    text = task_text(infer_task(competition))
    again = read_task(_write(tmp_path, text), competition)
    assert again.metric_source == "description"
    assert again.metric_quote == infer_task(competition).metric_quote != ""
    assert read_task(_write(tmp_path, text), replace(competition, description="")).metric_source == "file"


@pytest.mark.parametrize("control", ["\x1b[1m", "\x00", "\x7f", "\x9b", "\ufeff", "\u2028", "\x0b"])
def test_control_characters_of_the_organiser_leave_the_file_valid(competition, tmp_path, control):
    text = f"Submissions are scored by the mean {control}absolute error, MAE."
    ours = replace(competition, description=f"# Evaluation\n\n{text}\n")
    name = f"odd{control}name"
    ours = replace(ours, train=ours.train.assign(**{name: 1.5}), test=ours.test.assign(**{name: 1.5}))
    task = infer_task(ours, metric="mae")
    task = replace(task, metric_source="description", metric_quote=text, notes=(f"A note with {control}.",))
    write_task(task, tmp_path / "task.yaml", describe_columns(ours.train, ours.test))
    assert read_task(tmp_path / "task.yaml", ours).metric == "mae"


def _write(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_corrected_file_is_obeyed(competition, tmp_path):
    text = """
name: other
id: [id]
targets: grade
problem_type: ordinal
metric: qwk
classes: [1, 2, 3, 4]
folds: {scheme: group, n_splits: 4, column: shop}
drop: [id, colour]
columns: {size: category}
"""
    ours = replace(competition, sample=pd.DataFrame({"id": competition.test["id"], "grade": 1}))
    task = read_task(_write(tmp_path, text), ours)
    assert (task.name, task.targets, task.problem_type, task.metric) == ("other", ("grade",), "ordinal", "qwk")
    assert task.classes == (1, 2, 3, 4)
    assert (task.folds.scheme, task.folds.n_splits, task.folds.column) == ("group", 4, "shop")
    assert "colour" not in task.features(competition.train, competition.test)
    cards = describe_columns(competition.train, competition.test, overrides=dict(task.columns))
    assert {card.name: card.kind for card in cards}["size"] == Kind.CATEGORY


def test_a_positive_class_and_an_empty_file_section(competition, tmp_path):
    train = competition.train.assign(price=["cat", "dog"] * (N // 2))
    ours = replace(competition, train=train)
    task = read_task(_write(tmp_path, "metric: auc\npositive: cat\nfolds:\ncolumns:\n"), ours)
    assert task.classes == ("dog", "cat")
    task = read_task(_write(tmp_path, "metric: auc\nclasses: [dog, cat]\n"), ours)
    assert task.classes == ("dog", "cat")


MISTAKES = {
    "scheme": ("folds: {scheme: weekly}", "folds.scheme is 'weekly', but must be one of random, stratified"),
    "splits": ("folds: {scheme: random, n_splits: many}", "folds.n_splits is 'many', but must be a whole number"),
    "no scheme": ("folds: {n_splits: 3}", "folds.scheme is missing; write one of random"),
    "folds field": ("folds: {scheme: random, k: 3}", "folds.k is no field of a task file; the fields are scheme"),
    "fold column": ("folds: {scheme: group}", "names no column"),
    "unknown fold column": ("folds: {scheme: time, column: zzz}", "names 'zzz', which train lacks"),
    "horizon": ("folds: {scheme: time, horizon: -3}", "folds.horizon is -3, but must be a number above 0"),
    "type": ("problem_type: guess", "problem_type is 'guess', but must be one of binary, multiclass"),
    "field": ("metrik: auc", "metrik is no field of a task file; the fields are name, id"),
    "metric": ("metric: 3", "metric is 3, but must be the name of a metric"),
    "source": ("metric: mae\nmetric_source: {mae: rumour}", "metric_source.mae is 'rumour', but must be a pair METRIC"),
    "drop": ("drop: {a: b}", "drop is {'a': 'b'}, but must be a list of column names"),
    "dropped": ("drop: [zzz]", "'zzz' is no column of train"),
    "folds are no section": (
        "folds: weekly",
        "folds is 'weekly', but must be fields of a fold scheme, scheme, n_splits",
    ),
    "positive": ("positive: [a]", r"positive is \['a'\], but must be a label"),
    "reason": ("folds: {scheme: random, reason: 3}", "folds.reason is 3, but must be a text"),
    "target": ("targets: [zzz]", "'zzz' is no column of train"),
    "no target": ("targets: []", r"targets is \[\], but must be a list of column names"),
    "id": ("id: [zzz]", "'zzz' is no column of test"),
    "kind": ("columns: {size: large}", "columns.size is 'large', but must be one of number"),
    "kind that is no text": ("columns: {strange: 3}", r"columns\.strange is 3, but must be pairs NAME: KIND"),
    "classes that are no list": ("classes: 3", "classes is 3, but must be a list of labels"),
    "kind of nothing": ("columns: {zzz: text}", "'zzz' is no column of train or test"),
    "weights": ("weights: zzz", "'zzz' is no column of train"),
    "bad weights": ("weights: colour", "must hold numbers of at least 0"),
    "classes": ("targets: [grade]\nmetric: accuracy\nclasses: [1, 2]", "leaves out 3"),
    "class": ("classes: [[1], 2]", r"classes.0 is \[1\], but must be a list of labels"),
    "no yaml": ("id: [a\nmetric: x", "not valid YAML in line"),
    "a list": ("- a", "does not hold a task"),
    "nothing": ("", "does not hold a task"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_gets_one_sentence(name, competition, tmp_path):
    text, message = MISTAKES[name]
    with pytest.raises(TaskError, match=message) as caught:
        read_task(_write(tmp_path, text), competition)
    assert "task.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_metric_an_absent_file_and_other_bytes(competition, tmp_path):
    with pytest.raises(MetricError):
        read_task(_write(tmp_path, "metric: no such metric at all"), competition)
    with pytest.raises(InputError, match="cannot be read"):
        read_task(tmp_path / "absent.yaml", competition)
    (tmp_path / "task.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(TaskError, match="UTF-8"):
        read_task(tmp_path / "task.yaml", competition)


def test_a_failed_write_leaves_the_old_file(competition, tmp_path):
    task = infer_task(competition)
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(MedalistError, match="cannot be written"):
        write_task(task, target)
    with pytest.raises(MedalistError, match="cannot be written"):
        write_task(task, tmp_path / "absent" / "task.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
