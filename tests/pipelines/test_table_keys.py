"""Keys of further tables: exact whatever their types, by the row's own id, in another spelling, under another name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.pipelines.features.base_sets import joined_features
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import input_columns
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.schema import Schema, schema_of
from medalist.pipelines.features.search.candidates import Candidates
from medalist.pipelines.features.search.drift import drifts
from medalist.pipelines.features.table_keys import Connected, connect, own_keys
from medalist.pipelines.features.typing import check

LARGE = 1_180_000_000_000_004_305
KEYS = st.one_of(
    st.none(), st.integers(2**53 - 2, 2**53 + 2), st.integers(2**63 - 4, 2**63 - 1), st.integers(0, 4), st.just(-LARGE)
)
COLUMN = st.lists(KEYS, min_size=1, max_size=20)


class Rows:
    """A source of raw columns and further tables in memory."""

    def __init__(self, frame: pd.DataFrame, n_train: int | None = None, **tables: pd.DataFrame) -> None:
        self.frame, self.tables = frame, tables
        self.n_train = len(frame) if n_train is None else n_train

    @property
    def n_rows(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> pd.Series:
        return self.frame[name]

    def table(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def value(text: str, rows: pd.DataFrame, **tables: pd.DataFrame) -> list[float | None]:
    values = np.asarray(Frame(Rows(rows, **tables)).value(parse(text)), dtype=float)
    return [None if np.isnan(v) else v for v in values]


def typed(keys: list[int | None], form: str) -> pd.Series:
    """The keys as a column: integers with gaps, digits as text, plain integers or floats where these can hold them."""
    small = all(k is not None and abs(k) <= 2**53 for k in keys)
    if form == "float" and all(k is None or abs(k) <= 2**53 for k in keys):
        return pd.Series(keys, dtype=float)
    if form == "int" and all(k is not None for k in keys):
        return pd.Series(keys, dtype="int64")
    if form == "unsigned" and all(k is None or k >= 0 for k in keys):
        return pd.Series(keys, dtype="UInt64")
    if form == "text":
        return pd.Series([None if k is None else f" {k}" + ".0" * small for k in keys], dtype="str")
    return pd.Series(keys, dtype="Int64")


FORMS = st.sampled_from(["float", "int", "unsigned", "text", "nullable"])


@settings(deadline=None)
@given(COLUMN, COLUMN, FORMS, FORMS)
def test_joins_are_those_of_exact_integers(
    mine: list[int | None], theirs: list[int | None], one: str, two: str
) -> None:
    if one == two == "text":  # text is compared as text
        one = "nullable"
    rows = pd.DataFrame({"key": typed(mine, one)})
    table = pd.DataFrame({"key": typed(theirs, two), "v": np.arange(len(theirs), dtype=float)})
    expected = [
        float(np.mean(found)) if k is not None and (found := [i for i, t in enumerate(theirs) if t == k]) else None
        for k in mine
    ]
    assert value("mean(t.v) by key", rows, t=table) == pytest.approx(expected)
    counted = [float(sum(t == k for t in theirs)) if k is not None else 0.0 for k in mine]
    assert value("count(t.v) by key", rows, t=table) == counted


def test_groups_and_digits_of_keys_beyond_floats_are_exact() -> None:
    keys = [LARGE, LARGE + 1, None, LARGE + 1, LARGE + 12]
    rows = pd.DataFrame({"key": pd.array(keys, "Int64"), "g": [0, 0, 0, 0, 0], "x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    rows["other"] = pd.array([LARGE, LARGE, None, LARGE + 1, LARGE + 12], "Int64")
    rows["small"] = pd.array([1, 2, 3, 4, 5], "Int64")
    assert value("distinct(key) by g", rows) == [4.0] * 5
    assert value("count(key)", rows) == [1, 2, 1, 2, 1]
    assert value("mean(x) by key", rows) == [1, 3, 3, 3, 5]
    assert value("digit(key, 0)", rows) == [5, 6, None, 6, 7]
    assert value("digit(key, -1)", rows) == [0, 0, None, 0, 1]
    assert value("mod(key, 7)", rows) == [None if k is None else k % 7 for k in keys]
    assert value("equal(key, other)", rows) == [1, 0, None, 1, 1]
    assert value("equal(key, small)", rows) == [0, 0, None, 0, 0]
    assert value("rank(x) by key", rows)[:2] == [1.0, 0.5]
    assert Frame(Rows(rows)).order(parse("code(key)").args[0]).tolist() == [0, 1, 3, 4, 2]


# the row's own id


def credit(n: int = 300, m: int = 150) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Train and test of applications with their own ids, and tables of loans, balances, predictions and more."""
    rng = np.random.default_rng(0)
    ids = LARGE + rng.permutation(n + m)
    both = pd.DataFrame({"client": ids, "income": rng.normal(size=n + m)})
    held = rng.permutation(np.repeat(ids, 3))
    loans = pd.DataFrame({"client": held, "loan": np.arange(len(held)), "debt": rng.normal(size=len(held))})
    loans["status"] = rng.choice(["open", "closed"], len(held))
    balances = pd.DataFrame({"loan": np.repeat(loans["loan"], 2).to_numpy(), "days": rng.integers(0, 9, 2 * len(held))})
    scores = pd.DataFrame({"client": ids, "score": rng.normal(size=n + m), "late": np.nan})
    scores.loc[: n - 1, "late"] = 1.0  # known of train alone
    stage = pd.DataFrame({"client": ids[:n], "prediction": rng.random(n)})
    tables = {"loans": loans, "balances": balances, "scores": scores, "stage": stage}
    return both[:n].reset_index(drop=True), both[n:].reset_index(drop=True), tables


def connected() -> tuple[pd.DataFrame, Connected, Schema, int]:
    train, test, tables = credit()
    found = connect(tables, train, test, ("client",))
    both = pd.concat([train, test], ignore_index=True)
    return both, found, schema_of(both, [], found.tables, joins=found.joins, lookups=found.lookups), len(train)


def test_tables_of_train_alone_and_columns_filled_for_train_alone_are_not_joined_by_the_own_id() -> None:
    _, found, _, _ = connected()
    assert found.joins["stage"] == ()
    assert [found.joins[t] for t in ("loans", "balances", "scores")] == [(("client", "client"),)] * 3
    assert "late" not in found.tables["scores"]
    notes = " ".join(found.notes)
    assert "stage has 100% of train's client and 0% of test's" in notes
    assert "late of scores" in notes
    assert own_keys(found.joins, ["client"]) == {"client"}


def test_a_table_of_a_table_gets_the_keys_of_the_rows() -> None:
    _, found, _, _ = connected()
    loans = dict(zip(found.tables["loans"]["loan"], found.tables["loans"]["client"], strict=True))
    balances = found.tables["balances"]
    assert balances["client"].tolist() == [loans[loan] for loan in balances["loan"]]


def test_a_dropped_id_stands_in_candidates_as_the_key_of_further_tables_alone() -> None:
    both, found, schema, n = connected()
    frame = Frame(Rows(both, n, **found.tables))
    forbidden = frozenset({"client"})
    texts = {str(f) for f in Candidates(schema, frame, forbidden=forbidden, join_keys=forbidden).all()}
    by_id = {t for t in texts if "client" in t}
    assert {"mean(loans.debt) by client", "value(scores.score) by client", "mean(balances.days) by client"} <= by_id
    assert not any("stage" in t for t in texts)
    assert "mean(scores.score) by client" not in texts  # one row a client
    assert all("client" not in input_columns(parse(t)) for t in by_id)
    for text in by_id:
        check(parse(text), schema)
    none = [f for f in Candidates(schema, frame, forbidden=forbidden).all() if "client" in f.columns]
    assert none == []


def test_the_drift_of_a_rows_own_id_excuses_no_feature() -> None:
    n = 3000
    rows = pd.DataFrame({"id": np.arange(2 * n)})
    table = pd.DataFrame({"id": np.arange(2 * n), "v": np.r_[np.zeros(n), np.ones(n)] + np.arange(2 * n) % 7})
    frame = Frame(Rows(rows, n, t=table))
    assert drifts(frame, parse("value(t.v) by id"))
    alike = table.assign(v=np.arange(2 * n) % 7)
    assert not drifts(Frame(Rows(rows, n, t=alike)), parse("value(t.v) by id"))


def test_what_tables_say_by_their_best_key_needs_no_screening() -> None:
    _, _, schema, _ = connected()
    features = joined_features(schema, ["client", "income"])
    assert {"value(scores.score) by client", "count(loans.client) by client", "mean(balances.days) by client"} <= set(
        features
    )
    assert not any("stage" in f for f in features)
    for text in features:
        check(parse(text), schema)
    assert joined_features(schema, ["income"]) == ()


# spelling and names


def shop_tables(keys: list[str], written: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"row": np.arange(400), "shop": rng.choice(keys, 400)})
    return rows, pd.DataFrame({"shop": written, "size": np.arange(len(written), dtype=float)})


@pytest.mark.parametrize(
    "written",
    [
        [f"SHOP {i:02d} " for i in range(30)],
        [f"  Shop  {i:02d}" for i in range(30)],
    ],
)
def test_keys_that_differ_in_blanks_and_case_are_joined_with_a_note(written: list[str]) -> None:
    keys = [f"shop {i:02d}" for i in range(30)]
    rows, table = shop_tables(keys, written)
    found = connect({"shops": table}, rows[:300], rows[300:], ("row",))
    sizes = value("value(shops.size) by shop", rows, **found.tables)
    assert sizes == [float(keys.index(k)) for k in rows["shop"]]
    assert "written otherwise in shops" in found.notes[0]


def test_keys_that_lost_their_zeros_in_one_table_are_joined() -> None:
    keys = [f"{i:05d}" for i in range(501, 531)]
    rows, table = shop_tables(keys, [str(int(k)) for k in keys])
    found = connect({"shops": table.astype({"shop": "str"})}, rows[:300], rows[300:], ("row",))
    assert value("value(shops.size) by shop", rows, **found.tables) == [float(keys.index(k)) for k in rows["shop"]]


def test_keys_that_differ_in_case_alone_stay_apart_where_they_match_exactly() -> None:
    keys = [c + d for c in "aAbB" for d in "xXyYzZwWvV"]
    rows, table = shop_tables(keys, keys)
    found = connect({"shops": table}, rows[:300], rows[300:], ("row",))
    assert found.notes == ()
    assert value("value(shops.size) by shop", rows, **found.tables) == [float(keys.index(k)) for k in rows["shop"]]


def test_both_spellings_within_train_find_their_row() -> None:
    keys = [f"k{i}" for i in range(30)]
    rows, table = shop_tables([*keys, *(k.upper() + " " for k in keys)], keys)
    found = connect({"shops": table}, rows[:300], rows[300:], ("row",))
    expected = [float(keys.index(k.strip().lower())) for k in rows["shop"]]
    assert value("value(shops.size) by shop", rows, **found.tables) == expected


def test_keys_of_another_name_are_found_by_their_values() -> None:
    rng = np.random.default_rng(2)
    codes = [f"c{i}" for i in rng.permutation(60)]
    numbers = rng.choice(10**6, 60, replace=False)
    rows = pd.DataFrame({"row": np.arange(500), "buyer": rng.choice(codes, 500), "place": rng.choice(numbers, 500)})
    rows["customer_id"], rows["amount"] = rng.integers(1, 61, 500), rng.integers(1, 40, 500)
    people = pd.DataFrame({"code": codes, "age": rng.integers(20, 70, 60)})
    places = pd.DataFrame({"nr": numbers, "area": rng.random(60)})
    customers = pd.DataFrame({"id": np.arange(1, 61), "since": rng.integers(1, 61, 60)})
    prices = pd.DataFrame({"step": np.arange(1, 61), "price": rng.random(60)})
    tables = {"people": people, "places": places, "customers": customers, "prices": prices}
    found = connect(tables, rows[:400], rows[400:], ("row",))
    assert found.joins == {
        "people": (("buyer", "code"),), "places": (("place", "nr"),), "customers": (("customer_id", "id"),)
    }  # fmt: skip
    schema = schema_of(rows, [], found.tables, joins=found.joins, lookups=found.lookups)
    texts = {str(f) for f in Candidates(schema, Frame(Rows(rows, 400, **found.tables))).all()}
    assert {"value(people.age) by buyer, people.code", "value(places.area) by place, places.nr"} <= texts
