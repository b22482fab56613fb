"""Labels and predictions make the round trip to a submission, for every type of label and every layout."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import labelled_competition, little_competition

from medalist.competitions.errors import SubmissionError
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.labels import class_labels, encode_labels, plain

RNG = np.random.default_rng(3)
N = 120


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


@pytest.mark.parametrize("name", LABELS)
def test_labels_make_the_round_trip_with_their_type(name):
    labels, kind = LABELS[name]
    competition = labelled_competition(labels, labels[0])
    task = infer_task(competition, metric="accuracy")
    y = task.encode(competition.train)
    assert y.shape == (N, 1)
    assert set(y[:, 0]) == set(range(len(labels)))
    frame = task.submission(competition.test, y[:30], competition.sample)
    assert frame["y"].tolist() == competition.train["y"].tolist()[:30]
    assert {type(value) for value in frame["y"].tolist()} == {kind}


@settings(deadline=None)
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
    competition = labelled_competition([False, True], 0)
    task = infer_task(competition, metric="accuracy")
    assert task.submission(competition.test, np.ones((30, 1)), competition.sample)["y"].tolist() == [1] * 30
    competition = labelled_competition([0, 1], True)
    task = infer_task(competition, metric="accuracy")
    written = task.submission(competition.test, np.zeros((30, 1)), competition.sample)
    assert written["y"].dtype == bool
    assert "False" in written.to_csv(index=False)
    competition = labelled_competition(["no", "yes"], 0)
    task = infer_task(competition, metric="accuracy")
    assert task.submission(competition.test, np.ones((30, 1)), competition.sample)["y"].tolist() == [1] * 30


def test_rows_follow_the_sample_by_id():
    competition = labelled_competition([0, 1], 0.5)
    assert competition.sample is not None
    shuffled = competition.sample.sample(frac=1, random_state=1).reset_index(drop=True)
    task = infer_task(competition, metric="auc")
    values = np.linspace(0, 1, 30)[:, None]
    frame = task.submission(competition.test, values, shuffled)
    assert frame["id"].tolist() == shuffled["id"].tolist()
    expected = dict(zip(competition.test["id"], values[:, 0], strict=True))
    assert frame["y"].tolist() == [expected[i] for i in shuffled["id"]]


def test_predictions_that_do_not_fit_are_refused():
    competition = labelled_competition([0, 1], 0.5)
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
    competition = labelled_competition([3, 4, 6, 8], 5)
    task = infer_task(competition, metric="quadratic weighted kappa")
    assert (task.problem_type, task.classes) == ("ordinal", (3, 4, 5, 6, 7, 8))
    assert task.encode(competition.train)[:4, 0].tolist() == [0, 1, 3, 5]
    task = infer_task(competition, metric="accuracy")
    assert (task.problem_type, task.classes) == ("multiclass", (3, 4, 6, 8))
