"""Large tables: the same values as by the usual reader, in compact types, cached."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import source_of

from medalist.competitions.errors import InputError
from medalist.competitions.tables import reading as tables
from medalist.competitions.tables.csv_format import read_dialect
from medalist.competitions.tables.large import load_large
from medalist.competitions.tables.reading import load


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MEDALIST_CACHE", str(folder))
    return folder


def big(path: Path, text: tuple[str, ...] = ()) -> tuple[pd.DataFrame, list[str]]:
    source = source_of(path)
    frame, notes, _ = load_large(source, read_dialect(source), text)
    return frame, notes


CELLS = st.one_of(
    st.integers(-(10**10), 10**10).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.sampled_from(["", "NA", "None", "True", "False", "2020-01-01", "2020-01-01 10:00:00", "12:30", "x\ny", "0"]),
    st.text("abcé\"',; ", max_size=5),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=12))
def test_both_readers_agree(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "both.csv"
    buffer = io.StringIO()
    pd.DataFrame([[str(i), *row] for i, row in enumerate(rows)], columns=["id", "a", "b"]).to_csv(buffer, index=False)
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    small = pd.read_csv(path, low_memory=False, quotechar=read_dialect(source_of(path)).quoting.quote)
    large, _ = big(path)
    assert list(small.columns) == list(large.columns)
    for name in small:
        one, two = small[name], large[name]
        assert one.isna().tolist() == two.isna().tolist()
        if pd.api.types.is_numeric_dtype(one.dtype) and not pd.api.types.is_bool_dtype(one.dtype):
            if one.notna().any():
                np.testing.assert_allclose(one.to_numpy(float), two.to_numpy(float), rtol=1e-6)
        else:
            assert one.dropna().tolist() == two.dropna().tolist()


def test_large_tables_are_compact_and_types_may_change_on_the_way(tmp_path: Path) -> None:
    n = 60_000  # beyond the rows from which types are guessed
    path = tmp_path / "big.csv"
    lines = ["id,small,late_float,late_word,late_number,late_text,wide,seconds,note"]
    for i in range(n):
        last = i > n - 5
        note = "two" if i % 2 else '"a\nb"'
        lines.append(
            f"{i},{i % 100},{i % 50 if not last else 0.5},{i if not last else 'many'},{'' if not last else 7.5},"
            f"{'' if not last else 'word'},{i * 100_000},{1.7e9 + i + 0.5},{note}"
        )
    path.write_text("\n".join(lines) + "\n")
    frame, notes = big(path)
    reference = pd.read_csv(path, low_memory=False)
    assert frame["small"].dtype == np.int8
    assert frame["id"].dtype == np.int32
    assert frame["late_float"].tolist() == reference["late_float"].tolist()
    assert frame["late_word"].tolist() == reference["late_word"].tolist()
    assert frame["late_number"].dropna().tolist() == [7.5] * 4
    assert frame["late_text"].dropna().tolist() == ["word"] * 4
    assert frame["wide"].tolist() == reference["wide"].tolist()
    assert frame["note"].tolist() == reference["note"].tolist()
    assert frame["seconds"].dtype == np.float32  # 7 digits, as documented: none of them is whole
    np.testing.assert_allclose(frame["seconds"], reference["seconds"], rtol=1e-7)
    assert any("'late_word' mixes numbers with text" in note for note in notes)


def test_large_tables_are_cached_until_the_file_changes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LARGE_BYTES", 100)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,x\n" * 100)
    first = load(source_of(path))
    assert len(list(cache.rglob("*.arrow"))) == 1
    again = load(source_of(path))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert first.digest == again.digest
    path.write_text("a,b\n" + "2,x\n" * 101)
    assert load(source_of(path)).frame["a"].unique().tolist() == [2]


def test_a_cache_that_cannot_be_written_is_only_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(tables, "LARGE_BYTES", 100)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,x\n" * 100)
    table = load(source_of(path))
    assert len(table.frame) == 100
    assert "cache" in table.notes[0]


def test_a_large_table_in_latin_1_is_read_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 50_000 + "2,Zürich\n".encode("latin-1"))
    frame, notes = big(path)
    assert frame["b"].iloc[-1] == "Zürich"
    assert "not UTF-8" in notes[0]


def test_a_large_table_with_a_broken_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 50_000 + b"1,2,3\n")
    with pytest.raises(InputError, match="3"):
        big(path)
