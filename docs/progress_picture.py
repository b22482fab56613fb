"""Draw docs/progress.svg: the estimate of a run over time, its experiments, and the medal lines of its leaderboard.

    medalist run ./spaceship-titanic --budget 150s
    python docs/progress_picture.py last

It is the figure of the run's own report, with its colours for light and dark pages.
"""

from __future__ import annotations

import argparse
import re
from importlib import resources
from pathlib import Path

from medalist.agent.report.loader import load_run
from medalist.agent.report.sections.path import path_of

COLOURS = re.compile(r"^(?::root\{|@media \(prefers-color-scheme:dark\)\{).*$", re.MULTILINE)


def standalone(figure: str) -> str:
    """The figure's SVG as a file of its own: with a namespace, a background, and the colours of the report."""
    found = re.search(r"<svg.*</svg>", figure, re.DOTALL)
    if found is None:
        raise SystemExit("The figure of this run holds no SVG.")
    css = (resources.files("medalist.agent.report") / "templates" / "style.css").read_text(encoding="utf-8")
    style = "".join(COLOURS.findall(css)) + "svg{background:var(--bg);font-family:sans-serif}text{fill:var(--ink)}"
    opening, rest = found[0].split(">", 1)
    names = ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return f"{opening.replace('<svg', '<svg' + names[:-1], 1)}><style>{style}</style>{rest}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run, or `last`")
    parser.add_argument("--runs-dir", default="runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("progress.svg"))
    options = parser.parse_args()
    figure = path_of(load_run(options.run, options.runs_dir))
    if figure is None:
        raise SystemExit("This run has no submission with a score: choose another one.")
    options.out.write_text(standalone(figure), encoding="utf-8")


if __name__ == "__main__":
    main()
