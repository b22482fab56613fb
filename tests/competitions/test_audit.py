"""The audit reports what could mislead a score, and is silent about ordinary tables."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.competitions.audit.audit import audit
from medalist.competitions.audit.finding import Finding
from medalist.competitions.audit.rows import order_effect, row_hashes, rows_repeat
from medalist.competitions.audit.target import exact_copies, explained, levels
from medalist.competitions.columns.cards import describe_columns
from medalist.competitions.task.infer import infer_task

RNG = np.random.default_rng(11)
N = 1500


def _audit(train: pd.DataFrame, test: pd.DataFrame, metric: str, **options) -> list[Finding]:
    sample = pd.DataFrame({"id": test["id"], "y": train["y"].iloc[0]})
    competition = little_competition(train, test, sample)
    task = infer_task(competition, metric=metric)
    cards = describe_columns(train, test, skip=task.targets)
    return list(audit(competition, task, cards, **options))


def _tables(labels: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = pd.DataFrame({"id": range(N + 500), "a": RNG.normal(size=N + 500), "b": RNG.normal(size=N + 500)})
    table["c"] = RNG.choice(["red", "green", "blue"], N + 500)
    noise = table["a"] + RNG.normal(size=N + 500)
    table["y"] = (noise > 0).astype(int) if labels else noise
    return table.iloc[:N].copy(), table.iloc[N:].drop(columns="y").reset_index(drop=True)


@pytest.mark.parametrize(("labels", "metric"), [(True, "auc"), (False, "rmse")])
def test_an_ordinary_table_gives_no_warning(labels, metric):
    findings = _audit(*_tables(labels), metric)
    assert [finding.severity for finding in findings] == ["info"] * len(findings)
    adversarial = next(finding for finding in findings if finding.kind == "adversarial")
    assert adversarial.value == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("labels", "metric"), [(True, "auc"), (False, "rmse")])
def test_copies_of_the_target_are_dangerous(labels, metric):
    train, test = _tables(labels)
    train["leak"] = 3 * train["y"] - 1
    test["leak"] = RNG.permutation(train["leak"].to_numpy())[: len(test)]
    findings = _audit(train, test, metric)
    assert (findings[0].kind, findings[0].severity, findings[0].columns) == ("target copy", "danger", ("leak",))
    assert [finding.columns for finding in findings if finding.kind == "target copy"] == [("leak",)]


def test_a_key_that_repeats_with_its_label_is_no_copy_unless_it_tells_new_rows():
    train, test = _tables()
    train["key"], test["key"] = [f"k{i}" for i in range(N)], [f"k{N + i}" for i in range(len(test))]
    assert not [finding for finding in _audit(train, test, "auc") if finding.kind == "target copy"]


def test_shifted_columns_and_unseen_values_are_drift():
    train, test = _tables()
    test["b"] += 2
    test.loc[test.index[:200], "c"] = "violet"
    findings = _audit(train, test, "auc")
    drifting = {finding.columns: finding for finding in findings if finding.kind == "drift"}
    assert drifting["b",].severity == "warning"
    messages = [f.message for f in findings if f.columns == ("c",)]
    assert "40% of the test rows have a value of c that never occurs in train." in messages
    adversarial = next(finding for finding in findings if finding.kind == "adversarial")
    assert adversarial.severity == "warning"
    assert "b" in adversarial.columns


def test_test_rows_that_are_in_train_are_reported():
    train, test = _tables()
    columns = ["a", "b", "c"]
    test.loc[test.index[:50], columns] = train.loc[train.index[:50], columns].to_numpy()
    finding = next(f for f in _audit(train, test, "auc") if f.kind == "duplicates")
    assert finding.value == pytest.approx(0.1)
    assert finding.severity == "warning"


def test_a_target_that_follows_the_order_of_ids_is_reported():
    train, test = _tables(labels=False)
    train["y"] += np.linspace(0, 6, N)
    finding = next(f for f in _audit(train, test, "rmse") if f.kind == "id order")
    assert (finding.severity, finding.columns) == ("info", ("id",))
    assert "as a split in time makes likely" in finding.message  # test goes on where train ends
    test["id"] = np.arange(500) - 500
    finding = next(f for f in _audit(train, test, "rmse") if f.kind == "id order")
    assert (finding.severity, finding.columns) == ("warning", ("id",))


def test_columns_of_train_that_add_up_to_the_target_are_reported():
    train, test = _tables(labels=False)
    train["first"], train["second"] = RNG.poisson(5, N), RNG.poisson(9, N)
    train["other"] = RNG.normal(size=N)
    train["y"] = (train["first"] + train["second"]).astype(float)
    messages = [finding.message for finding in _audit(train, test, "rmse") if finding.kind == "train only"]
    assert any(message == "first and second, which test lacks, add up to y." for message in messages)
    assert any("Only train has first, second, other" in message for message in messages)


def test_the_audit_repeats_itself_and_stops_when_time_is_over():
    train, test = _tables()
    assert _audit(train, test, "auc", seed=4) == _audit(train, test, "auc", seed=4)
    start = time.process_time()
    findings = _audit(train, test, "auc", seconds=0.0)
    assert time.process_time() - start < 2
    assert findings[-1].kind == "unfinished"
    assert "adversarial" in findings[-1].message


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=4, max_size=80), st.integers(0, 99))
def test_what_a_column_explains_lies_between_0_and_1(codes, seed):
    rng = np.random.default_rng(seed)
    levelled, learn = np.array(codes), rng.random(len(codes)) < 0.5
    for labels in (True, False):
        y = rng.integers(0, 3, len(codes)).astype(float)
        assert 0 <= explained(levelled, y, learn, labels) <= 1
    assert 0 <= explained(levelled, levelled.astype(float), learn, True) <= 1


def test_levels_keep_their_order_and_missing_values_have_one_of_their_own():
    values = pd.Series([*RNG.normal(size=3000), np.nan])
    codes = levels(values)
    assert codes[-1] == 0
    assert codes[:-1].min() == 1
    order = np.argsort(values.to_numpy()[:-1])
    assert (np.diff(codes[:-1][order]) >= 0).all()


def test_hashes_ignore_how_numbers_are_stored():
    a = pd.DataFrame({"n": [1, 2], "s": ["x", None]})
    b = pd.DataFrame({"n": [1.0, 2.0], "s": pd.Series(["x", None], dtype="object").astype("category")})
    assert (row_hashes(a, ["n", "s"]) == row_hashes(b, ["n", "s"])).all()


def test_random_order_has_no_effect():
    effects = [order_effect(RNG.normal(size=(1000, 1))) for _ in range(20)]
    assert np.mean([a > 0.005 or b > 0.03 for a, b in effects]) <= 0.1


def test_a_column_that_repeats_the_target_is_reported():
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"id": range(9000), "x": rng.normal(size=9000), "y": rng.choice(["no", "yes"], 9000)})
    train["echo"] = train["y"]
    train["nearly"] = train["y"].where(rng.random(9000) < 0.9, "no")
    test = train.head(50).drop(columns="y").assign(id=range(9000, 9050))
    sample = pd.DataFrame({"id": test["id"], "y": "no"})
    competition = little_competition(train, test, sample)
    task = infer_task(competition, metric="accuracy")
    assert exact_copies(train, test, task) == ("echo",)
    alone = train[["id", "echo", "y"]]
    assert exact_copies(alone, test[["id", "echo"]], task) == ()


def test_rows_repeat_only_where_all_columns_do():
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"n": rng.normal(size=100), "s": rng.choice(list("ab"), 100)})
    train.loc[90:, :] = train.loc[:9, :].to_numpy()  # a fifth of the train rows repeat another
    test = train.iloc[[0, 1, 20]].reset_index(drop=True)
    fresh = test.assign(n=[1.5, 2.5, 3.5])
    both = pd.concat([test, fresh], ignore_index=True)  # half of them are of train
    assert rows_repeat(train, both, ["n", "s"], 0.2)
    assert not rows_repeat(train, both, ["n", "s"], 0.21)
    assert not rows_repeat(train, fresh, ["n", "s"], 0.001)
    other = test.assign(s=np.where(test["s"] == "a", "b", "a"))
    assert rows_repeat(train, other, ["n"], 0.2)
    assert not rows_repeat(train, other, ["n", "s"], 0.001)
    assert not rows_repeat(train.iloc[:90], test, ["n", "s"], 0.001)  # no train row repeats another
    wide = pd.DataFrame(np.zeros((3, 201)), columns=[f"c{i}" for i in range(201)])
    assert rows_repeat(wide, wide, list(wide.columns[:200]), 0.5)
    assert not rows_repeat(wide, wide, list(wide.columns), 0.5)  # would take long to cross


def test_each_input_is_compared_with_each_target():
    rng = np.random.default_rng(0)
    n, targets = 4000, [f"t{k}" for k in range(12)]
    train = pd.DataFrame({"id": range(n)} | {f"x{k}": rng.normal(size=n) for k in range(40)})
    train = train.assign(**{name: rng.integers(0, 2, n) for name in targets})
    train["echo"] = train["t7"].where(np.arange(n) % 1501 != 1, 1 - train["t7"])  # but for three rows
    train["nearly"] = train["t3"].where(np.arange(n) % 100 > 0, 1 - train["t3"])
    test = train.head(50).drop(columns=targets).assign(id=range(n, n + 50))
    sample = test[["id"]].assign(**dict.fromkeys(targets, 0))
    task = infer_task(little_competition(train, test, sample), metric="mean_auc")
    assert exact_copies(train, test, task) == ("echo",)
