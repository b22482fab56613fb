"""Eight agents at once on one ledger, killed at random and disturbed: no row is lost, none is there twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_eight_writers_that_are_killed_lose_and_double_nothing(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A small dose of `benchmarks/ledger_writers.py`, which forks its writers and starts its own PostgreSQL."""
    if engine == "postgresql":
        request.getfixturevalue("server")  # or the reason why there is none
    script, results = ROOT / "benchmarks" / "ledger_writers.py", tmp_path / "rows.jsonl"
    dose = ["--runs", "2", "--steps", "40", "--kills", "40"]
    command = [sys.executable, script, "--engine", engine, *dose, "--results", results]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    row = json.loads(results.read_text())
    assert (row["lost"], row["twice"], row["out_of_order"], row["failures"]) == (0, 0, 0, [])
    assert (row["writers"], row["rows"]) == (8, 736)
    assert row["kills"] >= 1  # how many of the dose fall into the writing is decided by the machine
