"""Further tables in the feature language: conditions, windows, orders, expressions over rows, several steps."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import input_columns
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.language.words import in_words
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.typing import check

SCHEMA = Schema(
    {"client": "category", "asked": "date", "income": "number", "step": "number"},
    {
        "loans": {
            "client": "category", "loan": "number", "debt": "number", "limit": "number", "state": "category",
            "began": "date", "step": "number",
        },
        "payments": {"loan_id": "number", "amount": "number", "month": "number"},
    },
)  # fmt: skip


class Tables:
    """Clients who ask for credit, their loans, and the payments on these."""

    def __init__(self, n: int = 60, m: int = 400, k: int = 1500, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D")
        names = np.array([f"c{i}" for i in rng.permutation(n)], dtype=object)
        self.rows = pd.DataFrame({"client": names, "asked": days.astype(str), "income": rng.normal(size=n)})
        self.rows["step"] = rng.integers(0, 9, n)
        began = pd.Timestamp("2023-10-01") + pd.to_timedelta(rng.integers(0, 400, m), "D")
        self.loans = pd.DataFrame(
            {
                "client": pd.Series(names[rng.integers(0, n - 5, m)]).where(rng.random(m) > 0.05),
                "loan": rng.permutation(m),
                "debt": np.where(rng.random(m) < 0.1, np.nan, rng.normal(100, 30, m)),
                "limit": rng.normal(200, 10, m),
                "state": rng.choice(["open", "closed", "Bob's", None], m),
                "began": pd.Series(began.astype(str)).where(rng.random(m) > 0.05),
                "step": rng.integers(0, 9, m),
            }
        )
        self.payments = pd.DataFrame(
            {"loan_id": rng.integers(0, m, k), "amount": rng.normal(size=k), "month": rng.integers(-12, 0, k)}
        )
        self.n_train = self.n_rows = n

    def column(self, name: str) -> pd.Series:
        return self.rows[name]

    def table(self, name: str) -> pd.DataFrame:
        return {"loans": self.loans, "payments": self.payments}[name]


TABLES = Tables()


def value(text: str) -> np.ndarray:
    feature = check(parse(text), SCHEMA)
    assert parse(str(feature)) == feature
    return np.asarray(Frame(TABLES).value(feature), dtype=float)


def by_client(loans: pd.DataFrame, function: str, column: str = "debt") -> np.ndarray:
    return TABLES.rows["client"].map(loans.groupby("client")[column].agg(function)).to_numpy(dtype=float)


def same(actual: np.ndarray, expected: np.ndarray, empty: float = np.nan) -> None:
    np.testing.assert_allclose(actual, np.where(np.isnan(expected), empty, expected), rtol=1e-9)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("loans.state = 'open'", lambda t: t["state"] == "open"),
        ("loans.state != 'open'", lambda t: t["state"].notna() & (t["state"] != "open")),
        ("loans.state = 'Bob''s'", lambda t: t["state"] == "Bob's"),
        ("loans.state = 'unheard of'", lambda t: t["state"] == "unheard of"),
        ("loans.debt >= 90.5", lambda t: t["debt"] >= 90.5),
        ("loans.debt < -3", lambda t: t["debt"] < -3),
        ("loans.step = 4", lambda t: t["step"] == 4),
        ("loans.step != 4 and loans.state = 'open'", lambda t: (t["step"] != 4) & (t["state"] == "open")),
    ],
)
@pytest.mark.parametrize("function", ["mean", "count", "max", "median", "sum"])
def test_conditional_aggregates_are_those_of_the_rows_that_meet_them(condition, holds, function) -> None:
    some = TABLES.loans[holds(TABLES.loans)]
    empty = 0.0 if function in ("count", "sum") else np.nan
    same(value(f"{function}(loans.debt) by client where {condition}"), by_client(some, function), empty)


def in_window(row: pd.Series, days: float | None) -> pd.DataFrame:
    return loans_before(row["client"], row["asked"], days)


@cache
def loans_before(client: str, asked: str, days: float | None) -> pd.DataFrame:
    loans = TABLES.loans[TABLES.loans["client"] == client]
    since = (pd.Timestamp(asked) - pd.to_datetime(loans["began"], format="%Y-%m-%d")).dt.days
    return loans[(since > 0) & (since <= (np.inf if days is None else days))]


@pytest.mark.parametrize("days", [None, 30, 7.5])
@pytest.mark.parametrize("function", ["mean", "sum", "min", "count", "std", "nunique"])
def test_windows_end_before_the_rows_own_time(function: str, days: float | None) -> None:
    expected = [in_window(row, days)["debt"].agg(function) for _, row in TABLES.rows.iterrows()]
    if function == "nunique":
        known = [len(in_window(row, days)) > 0 for _, row in TABLES.rows.iterrows()]
        expected = list(np.where(known, expected, np.nan))
    name = "distinct" if function == "nunique" else function
    window = "" if days is None else f"within {days} "
    same(value(f"{name}(loans.debt) by client where loans.began {window}before asked"), np.array(expected, dtype=float))


def test_windows_and_conditions_are_combined() -> None:
    text = "count(loans.loan) by client where loans.state = 'open' and loans.began within 90 before asked"
    counts = [(in_window(row, 90)["state"] == "open").sum() for _, row in TABLES.rows.iterrows()]
    assert value(text).tolist() == counts
    both = "count(loans.loan) by client where loans.step before step and loans.began before asked"
    counts = [(in_window(row, None)["step"] < row["step"]).sum() for _, row in TABLES.rows.iterrows()]
    assert value(both).tolist() == counts


def test_a_table_event_at_or_after_the_rows_own_time_changes_nothing() -> None:
    later = Tables()
    began = pd.to_datetime(later.loans["began"])
    asked = pd.to_datetime(later.loans["client"].map(later.rows.set_index("client")["asked"]))
    later.loans.loc[(began >= asked).to_numpy(), "debt"] = 1e9
    for text in (
        "mean(loans.debt) by client where loans.began before asked",
        "last(loans.debt, loans.began) by client where loans.began within 60 before asked",
    ):
        same(np.asarray(Frame(later).value(parse(text))), value(text))


def test_first_last_and_trend_follow_the_order_of_a_column() -> None:
    known = TABLES.loans.dropna(subset=["debt", "began"])
    known = known.assign(day=(pd.to_datetime(known["began"]) - pd.Timestamp("2023-10-01")).dt.days)
    groups = known.sort_values("day", kind="stable").groupby("client")
    client = TABLES.rows["client"]
    same(value("first(loans.debt, loans.began) by client"), client.map(groups["debt"].nth(0).set_axis(
        known.loc[groups["debt"].nth(0).index, "client"])).to_numpy(dtype=float))  # fmt: skip
    same(value("last(loans.debt, loans.began) by client"), client.map(groups["debt"].nth(-1).set_axis(
        known.loc[groups["debt"].nth(-1).index, "client"])).to_numpy(dtype=float))  # fmt: skip
    slopes = {c: np.polyfit(g["day"], g["debt"], 1)[0] for c, g in groups if g["day"].nunique() > 1}
    np.testing.assert_allclose(value("trend(loans.debt, loans.began) by client"), client.map(slopes), rtol=1e-6)


def test_time_since_the_last_row() -> None:
    ages = []
    for _, row in TABLES.rows.iterrows():
        before = pd.to_datetime(in_window(row, None)["began"])
        ages.append((pd.Timestamp(row["asked"]) - before.max()).days if len(before) else np.nan)
    same(value("ago(loans.began, asked) by client"), np.array(ages, dtype=float))
    some = value("ago(loans.began, asked) by client where loans.state = 'open'")
    assert (some[~np.isnan(some)] >= np.array(ages)[~np.isnan(some)]).all()
    assert np.isnan(some).sum() > np.isnan(ages).sum()


def test_expressions_over_the_rows_of_a_table() -> None:
    loans = TABLES.loans.assign(used=TABLES.loans["debt"] / TABLES.loans["limit"])
    same(value("mean(loans.debt / loans.limit) by client"), by_client(loans, "mean", "used"))
    text = "max(loans.limit - 2 * loans.debt) by client where loans.state = 'open'"
    loans = loans.assign(left=loans["limit"] - 2 * loans["debt"])
    same(value(text), by_client(loans[loans["state"] == "open"], "max", "left"))
    gaps = pd.to_datetime(loans["began"]).sort_values().groupby(loans["client"]).diff().dt.days
    longest = by_client(loans.assign(gap=gaps), "max", "gap")
    same(value("max(since_previous(loans.began) by loans.client) by client"), longest)


def test_two_steps_go_through_the_table_between() -> None:
    paid = TABLES.payments.groupby("loan_id")["amount"].sum()
    loans = TABLES.loans.assign(paid=TABLES.loans["loan"].map(paid).fillna(0.0))
    same(value("mean((sum(payments.amount) by loans.loan, payments.loan_id)) by client"),
         by_client(loans, "mean", "paid"))  # fmt: skip
    late = TABLES.payments[TABLES.payments["month"] >= -3].groupby("loan_id")["amount"].max()
    share = TABLES.loans.assign(share=TABLES.loans["loan"].map(late) / TABLES.loans["debt"])
    inner = "(max(payments.amount) by loans.loan, payments.loan_id where payments.month >= -3)"
    same(value(f"min({inner} / loans.debt) by client where loans.state != 'open'"),
         by_client(share[share["state"].notna() & (share["state"] != "open")], "min", "share"))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("loans.debt / loans.limit", "has a value for each row of loans"),
        ("income + loans.debt", "mixes rows of different tables"),
        ("mean(income + loans.debt) by client", "mixes rows of different tables"),
        ("mean(target_mean(loans.state)) by client", "uses the target"),
        ("mean(loans.debt) by client where payments.month > 3", "no condition on a table"),
        ("mean(loans.debt) by client where loans.nothing > 3", "no column loans.nothing"),
        ("mean(loans.debt) by client where loans.state > 3", "needs a number"),
        ("mean(loans.debt) by client where loans.began before income", "compares no two dates"),
        ("mean(income) by client where loans.debt > 3", "no condition on a table"),
        ("first(loans.debt, loans.state) by client", "that orders its rows"),
        (
            "ago(loans.began, asked) by client where loans.step before step",
            "looks back from the row's own time already",
        ),
        ("mean(pca(loans.debt, loans.limit, 2)) by client", "several columns"),
        ("mean(savings.debt + 1) by client", "no further table 'savings'"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(PipelineError, match=reason):
        check(parse(text), SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "mean(a.b) by c where", "mean(a.b) by c where d = 3", "mean(a.b) by c where a.d",
        "mean(a.b) by c where a.d = e",
        "mean(a.b) by c where a.d > 'x'", "mean(a.b) by c where a.d = 1 and", "mean(a.b) by c where a.d within 3",
        "mean(a.b) by c where a.d within 'x' before e", "mean(a.b) by c where a.d within 0 before e",
        "mean(a.b) by c where a.d before 3", "mean(a.b) where a.d = 3", "mean(a.b) by c where a.d = 1e999",
        "mean(a.b) by c where a.d = 'x", "f('a')",
    ],
)  # fmt: skip
def test_conditions_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(PipelineError):
        parse(text)


def test_conditions_have_one_canonical_text_words_and_a_shape() -> None:
    text = "mean(t.x) by k where t.d within 30.0 before day and t.`a b` = 'it''s' and t.x>=-1.5 and t.x >= -1.5"
    feature = parse(text)
    assert str(feature) == "mean(t.x) by k where t.`a b` = 'it''s' and t.d within 30 before day and t.x >= -1.5"
    assert in_words(feature) == (
        "mean of t.x over the rows of t with the same k, where a b is 'it's' and d is at most 30 before day and "
        "x is at least -1.5"
    )
    assert input_columns(feature) == ("day",)
    assert set(feature.columns) == {"k", "day"}
    other = parse("mean(u.y) by l where u.e within 7 before day and u.c = 'z' and u.y >= 2")
    kinds = dict.fromkeys(("t.x", "u.y"), "number") | dict.fromkeys(("k", "l", "t.a b", "u.c"), "category")
    kinds |= dict.fromkeys(("day", "t.d", "u.e"), "date")
    assert shape_of(feature, kinds) == shape_of(other, kinds)
    assert "where" in shape_of(feature, kinds)


def test_what_stands_in_a_condition_is_forbidden_too() -> None:
    feature = parse("target_mean(mode(t.x) by k where t.c = 'z')")
    assert Steering(forbid=("t.c",)).forbids(feature)
    assert Steering(forbid=("day",)).forbids(parse("mean(t.x) by k where t.d before day"))
    assert not Steering(forbid=("c",)).forbids(feature)
