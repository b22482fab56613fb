"""Cases of tables: indexes among the columns, names of columns, roles of files, repeated rows, few rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from case import Draw, Expected, about, case, classes, csv_text, draw, put, regression, sample_ids

from medalist.agent.run.reading import cards_of
from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task

UNUSED = ("key", "constant", "duplicate")  # kinds of columns that no model looks at


def in_three(drawn: Draw, sample: pd.DataFrame | None = None, **more: object) -> tuple[dict[str, object], pd.DataFrame]:
    """The three files of a regression, and the answers."""
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    sample = answers.assign(y=0) if sample is None else sample
    return {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": sample, **more}, answers


@case(
    "incf-nidash/PyNIDM pull request #84, im-anishraj/arnio #571, molgenis/molgenis-service-armadillo #1029",
    "Zeros before an id were lost in one table, and its rows meet none.",
)
def zeros_lost_in_the_sample(folder: Path) -> Expected:
    drawn = draw("zeros-lost-in-the-sample")
    train, test = (f.assign(id=(f["id"] - 960).map("{:06d}".format)) for f in (drawn.train, drawn.test))
    order = np.random.default_rng(1).permutation(len(test))
    bare = (drawn.test["id"] - 960).iloc[order]
    answers = pd.DataFrame({"id": bare, "y": drawn.truth[order]})
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        told = task.submission(competition.test, np.arange(len(test), dtype=float), competition.sample)
        if not np.array_equal(told["y"].to_numpy(), order.astype(float)):
            yield "predictions go to the wrong ids"

    return regression(folder, drawn, check=check)


@case(
    "h2oai/h2o-3 pull request #3909 (parsed names: an empty one, AGE, RACE …)",
    "A table was saved with the numbers of its rows, under no name.",
)
def an_index_without_a_name_in_test(folder: Path) -> Expected:
    drawn = draw("an-index-without-a-name-in-test")
    files, answers = in_three(drawn)
    files["test.csv"] = drawn.test.to_csv(lineterminator="\n")
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "arise-insights/arise-predictions pull request #23, h2oai/h2o-3 pull request #3909",
    "Unnamed: 0, the number of a row in its file, becomes an input: in test it begins anew.",
)
def an_index_as_the_first_column(folder: Path) -> Expected:
    drawn = draw("an-index-as-the-first-column")
    letters = np.random.default_rng(2).permutation(320)
    tables = []
    for frame, part in ((drawn.train, letters[:240]), (drawn.test, letters[240:])):
        frame = frame.sort_values("y" if "y" in frame else "id").assign(id=[f"h{i:03d}k" for i in part])
        frame.insert(0, "Unnamed: 0", np.arange(len(frame)))
        tables.append(frame)
    drawn = Draw(tables[0], tables[1], drawn.truth, drawn.best)
    files, answers = in_three(drawn)
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        kinds = {card.name: str(card.kind) for card in cards_of(competition, task)}
        if kinds.get("Unnamed: 0", "key") not in UNUSED:
            yield f"the number of the row is an input ({kinds['Unnamed: 0']}), and train is sorted by the target"

    return regression(folder, drawn, check=check)


@case(
    "facebookresearch/mmf issue #586, tencent-alchemy/Alchemy issue #12",
    "Predictions are written in the order of test where the sample has another, and equal rows are joined twice.",
)
def equal_rows_in_another_order(folder: Path) -> Expected:
    drawn = draw("equal-rows-in-another-order", m=40)
    test = pd.concat([drawn.test, drawn.test], ignore_index=True).assign(id=np.arange(5000, 5080))
    drawn = Draw(drawn.train, test, np.tile(drawn.truth, 2), np.tile(drawn.best, 2))
    order = np.random.default_rng(3).permutation(80)
    answers = test[["id"]].assign(y=drawn.truth).iloc[order]
    files, _ = in_three(drawn, answers.assign(y=0))
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        told = task.submission(competition.test, np.arange(80, dtype=float), competition.sample)
        if not np.array_equal(told["y"].to_numpy(), order.astype(float)):
            yield "predictions go to the wrong ids"

    return regression(folder, drawn, check=check)


@case(
    "mljar/mljar-supervised issue #285, lightgbm-org/LightGBM issue #6202, ludwig-ai/ludwig pull request #3326",
    "Do not support special JSON characters in feature name.",
)
def brackets_in_names_of_columns(folder: Path) -> Expected:
    drawn = draw("brackets-in-names-of-columns")
    names = {"size": 'mass[kg], "dry": {net}', "rooms": "[physio].<rooms>:n\\t", "town": "Stadt (größte)\n\u2615"}
    drawn = Draw(drawn.train.rename(columns=names), drawn.test.rename(columns=names), drawn.truth, drawn.best)
    files, answers = in_three(drawn)
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "pandas-dev/pandas issues #19383 and #14704, dotnet/machinelearning issue #3902",
    "Two columns of the same name: the last one's values stand in both, or the file is refused.",
)
def two_columns_of_one_name(folder: Path) -> Expected:
    drawn = draw("two-columns-of-one-name")
    tables = {}
    for name, frame in (("train.csv", drawn.train), ("test.csv", drawn.test)):
        head, _, rows = csv_text(frame).partition("\n")
        tables[name] = head.replace("size", "reading").replace("rooms", "reading") + "\n" + rows
    files, answers = in_three(drawn)
    put(folder, about("Predict y.", "RMSE"), {**files, **tables}, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        used = competition.train[task.features(competition.train, competition.test)]
        for name in ("size", "rooms"):
            if not any(np.array_equal(used[c].to_numpy(), drawn.train[name].to_numpy()) for c in used.columns):
                yield f"the values of one of the two columns are gone ({list(used.columns)})"

    return regression(folder, drawn, check=check)


@case(
    "nprint/nprintml issue #40, nf-core/test-datasets pull request #1496, snipsco/snips-nlu-metrics issue #105",
    "Train and test are rows of one table, and a column says which is which.",
)
def one_table_with_a_column_of_parts(folder: Path) -> Expected:
    drawn = draw("one-table-with-a-column-of-parts")
    both = pd.concat([drawn.train.assign(part="train"), drawn.test.assign(part="test")])
    both = both.sample(frac=1, random_state=4)
    answers = both[both["part"] == "test"][["id"]].merge(drawn.test[["id"]].assign(y=drawn.truth))
    files = {"houses.csv": both, "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y where part is test.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if "part" in task.features(competition.train, competition.test):
            kinds = {card.name: str(card.kind) for card in cards_of(competition, task)}
            if kinds["part"] not in UNUSED:
                yield "part is an input"

    return regression(folder, drawn, check=check)


@case(
    "openai/mle-bench issue #19 (a submission with missing or further ids has no score)",
    "The sample shows the first rows only; the file that is asked for has all.",
)
def a_sample_of_ten_rows(folder: Path) -> Expected:
    drawn = draw("a-sample-of-ten-rows")
    files, answers = in_three(drawn)
    files["sample_submission.csv"] = answers.assign(y=0).head(10)
    text = "Predict y for every row of test.csv. sample_submission.csv shows the form with its first ten rows."
    put(folder, about(text, "RMSE"), files, answers)
    return regression(folder, drawn, ids=tuple(str(i) for i in drawn.test["id"]))


@case(
    "vanderschaarlab/autoprognosis issue #33, pycaret/pycaret issue #2259, microsoft/FLAML pull request #107",
    "Several rows of one person are in the training part and in the held-out one: the estimate is too good.",
)
def several_visits_of_a_person(folder: Path) -> Expected:
    rng = np.random.default_rng(5)
    people = np.repeat(np.arange(80), 5)
    level = rng.normal(0, 4, 80)
    frame = pd.DataFrame(
        {"id": range(400), "person": [f"p{i:03d}" for i in people], "dose": rng.normal(size=400).round(2)}
    )
    shape = rng.normal(size=(80, 3)).round(3)
    for i in range(3):
        frame[f"gene{i}"] = shape[people, i]
    best = 2 * frame["dose"] + shape[people, 0]
    truth = (best + level[people] + rng.normal(0, 0.3, 400)).round(3).to_numpy()
    train, test = frame[:300].assign(y=truth[:300]), frame[300:].reset_index(drop=True)
    order = rng.permutation(300)
    train = train.iloc[order].assign(id=range(300))
    drawn = Draw(train, test, truth[300:], best.to_numpy()[300:])
    files, answers = in_three(drawn)
    put(folder, about("Predict y of other persons.", "RMSE"), files, answers)
    return regression(folder, drawn, folds=("group",), fold_column="person")


@case(
    "mindsdb/lightwood pull request #161, mljar/mljar-supervised issue #266, alteryx/evalml issue #1783",
    "With thirty rows, folds are empty or lack a class.",
)
def thirty_rows(folder: Path) -> Expected:
    drawn = draw("thirty-rows", 30, 40)
    files, answers = in_three(drawn)
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "autogluon/autogluon pull request #748, mljar/mljar-supervised issue #396, automl/Auto-PyTorch issue #487",
    "A prediction of one row alone fails.",
)
def one_row_of_test(folder: Path) -> Expected:
    drawn = draw("one-row-of-test", 240, 1)
    files, answers = in_three(drawn)
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "mljar/mljar-supervised issue #794, pycaret/pycaret issues #311 and #84, sb-ai-lab/LightAutoML issue #64",
    "The least populated class in y has only 1 member.",
)
def a_class_of_one_row(folder: Path) -> Expected:
    drawn = draw("a-class-of-one-row", kind="multiclass")
    names = np.array(["beech", "birch", "fir"], dtype=object)
    train = drawn.train.drop(columns="y").assign(tree=names[drawn.train["y"]])
    train.loc[17, "tree"] = "yew"
    answers = drawn.test[["id"]].assign(tree=names[drawn.truth])
    shares = drawn.test[["id"]].assign(**dict.fromkeys([*names, "yew"], 0.25))
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": shares}
    put(folder, about("Predict the probability of each tree.", "Multi-class logarithmic loss"), files, answers)
    columns = ("id", *names, "yew")
    return classes(
        folder, drawn, "tree", "mlogloss", columns=columns, classes=columns[1:], folds=("stratified", "random")
    )


@case(
    "dmlc/xgboost issue #270, sb-ai-lab/LightAutoML issue #153, lightgbm-org/LightGBM issue #1137",
    "Results of one query are in both parts, and a ranking is scored by the error of its values.",
)
def results_of_queries(folder: Path) -> Expected:
    rng = np.random.default_rng(6)
    query = np.repeat(np.arange(60), 8)
    frame = pd.DataFrame(
        {"id": range(480), "query": query, "match": rng.random(480).round(3), "age": rng.integers(0, 90, 480)}
    )
    best = 3 * frame["match"] + 0.2 * rng.normal(size=60)[query]
    grade = pd.cut(best + rng.normal(0, 0.3, 480), [-np.inf, 0.8, 1.6, 2.4, np.inf], labels=False).to_numpy()
    drawn = Draw(
        frame[:360].assign(y=grade[:360]), frame[360:].reset_index(drop=True), grade[360:], best.to_numpy()[360:]
    )
    files, answers = in_three(drawn)
    text = "Rank the results of each query: a higher y goes first."
    put(folder, about(text, "Normalised discounted cumulative gain, NDCG@5, averaged over queries."), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        said = " ".join([task.metric, *task.notes, *competition.notes]).lower()
        if "ndcg" not in said and "cumulative gain" not in said:
            yield f"{task.metric} is counted ({task.metric_source}), and there is no word about NDCG"

    return Expected(
        targets=("y",),
        metric="",
        problem="",
        columns=("id", "y"),
        ids=sample_ids(folder, ["id"]),
        train=360,
        test=120,
        folds=("group",),
        fold_column="query",
        refusal=r"(?i)ndcg|cumulative gain",
        check=check,
    )


@case(
    "Kaggle's gender_submission.csv, with a baseline beside the sample; no report of the exact case found",
    "Two files have the form of a submission.",
)
def a_baseline_beside_the_sample(folder: Path) -> Expected:
    drawn = draw("a-baseline-beside-the-sample")
    files, answers = in_three(drawn)
    order = np.random.default_rng(9).permutation(len(answers))
    files["baseline_submission.csv"] = answers.assign(y=20.5).iloc[order]
    put(folder, about("Predict y. baseline_submission.csv is a simple solution.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "automl/auto-sklearn issue #1429, dotnet/machinelearning-modelbuilder issue #409 (columns that only name a row)",
    "The sample repeats a column of test beside the id and the target.",
)
def a_column_of_test_in_the_sample(folder: Path) -> Expected:
    drawn = draw("a-column-of-test-in-the-sample")
    answers = drawn.test[["id", "town"]].assign(y=drawn.truth)
    files, _ = in_three(drawn, answers.assign(y=0))
    put(folder, about("Predict y.", "RMSE"), files, answers)
    ids = tuple(str(i) for i in drawn.test["id"])

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if frame["town"].tolist() != drawn.test["town"].tolist():
            yield f"the submission's town is {frame['town'].head(3).tolist()}"

    told = regression(folder, drawn, columns=("id", "town", "y"), ids=ids, check=check)
    return replace(told, id="", ids=())
