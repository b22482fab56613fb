"""Cases of values: how numbers, dates, categories and answers to yes and no are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from case import SCORES, Draw, Expected, about, case, constant, draw, put, regression

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task


def write(folder: Path, drawn: Draw, task: str = "Predict y.", metric: str = "RMSE", target: str = "y") -> None:
    """A regression with the tables of a draw as they are."""
    answers = drawn.test[["id"]].assign(**{target: drawn.truth})
    sample = answers.assign(**{target: 0})
    files = {"train.csv": drawn.train, "test.csv": drawn.test, "sample_submission.csv": sample}
    put(folder, about(task, metric), files, answers)


def by(column: str, train: Mapping[str, str], test: Mapping[str, str], drawn: Draw) -> Draw:
    """The draw with the values of a column written in other ways in train and test."""
    texts = [
        frame.assign(**{column: frame[column].map(how)}) for frame, how in ((drawn.train, train), (drawn.test, test))
    ]
    return Draw(*texts, drawn.truth, drawn.best)


@case(
    "dotnet/machinelearning issue #5799, dotnet/machinelearning-modelbuilder issues #760 and #1010",
    "Answers are yes and no where the model was made, 1 and 0 where it is used: schema mismatch, or all unknown.",
)
def yes_in_train_and_1_in_test(folder: Path) -> Expected:
    drawn = draw("yes-in-train-and-1-in-test")
    rng = np.random.default_rng(2)
    heated = rng.random(320) < 0.5
    shift = np.where(heated, 6.0, 0.0)
    train = drawn.train.assign(heated=np.where(heated[:240], "Yes", "No"), y=drawn.train["y"] + shift[:240])
    test = drawn.test.assign(heated=heated[240:].astype(int))
    drawn = Draw(train, test, drawn.truth + shift[240:], drawn.best + shift[240:])
    write(folder, drawn)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        yes = {str(v) for v in competition.train.loc[heated[:240], "heated"]}
        if {str(v) for v in competition.test.loc[heated[240:], "heated"]} != yes:
            yield f"heated: {sorted(yes)} in train, {sorted({str(v) for v in competition.test['heated']})} in test"

    return regression(folder, drawn, check=check)


@case(
    "alteryx/evalml pull request #3966, scikit-learn/scikit-learn pull request #26113",
    "Codes are 3 in one table and 3.0 in the other, since one has gaps: all are unknown.",
)
def codes_with_and_without_a_point(folder: Path) -> Expected:
    drawn = draw("codes-with-and-without-a-point")
    codes = {"Ulm": "3", "Bonn": "14", "Jena": "15", "Kiel": "2A"}
    pointed = {"Ulm": "3.0", "Bonn": "14.0", "Jena": "15.0", "Kiel": "2A"}
    drawn = by("town", codes, pointed, drawn)
    drawn.test.loc[[3, 9], "town"] = None
    write(folder, drawn)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        unseen = set(competition.test["town"].dropna().astype(str)) - set(competition.train["town"].astype(str))
        if unseen:
            yield f"towns that train does not know: {sorted(unseen)}"

    return regression(folder, drawn, check=check)


@case(
    "skrub-data/skrub pull request #1726, linkml/schema-automator issue #194",
    "A number with its unit is a text, and each value a category of its own.",
)
def numbers_with_units(folder: Path) -> Expected:
    drawn = draw("numbers-with-units")
    tables = [f.assign(size=(f["size"] + 20).map("{:.2f} kg".format)) for f in (drawn.train, drawn.test)]
    tables[0] = tables[0].drop(columns="y").assign(reach=[f"{v:.3f} km" for v in drawn.train["y"]])
    answers = drawn.test[["id"]].assign(reach=drawn.truth)
    files = {"train.csv": tables[0], "test.csv": tables[1], "sample_submission.csv": answers.assign(reach=0.0)}
    put(folder, about("Predict how far a vehicle goes, in kilometres.", "Root mean squared error"), files, answers)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if not pd.api.types.is_numeric_dtype(competition.train["size"]):
            yield f"size is text: {competition.train['size'].iloc[0]!r}"
        if not np.allclose(task.encode(competition.train)[:, 0], drawn.train["y"]):
            yield "the target has other values"

    return regression(folder, drawn, "reach", check=check)


def daily(name: str, days: pd.DatetimeIndex, m: int, shops: int = 4) -> tuple[Draw, pd.Series]:
    """Sales of shops that drift and follow the weekday, the last m days as test; and the times of all rows."""
    rng = np.random.default_rng(len(name))
    when = pd.Series(np.repeat(days, shops))
    frame = pd.DataFrame({"id": np.arange(len(when)), "shop": np.tile([f"s{i}" for i in range(shops)], len(days))})
    elapsed = np.repeat(np.arange(len(days)), shops)
    best = (
        100 + 0.3 * elapsed + 10 * (when.dt.day_of_week >= 5) + 3 * when.dt.hour + 5 * frame["shop"].str[1:].astype(int)
    )
    truth = (best + rng.normal(0, 2, len(when))).round(2).to_numpy()
    n = len(when) - m * shops
    drawn = Draw(frame[:n].assign(y=truth[:n]), frame[n:].reset_index(drop=True), truth[n:], best.to_numpy()[n:])
    return drawn, when


def stamped(drawn: Draw, **columns: Iterable[object]) -> Draw:
    """The draw with further columns of all rows."""
    n = len(drawn.train)
    of_all = {name: list(values) for name, values in columns.items()}
    train = drawn.train.assign(**{name: values[:n] for name, values in of_all.items()})
    test = drawn.test.assign(**{name: values[n:] for name, values in of_all.items()})
    return Draw(train, test, drawn.truth, drawn.best)


def mae(drawn: Draw) -> dict[str, float]:
    plain = constant("mae", drawn.train["y"], len(drawn.truth))
    return {"oracle": SCORES["mae"](drawn.truth, drawn.best), "baseline": SCORES["mae"](drawn.truth, plain)}


@case(
    "pandas-dev/pandas issues #26304 and #34546, sfu-db/dataprep issue #599",
    "One file has 31/12/2023 and the other 2024-01-01: days and months are mixed up, or one column becomes text.",
)
def each_file_its_own_dates(folder: Path) -> Expected:
    drawn, when = daily("each-file-its-own-dates", pd.date_range("2023-10-01", periods=110), 25)
    n = len(drawn.train)
    days = [*when[:n].dt.strftime("%d/%m/%Y"), *when[n:].dt.strftime("%Y-%m-%d")]
    drawn = stamped(drawn, day=days)
    write(folder, drawn, "Predict the sales of the days to come.", "Mean absolute error")

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        for table, right in ((competition.train, when[:n]), (competition.test, when[n:])):
            read = parse_dates(table["day"])
            if read is None or (pd.to_datetime(read).to_numpy() != right.to_numpy()).any():
                yield f"days such as {table['day'].iloc[0]!r} are not read"

    return regression(folder, drawn, metric="mae", folds=("time", "blocks"), fold_column="day", check=check)


@case(
    "pandas-dev/pandas issues #29056 and #14585, unit8co/darts issue #980, Nixtla/nixtla pull request #420",
    "When clocks are put back an hour occurs twice; forward, one is missing.",
)
def clocks_are_put_back(folder: Path) -> Expected:
    hours = pd.date_range("2023-10-20", "2023-11-10", freq="h", tz="Europe/Berlin").tz_localize(None)
    drawn, when = daily("clocks-are-put-back", hours, 96, shops=2)
    drawn = stamped(drawn, hour_of=when.dt.strftime("%Y-%m-%d %H:%M"))
    write(folder, drawn, "Predict the consumption of the hours to come; hours are local ones.", "MAE")
    return regression(folder, drawn, metric="mae", folds=("time", "blocks"), fold_column="hour_of")


@case(
    "PostHog/posthog pull request #86228, metabase/metabase issue #14067, HeidiSQL/HeidiSQL issue #1478",
    "Milliseconds since 1970 are a number, or the year 56000.",
)
def milliseconds_since_1970(folder: Path) -> Expected:
    drawn, when = daily("milliseconds-since-1970", pd.date_range("2023-10-01 06:00", periods=120), 30)
    drawn = stamped(drawn, opened=(when.astype("int64") // (10**6 if "ns" in str(when.dtype) else 10**3)))
    order = np.random.default_rng(3).permutation(len(drawn.train))
    drawn = Draw(drawn.train.iloc[order].assign(id=range(len(order))), drawn.test, drawn.truth, drawn.best)
    write(folder, drawn, "Predict y for the tickets that were opened later.", "MAE")
    return regression(folder, drawn, metric="mae", folds=("time", "blocks"), fold_column="opened")


@case(
    "opensanctions/opensanctions issues #4974 and #4940, alteryx/woodwork #1512, akoumjian/datefinder issue #106",
    "Birthdays in 48 and 61 are in 2048 and 2061.",
)
def years_of_two_digits(folder: Path) -> Expected:
    drawn = draw("years-of-two-digits", 300, 100)
    rng = np.random.default_rng(4)
    born = pd.Series(pd.Timestamp("1936-01-01") + pd.to_timedelta(rng.integers(0, 68 * 365, 400), unit="D"))
    age = (2024 - born.dt.year).to_numpy()
    train = drawn.train.assign(born=born[:300].dt.strftime("%d.%m.%y").tolist(), y=drawn.train["y"] + age[:300])
    test = drawn.test.assign(born=born[300:].dt.strftime("%d.%m.%y").tolist())
    drawn = Draw(train, test, drawn.truth + age[300:], drawn.best + age[300:])
    write(folder, drawn, "Predict the blood pressure of adults (examined in 2024) from their birthdays and more.")

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        read = parse_dates(competition.train["born"])
        if read is None or not (pd.to_datetime(read).to_numpy() == born[:300].to_numpy()).all():
            yield f"born: up to {None if read is None else pd.to_datetime(read).max()}"

    return regression(folder, drawn, check=check)


@case(
    "unit8co/darts issue #980 (days without trade), page community.drivendata.org/t/present-vs-future/435",
    "A series with missing days has no frequency, and rows are held out at random.",
)
def a_series_with_gaps(folder: Path) -> Expected:
    days = pd.bdate_range("2022-01-03", "2023-03-31")
    days = days[np.random.default_rng(5).random(len(days)) < 0.8]
    drawn, when = daily("a-series-with-gaps", days, 30, shops=3)
    drawn = stamped(drawn, day=when.dt.strftime("%Y-%m-%d"))
    write(folder, drawn, "Predict the sales of the days to come.", "Mean absolute error")
    return regression(folder, drawn, metric="mae", folds=("time", "blocks"), fold_column="day", **mae(drawn))


@case(
    "OpenTabular/DeepTab issue #448, autogluon/autogluon pull requests #4584 and #5701, sfu-db/dataprep issue #565",
    "Columns without any value, or with one alone, end the fit with an error.",
)
def empty_and_constant_columns(folder: Path) -> Expected:
    drawn = draw("empty-and-constant-columns")
    nothing = [None] * 240
    train = drawn.train.assign(
        void=nothing, late=nothing, early=drawn.train["rooms"], same="x", once=[1.5, *nothing[1:]]
    )
    test = drawn.test.assign(void=None, late=drawn.test["rooms"], early=None, same="x", once=None)
    drawn = Draw(train, test, drawn.truth, drawn.best)
    write(folder, drawn)
    return regression(folder, drawn)


@case(
    "scikit-learn/scikit-learn issue #31752, autogluon/autogluon-assistant pull request #48",
    "A count with few values is taken for classes.",
)
def a_count_of_few_values(folder: Path) -> Expected:
    drawn = draw("a-count-of-few-values")
    rng = np.random.default_rng(6)
    rate = np.exp((pd.concat([drawn.train["size"], drawn.test["size"]]).to_numpy()) / 3)
    claims = rng.poisson(rate).clip(0, 6)
    best = rate[240:].round()
    drawn = Draw(drawn.train.assign(y=claims[:240]), drawn.test, claims[240:], best)
    write(folder, drawn, "How many claims will a client make?", "Mean absolute error")
    return regression(folder, drawn, metric="mae", **mae(drawn))


@case(
    "microsoft/FLAML issue #548, the form of UCI's tables (?), sandialabs/slycat issue #573",
    "A question mark or a dash stands for a missing number, and the column is text.",
)
def question_marks_for_missing_numbers(folder: Path) -> Expected:
    drawn = draw("question-marks-for-missing-numbers")
    tables = []
    for frame, sign in ((drawn.train, "?"), (drawn.test, "?")):
        gone = frame["id"] % 11 == 0
        few = frame["id"] % 13 == 0
        size = frame["size"].astype(str).where(~gone, sign)
        tables.append(frame.assign(size=size, rooms=frame["rooms"].astype(str).where(~few, "-")))
    drawn = Draw(*tables, drawn.truth, drawn.best)
    write(folder, drawn)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        for name in ("size", "rooms"):
            column = competition.train[name]
            if not pd.api.types.is_numeric_dtype(column):
                yield f"{name} is text, such as {column.iloc[0]!r}"
            elif not column.isna().any():
                yield f"{name} has no gaps"

    return regression(folder, drawn, check=check)


@case(
    "nuovo/spreadsheet-reader issue #171, dilshod/xlsx2csv issue #43, PHPOffice/PHPExcel issue #698",
    "Excel's number of a day, 45292, stands where a date was.",
)
def days_by_excels_numbers(folder: Path) -> Expected:
    days = pd.date_range("2023-10-01", periods=100)
    drawn, when = daily("days-by-excels-numbers", days, 25, shops=3)
    drawn = stamped(drawn, delivered=(when - pd.Timestamp("1899-12-30")).dt.days)
    order = np.random.default_rng(7).permutation(len(drawn.train))
    drawn = Draw(drawn.train.iloc[order].assign(id=range(len(order))), drawn.test, drawn.truth, drawn.best)
    write(folder, drawn, "Predict y for the deliveries to come.", "MAE")
    return regression(folder, drawn, metric="mae", folds=("time", "blocks"), fold_column="delivered")


@case(
    "pandas-dev/pandas issue #9688 (2012-Q1), facebook/prophet issues #97 and #1413, OliverSherouse/bls issue #7",
    "A quarter is no date.",
)
def quarters(folder: Path) -> Expected:
    starts = pd.date_range("2012-01-01", periods=44, freq="QS")
    drawn, when = daily("quarters-of-years", starts, 6, shops=8)
    drawn = stamped(drawn, reported=[f"{t.year}-Q{t.quarter}" for t in when])
    order = np.random.default_rng(8).permutation(len(drawn.train))
    drawn = Draw(drawn.train.iloc[order].assign(id=range(len(order))), drawn.test, drawn.truth, drawn.best)
    write(folder, drawn, "Predict the revenue of the quarters to come.", "MAE")
    return regression(folder, drawn, metric="mae", folds=("time", "blocks"), fold_column="reported")


@case(
    "skrub-data/skrub issue #1132, UCL-CORU/patientflow issue #157",
    "A duration is a category.",
)
def durations_as_text(folder: Path) -> Expected:
    drawn = draw("durations-as-text")
    seconds = pd.concat([drawn.train["size"], drawn.test["size"]]).add(12).mul(1000).astype(int)
    texts = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds]
    tables = [drawn.train.drop(columns="size"), drawn.test.drop(columns="size")]
    drawn = stamped(Draw(*tables, drawn.truth, drawn.best), lasted=texts)
    write(folder, drawn, "Predict y from how long a thing lasted (`lasted`, hours:minutes:seconds) and more.")

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        for column in (competition.train["lasted"], competition.test["lasted"]):
            if not pd.api.types.is_numeric_dtype(column) and parse_dates(column) is None:
                yield f"lasted is text, such as {column.iloc[0]!r}"

    return regression(folder, drawn, check=check)


@case(
    "mucommander/mucommander pull request #900, owncloud/core issue #31544, rjkroege/edwood pull request #269",
    "é is one character in one file and two in the other (a Mac's): names and values that look the same differ.",
)
def accents_of_two_kinds(folder: Path) -> Expected:
    drawn = draw("accents-of-two-kinds")
    names = {"Ulm": "Orléans", "Bonn": "Köln", "Jena": "Zürich", "Kiel": "Málaga"}
    apart = {town: unicodedata.normalize("NFD", name) for town, name in names.items()}
    drawn = by("town", names, apart, drawn)
    test = drawn.test.rename(columns={"size": unicodedata.normalize("NFD", "größe")})
    drawn = Draw(drawn.train.rename(columns={"size": "größe"}), test, drawn.truth, drawn.best)
    write(folder, drawn)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        if "größe" not in task.features(competition.train, competition.test):
            yield "größe is no input"
        unseen = set(competition.test["town"]) - set(competition.train["town"])
        if unseen:
            yield f"towns that train does not know: {sorted(unseen)}"

    return regression(folder, drawn, check=check)


@case(
    "mljar/mljar-supervised issues #752 and #754, alteryx/evalml #487, autogluon/autogluon #621",
    "Some rows of train have no target, and the fit fails.",
)
def rows_without_a_target(folder: Path) -> Expected:
    drawn = draw("rows-without-a-target")
    gone = drawn.train["id"] % 9 == 0
    drawn = Draw(drawn.train.assign(y=drawn.train["y"].mask(gone)), drawn.test, drawn.truth, drawn.best)
    write(folder, drawn)

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        known = task.encode(competition.train)
        if int(np.isfinite(known).sum()) != int((~gone).sum()):
            yield f"{int(np.isfinite(known).sum())} targets are known instead of {int((~gone).sum())}"
        if not np.isfinite(frame["y"]).all():
            yield "the best constant is missing"

    return regression(folder, drawn, train=0, check=check)
