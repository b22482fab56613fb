"""The agent used as a library: from scripts that guard nothing, that have no file, and within other programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import assert_valid, demo, only_run

SCRIPT = """
import os
import signal
import sys
import medalist

def settings():
    threads = {name: value for name, value in os.environ.items() if name.endswith("_THREADS") or "OMP_" in name}
    return threads, signal.getsignal(signal.SIGINT)

print("the script begins", flush=True)
before = settings()
run = medalist.run(sys.argv[1], max_experiments=1, families="linear", threads=1, runs_dir=sys.argv[2], report=False)
print("nothing is changed" if settings() == before else "")
print(run.status, run.summary["verdicts"], len(run.submission), len(run.oof), list(run.experiments["weight"]))
"""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.mark.parametrize("how", ["a file", *(pytest.param(how, marks=pytest.mark.slow) for how in ("-c", "stdin"))])
def test_a_script_needs_no_main_guard(public: Path, tmp_path: Path, how: str) -> None:
    """The children do not import the script, which would start a run in each."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    given = {"a file": [str(script)], "-c": ["-c", SCRIPT], "stdin": ["-"]}[how]
    done = subprocess.run(
        [sys.executable, *given, str(public), str(tmp_path / "runs")],
        input=SCRIPT if how == "stdin" else "",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the script begins") == 1
    assert "finished {'keep': 1} 150 400 [1.0]" in done.stdout
    assert "nothing is changed" in done.stdout
    assert_valid(only_run(tmp_path / "runs") / "submission.csv", public / "sample_submission.csv")
