"""Relational competitions: keys found by values, tables that refer to each other, guards, and what the search tries."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pandas as pd
import pytest

from medalist.pipelines.features.base_sets import joined_features
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature, input_columns
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.schema import Schema, schema_of
from medalist.pipelines.features.search.candidates import Candidates
from medalist.pipelines.features.search.drift import drifts
from medalist.pipelines.features.search.sampling import Sample
from medalist.pipelines.features.search.screening import Screener
from medalist.pipelines.features.table_keys import Connected, connect
from medalist.pipelines.features.typing import check

N, TRAIN = 1200, 900


class Rows:
    """A source of raw columns and further tables in memory."""

    def __init__(self, frame: pd.DataFrame, n_train: int, tables: dict[str, pd.DataFrame]) -> None:
        self.frame, self.n_train, self.tables = frame, n_train, tables

    @property
    def n_rows(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> pd.Series:
        return self.frame[name]

    def table(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def applications(seed: int = 0) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Rows with ids of their own, loans that call them otherwise, and balances that refer to loans."""
    rng = np.random.default_rng(seed)
    asked = pd.Timestamp("2024-06-01") + pd.to_timedelta(rng.integers(0, 200, N), "D")
    rows = pd.DataFrame({"client": 100_001 + rng.permutation(N), "asked": asked.astype(str), "x": rng.normal(size=N)})
    owner = rng.permutation(np.repeat(np.arange(N), 5))
    began = asked[owner] - pd.to_timedelta(rng.integers(1, 300, len(owner)), "D")
    loans = pd.DataFrame({"applicant": rows["client"].to_numpy()[owner], "loan": 7000 + rng.permutation(len(owner))})
    loans["state"] = rng.choice(["open", "closed"], len(owner))
    loans["amount"], loans["began"] = rng.normal(100, 20, len(owner)), began.astype(str)
    of = np.repeat(np.arange(len(owner)), 3)
    balances = pd.DataFrame({"loan_nr": loans["loan"].to_numpy()[of], "month": np.tile([-3, -2, -1], len(owner))})
    balances["owed"] = rng.normal(size=len(of))
    return rows, {"loans": loans, "balances": balances}


def connected(
    rows: pd.DataFrame, tables: dict[str, pd.DataFrame], n: int = TRAIN, time: str | None = None
) -> tuple[Connected, Schema, Frame]:
    found = connect(tables, rows[:n], rows[n:].reset_index(drop=True), ("client",), time)
    schema = schema_of(
        rows, [], found.tables, joins=found.joins, lookups=found.lookups, links=found.links, times=found.times
    )
    return found, schema, Frame(Rows(rows, n, dict(found.tables)))


def candidates(schema: Schema, frame: Frame) -> Candidates:
    own = frozenset({"client"})
    return Candidates(schema, frame, forbidden=own, join_keys=own, numeric_target=True)


def test_ids_and_links_of_other_names_are_found_by_their_values() -> None:
    found, _, _ = connected(*applications())
    assert found.joins["loans"][0] == ("client", "applicant")
    assert [tuple(link) for link in found.links["balances"]] == [("loan_nr", "loans", "loan")]
    assert "applicant of loans holds the values of client" in " ".join(found.notes)


@pytest.mark.parametrize("column", ["count", "other"])
def test_numbers_among_the_ids_by_coincidence_are_no_key(column: str) -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"client": np.arange(1, N + 1), "x": rng.normal(size=N)})
    values = {"count": rng.integers(1, 60, 900), "other": rng.integers(1, 9 * N, 900)}[column]
    found, _, _ = connected(rows, {"t": pd.DataFrame({"value": values, "y": rng.normal(size=900)})})
    assert found.joins == {}


def test_a_table_of_train_alone_is_joined_under_no_name_and_through_no_other_table() -> None:
    rows, tables = applications()
    mine = tables["loans"][tables["loans"]["applicant"].isin(rows["client"][:TRAIN])]
    found, schema, frame = connected(rows, {"loans": mine, "balances": tables["balances"]})
    assert not any(("client", "applicant") in pairs for pairs in found.joins.values())
    assert not any("loans" in str(f) for f in islice(candidates(schema, frame).all(), 3000))
    assert "0% of test's" in " ".join(found.notes)


def test_a_table_that_ends_with_train_is_not_joined_by_another_key_either() -> None:
    rng = np.random.default_rng(2)
    days = pd.date_range("2024-01-01", periods=N).astype(str)
    rows = pd.DataFrame({"client": rng.permutation(N) + 10**6, "day": days, "x": rng.normal(size=N)})
    sales = pd.DataFrame({"day": days[:TRAIN], "sold": rng.normal(size=TRAIN)})
    known = pd.DataFrame(
        {"day": days, "holiday": rng.integers(0, 2, N), "late": np.where(np.arange(N) < TRAIN, 1.0, np.nan)}
    )
    found, _, _ = connected(rows, {"sales": sales, "known": known})
    assert found.joins["sales"] == ()
    assert found.joins["known"] == (("day", "day"),)
    assert "late" not in found.tables["known"]


def events(until_end: bool) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Rows in order of time, test last, and visits of their guests; of the last part of time too, or up to it."""
    rng = np.random.default_rng(3)
    day = np.sort(rng.integers(0, 300, N))
    rows = pd.DataFrame({"client": rng.permutation(N), "guest": rng.integers(0, 100, N), "x": rng.normal(size=N)})
    rows["guest"] = "g" + rows["guest"].astype(str)
    rows["day"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(day, "D")).astype(str)
    seen = rng.integers(0, 2000 if until_end else int(day[TRAIN]), 6000)
    visits = pd.DataFrame(
        {"guest": "g" + pd.Series(rng.integers(0, 100, 6000)).astype(str), "spent": rng.normal(size=6000)}
    )
    visits["seen"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(seen, "D")).astype(str)
    return rows, {"visits": visits}


def test_of_events_that_go_on_after_rows_of_train_alone_only_earlier_ones_are_used() -> None:
    rows, tables = events(until_end=False)
    found, schema, frame = connected(rows, tables, time="day")
    assert found.times == {"visits": ("day", "seen")}
    assert "only earlier ones are used" in " ".join(found.notes)
    made = [f for f in islice(candidates(schema, frame).all(), 2000) if "visits" in f.tables]
    assert len(made) > 30
    for f in (*made, *map(parse, joined_features(schema, list(rows.columns)))):
        assert "before day" in str(f) or "ago(visits.seen, day)" in str(f), f
    changed = dict(tables)
    late = tables["visits"]["seen"] >= rows["day"].max()
    changed["visits"] = tables["visits"].assign(spent=tables["visits"]["spent"].where(~late, 1e9))
    again = Frame(Rows(rows, TRAIN, changed))
    for f in made[:60]:
        np.testing.assert_array_equal(frame.value(f), again.value(f), err_msg=str(f))


def test_events_that_train_and_test_have_after_their_time_may_be_used() -> None:
    found, _, _ = connected(*events(until_end=True), time="day")
    assert found.times == {}


def test_every_candidate_of_tables_is_well_typed_and_the_plain_ones_come_first() -> None:
    rows, tables = applications()
    _, schema, frame = connected(rows, tables)
    first = list(islice(candidates(schema, frame).all(), 1500))
    texts = [str(f) for f in first]
    assert len(set(texts)) == len(texts)
    for f in first:
        check(f, schema)
        assert "client" not in input_columns(f)
        assert str(parse(str(f))) == str(f)
    expected = [
        "count(loans.applicant) by client, loans.applicant",
        "mean(loans.amount) by client, loans.applicant",
        "last(loans.amount, loans.began) by client, loans.applicant",
        "count(loans.applicant) by client, loans.applicant where loans.began within 30 before asked",
        "sum(loans.amount) by client, loans.applicant where loans.state = 'open'",
        "max((sum(balances.owed) by balances.loan_nr, loans.loan)) by client, loans.applicant",
    ]
    places = [texts.index(text) for text in expected]
    assert places == sorted(places)
    assert all(frame.value(f).shape[0] == N for f in first[:40] if f.op != "target_mean")


def screened(y: np.ndarray, rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> list[str]:
    found, schema, frame = connected(rows, tables)
    made = candidates(schema, frame)
    centred = (y - y.mean())[:TRAIN, None]
    sample = Sample(Rows(rows, TRAIN, dict(found.tables)), np.arange(TRAIN), centred, centred)
    screening = Screener(sample).run(made.all(), (), made.compositions, limit=500)
    return [p.text for p in screening.picks]


def test_two_conditions_at_once_are_found_by_refining_what_was_good_under_one() -> None:
    rows, tables = applications(seed=4)
    loans = tables["loans"]
    began, asked = pd.to_datetime(loans["began"]), pd.to_datetime(rows.set_index("client")["asked"])
    recent = (loans["applicant"].map(asked) - began).dt.days <= 60
    counted = loans[recent & (loans["state"] == "open")].groupby("applicant")["amount"].sum()
    y = rows["client"].map(counted).fillna(0.0).to_numpy()
    picks = screened(y + np.random.default_rng(5).normal(0, 20, N), rows, tables)
    wanted = (
        "sum(loans.amount) by client, loans.applicant where loans.began within 60 before asked and loans.state = 'open'"
    )
    assert wanted in picks


def test_what_two_steps_say_is_alike_in_train_and_test() -> None:
    rows, tables = applications()
    _, _, frame = connected(rows, tables)
    f: Feature = parse("max((sum(balances.owed) by balances.loan_nr, loans.loan)) by client, loans.applicant")
    assert not drifts(frame, f)
