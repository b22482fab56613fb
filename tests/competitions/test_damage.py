"""Damaged files of every kind are read or refused in one sentence, and no reader ends the process."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from little import source_of
from written_files import written

from medalist.competitions.errors import InputError
from medalist.competitions.tables.reading import load, read_header, read_table

READ = """
import sys
from pathlib import Path
from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import source_of
from medalist.competitions.tables.reading import read_header, read_table
for path in sorted(Path(sys.argv[1]).iterdir()):
    for read in (lambda: read_table(path), lambda: read_header(source_of(path, path.name))):
        try:
            read()
        except InputError as error:
            assert "\\n" not in str(error) and len(str(error)) < 400, error
"""


def damaged(data: bytes, seed: int) -> bytes:
    """The bytes cut, with a bit flipped, bytes put in, or some set to zero or at random."""
    drawn, some = random.Random(seed), bytearray(data)
    ends = min(len(some) - 1, drawn.choice([drawn.randrange(200), max(0, len(some) - 1 - drawn.randrange(200))]))
    at = drawn.choice([drawn.randrange(len(some)), ends])
    how = seed % 5
    if how == 0:
        return bytes(some[:at])
    if how == 1:
        some[at] ^= 1 << drawn.randrange(8)
    elif how == 2:
        some[at:at] = drawn.randbytes(drawn.randrange(1, 9))
    elif how == 3:
        some[at : at + 8] = bytes(len(some[at : at + 8]))
    else:
        for _ in range(20):
            some[drawn.randrange(len(some))] = drawn.randrange(256)
    return bytes(some)


KINDS = ["t.csv", "records.json", "t.jsonl", "t.feather", "t.arrow", "t.orc", "t.parquet"]


def test_damage_is_told_and_ends_no_process(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": range(60), "size": rng.normal(size=60), "town": ["a", "bé", "c d"] * 20})
    folder = tmp_path / "damaged"
    folder.mkdir()
    for kind in [*KINDS, *(["t.xlsx"] if importlib.util.find_spec("python_calamine") else [])]:
        data = written(frame, tmp_path / kind).read_bytes()
        for seed in range(30):
            (folder / f"{seed}{Path(kind).suffix}").write_bytes(damaged(data, seed))
    done = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_damaged_notes_of_pandas_in_a_parquet_do_no_harm(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2]})
    for about in (b"{", b"[]", b'{"index_columns": 3}', json.dumps({"index_columns": [{"name": "n"}]}).encode()):
        pq.write_table(table.replace_schema_metadata({b"pandas": about}), tmp_path / "t.parquet")
        assert load(source_of(tmp_path / "t.parquet")).frame["a"].tolist() == [1, 2]
        assert read_header(source_of(tmp_path / "t.parquet")).columns == ("a",)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000])
def test_json_that_is_nested_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(InputError, match="nested too deep"):
        read_table(tmp_path / "t.json")


def test_half_a_letter_in_json_is_read_as_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('[{"a": "\\ud800x", "b": "\\ud83d\\ude00"}, {"a": "y", "b": ""}]')
    frame = read_table(tmp_path / "t.json")
    assert frame["a"].tolist() == ["?x", "y"]
    assert frame["b"].tolist()[0] == "😀"


def test_digits_of_other_scripts_are_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1.5๐2,1\n2.5,2\n3.5,3\n", encoding="utf-8")
    assert read_table(tmp_path / "t.csv")["a"].tolist() == ["1.5๐2", "2.5", "3.5"]
