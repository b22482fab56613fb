"""A task is inferred from tables and text; labels and submissions make the round trip for every type of label."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import MetricError, SubmissionError, TaskError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.inspection import inspection_document
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.labels import class_labels, encode_labels, match_classes, order_binary, plain

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


# Round trips


LABELS = {
    "zero and one": ([0, 1], int),
    "booleans": ([False, True], bool),
    "one and two": ([1, 2], int),
    "words": (["no", "yes"], str),
    "several words": (["bird", "cat", "dog"], str),
    "several numbers": ([3, 5, 9], int),
    "floats that are whole": ([1.0, 2.0, 4.0], int),
    "halves": ([0.5, 1.0, 1.5], float),
}


def _labelled(labels: list, sample_value: object, n: int = N) -> Competition:
    y = [labels[i % len(labels)] for i in range(n)]
    train = pd.DataFrame({"id": range(n), "x": RNG.normal(size=n), "y": y})
    test = pd.DataFrame({"id": range(n, n + 30), "x": RNG.normal(size=30)})
    return little_competition(train, test, pd.DataFrame({"id": test["id"], "y": [sample_value] * 30}))


@pytest.mark.parametrize("name", LABELS)
def test_labels_make_the_round_trip_with_their_type(name):
    labels, kind = LABELS[name]
    competition = _labelled(labels, labels[0])
    task = infer_task(competition, metric="accuracy")
    y = task.encode(competition.train)
    assert y.shape == (N, 1)
    assert set(y[:, 0]) == set(range(len(labels)))
    frame = task.submission(competition.test, y[:30], competition.sample)
    assert frame["y"].tolist() == competition.train["y"].tolist()[:30]
    assert {type(value) for value in frame["y"].tolist()} == {kind}


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.sets(st.integers(-50, 50), min_size=2, max_size=8),
        st.sets(st.text(min_size=1, max_size=5), min_size=2, max_size=8),
        st.sets(st.booleans(), min_size=2, max_size=2),
        st.sets(st.floats(-5, 5), min_size=2, max_size=8),
    ),
    st.data(),
)
def test_any_labels_are_encoded_and_decoded(labels, data):
    values = pd.Series(data.draw(st.permutations(sorted(labels) * 2)), name="y")
    classes = class_labels(values)
    codes = encode_labels(values, classes)
    assert [classes[int(code)] for code in codes] == [plain(value) for value in values]


def test_a_submission_writes_booleans_and_numbers_as_the_sample_does():
    competition = _labelled([False, True], 0)
    task = infer_task(competition, metric="accuracy")
    assert task.submission(competition.test, np.ones((30, 1)), competition.sample)["y"].tolist() == [1] * 30
    competition = _labelled([0, 1], True)
    task = infer_task(competition, metric="accuracy")
    written = task.submission(competition.test, np.zeros((30, 1)), competition.sample)
    assert written["y"].dtype == bool
    assert "False" in written.to_csv(index=False)
    competition = _labelled(["no", "yes"], 0)
    task = infer_task(competition, metric="accuracy")
    assert task.submission(competition.test, np.ones((30, 1)), competition.sample)["y"].tolist() == [1] * 30


def test_rows_follow_the_sample_by_id():
    competition = _labelled([0, 1], 0.5)
    assert competition.sample is not None
    shuffled = competition.sample.sample(frac=1, random_state=1).reset_index(drop=True)
    task = infer_task(competition, metric="auc")
    values = np.linspace(0, 1, 30)[:, None]
    frame = task.submission(competition.test, values, shuffled)
    assert frame["id"].tolist() == shuffled["id"].tolist()
    expected = dict(zip(competition.test["id"], values[:, 0], strict=True))
    assert frame["y"].tolist() == [expected[i] for i in shuffled["id"]]


def test_predictions_that_do_not_fit_are_refused():
    competition = _labelled([0, 1], 0.5)
    task = infer_task(competition, metric="auc")
    sample = competition.sample
    assert sample is not None
    with pytest.raises(SubmissionError, match="29 predictions for 30 test rows"):
        task.submission(competition.test, np.zeros((29, 1)), sample)
    with pytest.raises(SubmissionError, match="1 of 30 test rows have no finite prediction"):
        task.submission(competition.test, np.array([[0.5]] * 29 + [[np.nan]]), sample)
    with pytest.raises(SubmissionError, match="needs 1 column"):
        task.submission(competition.test, np.zeros((30, 3)), sample)
    with pytest.raises(SubmissionError, match="ids of the sample submission do not stand in test"):
        task.submission(competition.test, np.zeros((30, 1)), sample.assign(id=sample["id"] + 7))


# Layouts


def _per_class(columns: list[str], labels: list, **options):
    y = [labels[i % len(labels)] for i in range(N)]
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "kind": y})
    test = pd.DataFrame({"id": range(N, N + 9), "x": RNG.normal(size=9)})
    sample = pd.DataFrame({"id": test["id"], **dict.fromkeys(columns, 0.1)})
    competition = little_competition(train, test, sample, "Evaluated on multi-class logarithmic loss.")
    return competition, infer_task(competition, **options)


@pytest.mark.parametrize(
    ("columns", "labels", "expected"),
    [
        (["Status_D", "Status_C", "Status_CL"], ["C", "CL", "D"], ("Status_C", "Status_CL", "Status_D")),
        (["rose", "tulip", "lily"], ["rose", "lily", "tulip"], ("lily", "rose", "tulip")),
        (["Class_1", "Class_2", "Class_11"], [1, 2, 11], ("Class_1", "Class_2", "Class_11")),
        (["p_a", "p_b", "p_c"], ["x", "y", "z"], ("p_a", "p_b", "p_c")),
        (["2", "0", "1"], [0, 1, 2], ("0", "1", "2")),
    ],
)
def test_a_column_per_class_is_matched_by_name_ending_or_order(columns, labels, expected):
    competition, task = _per_class(columns, labels)
    assert (task.layout, task.problem_type, task.targets) == ("per_class", "multiclass", ("kind",))
    assert task.class_columns == expected
    assert task.metric == "mlogloss"
    shares = RNG.dirichlet(np.ones(3), size=9)
    frame = task.submission(competition.test, shares, competition.sample)
    assert list(frame.columns) == ["id", *columns]
    for k, column in enumerate(expected):
        assert frame[column].tolist() == shares[:, k].tolist()


def test_two_class_columns_and_one_class_column():
    competition, task = _per_class(["no", "yes"], ["yes", "no"])
    assert (task.problem_type, task.layout, task.width) == ("binary", "per_class", 1)
    frame = task.submission(competition.test, np.full((9, 1), 0.25), competition.sample)
    assert (frame["yes"].iloc[0], frame["no"].iloc[0]) == (0.25, 0.75)
    competition, task = _per_class(["ill"], ["ill", "well"])
    assert (task.problem_type, task.classes) == ("binary", ("well", "ill"))
    assert task.submission(competition.test, np.full((9, 1), 0.25), competition.sample)["ill"].iloc[0] == 0.25


def test_several_targets_get_the_mean_over_columns():
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "a": RNG.normal(size=N), "b": RNG.normal(size=N)})
    test = pd.DataFrame({"id": range(N, N + 9), "x": 0.0})
    sample = pd.DataFrame({"id": test["id"], "b": 0.0, "a": 0.0})
    competition = little_competition(train, test, sample)
    task = infer_task(competition, metric="rmse")
    assert (task.targets, task.metric, task.layout, task.width) == (("b", "a"), "mean_rmse", "per_target", 2)
    assert task.encode(train)[:, 1].tolist() == train["a"].tolist()


def test_rankings_write_the_best_labels():
    y = [["ant", "bee", "cow", "dog"][i % 4] for i in range(N)]
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "y": y})
    test = pd.DataFrame({"id": range(N, N + 2), "x": 0.0})
    competition = little_competition(train, test, pd.DataFrame({"id": test["id"], "y": "ant bee cow"}))
    task = infer_task(competition, metric="map@3")
    frame = task.submission(test, np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.2, 0.1, 0.0]]), competition.sample)
    assert frame["y"].tolist() == ["dog cow bee", "ant bee cow"]


def test_two_classes_are_ranked_by_one_probability():
    train = pd.DataFrame({"id": range(N), "x": RNG.normal(size=N), "y": [i % 2 for i in range(N)]})
    test = pd.DataFrame({"id": range(N, N + 2), "x": 0.0})
    competition = little_competition(train, test, pd.DataFrame({"id": test["id"], "y": "0 1"}))
    task = infer_task(competition, metric="map@2")
    frame = task.submission(test, np.array([[0.9], [0.2]]), competition.sample)
    assert frame["y"].tolist() == ["1 0", "0 1"]


def test_ordinal_classes_fill_gaps_between_whole_numbers():
    competition = _labelled([3, 4, 6, 8], 5)
    task = infer_task(competition, metric="quadratic weighted kappa")
    assert (task.problem_type, task.classes) == ("ordinal", (3, 4, 5, 6, 7, 8))
    assert task.encode(competition.train)[:4, 0].tolist() == [0, 1, 3, 5]
    task = infer_task(competition, metric="accuracy")
    assert (task.problem_type, task.classes) == ("multiclass", (3, 4, 6, 8))


# Ids, targets and what only train has


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
    with pytest.raises(TaskError, match="--id"):
        infer_task(little_competition(train[["x", "y"]], test[["x"]]))


def _inferred(y: list, sample: list | None = None, description: str = "", **options):
    train = pd.DataFrame({"id": range(len(y)), "x": RNG.normal(size=len(y)), "y": y})
    test = pd.DataFrame({"id": range(900, 905), "x": RNG.normal(size=5)})
    frame = pd.DataFrame({"id": test["id"], "y": [0] * 5 if sample is None else sample})
    return infer_task(little_competition(train, test, frame, description), **options)


MISTAKES = {
    "a cut last row": ({"y": [1.5, 0.5, 2.5] * 11 + [None]}, r"missing in the last of 34 .* cut short; copy it again"),
    "a cut label": ({"y": ["yes", "no"] * 9 + ["ye"]}, r"'ye' in the last training row alone, the beginning of 'yes'"),
    "missing targets": ({"y": [1.5, None, 2.5, None] * 9}, r"missing in 18 of 36 training rows: remove these rows"),
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
        "scores regression or ordinal problems, not binary: settle it with --metric or --problem-type",
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
        infer_task(little_competition(train, test, test[["id"]].assign(y=0.0)))
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
    task = _inferred([0, 1] * 9)
    assert (task.metric, task.metric_source) == ("auc", "assumed")
    assert any("assumed" in note for note in task.notes)


@pytest.mark.parametrize(
    ("y", "sample", "metric"),
    [
        ([0, 1] * 9, [0] * 5, "auc"),  # a nought may stand for a chance
        ([0, 1] * 9, [0.5] * 5, "auc"),
        ([0, 1] * 9, [0, 1, 0, 1, 1], "accuracy"),
        ([False, True] * 9, [False] * 5, "accuracy"),
        (["no", "yes"] * 9, ["no"] * 5, "accuracy"),
        (["no", "yes"] * 9, [0.5] * 5, "auc"),
        (["no", "yes"] * 9, [False, True] * 2 + [True], "auc"),  # which of the words is true?
        (["0", "1"] * 9, [0, 1, 0, 1, 1], "auc"),
        (["a", "b", "c"] * 6, ["a"] * 5, "accuracy"),
        ([1.5, 2.5, 3.25] * 6, [0.0] * 5, "rmse"),
    ],
)
def test_an_assumed_metric_is_one_that_the_sample_can_hold(y, sample, metric):
    task = _inferred(y, sample=sample, **({"positive": y[1]} if metric == "auc" and isinstance(y[1], str) else {}))
    assert (task.metric, task.metric_source) == (metric, "assumed")


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
    competition = _labelled([0, 1], 0.5)
    task = infer_task(competition, metric="auc")
    document = json.loads(json.dumps(inspection_document(competition, task, (), ())))
    assert document["task"]["id"] == ["id"]
    assert document["task"]["targets"] == ["y"]
    assert (document["task"]["metric"], document["task"]["problem_type"]) == ("auc", "binary")
    assert document["task"]["folds"]["scheme"] == "stratified"
    assert (document["columns"], document["audit"]) == ([], [])
