"""Cases of what an answer is: which class, which quantiles, several rows for a row of test, values not measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from case import Check, Expected, about, case, classes, draw, put, regression, sample_ids
from cases_of_questions import renamed

from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task


def asks(**wanted: object) -> Check:
    """A check that attributes of the task are as wanted."""

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        for name, right in wanted.items():
            if getattr(task, name) != right:
                yield f"{name}: {getattr(task, name)!r} instead of {right!r}"

    return check


def _one_class(
    folder: Path, text: str, labels: Sequence[object], right: object, column: str = "answer", metric: str = "auc"
) -> Expected:
    drawn = draw(text, kind="binary")
    train, answers = renamed(drawn, "state", np.array(labels, dtype=object))
    sample = drawn.test[["id"]].assign(**{column: 0.5 if metric == "auc" else labels[0]})
    put(folder, text, {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": sample}, answers)
    return classes(folder, drawn, "state", metric, columns=("id", column), positive=str(right))


@case("scikit-learn/scikit-learn issue #17572, in German", "The greater label is taken for the positive one.")
def a_class_asked_for_in_german(folder: Path) -> Expected:
    text = (
        "# Kündigungen\n\n`state` ist 1, wenn der Kunde gekündigt hat, und 2, wenn er geblieben ist.\n\n## Abgabe\n\n"
        "Für jede Zeile ist die Wahrscheinlichkeit der Klasse 1 anzugeben.\n\n## Bewertung\n\nFläche unter der "
        "ROC-Kurve (AUC).\n"
    )
    return _one_class(folder, text, [1, 2], 1)


@case("alteryx/evalml issue #2926 (who says which class is positive), with booleans", "True is taken for positive.")
def false_is_asked_for(folder: Path) -> Expected:
    text = about("Predict the probability that a sheep is sick, i.e. that `state` is False.", "ROC AUC")
    return _one_class(folder, text, [False, True], False)


@case("alteryx/evalml issue #2926, with words", "Refused, though the sample's column is called bad_probability.")
def a_label_before_the_word_probability(folder: Path) -> Expected:
    return _one_class(folder, about("Who pays back?", "ROC AUC"), ["bad", "good"], "bad", "bad_probability")


@case("alteryx/evalml issue #2926, with words", "Refused, though the text says of which label F1 is.")
def f1_of_those_who_left(folder: Path) -> Expected:
    text = about("Predict `state`: left or remained.", "F1 score, computed for employees who left.")
    return _one_class(folder, text, ["left", "remained"], "left", "state", "f1")


@case("abhishekkrthakur/autoxgb issue #6 (targets that are not measured), with -999", "-999 is learned as a value.")
def nines_for_values_not_measured(folder: Path) -> Expected:
    drawn = draw("nines-for-values-not-measured")
    rng = np.random.default_rng(7)
    y = drawn.train["y"]
    train = drawn.train.drop(columns="y").assign(iron=y.where(rng.random(240) < 0.6, -999), zinc=(30 - y).round(3))
    answers = drawn.test[["id"]].assign(iron=drawn.truth, zinc=30 - drawn.truth)
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(iron=0.0, zinc=0.0)}
    put(folder, about("Two metals; -999 means that it was not measured.", "Mean of the RMSEs of both."), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        measured = np.isfinite(task.encode(competition.train)).sum(axis=0).tolist()
        if measured != [int((train["iron"] != -999).sum()), 240]:
            yield f"{measured} values of the targets"

    return Expected(
        targets=("iron", "zinc"), metric="mean_rmse", problem="regression", columns=("id", "iron", "zinc"),
        ids=sample_ids(folder, ["id"]), train=240, test=80, check=check,
    )  # fmt: skip


def _long(
    folder: Path, name: Callable[[int, str], str], keys: tuple[str, str], targets: tuple[str, str], dropped: int = 0
) -> Expected:
    drawn = draw(name(1, "x"))
    y = drawn.train["y"]
    train = drawn.train.drop(columns="y").assign(**{targets[0]: y, targets[1]: 50 - 2 * y})
    rows = [(name(i, k), v) for i, t in zip(drawn.test["id"], drawn.truth, strict=True)
            for k, v in zip(keys, (t, 50 - 2 * t), strict=True)]  # fmt: skip
    asked = [row for place, row in enumerate(rows) if not dropped or place % dropped]
    answers = pd.DataFrame(asked, columns=["Id", "Value"])
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(Value=0.0)}
    put(folder, about("A row for each value.", "RMSE over all rows"), files, answers)
    return Expected(
        targets=targets, metric="pooled_rmse", problem="regression", columns=("Id", "Value"), ids=(),
        train=240, test=80, id="", check=asks(layout="long"),
    )  # fmt: skip


@case("MLE-Dojo, bigquery-geotab-intersection-congestion", "The sample's Id is taken for test's id, and fits none.")
def ids_put_together_in_the_column_of_ids(folder: Path) -> Expected:
    return _long(folder, lambda i, k: f"{i}-{k}", ("wind", "gust"), ("wind", "gust"))


@case("MLE-Dojo, facial-keypoints-detection (IdLookupTable: not all values are asked for)", "Refused.")
def some_values_of_each_row(folder: Path) -> Expected:
    return _long(folder, lambda i, k: f"{k}|{i}", ("wind_speed", "gust"), ("WindSpeed", "Gust"), 5)


def _quantiles(folder: Path, text: str, columns: dict[str, float], metric: str) -> Expected:
    drawn = draw(text + str(columns))
    sample = drawn.test[["id"]].assign(**dict.fromkeys(columns, 0.0))
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": sample}
    put(folder, text, files, answers)
    levels = tuple(sorted(columns.values()))
    return Expected(
        targets=("y",), metric=metric, problem="regression", columns=("id", *columns), ids=sample_ids(folder, ["id"]),
        train=240, test=80, check=asks(levels=levels),
    )  # fmt: skip


@case("scikit-learn-contrib/MAPIE issue #407, in German", "No sample fits; the description is not found.")
def an_interval_in_german(folder: Path) -> Expected:
    text = (
        "# Last\n\nAnzugeben ist ein Intervall, das den Wert in 80 % der Fälle enthält.\n\n## Bewertung\n\nMittlerer "
        "Winkler-Score.\n"
    )
    return _quantiles(folder, text, {"untere": 0.1, "obere": 0.9}, "winkler")


@case("scikit-learn-contrib/MAPIE issue #407, with the middle", "No sample fits.")
def a_prediction_between_its_ends(folder: Path) -> Expected:
    text = about("`low` and `high` are the 10th and the 90th percentile, `pred` the median.", "Pinball loss")
    return _quantiles(folder, text, {"pred_low": 0.1, "pred": 0.5, "pred_high": 0.9}, "quantile_score")


@case("the form of the Covid-19 Forecast Hub (quantile, value)", "No sample fits.")
def a_row_for_each_quantile(folder: Path) -> Expected:
    drawn = draw("a-row-for-each-quantile")
    sample = pd.DataFrame([(i, q, 0.0) for i in drawn.test["id"] for q in (0.1, 0.5, 0.9)],
                          columns=["id", "quantile", "value"])  # fmt: skip
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": sample}
    put(folder, about("A row for each quantile.", "Mean pinball loss"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        yield from asks(levels=(0.1, 0.5, 0.9), layout="long")(competition, task, frame)
        made = task.submission(competition.test, np.tile([1.0, 2.0, 3.0], (80, 1)), competition.sample)
        if made["value"].tolist() != [1.0, 2.0, 3.0] * 80:
            yield "quantiles stand in rows of other levels"

    columns = ("id", "quantile", "value")
    return Expected(
        targets=("y",), metric="quantile_score", problem="regression", columns=columns, ids=(),
        train=240, test=80, check=check,
    )  # fmt: skip


@case(
    "Google Analytics Customer Revenue Prediction (the submission wants a logarithm), in German", "No transformation."
)
def a_logarithm_asked_for_in_german(folder: Path) -> Expected:
    drawn = draw("a-logarithm-asked-for-in-german")
    train, answers = renamed(drawn, "Besuche")
    train["Besuche"], answers["Besuche"] = train["Besuche"].abs() + 40, np.log1p(answers["Besuche"].abs() + 40)
    sample = answers.assign(Besuche=0.0)
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": sample}
    text = "# Museen\n\nAbzugeben ist der natürliche Logarithmus der Besuche plus eins.\n\n## Bewertung\n\nRMSE\n"
    put(folder, text, files, answers)
    return regression(folder, drawn, "Besuche", check=asks(transform="log1p"))


def _labels(folder: Path, text: str, labels: tuple[str, ...], sample: object) -> Expected:
    drawn = draw(text)
    codes = pd.qcut(pd.concat([drawn.train["y"], pd.Series(drawn.truth)]), len(labels), labels=False).to_numpy()
    names = np.array(labels, dtype=object)[codes]
    train = drawn.train.drop(columns="y").assign(kind=names[:240])
    answers = drawn.test[["id"]].assign(kind=names[240:])
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(kind=sample)}
    put(folder, about(text, "Accuracy"), files, answers)
    problem = "binary" if len(labels) == 2 else "multiclass"
    return Expected(
        targets=("kind",), metric="accuracy", problem=problem, columns=("id", "kind"), ids=sample_ids(folder, ["id"]),
        train=240, test=80, folds=("stratified",), classes=labels,
    )  # fmt: skip


@case("apple/turicreate issue #1531 (two spellings of one label), the reverse", "Four gases and metals become two.")
def labels_explained_one_by_one(folder: Path) -> Expected:
    text = "CO is carbon monoxide, Co cobalt, NO nitric oxide, No nobelium."
    return _labels(folder, text, ("CO", "Co", "NO", "No"), "CO")


@case("apple/turicreate issue #1531, the reverse", "One class is left, and nothing to learn.")
def labels_that_case_alone_tells_apart(folder: Path) -> Expected:
    return _labels(folder, "Which unit is it?", ("M", "m"), "m")


@case("the letters of EMNIST by class; apple/turicreate issue #1531, the reverse", "Small letters become capitals.")
def capital_and_small_letters(folder: Path) -> Expected:
    return _labels(folder, "Read the letter.", tuple("abcdefABCDEF"), "a")
