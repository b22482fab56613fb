"""medalist in Jupyter, in a real kernel: a run, its table, and the kernel interrupted in the middle of another."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from command_line import demo

import medalist

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.slow


def test_a_notebook_runs_shows_and_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = demo(tmp_path / "demo")
    monkeypatch.setenv("PYTHONPATH", str(Path(medalist.__file__).parents[1]))
    monkeypatch.setenv("JUPYTER_PATH", str(kernel(tmp_path)))
    cells = [
        f"import medalist, os\nos.chdir({str(tmp_path)!r})",
        f"run = medalist.run({str(public)!r}, max_experiments=1, families='linear', threads=1)\nrun",
        f"closed = medalist.run({str(public)!r}, budget='5m', threads=1)",
        "print(closed.status, len(closed.submission), closed.id != run.id)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(notebook, timeout=200, kernel_name="medalist-test", resources={})
    with client.setup_kernel():
        for index in (0, 1):
            client.execute_cell(notebook.cells[index], index)
        shown = [o for o in notebook.cells[1].outputs if o.output_type == "execute_result"]
        assert "text/html" in shown[0].data
        assert "linear" in shown[0].data["text/html"]
        printed = "".join(o.text for o in notebook.cells[1].outputs if o.output_type == "stream")
        assert "submission.csv renewed" in printed
        threading.Thread(target=interrupt, args=(client, tmp_path / "runs"), daemon=True).start()
        client.execute_cell(notebook.cells[2], 2)
        client.execute_cell(notebook.cells[3], 3)
    assert notebook.cells[3].outputs[0].text.strip() == "interrupted 150 True"


def kernel(folder: Path) -> Path:
    """A folder for JUPYTER_PATH with a kernel of this Python."""
    import json

    place = folder / "jupyter" / "kernels" / "medalist-test"
    place.mkdir(parents=True)
    arguments = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": arguments, "display_name": "test", "language": "python"}
    (place / "kernel.json").write_text(json.dumps(about), encoding="utf-8")
    return folder / "jupyter"


def interrupt(client: object, runs: Path) -> None:
    """Interrupt the kernel, as the button does, once the second run has finished an experiment."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        logs = sorted(runs.glob("*/*/log.txt"), key=os.path.getmtime)
        if len(logs) > 1 and "#0 " in logs[-1].read_text(encoding="utf-8"):
            break
        time.sleep(0.2)
    from jupyter_core.utils import run_sync

    run_sync(client.km.interrupt_kernel)()  # type: ignore[attr-defined]
