"""Files that are replaced at once or not at all, whatever ends their writer."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from medalist.competitions.atomic import ABANDONED, remove_abandoned, replace_file, replacing


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "state.json"
    replace_file(path, "old", durable=durable)
    with replacing(path, durable=durable) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text() == "old"  # until the block has ended
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["state.json"]


def test_arrays_are_written_to_the_stream_and_can_be_mapped(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.npy", durable=False) as stream:
        np.save(stream, np.arange(5))
    assert np.load(tmp_path / "a.npy", mmap_mode="r").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_old_file_stays_where_the_writer_fails(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "state.json"
    replace_file(path, "old")

    def write() -> None:
        with replacing(path) as stream:
            stream.write(b"half of the ne")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["state.json"]


def test_nothing_is_left_where_the_path_cannot_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"folder"):
        replace_file(tmp_path / "folder", "new")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_new_file_has_the_rights_that_the_umask_gives(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        replace_file(tmp_path / "a", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_name_of_the_greatest_length_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    replace_file(path, "x")
    assert path.read_text() == "x"


def test_what_a_killed_writer_left_is_removed_after_a_while(tmp_path: Path) -> None:
    script = """
        import sys, time
        from medalist.competitions.atomic import replacing
        with replacing(sys.argv[1] + "/a") as stream:
            stream.write(b"half")
            stream.flush()
            print("writing", flush=True)
            time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        writer.kill()
    [left] = list(tmp_path.iterdir())
    assert left.name != "a"
    remove_abandoned(tmp_path)
    assert left.exists()  # its writer might be at work
    long_ago = time.time() - ABANDONED - 60
    os.utime(left, (long_ago, long_ago))
    (tmp_path / ".other.tmp").mkdir()  # not one of these files: left alone
    os.utime(tmp_path / ".other.tmp", (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".other.tmp"]
