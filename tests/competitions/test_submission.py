"""A submission is checked against the sample, and a failed write never costs the file that was there."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions.errors import SubmissionError
from medalist.competitions.submission import check_submission, write_submission
from medalist.competitions.task.labels import submission_labels

SAMPLE = pd.DataFrame({"id": [3, 1, 2], "p": [0, 0, 0]})
GOOD = pd.DataFrame({"id": [3, 1, 2], "p": [0.25, 0.5, 1.0]})


def test_a_good_submission_passes() -> None:
    check_submission(GOOD, SAMPLE, ["id"], probability=True)
    check_submission(GOOD.assign(p=[-4.0, 1e9, 3]), SAMPLE, ["id"])
    check_submission(GOOD[["p"]], SAMPLE[["p"]])
    check_submission(GOOD.assign(id=["3", "1", "2"]), SAMPLE, ["id"])


def test_a_blank_sample_shows_no_type() -> None:
    blank = SAMPLE.assign(p=np.nan)
    for values in (["a", "b", "a"], [True, False, True], [1, 2, 3]):
        check_submission(GOOD.assign(p=values), blank, ["id"])
    assert submission_labels((False, True), blank["p"]).dtype == bool
    assert submission_labels(("a", "b"), blank["p"]).tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (GOOD.drop(columns="p"), {}, "lacks the column 'p'"),
        (GOOD.assign(q=1), {}, "'q' that the sample lacks"),
        (GOOD[["p", "id"]], {}, "another order"),
        (GOOD.iloc[:2], {}, "2 rows where the sample has 3"),
        (GOOD.sort_values("id"), {}, "another order"),
        (GOOD.assign(id=[3, 1, 9]), {}, "not the sample's"),
        (GOOD.assign(id=[3, 1, 1]), {}, "not the sample's"),
        (GOOD.assign(id=[3, 1, np.nan]), {}, "without an id"),
        (GOOD.assign(p=[1, np.nan, 2]), {}, "1 missing"),
        (GOOD.assign(p=[1, np.inf, 2]), {}, "infinite"),
        (GOOD.assign(p=["a", "b", "c"]), {}, "numbers"),
        (GOOD.assign(p=[True, False, True]), {}, "true and false"),
        (GOOD.assign(p=[0.5, 1.01, 0]), {"probability": True}, r"outside \[0, 1\]"),
        (GOOD.assign(p=[0.5, -2, 0]), {"bounds": (0, np.inf)}, "outside"),
        (GOOD.assign(p=[0, 1, 5]), {"labels": [0, 1]}, "no label"),
    ],
)
def test_each_mistake_gets_one_sentence(frame: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SubmissionError, match=message) as caught:
        check_submission(frame, SAMPLE, ["id"], **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "good", "bad"), [("text", ["x", "y"], [1, 2]), ("bool", [True, False], ["x", "y"])])
def test_labels_keep_the_type_of_the_sample(kind: str, good: list[Any], bad: list[Any]) -> None:
    sample = pd.DataFrame({"id": [1, 2], "label": good})
    check_submission(sample.iloc[::1], sample, ["id"])
    check_submission(sample, sample, ["id"], labels=good)
    with pytest.raises(SubmissionError, match="where the sample holds"):
        check_submission(sample.assign(label=bad), sample, ["id"])


def test_probabilities_of_classes_sum_to_one() -> None:
    sample = pd.DataFrame({"id": [1, 2], "a": 0.5, "b": 0.5})
    check_submission(sample.assign(a=[0.3, 1.0], b=[0.7, 0.0]), sample, ["id"], probability=True, sum_to_one=True)
    with pytest.raises(SubmissionError, match="row 1 of the submission do not sum to 1"):
        check_submission(sample.assign(a=[0.3, 0.9], b=[0.7, 0.9]), sample, ["id"], probability=True, sum_to_one=True)


@given(st.permutations(range(6)), st.integers(0, 5), st.floats(allow_nan=True, allow_infinity=True))
def test_only_the_samples_ids_in_the_samples_order_with_finite_values_pass(
    order: list[int], row: int, value: float
) -> None:
    sample = pd.DataFrame({"id": list("abcdef"), "p": 0.0})
    frame = sample.iloc[order].reset_index(drop=True)
    frame.loc[row, "p"] = value
    valid = order == sorted(order) and np.isfinite(value) and 0 <= value <= 1
    try:
        check_submission(frame, sample, ["id"], probability=True)
    except SubmissionError:
        assert not valid
    else:
        assert valid


@given(
    st.lists(st.tuples(st.text("ab,\"'\n é", max_size=4), st.floats(allow_nan=False, allow_infinity=False)), max_size=6)
)
def test_what_is_written_is_read_back(rows: list[tuple[str, float]]) -> None:
    import tempfile

    frame = pd.DataFrame(rows, columns=["id", "p"]).astype({"id": object, "p": float})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "new", "s.csv")
        digest = write_submission(frame, path)
        again = pd.read_csv(path, keep_default_na=False, dtype={"id": object})
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        assert os.listdir(path.parent) == ["s.csv"]
    assert again["id"].tolist() == frame["id"].tolist()
    np.testing.assert_allclose(again["p"].to_numpy(float), frame["p"], rtol=1e-14)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(SubmissionError, match="cannot be written"):
        write_submission(GOOD, tmp_path / "file" / "submission.csv")
    (tmp_path / "folder.csv" / "x").mkdir(parents=True)
    with pytest.raises(SubmissionError, match="cannot be written"):
        write_submission(GOOD, tmp_path / "folder.csv")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.csv"]
    assert (tmp_path / "file").read_text() == "kept"


@contextmanager
def small_files() -> Iterator[None]:
    """No file may grow beyond 1,000 bytes: the write itself fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:  # before anybody else writes: the test runner's own output may be a longer file
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_the_write_fails_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    write_submission(GOOD, path)
    old = path.read_bytes()
    large = pd.DataFrame({"id": range(1000), "p": 0.5})
    with small_files(), pytest.raises(SubmissionError, match=r"disk is full.*untouched"):
        write_submission(large, path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["submission.csv"]


def test_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        path = tmp_path / "submission.csv"
        write_submission(GOOD, path)
        with pytest.raises(SubmissionError, match=r"disk is full.*untouched"):
            write_submission(pd.DataFrame({"id": range(9000), "p": 0.5}), path)
        assert len(pd.read_csv(path)) == 3
        assert os.listdir(tmp_path) == ["submission.csv"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    script = """
        import sys, pandas as pd
        from medalist.competitions.submission import write_submission
        number = 0
        while True:
            write_submission(pd.DataFrame({"id": range(20000), "p": number}), sys.argv[1])
            print(number, flush=True)
            number += 1
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    for _ in range(3):
        writer.stdout.readline()
    writer.kill()
    writer.wait()
    frame = pd.read_csv(path)
    assert len(frame) == 20000
    assert frame["p"].nunique() == 1
