"""An interrupted command says how to go on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from command_line import columns, only_run, start, write

from medalist.agent.cli.interrupting import interrupted_text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["night", "run", "--until", "07:00"], "Interrupted; medalist night run --until HH:MM starts another night"),
        (["run", "data"], "Interrupted; no run had begun, and the same command starts one."),
        (["submit"], "Interrupted; medalist submissions says"),
        (["inspect", "run"], "Interrupted; the same command starts again."),
        ([], "Interrupted; the same command starts again."),
    ],
)
def test_how_to_go_on(words: list[str], said: str) -> None:
    assert interrupted_text(words).startswith(said)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    frame = columns(200)
    frame["price"] = (2 * frame["size"] + frame["weight"]).round(3)
    test = frame[150:].drop(columns="price")
    return write(tmp_path / "shop", frame[:150], test, test[["row"]].assign(price=0.0), "Evaluated on RMSE.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "said"), [("inspect", "the same command starts again."), ("run", "no run had begun")]
)
def test_ctrl_c_before_there_is_anything(shop: Path, tmp_path: Path, command: str, said: str) -> None:
    """The process waits for its task file, which is a pipe that nobody writes, when the signal comes."""
    pipe = tmp_path / "task.yaml"
    os.mkfifo(pipe)
    more = ["--max-experiments", "1", "--runs-dir", tmp_path / "runs"] if command == "run" else []
    process = start(command, shop, "--task", pipe, *more, start_new_session=True)
    opened = os.open(pipe, os.O_WRONLY)  # returns once the process has opened it
    try:
        os.killpg(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=60)
    finally:
        os.close(opened)
        process.kill()
    assert (process.returncode, out) == (3, "")
    assert error.startswith("medalist: Interrupted; ")
    assert said in error


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_of_a_run_says_how_it_goes_on(shop: Path, tmp_path: Path, times: int) -> None:
    """Once, it closes properly; a second time, it ends at once. Either way the run is named that goes on."""
    runs = tmp_path / "runs"
    process = start("run", shop, "--max-experiments", "500", "--runs-dir", runs, start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "] #1 " in line:
            break
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.7)  # signals within half a second count as one
    out, error = process.communicate(timeout=120)
    folder = only_run(runs)
    assert process.returncode == 3, error
    assert f"medalist resume {folder.name} --runs-dir {runs}" in out + error
    assert "Traceback" not in error
    assert (folder / "submission.csv").is_file()
