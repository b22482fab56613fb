"""Draw docs/run.svg: what a run on the embedded competition prints, with the colours of the live table.

    python docs/run_picture.py --budget 40s

Long lines are cut at the width of the picture, and of the experiments in the middle one line says how many they are.
With `--text FILE` the whole output is kept too.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

MEDALIST = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]
STYLES = {"keep": "green", "discard": "dim", "pruned": "dim", "crash": "red", "timeout": "yellow", "memory": "red"}
EXPERIMENT = re.compile(r"^\[ *[\d.]+ s\] #\d+ +(\w+)")
WIDTH = 128
HEAD, TAIL = 22, 3  # lines of the search that are shown at its beginning and at its end


def run(budget: str) -> list[str]:
    """The lines that `medalist demo` prints; the run is made in a folder that is gone afterwards."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDALIST_")}
    kept["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [*MEDALIST, "demo", "--budget", budget, "--folder", "competitions", "--runs-dir", "runs"],
            cwd=place,
            env=kept,
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.splitlines()


def shortened(lines: list[str]) -> list[str]:
    """The beginning and the end of the search, with what was left out counted."""
    end = max(i for i, line in enumerate(lines) if line.startswith("["))  # the last line with a time
    if end <= HEAD + TAIL:
        return lines
    between = lines[HEAD : end - TAIL]
    count = sum(bool(EXPERIMENT.match(line)) for line in between)
    return [*lines[:HEAD], f"           … {count} more experiments …", *lines[end - TAIL :]]


def style(line: str) -> str:
    """Colours as `agent.display` has them: by verdict, submissions dim."""
    if found := EXPERIMENT.match(line):
        return STYLES.get(found[1], "")
    return "cyan" if "submission.csv renewed" in line else ""


def draw(lines: list[str], path: Path) -> None:
    """Write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text("$ medalist demo", style="bold"))
    for line in lines:
        console.print(Text(line, style=style(line)), no_wrap=True, overflow="ellipsis", crop=True)
    console.save_svg(str(path), title="medalist")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="40s")
    parser.add_argument("--text", type=Path, help="also write the whole output here")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("run.svg"))
    options = parser.parse_args()
    lines = run(options.budget)
    if options.text:
        options.text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(shortened(lines), options.out)


if __name__ == "__main__":
    main()
