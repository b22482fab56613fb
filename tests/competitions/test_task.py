"""A task is inferred from tables and text: ids, targets, problem type, metric, positive class."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import labelled_competition, little_competition

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import MetricError, TaskError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.inspection import inspection_document
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.labels import match_classes, order_binary

ROOT = Path(__file__).resolve().parents[2]
SHARED = next((folder for folder in (ROOT / "shared", ROOT.parent / "shared") if folder.exists()), ROOT / "shared")
SHARED /= "competitions"
KNOWN = sorted(path.parent.name for path in SHARED.glob("*/task.json"))
SCHEMES = {"bike-sharing-demand": ("blocks", 3), "playground-series-s3e19": ("time", 2)}
RNG = np.random.default_rng(3)
N = 120


@pytest.mark.parametrize("name", KNOWN or ["../shared is absent"])
def test_real_competitions_are_understood(name):
    if not KNOWN:
        pytest.skip("../shared/competitions is absent")
    key = json.loads((SHARED / name / "task.json").read_text())
    competition = read_competition(SHARED / name / "public")
    task = infer_task(competition)
    kind = "ordinal" if key["metric"] == "qwk" else key["problem_type"]
    assert (",".join(task.id), list(task.targets)) == (key["id_col"], key["targets"])
    assert (task.metric, task.problem_type) == (key["metric"], kind)
    usual = "random" if kind == "regression" else "stratified"
    assert (task.folds.scheme, task.folds.n_splits) == SCHEMES.get(name, (usual, 5))
    y = task.encode(competition.train)
    assert len(make_folds(task.folds, competition.train, y).splits) == task.folds.n_splits
    assert task.features(competition.train, competition.test)
    needs = task.scorer().needs
    width = task.width if needs == "probability" else task.n_targets
    frame = task.submission(competition.test, np.zeros((len(competition.test), width)), competition.sample)
    assert competition.sample is not None
    assert list(frame.columns) == list(competition.sample.columns)
    ids = list(task.submission_id)
    assert frame[ids].equals(competition.sample[ids])


def test_ids_that_say_something_stay_inputs_and_running_ids_do_not():
    def drop(ids: list, more: list) -> tuple[str, ...]:
        train = pd.DataFrame({"key": ids, "x": RNG.normal(size=len(ids)), "y": RNG.normal(size=len(ids))})
        test = pd.DataFrame({"key": more, "x": RNG.normal(size=len(more))})
        sample = pd.DataFrame({"key": more, "y": 0.0})
        return infer_task(little_competition(train, test, sample), metric="rmse").drop

    assert drop(list(range(90)), list(range(90, 120))) == ("key",)
    assert drop([f"id_{i}" for i in range(90)], [f"id_{i}" for i in range(90, 120)]) == ("key",)
    assert drop([f"{i // 3:04d}_{i % 3}" for i in range(90)], [f"{i:04d}_0" for i in range(30, 50)]) == ()
    days = pd.date_range("2020-01-01", periods=120).strftime("%Y-%m-%d").tolist()
    assert drop(days[:90], days[90:]) == ()


def test_columns_that_only_train_has_are_noticed():
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "early": 1.0, "y": RNG.normal(size=N)})
    test = train[["id", "x"]].iloc[:9]
    task = infer_task(little_competition(train, test, test[["id"]].assign(y=0.0)), metric="rmse")
    assert task.train_only == ("early",)
    assert any("early" in note for note in task.notes)
    assert task.features(train, test) == ["x"]


def test_an_empty_target_column_in_test_and_another_name_in_the_sample():
    train = pd.DataFrame({"n": range(N), "x": RNG.normal(size=N), "late": [0, 1] * (N // 2)})
    test = pd.DataFrame({"n": range(N, N + 30), "x": RNG.normal(size=30), "late": np.nan})
    sample = pd.DataFrame({"Id": test["n"], "Probability": 0.5})
    task = infer_task(little_competition(train, test, sample), metric="auc")
    assert (task.id, task.submission_id, task.targets) == (("n",), ("Id",), ("late",))
    frame = task.submission(test, np.linspace(0, 1, 30)[:, None], sample)
    assert list(frame.columns) == ["Id", "Probability"]
    empty = {"blank": np.nan, "void": None}
    task = infer_task(little_competition(train.assign(**empty), test.assign(**empty), sample), metric="auc")
    assert task.targets == ("late",)


def test_a_sample_without_ids_is_followed_by_order():
    train = pd.DataFrame({"x": RNG.normal(size=N), "y": RNG.normal(size=N)})
    test = pd.DataFrame({"x": RNG.normal(size=9)})
    sample = pd.DataFrame({"y": [0.0] * 9})
    task = infer_task(little_competition(train, test, sample), metric="mae")
    assert (task.id, task.submission_columns) == ((), ("y",))
    assert task.submission(test, np.arange(9.0)[:, None], sample)["y"].tolist() == list(range(9))


def test_without_a_sample_ids_and_target_are_inferred_or_have_to_be_given():
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "y": RNG.normal(size=N)})
    test = train[["id", "x"]].iloc[:9]
    task = infer_task(little_competition(train, test), metric="rmse")
    assert (task.id, task.targets, task.submission_columns) == (("id",), ("y",), ("id", "y"))
    assert task.submission(test, np.zeros((9, 1)), None).shape == (9, 2)
    with pytest.raises(TaskError, match="--target"):
        infer_task(little_competition(train.assign(z=1.5), test))
    task = infer_task(little_competition(train.assign(empty=np.nan), test), metric="rmse")
    assert task.targets == ("y",)  # nobody asks for what has no value
    task = infer_task(little_competition(train[["x", "y"]], test[["x"]]), metric="rmse")
    assert (task.id, task.submission_columns) == ((), ("y",))
    assert any("test's order" in note for note in task.notes)
    two = [t.rename(columns={"id": "no"}).assign(key=range(len(t))) for t in (train, test)]
    with pytest.raises(TaskError, match="--id"):
        infer_task(little_competition(*two))


def _inferred(y: list, sample: list | None = None, description: str = "", **options):
    train = pd.DataFrame({"id": range(len(y)), "x": RNG.normal(size=len(y)), "y": y})
    test = pd.DataFrame({"id": range(900, 905), "x": RNG.normal(size=5)})
    frame = pd.DataFrame({"id": test["id"], "y": [0] * 5 if sample is None else sample})
    return infer_task(little_competition(train, test, frame, description), **options)


MISTAKES = {
    "a cut last row": ({"y": [1.5, 0.5, 2.5] * 11 + [None]}, r"missing in the last of 34 .* cut short; copy it again"),
    "a cut label": ({"y": ["yes", "no"] * 9 + ["ye"]}, r"'ye' in the last training row alone, the beginning of 'yes'"),
    "missing targets": ({"y": [1.5, None, 2.5, None] * 9}, r"missing in 18 of 36 training rows: give --target y"),
    "one value": ({"y": [4] * 9}, "has one value only"),
    "too few rows": ({"y": [4]}, "There are 1 training rows"),
    "unknown target": ({"y": [1, 2] * 9, "targets": "z"}, "--target: 'z' is no column of train"),
    "unknown id": ({"y": [1, 2] * 9, "id": "z"}, "--id: 'z' is no column of test"),
    "unknown type": ({"y": [1, 2] * 9, "problem_type": "ranking"}, "--problem-type: 'ranking' is none"),
    "not two": ({"y": [1, 2, 3] * 9, "problem_type": "binary"}, "has 3 different values, not two"),
    "words and rmse": ({"y": ["a", "b", "c"] * 9, "metric": "rmse"}, "does not fit the target y"),
    "several classes in one column": ({"y": ["a", "b", "c"] * 9, "metric": "mlogloss"}, "needs a probability for each"),
    "numbers with words": ({"y": [*map(str, range(90)), "?"], "problem_type": "regression"}, "that are no numbers"),
    "which is positive": ({"y": ["cat", "dog"] * 9, "metric": "auc"}, "name it with --positive"),
    "no such positive": (
        {"y": ["cat", "dog"] * 9, "metric": "auc", "positive": "cow"},
        "use --positive with 'cat' or 'dog'",
    ),
    "folds": ({"y": [1, 2] * 9, "folds": "weekly"}, "--folds: 'weekly' is no fold scheme"),
    "metric of another problem": (
        {"y": [1.5, 2.5] * 9, "metric": "rmse", "problem_type": "binary"},
        "scores regression or ordinal problems, not binary: give --metric auc",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_inferred_names_what_settles_it(name):
    options, message = MISTAKES[name]
    with pytest.raises(TaskError, match=message) as caught:
        _inferred(**options)
    assert "\n" not in str(caught.value)


def test_repeated_ids_and_tables_without_inputs_are_refused():
    train = pd.DataFrame({"id": range(20), "x": RNG.normal(size=20), "y": RNG.normal(size=20)})
    test = pd.DataFrame({"id": [1, 1, 2], "x": 0.0})
    with pytest.raises(TaskError, match="1 ids repeat in test"):
        infer_task(little_competition(train, test, test[["id"]][::-1].assign(y=0.0)))
    test = pd.DataFrame({"id": [21, 22, 23]})
    with pytest.raises(TaskError, match="share no column to predict from"):
        infer_task(little_competition(train, test, test.assign(y=0.0)))


def test_unknown_metrics_are_refused():
    with pytest.raises(MetricError):
        _inferred([1, 2] * 9, metric="no such metric at all")


def test_a_metric_is_given_read_or_assumed():
    assert _inferred([0, 1] * 9, metric="f1").metric_source == "given"
    task = _inferred([0, 1] * 9, description="Submissions are evaluated on area under the ROC curve.")
    assert (task.metric, task.metric_source) == ("auc", "description")
    assert "ROC" in task.metric_quote
    task = _inferred([0, 1] * 9, sample=[0.5] * 5)
    assert (task.metric, task.metric_source) == ("auc", "assumed")
    assert any("auc is assumed, and a human leaderboard may count another" in note for note in task.notes)
    task = _inferred([0, 1] * 9)
    assert any("accuracy is assumed, since the sample submission holds labels" in note for note in task.notes)


@pytest.mark.parametrize(
    ("y", "sample", "metric"),
    [
        ([0, 1] * 9, [0] * 5, "accuracy"),  # written as the labels are
        ([0, 1] * 9, [1] * 5, "accuracy"),
        ([2, 1] * 9, [1] * 5, "accuracy"),
        ([2, 1] * 9, [0] * 5, "auc"),  # no label
        ([0.0, 1.0] * 9, [0] * 5, "accuracy"),
        ([0, 1] * 9, [0.0] * 5, "auc"),  # a nought with decimals stands for a chance
        ([0, 1] * 9, [0.5] * 5, "auc"),
        ([0, 1] * 9, [0, 1, 0, 1, 1], "accuracy"),
        ([False, True] * 9, [False] * 5, "accuracy"),
        (["no", "yes"] * 9, ["no"] * 5, "accuracy"),
        (["no", "yes"] * 9, [0.5] * 5, "auc"),
        (["no", "yes"] * 9, [False, True] * 2 + [True], "accuracy"),
        (["no", "yes"] * 9, [0, 1, 0, 1, 1], "accuracy"),
        (["up", "aside"] * 9, [False, True] * 2 + [True], "auc"),  # which of the words is true?
        (["0", "1"] * 9, [0, 1, 0, 1, 1], "accuracy"),
        (["a", "b", "c"] * 6, ["a"] * 5, "accuracy"),
        ([1.5, 2.5, 3.25] * 6, [0.0] * 5, "rmse"),
    ],
)
def test_an_assumed_metric_is_one_that_the_sample_can_hold(y, sample, metric):
    task = _inferred(y, sample=sample, **({"positive": y[1]} if metric == "auc" and isinstance(y[1], str) else {}))
    assert (task.metric, task.metric_source) == (metric, "assumed")


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("For each visitor, predict the probability that they come back.", "auc"),
        ("Say how likely each visitor is to come back.", "auc"),
        ("Say which visitors come back: 1 for those who do, else 0.", "accuracy"),
    ],
)
def test_words_outweigh_a_sample_of_the_same_number(text, metric):
    assert _inferred([0, 1] * 9, sample=[0] * 5, description=text).metric == metric
    assert _inferred([0, 1] * 9, sample=[0, 1, 0, 1, 1], description=text).metric == "accuracy"


def test_a_column_for_each_class_asks_for_chances():
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "kind": ["a", "b", "c"] * (N // 3)})
    test = pd.DataFrame({"id": range(900, 905), "x": RNG.normal(size=5)})
    sample = test[["id"]].assign(a=0.5, b=0.3, c=0.2)
    assert infer_task(little_competition(train, test, sample)).metric == "mlogloss"
    assert _inferred([1.5, 2.5, 3.5] * 30).metric == "rmse"
    assert _inferred([1, 2, 3] * 30).problem_type == "multiclass"
    assert _inferred([1, 2, 3] * 30, metric="rmse").problem_type == "regression"
    assert _inferred(list(range(90)), metric="accuracy").problem_type == "multiclass"


def test_the_positive_class_is_last():
    assert _inferred(["Yes", "No"] * 9, metric="auc").classes == ("No", "Yes")
    assert _inferred(["cat", "dog"] * 9, metric="auc", positive="cat").classes == ("dog", "cat")
    assert _inferred([1, 2] * 9, metric="auc", positive="1").classes == (2, 1)
    text = "Predict the probability of dog for each picture."
    assert _inferred(["dog", "cat"] * 9, metric="auc", description=text).classes == ("cat", "dog")
    text = "Predict the probability that what a picture\nshows is a dog. A cat is worth nothing."
    assert _inferred(["dog", "cat"] * 9, metric="auc", description=text).classes == ("cat", "dog")
    text = "How likely is each loan to be bad? Good loans are many."
    assert _inferred(["good", "bad"] * 9, metric="auc", description=text).classes == ("good", "bad")
    assert order_binary((0, 1), True)[0] == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "Tell dogs from cats by the probability that you give.",
        "Predict the probability that a picture is a dog or, likewise, the chance that it is a cat.",
        "Each row gets a probability.\n\nThe picture is a dog.",
        "Predict the probability that a picture is dog or cat.",
        "Predict the probability that the owner of dog and basket comes back.",
    ],
)
def test_a_positive_class_that_no_text_names_has_to_be_given(text):
    with pytest.raises(TaskError, match="--positive"):
        _inferred(["dog", "cat"] * 9, metric="auc", description=text)


def test_class_columns_need_one_column_each():
    assert match_classes(["a", "b"], ["x", "y", "z"]) is None
    assert match_classes(["target_b", "target_a"], ["a", "b"]) == ("target_a", "target_b")


def test_the_document_of_inspect_is_plain_json():
    competition = labelled_competition([0, 1], 0.5)
    task = infer_task(competition, metric="auc")
    document = json.loads(json.dumps(inspection_document(competition, task, (), ())))
    assert document["task"]["id"] == ["id"]
    assert document["task"]["targets"] == ["y"]
    assert (document["task"]["metric"], document["task"]["problem_type"]) == ("auc", "binary")
    assert document["task"]["folds"]["scheme"] == "stratified"
    assert (document["columns"], document["audit"]) == ([], [])


@pytest.mark.parametrize("text", ["Predict the `wear` of a tyre.", "Submissions are scored by the RMSE of wear."])
def test_the_text_says_which_column_a_prediction_stands_for(text):
    rng = np.random.default_rng(5)
    train = pd.DataFrame({"id": range(90), "x": rng.normal(size=90), "laps": rng.normal(size=90)})
    train["wear"] = rng.normal(size=90)
    test = pd.DataFrame({"id": range(90, 120), "x": rng.normal(size=30)})
    sample = test[["id"]].assign(prediction=0.5)
    task = infer_task(little_competition(train, test, sample, text), metric="rmse")
    assert task.targets == ("wear",)
    assert any("prediction of the sample submission means wear" in note and text in note for note in task.notes)
    with pytest.raises(TaskError, match="--target"):
        infer_task(little_competition(train, test, sample, "The laps and the wear of tyres."), metric="rmse")


WEIGHTS = {  # text after "Weighted mean absolute error (WMAE)", the column of weights
    "by the text": ("; the weight of a row is its `importance`.", "importance"),
    "in two words": (", where each row counts by the weight in sample mass.", "sample_mass"),
    "one that test lacks": ("; weights follow from x and importance.", "importance"),
    "none": (".", None),
    "two": ("; weights are importance times sample_mass.", None),
    "flags": ("; holidays weigh more, see `odd`.", None),
    "by the name": (".", "row_weight"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_the_column_of_weights_is_named_by_the_text(case):
    text, weights = WEIGHTS[case]
    rng = np.random.default_rng(5)
    train = pd.DataFrame({"id": range(90), "x": rng.uniform(1, 2, 90), "y": rng.normal(size=90)})
    train = train.assign(importance=[1, 5, 2] * 30, sample_mass=rng.uniform(1, 4, 90), odd=[0, 1] * 45)
    train = train.assign(row_weight=rng.uniform(1, 3, 90)) if weights == "row_weight" else train
    test = pd.DataFrame({"id": range(90, 120), "x": rng.uniform(1, 2, 30)})
    text = "Submissions are scored by the weighted mean absolute error (WMAE)" + text
    task = infer_task(little_competition(train, test, test[["id"]].assign(y=0.0), text))
    assert (task.metric, task.weights) == ("wmae", weights)
    assert weights not in (*task.train_only, *task.features(train, test))
    assert any("weights: in task.yaml" in note for note in task.notes)


@pytest.mark.parametrize("folder", ["boats", "some data"])
@pytest.mark.parametrize(
    ("labels", "shown", "metric"),
    [
        ([0, 1], [0], "accuracy"),
        ([0, 1], [1], "accuracy"),
        ([0, 1], [0, 1], "accuracy"),
        ([0.0, 1.0], [0], "accuracy"),
        ([False, True], [True], "accuracy"),
        (["N", "Y"], [0, 1], "accuracy"),
        (["N", "Y"], [True], "accuracy"),
        ([0, 1], [0.0], "auc"),
        ([0, 1], [0.5], "auc"),
        (["N", "Y"], [0.5], "auc"),
        (["N", "Y"], [0], "auc"),
    ],
)
def test_without_a_description_the_sample_asks_for_labels_or_probabilities(tmp_path, folder, labels, shown, metric):
    frame = pd.DataFrame({"key": range(500, 620), "x": np.random.default_rng(2).normal(size=120)})
    place = tmp_path / folder
    place.mkdir()
    frame[:90].assign(alive=np.resize(labels, 90)).to_csv(place / "train.csv", index=False)
    frame[90:].to_csv(place / "test.csv", index=False)
    frame.loc[90:, ["key"]].assign(alive=np.resize(shown, 30)).to_csv(place / "form.csv", index=False)
    task = infer_task(read_competition(place))
    assert (task.metric, task.metric_source) == (metric, "assumed")
