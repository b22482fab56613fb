"""Cases that look like others and are not: what is read cleverly elsewhere has to be left as it is here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from case import Check, Draw, Expected, about, case, classes, csv_text, draw, put, regression, scores

from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task

Texts = Callable[[np.random.Generator, int], Sequence[object]]


def left_as_it_is(name: str, texts: Texts, numeric: bool = False) -> Callable[[Path], Expected]:
    """A case with a column `code` whose texts (or numbers) must be in the tables as they are in the files."""

    def make(folder: Path) -> Expected:
        drawn = draw(name)
        values = list(texts(np.random.default_rng(1), 320))
        train, test = drawn.train.assign(code=values[:240]), drawn.test.assign(code=values[240:])
        answers = drawn.test[["id"]].assign(y=drawn.truth)
        files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(y=0)}
        put(folder, about("Predict y.", "RMSE"), files, answers)

        def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
            read = competition.train["code"].tolist() + competition.test["code"].tolist()
            same = np.allclose(np.asarray(read, float), values) if numeric else [str(v) for v in read] == values
            if not same:
                yield f"code is {read[:4]} instead of {values[:4]}"

        return regression(folder, Draw(train, test, drawn.truth, drawn.best), check=check)

    make.__name__ = name.replace("-", "_")
    return make


REPORTED = (
    "wireservice/csvkit issue #1173 (0606D became a duration of 606 days)",
    "A code that looks like a quantity is converted, and is no longer what it was.",
)
for _name, _texts, _numeric in (
    ("product-codes-like-durations", lambda rng, n: [f"{i:04d}D" for i in rng.integers(0, 9999, n)], False),
    ("versions-like-dates", lambda rng, n: [f"{a}.{b}.{c}" for a, b, c in rng.integers(0, 15, (n, 3))], False),
    ("scores-of-games-like-times", lambda rng, n: [f"{a}:{b}" for a, b in rng.integers(0, 9, (n, 2))], False),
    ("fractions-like-dates", lambda rng, n: [f"{a}/{b}" for a, b in rng.integers(1, 13, (n, 2))], False),
    ("phone-numbers-like-numbers", lambda rng, n: [f"0{a} {b:04d}" for a, b in rng.integers(100, 999, (n, 2))], False),
    ("ranges-like-dates", lambda rng, n: [f"{a}-{a + 9}" for a in rng.integers(1, 9, n) * 10], False),
    ("sections-like-thousands", lambda rng, n: [f"§{a}.{b:03d}" for a, b in rng.integers(1, 9, (n, 2))], False),
    ("hexadecimal-like-exponents", lambda rng, n: [f"{a:03d}e{b:02d}f" for a, b in rng.integers(0, 99, (n, 2))], False),
    ("three-decimals-like-thousands", lambda rng, n: [a / 1000 for a in rng.integers(1001, 9999, n)], True),
    ("lengths-like-years", lambda rng, n: rng.integers(1950, 2020, n).tolist(), True),
    ("numbers-like-seconds-since-1970", lambda rng, n: rng.integers(10**9, 2 * 10**9, n).tolist(), True),
):
    case(*REPORTED)(left_as_it_is(_name, _texts, _numeric))


def two_of_train(folder: Path, name: str, more: dict[str, object], text: str, drawn: Draw) -> Expected:
    """A regression with further files beside a train.csv that is whole."""
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(y=0), **more}
    put(folder, about(text, "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "the form of Kaggle's TalkingData (train.csv and train_sample.csv); no report of the exact case found",
    "A small sample of train is put below train: its rows count twice.",
)
def a_small_sample_of_train(folder: Path) -> Expected:
    drawn = draw("a-small-sample-of-train")
    small = {"train_sample.csv": drawn.train.sample(40, random_state=1)}
    text = "Predict y. train_sample.csv holds 40 randomly selected rows of train.csv, to look at before the download."
    return two_of_train(folder, "a-small-sample-of-train", small, text, drawn)


@case(
    "PHME-Datachallenge/Data-Challenge-2022 issue #14 (whether to put files together), turned round",
    "The same train table in two formats counts twice.",
)
def train_as_csv_and_as_parquet(folder: Path) -> Expected:
    drawn = draw("train-as-csv-and-as-parquet")
    return two_of_train(folder, "", {"train.parquet": drawn.train.to_parquet(index=False)}, "Predict y.", drawn)


@case(
    "PHME-Datachallenge/Data-Challenge-2022 issue #14 (whether to put files together), turned round",
    "A copy that somebody left in the folder counts twice.",
)
def a_copy_of_train(folder: Path) -> Expected:
    drawn = draw("a-copy-of-train")
    return two_of_train(folder, "", {"train - Copy.csv": csv_text(drawn.train)}, "Predict y.", drawn)


def _probabilities(folder: Path, name: str, labels: tuple[str, ...], check: Check | None = None) -> Expected:
    """Classes whose names are those of bounds, with a column of probabilities each."""
    drawn = draw(name, kind="binary" if len(labels) == 2 else "multiclass")
    train = drawn.train.drop(columns="y").assign(risk=np.array(labels, dtype=object)[drawn.train["y"]])
    answers = drawn.test[["id"]].assign(risk=np.array(labels, dtype=object)[drawn.truth])
    sample = drawn.test[["id"]].assign(**dict.fromkeys(labels, 1 / len(labels)))
    put(
        folder,
        about("Predict the probability of each class of `risk`.", "Log loss"),
        {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": sample},
        answers,
    )
    metric = "logloss" if len(labels) == 2 else "mlogloss"
    return classes(folder, drawn, "risk", metric, columns=("id", *labels), classes=labels, check=check)


@case(
    "scikit-learn-contrib/MAPIE issue #407 (intervals), turned round",
    "Columns of a submission that are called lower and upper are classes here, not the ends of an interval.",
)
def classes_called_lower_and_upper(folder: Path) -> Expected:
    return _probabilities(folder, "classes-called-lower-and-upper", ("lower", "upper"))


@case(
    "scikit-learn-contrib/MAPIE issue #407 (intervals), turned round",
    "Three classes low, mid and high look like quantiles.",
)
def classes_called_low_mid_and_high(folder: Path) -> Expected:
    return _probabilities(folder, "classes-called-low-mid-and-high", ("low", "mid", "high"))


@case(
    "page github.com/flaviassantos/google_revenue_predict (a logarithm is asked for), turned round",
    "Train has the logarithm already, and it is taken once more.",
)
def the_logarithm_is_in_train(folder: Path) -> Expected:
    drawn = draw("the-logarithm-is-in-train")
    train = drawn.train.rename(columns={"y": "log_price"})
    answers = drawn.test[["id"]].assign(log_price=drawn.truth)
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(log_price=0.0)}
    text = "Predict log_price, the logarithm of the price, as it stands in train.csv."
    put(folder, about(text, "Root mean squared error of log_price"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if not np.allclose(task.encode(competition.train)[:, 0], drawn.train["y"]):
            yield "the target is transformed"

    return regression(folder, drawn, "log_price", check=check)


@case(
    "MLE-Dojo/MLE-Dojo, bigquery-geotab-intersection-congestion (7_1 is row and target), turned round",
    "An id of two parts is the id of a row, not of a row and a target.",
)
def ids_of_two_parts(folder: Path) -> Expected:
    drawn = draw("ids-of-two-parts")
    rng = np.random.default_rng(2)
    names = [f"{i // 3}_{i % 3}" for i in range(320)]
    order = rng.permutation(320)
    train = drawn.train.assign(id=[names[i] for i in order[:240]])
    test = drawn.test.assign(id=[names[i] for i in order[240:]])
    answers = test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y of each sample of a specimen (specimen_sample).", "RMSE"), files, answers)
    return regression(folder, Draw(train, test, drawn.truth, drawn.best), folds=("random", "group"))


@case(
    "apple/turicreate issue #1531 (labels that differ by a blank), turned round",
    "Labels that differ in case are different, and the text says so.",
)
def labels_in_two_cases(folder: Path) -> Expected:
    drawn = draw("labels-in-two-cases", kind="multiclass")
    labels = np.array(["A", "a", "B"], dtype=object)
    answers = drawn.test[["id"]].assign(allele=labels[drawn.truth])
    train = drawn.train.drop(columns="y").assign(allele=labels[drawn.train["y"]])
    sample = answers.assign(allele=labels[np.arange(80) % 3])
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": sample}
    text = "Predict the allele: A (dominant), a (recessive) or B. Upper and lower case are different alleles."
    put(folder, about(text, "Accuracy"), files, answers)
    return classes(folder, drawn, "allele", "accuracy", classes=tuple(labels), **scores("accuracy", drawn))


@case(
    "vincentlaucsb/csv-parser issue #67 (comments before the header), turned round",
    "The header itself begins with a hash, as in tables of genomes, and is taken for a comment.",
)
def a_header_that_begins_with_a_hash(folder: Path) -> Expected:
    drawn = draw("a-header-that-begins-with-a-hash")
    train, test = (f.rename(columns={"id": "#id"}) for f in (drawn.train, drawn.test))
    answers = test[["#id"]].assign(y=drawn.truth)
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y.", "RMSE"), files, answers)
    ids = tuple(str(i) for i in test["#id"])
    return regression(folder, drawn, id=("#id",), columns=("#id", "y"), ids=ids)


@case(
    "tidyverse/readr issue #179 (units below the header), turned round",
    "The first row has gaps and words, and is taken for a line of units.",
)
def a_first_row_without_numbers(folder: Path) -> Expected:
    drawn = draw("a-first-row-without-numbers")
    tables = [drawn.train.assign(grade="b"), drawn.test.assign(grade="b")]
    tables = [f.assign(id=[f"h{i}" for i in f["id"]]) for f in tables]
    for frame in tables:
        frame.loc[0, ["size", "rooms"]] = None
    drawn = Draw(tables[0], tables[1], drawn.truth, drawn.best)
    answers = tables[1][["id"]].assign(y=drawn.truth)
    files = {"train.csv": tables[0], "test.csv": tables[1], "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "pandas-dev/pandas issue #33720 (backslashes that escape nothing), pandas-dev/pandas issue #21862 turned round",
    "A path ends in a backslash before the closing quote, and the rest of the line is swallowed.",
)
def paths_with_backslashes(folder: Path) -> Expected:
    drawn = draw("paths-with-backslashes")
    paths = ["C:\\data\\", "C:\\new, old\\", 'D:\\say "hi"\\', "E:\\t\\n"]
    tables = [f.assign(path=[paths[i % 4] for i in f["id"]]) for f in (drawn.train, drawn.test)]
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": tables[0], "test.csv": tables[1], "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if set(competition.train["path"]) != set(paths):
            yield f"the paths are {sorted(set(competition.train['path']))[:5]}"

    return regression(folder, Draw(*tables, drawn.truth, drawn.best), check=check)


@case(
    "nprint/nprintml issue #40 (a column of parts), turned round",
    "A column of train and test is called split and says nothing of the kind.",
)
def a_feature_that_is_called_split(folder: Path) -> Expected:
    drawn = draw("a-feature-that-is-called-split")
    tables = [f.rename(columns={"town": "split"}) for f in (drawn.train, drawn.test)]
    parts = {"Ulm": "train", "Bonn": "test", "Jena": "tram", "Kiel": "bus"}
    tables = [f.assign(split=f["split"].map(parts)) for f in tables]
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": tables[0], "test.csv": tables[1], "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if "split" not in task.features(competition.train, competition.test):
            yield "split is no input"

    return regression(folder, Draw(*tables, drawn.truth, drawn.best), check=check)


@case(
    "dotnet/machinelearning issue #5799 (1 and 0 for yes and no), turned round",
    "Answers of yes, no and 1 in one column of both tables are values of their own.",
)
def yes_no_and_numbers_in_one_column(folder: Path) -> Expected:
    drawn = draw("yes-no-and-numbers-in-one-column")
    rng = np.random.default_rng(3)
    tables = [f.assign(seats=rng.choice(["yes", "no", "1", "0", "2"], len(f))) for f in (drawn.train, drawn.test)]
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": tables[0], "test.csv": tables[1], "sample_submission.csv": answers.assign(y=0)}
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        for read, drawn_ in zip((competition.train, competition.test), tables, strict=True):
            if read["seats"].astype(str).tolist() != drawn_["seats"].tolist():
                yield f"seats is {read['seats'].head(4).tolist()} instead of {drawn_['seats'].head(4).tolist()}"

    return regression(folder, Draw(*tables, drawn.truth, drawn.best), check=check)
