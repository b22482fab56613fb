"""`medalist predict`: further rows by a run's models, equal to the submission where they are the run's test rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import demo, here, only_run

from medalist.agent.cli.main import main
from medalist.agent.using import predict
from medalist.competitions.errors import InputError, LedgerError


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, public: Path) -> Path:
    """The folder of a short counted run."""
    folder = tmp_path_factory.mktemp("runs")
    here("run", public, "--max-experiments", "2", "--threads", "1", "--runs-dir", folder)
    return only_run(folder)


@pytest.mark.slow
def test_the_test_file_gets_the_bytes_of_the_submission(public: Path, run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out.csv"
    capsys.readouterr()
    arguments = ["predict", run, public / "test.csv", "--out", out, "--threads", "1", "--json"]
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--runs-dir", str(run.parent.parent)])
    assert not end.value.code
    told = json.loads(capsys.readouterr().out)
    assert out.read_bytes() == (run / "submission.csv").read_bytes()
    assert told["models_equal"] is True
    assert told["rows_of_test"] == told["rows"]


@pytest.mark.slow
def test_half_of_the_test_rows_and_one_unseen(public: Path, run: Path, tmp_path: Path) -> None:
    """In another order, with a further column, and a last row with categories that never occurred."""
    test = pd.read_csv(public / "test.csv")
    submission = pd.read_csv(run / "submission.csv")
    half = test.sample(frac=0.5, random_state=1)
    new = half.iloc[:1].copy()
    for column in new.columns[1:]:
        if not pd.api.types.is_numeric_dtype(new[column].dtype):
            new[column] = "never seen"
    new[new.columns[0]] = "new" if not pd.api.types.is_numeric_dtype(new.iloc[:, 0].dtype) else 10**9
    given = pd.concat([half, new], ignore_index=True).assign(further=1)
    got = predict(run, given)
    key = submission.columns[0]
    assert list(got.columns) == list(submission.columns)
    expected = submission.set_index(key).loc[half[key]].reset_index()
    pd.testing.assert_frame_equal(got.iloc[:-1], expected, check_dtype=False, rtol=1e-12)
    assert got.iloc[-1].notna().all()


@pytest.mark.slow
def test_a_missing_column_is_named(public: Path, run: Path) -> None:
    test = pd.read_csv(public / "test.csv")
    with pytest.raises(InputError) as error:
        predict(run, test[[test.columns[0]]])
    assert all(repr(str(column)) in str(error.value) or "more" in str(error.value) for column in test.columns[1:3])


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="lineage"):
        predict(tmp_path, pd.DataFrame({"x": [1]}))
