"""Keys keep every digit and every zero: in reading, in any file format, in comparing, in groups and in writing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import little_competition, make_tables, source_of, write
from written_files import grid, workbook

from medalist.competitions.audit.rows import row_hashes
from medalist.competitions.columns.cards import Kind, describe_columns
from medalist.competitions.competition import read_competition
from medalist.competitions.folds.by_group import group_codes, group_evidence
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.holdout import cut_holdout
from medalist.competitions.tables.csv_format import read_dialect
from medalist.competitions.tables.integers import exact_integers, lost_digits, whole_numbers
from medalist.competitions.tables.large import load_large
from medalist.competitions.tables.reading import load
from medalist.competitions.task.infer import infer_task

LARGE = 1_180_000_000_000_004_305
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(2**53 - 3, 2**53 + 3),
    st.integers(0, 2**64 - 1),
    st.integers(0, 10**25),
    st.integers(0, 50),
)
COLUMN = st.lists(st.none() | KEYS, min_size=2, max_size=30).filter(lambda keys: any(k is not None for k in keys))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path_factory.mktemp("cache")))


def text_of(frame: pd.DataFrame, name: str) -> list[str | None]:
    """The values as they are written again."""
    written = whole_numbers(frame[[name]]).assign(end=1).to_csv(index=False).splitlines()[1:]
    return [line.split(",")[0].removesuffix(".0") or None for line in written]


def saved(path: Path, keys: list[int | None]) -> Path:
    lines = [f"{'' if k is None else k},{i}" for i, k in enumerate(keys)]
    path.write_text("\n".join(["key,row", *lines]) + "\n", encoding="utf-8")
    return path


@SETTINGS
@given(COLUMN)
def test_integers_of_any_size_are_written_as_they_were_read(tmp_path: Path, keys: list[int | None]) -> None:
    source = source_of(saved(tmp_path / "keys.csv", keys))
    expected = [None if k is None else str(k) for k in keys]
    assert text_of(load(source).frame, "key") == expected
    large, _, _ = load_large(source, read_dialect(source), ())
    again, _, _ = load_large(source, read_dialect(source), ())  # from the cache
    for frame in (large, again):
        assert text_of(frame, "key") == expected


@SETTINGS
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30), st.booleans())
def test_parquet_keeps_integers_with_gaps(tmp_path: Path, keys: list[int | None], as_decimal: bool) -> None:
    array = pa.array(keys, pa.int64())
    pq.write_table(pa.table({"key": array.cast(pa.decimal128(19, 0)) if as_decimal else array}), tmp_path / "k.parquet")
    frame = load(source_of(tmp_path / "k.parquet")).frame
    assert text_of(frame, "key") == [None if k is None else str(k) for k in keys]


def test_keys_beyond_floats_are_nullable_integers_and_others_stay_as_they_were(tmp_path: Path) -> None:
    text = f"key,small,x,whole,written\n{LARGE},7,0.5,5.0,{LARGE + 1}.0\n,,1,,\n{LARGE + 2},9,2,6.0,{LARGE + 3}.0\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    source = source_of(tmp_path / "t.csv")
    for frame in (load(source).frame, load_large(source, read_dialect(source), ())[0]):
        assert str(frame["key"].dtype) == "Int64"
        assert frame["key"].dropna().tolist() == [LARGE, LARGE + 2]
        assert [frame[c].dtype.kind for c in ("small", "x", "whole")] == ["f", "f", "f"]
    assert load(source).frame["written"].dropna().tolist() == [LARGE + 1, LARGE + 3]


def test_a_placeholder_beside_large_keys_costs_no_digit(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"key,x\n{LARGE},1\n?,2\n{LARGE + 2},3\n", encoding="utf-8")
    assert load(source_of(tmp_path / "t.csv")).frame["key"].dropna().tolist() == [LARGE, LARGE + 2]


def test_keys_that_were_written_as_floats_are_told_to_be_lost(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("key,x\n1.18e18,1\n,2\n1.19e18,3\n", encoding="utf-8")
    table = load(source_of(tmp_path / "t.csv"))
    assert table.frame["key"].dtype == np.float64
    assert "last digits are lost" in " ".join(table.notes)
    assert not lost_digits(pd.Series([6.02e23, np.nan], name="moles"))
    assert exact_integers(pd.Series(["12.5", "3"])) is None


def test_zeros_before_codes_stay_and_plain_numbers_stay_numbers(tmp_path: Path) -> None:
    lines = [
        "zip,quoted,time,share,flag,n,day,mixed",
        '02134,"007",0930,0.5,0,10,01/02/2020,05',
        '94110,"123",1245,0,1,2,03/04/2020,5',
        ",,,1,0,3,,17",
    ]
    text = "\n".join(lines) + "\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    source = source_of(tmp_path / "t.csv")
    for table in (load(source), None):
        frame = table.frame if table else load_large(source, read_dialect(source), ())[0]
        assert frame["zip"].dropna().tolist() == ["02134", "94110"]
        assert frame["quoted"].dropna().tolist() == ["007", "123"]
        assert frame["time"].dropna().tolist() == ["0930", "1245"]
        assert frame["mixed"].tolist() == ["05", "5", "17"]
        assert all(pd.api.types.is_numeric_dtype(frame[c].dtype) for c in ("share", "flag", "n"))
    notes = load(source).notes
    assert len([n for n in notes if "zeros before them" in n]) == 4


@SETTINGS
@given(st.lists(st.integers(0, 99999), min_size=3, max_size=30), st.integers(5, 8))
def test_codes_of_one_width_are_text_exactly_where_one_has_a_zero_before_it(
    tmp_path: Path, codes: list[int], width: int
) -> None:
    texts = [str(c).zfill(width) for c in codes]
    (tmp_path / "t.csv").write_text("a,code\n" + "".join(f"1,{t}\n" for t in texts), encoding="utf-8")
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8")
    (tmp_path / "t.csv").write_text(lines.rstrip("\n"), encoding="utf-8")  # the last line may have no end
    frame = load(source_of(tmp_path / "t.csv")).frame
    if any(t.startswith("0") for t in texts):
        assert frame["code"].tolist() == texts
    else:
        assert frame["code"].tolist() == codes


def test_codes_that_one_file_has_lost_zeros_of_are_restored_in_train_and_test(tmp_path: Path) -> None:
    tables = make_tables()
    rng = np.random.default_rng(1)
    zips = [f"{z:05d}" for z in rng.integers(600, 99999, 8)]
    for name in ("train", "test"):
        tables[name] = tables[name].assign(zip=rng.choice(zips, len(tables[name])))
    tables["test"]["zip"] = tables["test"]["zip"].astype(int)
    competition = read_competition(write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"]))
    assert set(competition.test["zip"]) <= set(zips)
    assert set(competition.train["zip"]) <= set(zips)
    assert any("restored" in note for note in competition.notes)
    cards = {card.name: card for card in describe_columns(competition.train, competition.test)}
    assert cards["zip"].kind is Kind.CATEGORY


def test_ids_that_only_the_sample_writes_with_zeros_are_matched_and_written_so(tmp_path: Path) -> None:
    tables = make_tables()
    sample = tables["sample"].assign(Id=tables["sample"]["Id"].astype(str).str.zfill(6))
    competition = read_competition(write(tmp_path, train=tables["train"], test=tables["test"], sample=sample))
    task = infer_task(competition)
    submission = task.submission(competition.test, np.arange(40.0)[:, None], competition.sample)
    assert submission["Id"].tolist() == sample["Id"].tolist()


def with_keys(offset: int, gaps: str) -> dict[str, pd.DataFrame]:
    """Tables with a key of few values beyond 2**53, with gaps in the tables that `gaps` names."""
    tables = make_tables()
    for name in ("train", "test"):
        frame = tables[name]
        dtype = "Int64" if offset < 2**63 - 7 else "UInt64"
        keys = pd.Series([offset + i % 7 for i in range(len(frame))], dtype=dtype, index=frame.index)
        tables[name] = tables[name].assign(key=keys.where(np.arange(len(keys)) % 5 > 0) if name in gaps else keys)
    return tables


@pytest.mark.parametrize("gaps", ["train", "test", "train test", ""])
@pytest.mark.parametrize("offset", [LARGE, 2**63 - 20, 2**63 + 5, 100])
def test_tables_put_together_keep_their_keys(tmp_path: Path, gaps: str, offset: int) -> None:
    tables = with_keys(offset, gaps)
    competition = read_competition(write(tmp_path, **{k: v for k, v in tables.items() if k != "answers"}))
    both = pd.concat([competition.train["key"], competition.test["key"]], ignore_index=True)
    expected = pd.concat([tables["train"]["key"], tables["test"]["key"]], ignore_index=True)
    assert both.isna().tolist() == expected.isna().tolist()
    assert [int(v) for v in both.dropna()] == [int(v) for v in expected.dropna()]
    (card,) = (c for c in describe_columns(competition.train, competition.test) if c.name == "key")
    assert card.distinct == 7
    assert card.unseen == 0
    codes = group_codes(competition.train, FoldPlan("group", 2, "key"))
    known = competition.train["key"].notna().to_numpy()
    assert len(np.unique(codes[known])) == 7


@pytest.mark.parametrize("offset", [LARGE, 100])
def test_keys_with_gaps_are_evidence_of_groups(offset: int) -> None:
    keys = pd.Series(np.repeat(np.arange(60), 5) + offset, dtype="Int64")
    keys[::9] = pd.NA
    if offset == 100:
        keys = keys.astype(float)
    train, test = pd.DataFrame({"key": keys[:200]}), pd.DataFrame({"key": keys[200:]})
    assert [e.disjoint for e in group_evidence(train, test, ["key"])] == [True]


def test_rows_that_differ_in_the_last_digit_of_a_key_are_different_rows() -> None:
    one = pd.DataFrame({"key": [LARGE, LARGE + 1, 5], "x": [1.0, 1.0, 2.0]})
    two = pd.DataFrame({"key": pd.array([LARGE + 1, None, 5], "Int64"), "x": [1, 1, 2]})
    left, right = row_hashes(one, ["key", "x"]), row_hashes(two, ["key", "x"])
    assert len(set(left)) == 3
    assert (left[1], left[2]) == (right[0], right[2])


@pytest.mark.parametrize("offset", [LARGE, 100])
def test_a_holdout_has_the_keys_of_its_competition(tmp_path: Path, offset: int) -> None:
    tables = with_keys(offset, "train test")
    competition = read_competition(write(tmp_path / "all", **{k: v for k, v in tables.items() if k != "answers"}))
    out = cut_holdout(competition, infer_task(competition), tmp_path / "out")
    keys = set()
    for name in ("train.csv", "test.csv"):
        frame = pd.read_csv(out / "public" / name, dtype=str)
        keys |= set(frame["key"].dropna())
    assert keys == {str(offset + i) for i in range(7)}


def test_ids_beyond_floats_stand_in_the_submission_as_in_the_sample() -> None:
    ids = [2**63 - 1 - 3 * i for i in range(40)]
    tables = make_tables()
    test, sample = tables["test"].assign(Id=ids), tables["sample"].assign(Id=ids[::-1])
    competition = little_competition(tables["train"], test, sample)
    task = infer_task(competition, targets="price", id="Id")
    submission = task.submission(test, np.arange(40.0)[:, None], sample)
    assert submission["Id"].tolist() == ids[::-1]
    assert submission["price"].tolist() == list(np.arange(40.0)[::-1])


def test_zeros_late_in_a_large_file_are_seen(tmp_path: Path) -> None:
    rows = [f"{i},{10000 + i},{i % 7}" for i in range(30_000)] + [f"{i},{i:05d},{i % 7}" for i in range(9000)]
    (tmp_path / "t.csv").write_text("\n".join(["n,code,x", *rows]) + "\n", encoding="utf-8")
    source = source_of(tmp_path / "t.csv")
    for frame in (load(source).frame, load_large(source, read_dialect(source), ())[0]):
        assert frame["code"].iloc[-1] == "08999"
        assert frame["code"].iloc[0] == "10000"
        assert [frame[c].dtype.kind for c in ("n", "x")] == ["i", "i"]


@SETTINGS
@given(COLUMN, st.sampled_from(["null", "NaN"]), st.booleans(), st.booleans())
def test_json_keeps_every_digit(tmp_path: Path, keys: list[int | None], gap: str, lines: bool, point: bool) -> None:
    point = point and all(abs(k or 0) < 2**64 for k in keys)
    rows = [f'{{"key": {gap if k is None else f"{k}.0" if point else k}, "row": {i}}}' for i, k in enumerate(keys)]
    (tmp_path / "k.json").write_text("\n".join(rows) if lines else f"[{', '.join(rows)}]", encoding="utf-8")
    frame = load(source_of(tmp_path / "k.json")).frame
    assert text_of(frame, "key") == [None if k is None else str(k) for k in keys]


def test_keys_beyond_floats_meet_those_of_text_in_a_workbook(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    tables = make_tables()
    for name in ("train", "test", "sample"):
        tables[name]["Id"] += LARGE
    for name in ("train", "test"):
        workbook(tmp_path / f"{name}.xlsx", {"a": grid(tables[name].assign(Id=tables[name]["Id"].astype(str)))})
    write(tmp_path, **{"sample.csv": tables["sample"]})
    competition = read_competition(tmp_path)
    submission = infer_task(competition).submission(competition.test, range(40), competition.sample)
    assert submission["Id"].tolist() == tables["sample"]["Id"].tolist()


def test_keys_that_a_parquet_holds_as_doubles_are_told_to_be_lost(tmp_path: Path) -> None:
    pd.DataFrame({"key": [1.18e18, None, 1.19e18], "x": [1, 2, 3]}).to_parquet(tmp_path / "t.parquet")
    assert "last digits are lost" in " ".join(load(source_of(tmp_path / "t.parquet")).notes)
