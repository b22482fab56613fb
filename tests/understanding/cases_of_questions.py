"""Cases of questions: which column is the target, which values a submission holds, what the sample shows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from case import SCORES, Draw, Expected, about, case, classes, draw, put, regression, sample_ids, scores

from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task


def renamed(drawn: Draw, target: str, labels: np.ndarray | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train with the target under another name, answers), the codes as `labels` where these are given."""
    y, truth = drawn.train["y"].to_numpy(), drawn.truth
    if labels is not None:
        y, truth = labels[y], labels[truth]
    return drawn.train.drop(columns="y").assign(**{target: y}), drawn.test[["id"]].assign(**{target: truth})


@case(
    "SelfExplainML/PiML-Toolbox issue #9, dotnet/machinelearning-modelbuilder issue #2758",
    "The last column is taken for the target, and it is the first.",
)
def the_target_comes_first(folder: Path) -> Expected:
    drawn = draw("the-target-comes-first")
    train, answers = renamed(drawn, "quality")
    train = train[["quality", "size", "rooms", "town", "id"]]
    test = drawn.test[["size", "rooms", "town", "id"]]
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(quality=0)}
    put(folder, about("Predict the quality.", "RMSE"), files, answers)
    return regression(folder, drawn, "quality")


@case(
    "dotnet/machinelearning issue #3902 (country and Country), dotnet/machinelearning pull request #5177",
    "Names that differ in case, blanks and signs alone are not recognised.",
)
def the_targets_name_in_another_case(folder: Path) -> Expected:
    drawn = draw("the-targets-name-in-another-case")
    train, answers = renamed(drawn, "Sale Price (€)")
    train["Agent Fee (€)"] = (train["Sale Price (€)"] / 20).round(1) + np.random.default_rng(1).normal(0, 1, 240).round(
        1
    )
    sample = answers.rename(columns={"Sale Price (€)": "sale_price_(€)"}).assign(**{"sale_price_(€)": 0})
    answers.columns = sample.columns
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": sample}
    put(folder, about("What will be paid for a house?", "RMSE"), files, answers)
    return regression(folder, drawn, "Sale Price (€)", columns=("id", "sale_price_(€)"))


@case(
    "mljar/mljar-supervised issue #589 (TARGET_NAME and PREDICTION_NAME), minimaxir/automl-gs issue #24",
    "The sample calls its column prediction, and train has several columns that test lacks.",
)
def the_sample_says_prediction(folder: Path) -> Expected:
    drawn = draw("the-sample-says-prediction")
    train, answers = renamed(drawn, "wear")
    train["laps_driven"] = np.random.default_rng(2).integers(5, 50, 240)
    answers = answers.rename(columns={"wear": "prediction"})
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(prediction=0)}
    text = "For each tyre of test.csv predict its `wear`. How many laps were driven in the end is known for train only."
    put(folder, about(text, "RMSE of `wear`."), files, answers)
    return regression(folder, drawn, "wear", columns=("id", "prediction"))


@case(
    "mljar/mljar-supervised issue #236, keras-team/autokeras issues #1375 and #757",
    "With targets -1 and 1, predictions are 0 and 1.",
)
def minus_one_and_one(folder: Path) -> Expected:
    drawn = draw("minus-one-and-one", kind="binary")
    train, answers = renamed(drawn, "side", np.array([-1, 1]))
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(side=-1)}
    put(folder, about("Predict the side, -1 or 1.", "Accuracy"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if not set(frame["side"].astype(str)) <= {"-1", "1"}:
            yield f"the submission holds {sorted(set(frame['side']))}"

    more = scores("accuracy", Draw(drawn.train, drawn.test, drawn.truth, (drawn.best > 0.5).astype(int)))
    return classes(folder, drawn, "side", "accuracy", positive="1", check=check, **more)


@case(
    "dotnet/machinelearning-modelbuilder issue #1021 (labels are translated to 0 and 1)",
    "Train has Y and N, the submission 1 and 0.",
)
def y_and_n_asked_for_as_1_and_0(folder: Path) -> Expected:
    drawn = draw("y-and-n-asked-for-as-1-and-0", kind="binary")
    train, _ = renamed(drawn, "repaid", np.array(["N", "Y"], dtype=object))
    answers = drawn.test[["id"]].assign(repaid=drawn.truth)
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(repaid=[0, 1] * 40)}
    text = "Will a loan be repaid? `repaid` is Y or N in train.csv; in the submission write 1 for Y and 0 for N."
    put(folder, about(text, "Classification accuracy"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if not set(frame["repaid"].astype(str)) <= {"0", "1"}:
            yield f"the submission holds {sorted(set(frame['repaid'].astype(str)))} where the sample holds 0 and 1"

    more = scores("accuracy", Draw(drawn.train, drawn.test, drawn.truth, (drawn.best > 0.5).astype(int)))
    return classes(folder, drawn, "repaid", "accuracy", positive="Y", check=check, **more)


@case(
    "autogluon/autogluon issue #615, automl/auto-sklearn issue #1429, Azure/MachineLearningNotebooks issue #242",
    "Several labels of yes or no for a row are refused, or one of them is learned.",
)
def several_labels_a_row(folder: Path) -> Expected:
    parts = [draw(f"several-labels-{i}", kind="binary") for i in range(3)]
    train, test = parts[0].train.drop(columns="y"), parts[0].test
    rng = np.random.default_rng(3)
    names = ("leaks", "rattles", "smells")
    answers = test[["id"]].copy()
    areas = []
    for number, name in enumerate(names):
        both = pd.concat([train, test])
        chance = 1 / (1 + np.exp(-(both["size"] * (number - 1) + both["rooms"] - 3.5)))
        drawn = (rng.random(len(both)) < chance).astype(int).to_numpy()
        train[name], answers[name] = drawn[:240], drawn[240:]
        areas.append(SCORES["auc"](drawn[240:], chance[240:]))
    sample = answers.assign(**dict.fromkeys(names, 0.5))
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": sample}
    put(folder, about("Predict the probability of each fault.", "The mean column-wise ROC AUC."), files, answers)
    return Expected(
        targets=names,
        metric="mean_auc",
        problem="binary",
        columns=("id", *names),
        ids=sample_ids(folder, ["id"]),
        train=240,
        test=80,
        folds=("random", "stratified"),
        oracle=float(np.mean(areas)),
        baseline=0.5,
    )


@case(
    "cuihaoleo/kaggle-dfdc issue #13 (what a sample means); the form of mle-bench's spooky-author-identification",
    "The sample holds the shares of the classes, in columns of another order than the labels'.",
)
def shares_of_classes_in_the_sample(folder: Path) -> Expected:
    drawn = draw("shares-of-classes-in-the-sample", kind="multiclass")
    names = np.array(["poe", "lovecraft", "shelley"], dtype=object)
    train, answers = renamed(drawn, "author", names)
    sample = drawn.test[["id"]].assign(shelley=0.3087, poe=0.4035, lovecraft=0.2878)
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": sample}
    text = "Predict the probability that each author wrote it."
    put(folder, about(text, "Submissions are evaluated by multi-class logarithmic loss."), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        shares = np.eye(3)[[task.classes.index(label) for label in names[drawn.best]]]
        told = task.submission(competition.test, shares, competition.sample)
        if told[["shelley", "poe", "lovecraft"]].idxmax(axis=1).tolist() != names[drawn.best].tolist():
            yield "probabilities stand in the columns of other classes"

    columns = ("id", "shelley", "poe", "lovecraft")
    return classes(folder, drawn, "author", "mlogloss", columns=columns, classes=columns[1:], check=check)


def _target_in_test(folder: Path, name: str, value: object) -> Expected:
    drawn = draw(name, kind="binary")
    _, answers = renamed(drawn, "accepted")
    train = drawn.train.rename(columns={"y": "accepted"})
    test = drawn.test.assign(accepted=value)
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(accepted=0.5)}
    put(folder, about("Predict the probability that a loan is accepted.", "ROC AUC"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if "accepted" in task.features(competition.train, competition.test):
            yield "the target is an input"

    return classes(folder, drawn, "accepted", "auc", positive="1", check=check, **scores("auc", drawn))


@case(
    "ycjuan/libffm issue #34 (put dummy zeros), minimaxir/automl-gs issue #24",
    "Test has the target's column with zeros: it is taken for a feature, or for known.",
)
def zeros_in_place_of_the_target(folder: Path) -> Expected:
    return _target_in_test(folder, "zeros-in-place-of-the-target", 0)


@case(
    "minimaxir/automl-gs issue #24 (an empty target column), autogluon/autogluon pull request #621",
    "Test has the target's column without values.",
)
def an_empty_target_in_test(folder: Path) -> Expected:
    return _target_in_test(folder, "an-empty-target-in-test", None)


@case(
    "mljar/mljar-supervised issue #154, autogluon/autogluon pull request #942 and issue #1312, h2o/h2o issue #1608",
    "The weight of a row in the score is an input, or is not used.",
)
def weights_under_another_name(folder: Path) -> Expected:
    drawn = draw("weights-under-another-name")
    rng = np.random.default_rng(4)
    train = drawn.train.assign(importance=rng.choice([1, 5], 240))
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(y=0)}
    text = "Weighted mean absolute error (WMAE); the weight of a row is its `importance`, which train.csv tells."
    put(folder, about("Predict y.", text), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if task.weights != "importance":
            yield f"weights: {task.weights!r}"

    return Expected(
        targets=("y",),
        metric="wmae",
        problem="regression",
        columns=("id", "y"),
        ids=sample_ids(folder, ["id"]),
        train=240,
        test=80,
        check=check,
    )


@case(
    "page cbojer.github.io/post/kaggle-part-1 (sales of stores by day); no report of the exact case found",
    "Rows are known by shop and day together, no column by itself is an id.",
)
def rows_known_by_shop_and_day(folder: Path) -> Expected:
    rng = np.random.default_rng(5)
    days = pd.date_range("2023-01-01", periods=90)
    frame = pd.DataFrame([(s, d) for d in days for s in range(5)], columns=["shop", "day"])
    best = 50 + 8 * frame["shop"] + 0.2 * (frame["day"] - days[0]).dt.days + 9 * (frame["day"].dt.day_of_week == 5)
    sold = (best + rng.normal(0, 2, len(frame))).round(1)
    frame["day"] = frame["day"].dt.strftime("%Y-%m-%d")
    frame["open"] = rng.integers(0, 2, len(frame))
    train, test = frame[:350].assign(sold=sold[:350]), frame[350:].reset_index(drop=True)
    answers = test[["shop", "day"]].assign(sold=sold[350:].to_numpy()).sample(frac=1, random_state=1)
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(sold=0)}
    put(folder, about("Predict what each shop sells on the days to come.", "RMSE"), files, answers)
    return Expected(
        targets=("sold",),
        metric="rmse",
        problem="regression",
        id=("shop", "day"),
        columns=("shop", "day", "sold"),
        ids=sample_ids(folder, ["shop", "day"]),
        train=350,
        test=100,
        folds=("time",),
        fold_column="day",
        oracle=SCORES["rmse"](sold[350:].to_numpy(), best[350:].to_numpy()),
        baseline=SCORES["rmse"](sold[350:].to_numpy(), np.full(100, sold[:350].mean())),
    )


@case(
    "the form of Kaggle's M5 Forecasting (F1 … F28); no report of the exact case found",
    "One row a series is asked for, with a column for each of the next days.",
)
def a_column_for_each_horizon(folder: Path) -> Expected:
    rng = np.random.default_rng(6)
    days = pd.date_range("2023-01-01", periods=80).strftime("%Y-%m-%d")
    train = pd.DataFrame([(f"s{s}", d) for d in days for s in range(20)], columns=["series", "day"])
    train["sold"] = rng.poisson(20, len(train))
    series = train[["series"]].drop_duplicates()
    horizons = [f"F{i}" for i in range(1, 8)]
    answers = series.assign(**{h: rng.poisson(20, 20) for h in horizons})
    test = series.assign(size=rng.integers(1, 9, 20))
    files = {
        "train.csv": train,
        "test.csv": test,
        "sample_submission.csv": answers.assign(**dict.fromkeys(horizons, 0)),
    }
    put(folder, about("Predict what each series sells on the next seven days, F1 to F7.", "RMSE"), files, answers)
    return Expected(
        targets=("sold",),
        metric="rmse",
        problem="regression",
        id=("series",),
        columns=("series", *horizons),
        ids=sample_ids(folder, ["series"]),
        train=1600,
        test=20,
        folds=("time",),
        refusal=r"F1|F7",
    )
