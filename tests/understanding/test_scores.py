"""Short runs on cases come near the best possible score: what was understood is also what is learned and written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import understanding
from case import CASES
from make_cases import as_table

RUN = [  # cases whose target can be learned from few rows
    "brackets-in-names-of-columns",
    "labels-with-separators",
    "none-is-a-label",
    "numbers-with-units",
    "one-table-with-a-column-of-parts",
    "quoted-ids",
    "several-labels-a-row",
    "two-columns-of-one-name",
    "y-and-n-asked-for-as-1-and-0",
    "years-of-two-digits",
    "yes-in-train-and-1-in-test",
    "zip-in-a-zip-from-a-mac",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_a_run_comes_nearer_to_the_oracle_than_to_a_constant(tmp_path, name):
    expected = CASES[name].make(tmp_path)
    right = as_table(expected)
    row = understanding.run(tmp_path, right, "--max-experiments", "5", "--threads", "1", "--no-feature-search")
    assert row["status"] == "ok", row
    assert row.get("graded") == pytest.approx(row["score"], rel=1e-6), row
    reached = (row["score"] - expected.baseline) / (expected.oracle - expected.baseline)
    assert reached > 0.6, row
