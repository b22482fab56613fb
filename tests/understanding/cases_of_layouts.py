"""Cases of layouts: inputs in several files, tables of other keys beside train, ids and headers that differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from case import Draw, Expected, about, case, classes, draw, put, regression, sample_ids

from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task

Check = Callable[[Competition, Task, pd.DataFrame], Iterable[str]]


def has_inputs(*names: str) -> Check:
    """A check that these columns are inputs."""

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        lacking = set(names) - set(task.features(competition.train, competition.test))
        if lacking:
            yield f"no inputs: {sorted(lacking)}"

    return check


def files_of(drawn: Draw, **more: pd.DataFrame) -> tuple[dict[str, object], pd.DataFrame]:
    """The three files of a regression, and the answers."""
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    plain = {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(y=0)}
    return {**plain, **{f"{name}.csv": frame for name, frame in more.items()}}, answers


@case("the form of IEEE-CIS fraud detection", "Half of the inputs come in files of their own, for some of the rows.")
def inputs_in_two_files(folder: Path) -> Expected:
    drawn = draw("inputs-in-two-files")
    files, answers = files_of(drawn)
    for part in ("train", "test"):
        whole = files.pop(f"{part}.csv")
        assert isinstance(whole, pd.DataFrame)
        files[f"{part}_sizes.csv"] = whole.drop(columns="town")
        files[f"{part}_towns.csv"] = whole[["id", "town"]].iloc[::-3]
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn, check=has_inputs("size", "rooms", "town"))


@case("the form of MovieLens", "Tables of users and of films beside ratings, which a row of train and test links.")
def users_films_and_ratings(folder: Path) -> Expected:
    rng = np.random.default_rng(11)
    seen = rng.permutation([(user, film) for user in range(40) for film in range(30)])[:800]
    stars = pd.DataFrame(seen + 1, columns=["user_id", "film_id"]).assign(stars=rng.normal(3, 1, 800).round(2))
    train, test = stars[:600], stars[600:].reset_index(drop=True)
    files = {
        "train.csv": train,
        "test.csv": test.drop(columns="stars"),
        "sample_submission.csv": test.assign(stars=3),
        "users.csv": pd.DataFrame({"user_id": range(1, 41), "age": rng.integers(15, 80, 40)}),
        "films.csv": pd.DataFrame({"film_id": range(1, 31), "year": rng.integers(1980, 2020, 30)}),
    }
    put(folder, about("Predict the stars.", "RMSE"), files, test)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        further = [file.path for file in competition.files if file.role == "extra"]
        if sorted(further) != ["films.csv", "users.csv"]:
            yield f"further tables: {further}"

    columns = ("user_id", "film_id", "stars")
    ids = sample_ids(folder, columns[:2])
    return Expected(("stars",), "rmse", "regression", columns, ids, 600, 200, columns[:2], check=check)


@case("the form of DrivenData's labels", "A table of labels has the ids of test too, with nothing beside them.")
def labels_with_blanks_for_test(folder: Path) -> Expected:
    drawn = draw("labels-with-blanks-for-test")
    both = pd.concat([drawn.train, drawn.test], ignore_index=True).sample(frac=1, random_state=5)
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"features.csv": both.drop(columns="y"), "labels.csv": both[["id", "y"]].sample(frac=1, random_state=6)}
    files["sample_submission.csv"] = answers.assign(y=0)
    put(folder, about("Predict y where labels.csv has none.", "RMSE"), files, answers)
    return regression(folder, drawn, check=has_inputs("size", "rooms", "town"))


@case("h2oai/h2o-3 pull request #3909", "Columns are called 0, 1, 2, and so are the classes in the sample.")
def classes_called_as_inputs(folder: Path) -> Expected:
    drawn = draw("classes-called-as-inputs", kind="three classes")
    names = {"size": "0", "rooms": "1", "town": "2", "y": "kind"}
    drawn = replace(drawn, train=drawn.train.rename(columns=names), test=drawn.test.rename(columns=names))
    answers = drawn.test[["id"]].assign(kind=drawn.truth)
    sample = answers[["id"]].assign(**dict.fromkeys("012", 0.333))
    files = {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": sample}
    put(folder, about("Predict the probability of each kind.", "Multi-class logarithmic loss"), files, answers)
    told = {"columns": ("id", "0", "1", "2"), "check": has_inputs("0", "1", "2")}
    return classes(folder, drawn, "kind", "mlogloss", **told)


@case("pycaret/pycaret issue #2195", "Columns are called 0, 1, 2 in one file, and 0.0, 1.0, 2.0 in the other.")
def numbers_of_columns_with_decimals(folder: Path) -> Expected:
    drawn = draw("numbers-of-columns-with-decimals")
    names = {name: str(place) for place, name in enumerate(("size", "rooms", "town"))}
    files, answers = files_of(drawn)
    files["train.csv"] = drawn.train.rename(columns=names)
    files["test.csv"] = drawn.test.rename(columns={old: f"{new}.0" for old, new in names.items()})
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn, check=has_inputs("0", "1", "2"))


@case(
    "files of macOS beside those of others",
    "A letter with a mark is one character in one file's header, two in another.",
)
def letters_with_marks(folder: Path) -> Expected:
    drawn = draw("letters-with-marks")
    files, answers = files_of(drawn)
    files["train.csv"] = drawn.train.rename(columns={"size": "Größe"})
    files["test.csv"] = drawn.test.rename(columns={"size": unicodedata.normalize("NFD", "Größe")})
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn, check=has_inputs("Größe"))


@case(
    "ids such as id_501 in the form alone",
    "The sample writes a text before the number that test has, in another order.",
)
def ids_with_a_text_before(folder: Path) -> Expected:
    drawn = draw("ids-with-a-text-before")
    order = np.random.default_rng(7).permutation(80)
    files, _ = files_of(drawn)
    answers = pd.DataFrame({"id": "row_" + drawn.test["id"].iloc[order].astype(str), "y": drawn.truth[order]})
    files["sample_submission.csv"] = answers.assign(y=0)
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        told = task.submission(competition.test, np.arange(80, dtype=float), competition.sample)
        if not np.array_equal(told["y"].to_numpy(), order.astype(float)):
            yield "predictions go to the wrong ids"

    return regression(folder, drawn, check=check)


@case("folders of two competitions", "Two competitions of the same columns lie side by side.")
def two_competitions_in_folders(folder: Path) -> Expected:
    files: dict[str, object] = {}
    for name in ("houses", "flats"):
        drawn = draw(f"two-competitions-{name}")
        own, answers = files_of(drawn)
        files |= {f"{name}/{path}": table for path, table in own.items()}
    put(folder, about("Predict y.", "RMSE"), files, answers)
    refusal = r"more than one competition.*flats/train\.csv.*houses/train\.csv"
    return Expected(("y",), "none", "", (), (), 1, 1, refusal=refusal)
