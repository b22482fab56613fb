"""Every type of Arrow and parquet becomes numbers, booleans, text or dates, or is left out with a note."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import source_of

from medalist.competitions.competition import read_competition
from medalist.competitions.tables.reading import load, read_header

DAY = dt.datetime(2024, 3, 31, 21, 50)
HOUR = dt.time(7, 44, 30)
LONG = 1_234_567_890_123_456_789

COLUMNS: dict[str, tuple[pa.Array, Any]] = {
    "duration": (pa.array([dt.timedelta(minutes=2), None, dt.timedelta(1)], pa.duration("us")), [120, None, 86400]),
    "short duration": (pa.array([1500, None, 20], pa.duration("ms")), [1.5, None, 0.02]),
    "time": (pa.array([HOUR, None, dt.time(0, 0)], pa.time64("us")), [27870, None, 0]),
    "time32": (pa.array([HOUR, None, dt.time(0, 0)], pa.time32("s")), [27870, None, 0]),
    "decimal": (pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3.50")]), [1.25, None, -3.5]),
    "whole decimal": (pa.array([decimal.Decimal(7), None, decimal.Decimal(8)], pa.decimal128(38, 0)), [7, None, 8]),
    "dictionary": (pa.array(["a", None, "b"]).dictionary_encode(), ["a", None, "b"]),
    "dictionary of numbers": (pa.array([3, None, 4]).dictionary_encode(), [3, None, 4]),
    "boolean": (pa.array([True, None, False]), [True, None, False]),
    "whole": (pa.array([1, None, 3], pa.int8()), [1, None, 3]),
    "long": (pa.array([LONG, None, LONG + 1]), [LONG, None, LONG + 1]),
    "unsigned": (pa.array([2**63 + 5, 1, 2], pa.uint64()), [2**63 + 5, 1, 2]),
    "unsigned gaps": (pa.array([2**63 + 5, None, 2], pa.uint64()), [2**63 + 5, None, 2]),
    "half": (pa.array([0.5, None, 2.0], pa.float16()), [0.5, None, 2.0]),
    "large text": (pa.array(["x", None, "y"], pa.large_string()), ["x", None, "y"]),
    "text view": (pa.array(["x", None, "y"], pa.string_view()), ["x", None, "y"]),
    "bytes of text": (pa.array(["é".encode(), None, b"y"], pa.binary()), ["é", None, "y"]),
    "nothing": (pa.nulls(3), [None, None, None]),
    "day": (pa.array([DAY.date(), None, DAY.date()]), ["2024-03-31", None, "2024-03-31"]),
    "stamp": (pa.array([DAY, None, DAY], pa.timestamp("ms")), ["2024-03-31 21:50:00", None, "2024-03-31 21:50:00"]),
    "zone": (
        pa.array([DAY, None, DAY], pa.timestamp("us")).cast(pa.timestamp("us", "UTC")).cast(
            pa.timestamp("us", "Europe/Berlin")),
        ["2024-03-31 23:50:00", None, "2024-03-31 23:50:00"],
    ),
    "early day": (pa.array([dt.date(1066, 10, 14), None, DAY.date()]), ["1066-10-14", None, "2024-03-31"]),
}  # fmt: skip
LEFT_OUT: dict[str, pa.Array] = {
    "lists": pa.array([["a"], None, []]),
    "lists of numbers": pa.array([[1.5], None, []], pa.list_(pa.float32(), -1)),
    "fixed lists": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
    "maps": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "bytes": pa.array([b"\xff\xfe", None, b"\x80"], pa.binary()),
}
RECORD = pa.array([{"x": 1.5, "in": {"y": "k", "z": [1]}}, None, {"x": 2.5, "in": {"y": None, "z": None}}])


def values(column: pd.Series) -> list[Any]:
    return [None if gone else value for value, gone in zip(column.tolist(), column.isna(), strict=True)]


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path)
    else:
        pq.write_table(table, path)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from([*COLUMNS, *LEFT_OUT, "record"]), min_size=1, unique=True))
def test_columns_of_any_type(tmp_path_factory: pytest.TempPathFactory, suffix: str, names: list[str]) -> None:
    arrays = {name: COLUMNS[name][0] if name in COLUMNS else LEFT_OUT.get(name, RECORD) for name in names}
    if suffix == ".parquet":
        arrays = {n: a for n, a in arrays.items() if n != "half"} or {"half": COLUMNS["whole"][0]}
    path = write(pa.table({"row": [1, 2, 3], **arrays}), tmp_path_factory.mktemp("types") / f"t{suffix}")
    table = load(source_of(path))
    expected = ["row"]
    for name in arrays:
        if name == "record":
            expected += ["record.x", "record.in.y"]
            assert values(table.frame["record.x"]) == [1.5, None, 2.5]
            assert values(table.frame["record.in.y"]) == ["k", None, None]
        elif name in LEFT_OUT:
            assert any(f"'{name}'" in note and "left out" in note for note in table.notes)
        elif name in arrays and name in COLUMNS:
            expected.append(name)
            assert values(table.frame[name]) == (
                COLUMNS[name][1] if name != "half" or suffix == ".feather" else [1, None, 3]
            )
    assert list(table.frame.columns) == expected == list(read_header(source_of(path)).columns)


def test_pandas_types_and_its_index(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, LONG], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "word": pd.array(["a", None, "b"], dtype="string"),
            "kind": pd.Categorical(["u", None, "v"]),
            "month": pd.period_range("2024-01", periods=3, freq="M"),
        },
        index=pd.Index(["v1", "v2", "v3"], name="visit"),
    )
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    read = load(source_of(path)).frame
    assert list(read.columns) == ["visit", *frame.columns]
    assert read["visit"].tolist() == ["v1", "v2", "v3"]
    assert values(read["whole"]) == [1, None, LONG]
    assert values(read["flag"]) == [True, None, False]
    assert values(read["kind"]) == ["u", None, "v"]


def test_an_index_of_pandas_that_counts_is_a_column(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(80, 82, name="nr")).to_parquet(path)
    assert load(source_of(path)).frame.to_dict("list") == {"a": [1, 2], "nr": [80, 81]}
    assert read_header(source_of(path)).columns == tuple(load(source_of(path)).frame.columns) == ("nr", "a")
    pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(80, 82)).to_parquet(path)
    assert list(load(source_of(path)).frame.columns) == ["a"]


def test_identifiers_of_128_bits_are_text(tmp_path: Path) -> None:
    ids = [uuid.UUID(int=i) for i in (1, 2)]
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"id": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([i.bytes for i in ids], pa.binary(16)))}),
        path,
    )
    assert load(source_of(path)).frame["id"].tolist() == [str(i) for i in ids]


def test_a_competition_with_columns_of_every_type(tmp_path: Path) -> None:
    """Train and test are read alike; the submission is csv."""
    n = 60
    cycle = {name: pa.concat_arrays([a.cast(a.type)] * (n // 3)) for name, (a, _) in COLUMNS.items() if name != "half"}
    lists = pa.concat_arrays([LEFT_OUT["lists"]] * (n // 3))
    table = pa.table({"key": [f"k{i}" for i in range(n)], **cycle, "lists": lists, "spend": [i / 7 for i in range(n)]})
    pq.write_table(table.slice(0, 40), tmp_path / "train.parquet")
    pq.write_table(table.slice(40).drop_columns(["spend"]), tmp_path / "test.parquet")
    pq.write_table(
        pa.table({"key": table["key"].slice(40), "spend": [0.0] * 20}), tmp_path / "sample_submission.parquet"
    )
    competition = read_competition(tmp_path)
    assert set(competition.train.columns) == {"key", *cycle, "spend"}
    assert set(competition.test.columns) == {"key", *cycle}
    assert competition.sample_form is not None
    assert competition.sample_form.separator == ","
