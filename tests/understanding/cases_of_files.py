"""Cases of files: how they are called, packed and quoted."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from case import Draw, Expected, File, about, case, classes, csv_text, draw, put, regression, scores

from medalist.competitions.competition import Competition
from medalist.competitions.submission import write_submission
from medalist.competitions.task.task import Task


def plain_files(drawn: Draw) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """train.csv, test.csv and sample_submission.csv of a regression, and the answers."""
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    return {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(y=0)}, answers


@case(
    "Teichlab/cellphonedb issue #21, pandas-dev/pandas issue #23733",
    "Keys are text in one table and numbers in the other, and do not meet.",
)
def quoted_ids(folder: Path) -> Expected:
    drawn = draw("quoted-ids")
    files, answers = plain_files(drawn)
    quoted = csv_text(files["sample_submission.csv"], quoting=csv.QUOTE_ALL)
    put(folder, about("Predict y.", "RMSE"), {**files, "sample_submission.csv": quoted}, answers)
    return regression(folder, drawn)


@case(
    "h2oai/h2o-llmstudio issue #928, cogent3/cogent3 issue #810",
    "A file whose name ends in .CSV is no table.",
)
def names_in_capitals(folder: Path) -> Expected:
    drawn = draw("names-in-capitals")
    files, answers = plain_files(drawn)
    put(folder, "", {name.upper(): frame for name, frame in files.items()}, answers)
    (folder / "public" / "DESCRIPTION.MD").write_text(about("Predict y.", "RMSE"))
    return regression(folder, drawn, ids=tuple(str(i) for i in drawn.test["id"]))


@case(
    "cytomining/pycytominer issue #95, xorbitsai/xorbits issue #687",
    "A gzipped table is read as text: 'utf-8' codec can't decode byte 0x8b in position 1.",
)
def gzip_that_is_called_csv(folder: Path) -> Expected:
    drawn = draw("gzip-that-is-called-csv")
    files, answers = plain_files(drawn)
    packed = {name: gzip.compress(csv_text(files[name]).encode()) for name in ("train.csv", "test.csv")}
    put(folder, about("Predict y.", "RMSE"), {**files, **packed}, answers)
    return regression(folder, drawn)


@case(
    "python-excel/xlrd issues #350 and #351",
    "The page that a server sent instead of a table has the table's name.",
)
def a_web_page_that_is_called_csv(folder: Path) -> Expected:
    drawn = draw("a-web-page-that-is-called-csv")
    files, answers = plain_files(drawn)
    page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body><p>Sign in to go on.</p></body></html>\n"
    put(folder, about("Predict y.", "RMSE"), {**files, "train.csv": page}, answers)
    return regression(folder, drawn, refusal=r"(?is)train\.csv.*(html|web page)")


@case(
    "pandas-dev/pandas issues #14124, #9295 and #38830",
    "Each row ends with a separator and the header does not: all columns move by one, the ids are gone.",
)
def separators_at_the_ends_of_rows(folder: Path) -> Expected:
    drawn = draw("separators-at-the-ends-of-rows")
    files, answers = plain_files(drawn)

    def ended(frame: pd.DataFrame) -> str:
        head, *rows = csv_text(frame).splitlines()
        return "\n".join([head, *(row + "," for row in rows)]) + "\n"

    ended_files = {name: ended(files[name]) for name in ("train.csv", "test.csv")}
    put(folder, about("Predict y.", "RMSE"), {**files, **ended_files}, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if competition.train["town"].iloc[0] != drawn.train["town"].iloc[0]:
            yield f"the towns are {competition.train['town'].head(3).tolist()}"

    return regression(folder, drawn, check=check)


@case(
    "gem/oq-engine pull request #9281, IBM/SynthTabNet issue #15, springboard-curriculum/mec-mini-projects #4",
    "In a zip made by a Mac, a file of attributes in __MACOSX is taken for the table of its name.",
)
def zip_in_a_zip_from_a_mac(folder: Path) -> Expected:
    drawn = draw("zip-in-a-zip-from-a-mac")
    files, answers = plain_files(drawn)

    def packed(members: dict[str, bytes]) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return stream.getvalue()

    attributes = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(60)
    inner = {
        f"data/{name}.zip": packed({name: csv_text(frame).encode(), f"__MACOSX/._{name}": attributes})
        for name, frame in files.items()
    }
    others = {f"__MACOSX/data/._{name}": attributes for name in files} | {"data/.DS_Store": b"\x00\x00\x00\x01Bud1"}
    put(folder, about("Predict y.", "RMSE"), {"everything.zip": packed(inner | others)}, answers)
    return regression(folder, drawn, ids=tuple(str(i) for i in drawn.test["id"]))


@case(
    "Sanix-Darker/cisv issue #108, dotnet/machinelearning pull request #5125, infiniflow/ragflow pull request #16881",
    "Line ends, separators and quotes inside of quoted texts make rows of their own.",
)
def letters_of_several_lines(folder: Path) -> Expected:
    drawn = draw("letters-of-several-lines", kind="binary")
    rng = np.random.default_rng(1)
    good, bad = ["lovely 😀", "quiet, warm", '"home"'], ["loud 😡", "damp; cold", "it's 12\" wide"]

    def letter(chance: float) -> str:
        words = [str(rng.choice(good if rng.random() < chance else bad)) for _ in range(int(rng.integers(3, 60)))]
        return "Dear all,\r\n\r\n" + "\n".join(words) + "\n\t-- \n" + "é" * int(rng.integers(0, 300))

    both = pd.concat([drawn.train["y"], pd.Series(drawn.truth)], ignore_index=True)
    written = [letter(0.8 if y else 0.2) for y in both]
    train = drawn.train.assign(**{"letter 📨": written[: len(drawn.train)]})
    test = drawn.test.assign(**{"letter 📨": written[len(drawn.train) :]})
    answers = drawn.test[["id"]].assign(y=drawn.truth)
    files = {"train.csv": train, "test.csv": test, "sample_submission.csv": answers.assign(y=0.5)}
    put(folder, about("Predict the probability that y is 1.", "Area under the ROC curve"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        read = competition.train["letter 📨"].str.replace("\r\n", "\n").tolist()
        if read != train["letter 📨"].str.replace("\r\n", "\n").tolist():
            yield "the letters are not those that were written"

    return classes(folder, drawn, "y", "auc", positive="1", check=check)


@case(
    "dotnet/machinelearning-modelbuilder issue #2848, archesproject/arches pull request #2683",
    "Names of classes with commas and quotes fall apart, and classes appear that do not exist.",
)
def labels_with_separators(folder: Path) -> Expected:
    drawn = draw("labels-with-separators", kind="multiclass")
    labels = np.array(["oak, red", 'oak "white"', "ash;\nmountain"], dtype=object)
    answers = drawn.test[["id"]].assign(tree=labels[drawn.truth])
    train = drawn.train.drop(columns="y").assign(tree=labels[drawn.train["y"]])
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(tree=labels[0])}
    put(folder, about("Predict the tree.", "Accuracy"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        path = folder / "submission.csv"
        write_submission(frame.assign(tree=labels[drawn.best]), path)
        if pd.read_csv(path)["tree"].tolist() != labels[drawn.best].tolist():
            yield "the labels of the written file are not those of the submission"

    return classes(folder, drawn, "tree", "accuracy", classes=tuple(labels), check=check, **scores("accuracy", drawn))


@case(
    "pandas-dev/pandas issues #10647 and #24681, wireservice/csvkit issue #968, chanzuckerberg/cellxgene #1115",
    "A class that is called None or NA is taken for a missing value.",
)
def none_is_a_label(folder: Path) -> Expected:
    drawn = draw("none-is-a-label", kind="multiclass")
    labels = np.array(["None", "NA", "Severe"], dtype=object)
    answers = drawn.test[["id"]].assign(damage=labels[drawn.truth])
    train = drawn.train.drop(columns="y").assign(damage=labels[drawn.train["y"]])
    files = {"train.csv": train, "test.csv": drawn.test, "sample_submission.csv": answers.assign(damage="None")}
    task = "Predict the damage: None, NA (it could not be assessed) or Severe."
    put(folder, about(task, "Macro-averaged F1 score"), files, answers)
    return classes(folder, drawn, "damage", "macro_f1", classes=tuple(labels), **scores("macro_f1", drawn))


def _tables_as(drawn: Draw, how: Callable[[pd.DataFrame], str | bytes]) -> tuple[dict[str, File], pd.DataFrame]:
    """The files of a regression, with train and test written by a function."""
    files, answers = plain_files(drawn)
    return {**files, **{name: how(files[name]) for name in ("train.csv", "test.csv")}}, answers


@case(
    "tidyverse/readr issue #179, JuliaData/CSV.jl issue #936, BurntSushi/xsv issue #245, OPM/ResInsight issue #9611",
    "The line below the header tells units, and all columns become text.",
)
def units_below_the_header(folder: Path) -> Expected:
    drawn = draw("units-below-the-header")
    units = {"id": "", "size": "[km]", "rooms": "[-]", "town": "", "y": "[EUR]"}

    def with_units(frame: pd.DataFrame) -> str:
        head, _, rows = csv_text(frame).partition("\n")
        return f"{head}\n{','.join(units[name] for name in frame.columns)}\n{rows}"

    files, answers = _tables_as(drawn, with_units)
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "vincentlaucsb/csv-parser issue #67, swiftcsv/SwiftCSV issue #135, techascent/tech.ml.dataset issue #306",
    "Lines of comments before the header become the names of columns.",
)
def comments_before_the_header(folder: Path) -> Expected:
    drawn = draw("comments-before-the-header")
    head = "# exported 2024-02-01 10:15, station 7\n# quality: checked, final\n"
    files, answers = _tables_as(drawn, lambda frame: head + csv_text(frame))
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "pandas-dev/pandas issues #21862 and #16682, NVIDIA/cudf issue #11984, apache/spark pull request #38446",
    "Quotes in texts are escaped by backslashes, as Spark writes them: rows have too many fields.",
)
def quotes_escaped_by_backslashes(folder: Path) -> Expected:
    drawn = draw("quotes-escaped-by-backslashes")
    said = ['2" seam, blue', 'plain "white", or cream', "none", 'a \\ b, "c"']
    tables = [f.assign(note=[said[i % 4] for i in f["id"]]) for f in (drawn.train, drawn.test)]
    drawn = Draw(tables[0], tables[1], drawn.truth, drawn.best)
    escape = {"quoting": csv.QUOTE_NONNUMERIC, "doublequote": False, "escapechar": "\\"}
    files, answers = _tables_as(drawn, lambda frame: csv_text(frame, **escape))
    put(folder, about("Predict y.", "RMSE"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        read = set(competition.train["note"])
        if read != set(said):
            yield f"the notes are {sorted(read)[:6]}"

    return regression(folder, drawn, check=check)


@case(
    "h2oai/h2o-3 issue #15572, openml/automlbenchmark pull request #556",
    "Tables of the kind that benchmarks of such tools use, ARFF.",
)
def arff_tables(folder: Path) -> Expected:
    drawn = draw("arff-tables")

    def arff(frame: pd.DataFrame) -> str:
        kinds = {"town": "{Ulm,Bonn,Jena,Kiel}"}
        lines = ["@relation houses", "", *(f"@attribute {name} {kinds.get(name, 'numeric')}" for name in frame.columns)]
        return "\n".join([*lines, "", "@data", *csv_text(frame).splitlines()[1:]]) + "\n"

    files, answers = plain_files(drawn)
    tables = {"train.arff": arff(files["train.csv"]), "test.arff": arff(files["test.csv"])}
    put(
        folder,
        about("Predict y.", "RMSE"),
        {**tables, "sample_submission.csv": files["sample_submission.csv"]},
        answers,
    )
    return regression(folder, drawn, refusal="(?i)arff")


@case(
    "the form of the UCI repository's .data and .dat files (aligned columns); no report of the exact case found",
    "Columns are aligned by blanks, and a line is one field.",
)
def columns_aligned_by_blanks(folder: Path) -> Expected:
    drawn = draw("columns-aligned-by-blanks")
    files, answers = _tables_as(drawn, lambda frame: frame.to_string(index=False) + "\n")
    put(folder, about("Predict y.", "RMSE"), files, answers)
    return regression(folder, drawn)


@case(
    "EducationalTestingService/skll issue #44 (numeric ids come back as floats), RECETOX/galaxytools issue #598",
    "Ids are 1001.0 in the sample and 1001 in test.",
)
def ids_with_a_point_in_the_sample(folder: Path) -> Expected:
    drawn = draw("ids-with-a-point-in-the-sample")
    files, answers = plain_files(drawn)
    pointed = files["sample_submission.csv"].assign(id=lambda f: f["id"].map("{}.0".format))
    put(
        folder,
        about("Predict y.", "RMSE"),
        {**files, "sample_submission.csv": pointed},
        answers.assign(id=pointed["id"]),
    )
    return regression(folder, drawn)
