"""Generated competitions of any size for `memory.py`, written a part at a time, so that making them takes little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

PART = 200_000  # rows that are made and written at a time
TEST_SHARE = 0.1  # rows of test for each of train
FORMATS = ("csv", "parquet")


def write_competition(folder: Path, rows: int, columns: int, kind: str) -> Path:
    """Write a competition of `rows` training rows and `columns` columns (the id and the target among them) into a
    folder of its own below `folder`, unless it is there; returns that folder.

    Of the inputs a tenth are texts of 4 to 2,000 levels, a fifth whole numbers, the others decimals, some of them with
    gaps. The target is binary, and depends on a dozen of them. kind: one of FORMATS.
    """
    home = folder / f"rows{rows}_columns{columns}_{kind}"
    done = home / "complete"
    if done.exists():
        return home
    home.mkdir(parents=True, exist_ok=True)
    (home / "description.md").write_text("Predict the probability of `target`. Submissions are scored by AUC.\n")
    _write(home / f"train.{kind}", rows, columns, kind, seed=1, target=True)
    _write(home / f"test.{kind}", max(1, int(rows * TEST_SHARE)), columns, kind, seed=2, target=False, first=rows)
    ids = pa.table({"id": np.arange(rows, rows + max(1, int(rows * TEST_SHARE)))})
    sample = ids.append_column("target", pa.array(np.full(len(ids), 0.5)))
    pyarrow.csv.write_csv(sample, home / "sample_submission.csv")
    done.touch()
    return home


def _write(path: Path, rows: int, columns: int, kind: str, *, seed: int, target: bool, first: int = 0) -> None:
    writer = None
    for begin in range(0, rows, PART):
        part = _part(
            min(PART, rows - begin), columns, np.random.default_rng((seed, begin)), first + begin, target=target
        )
        if writer is None:
            writer = (pyarrow.csv.CSVWriter if kind == "csv" else pyarrow.parquet.ParquetWriter)(path, part.schema)
        writer.write_table(part)
    assert writer is not None
    writer.close()


def _part(rows: int, columns: int, rng: np.random.Generator, first: int, *, target: bool) -> pa.Table:
    """Some rows: their columns are functions of the generator alone, so that parts are of one distribution."""
    arrays: dict[str, pa.Array] = {"id": pa.array(np.arange(first, first + rows))}
    logit = np.zeros(rows)
    for k in range(columns - 2):
        name = f"x{k}"
        if k % 10 == 3:
            levels = (4, 30, 200, 2000)[k // 10 % 4]
            codes = rng.integers(0, levels, rows)
            arrays[name] = pa.DictionaryArray.from_arrays(
                pa.array(codes), [f"level {c:04d}" for c in range(levels)]
            ).cast(pa.string())
            effect = np.sin(codes * 1.7)
        elif k % 10 in (5, 8):
            whole = rng.poisson(3 + k % 7, rows)
            arrays[name] = pa.array(whole)
            effect = whole / 3 - 1
        else:
            decimal = np.round(rng.normal(size=rows), 3)
            gaps = rng.random(rows) < 0.05 if k % 5 == 0 else np.zeros(rows, bool)
            arrays[name] = pa.array(decimal, mask=gaps)
            effect = decimal * np.where(gaps, 0, 1)
        if k < 12:
            logit += effect * (0.6 if k % 2 else -0.4)
    if target:
        arrays["target"] = pa.array((rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64))
    return pa.table(arrays)
