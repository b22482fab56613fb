"""`medalist inspect --json` of each competition by two checkouts, side by side: equal bytes, and the ratio of times.

    python benchmarks/inspect_speed.py ../shared/competitions --before /path/to/old --after /path/to/new --repetitions 7

A process of one checkout and one of the other run in turn; the ratio is the median over the pairs, as is the time of
each side. What is understood may be compared with files as well: `--saved DIR` holds NAME.json of an earlier checkout.
"""

from __future__ import annotations

import argparse
import difflib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMAND = "import sys; from medalist.agent.cli.main import main; sys.exit(main())"


def inspect(checkout: Path, public: Path) -> tuple[bytes, float]:
    """(what a checkout prints, seconds). Raises SystemExit where it refuses."""
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
    command = [sys.executable, "-c", COMMAND, "inspect", str(public.resolve()), "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env=environment, cwd=checkout)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{checkout} refuses {public}: {done.stderr.decode().strip()}")
    return done.stdout, seconds


def changed(before: bytes, after: bytes) -> list[str]:
    """The lines that differ, as in a diff, without its head."""
    lines = difflib.unified_diff(before.decode().splitlines(), after.decode().splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("competitions", type=Path)
    parser.add_argument("--before", type=Path, required=True, help="a checkout")
    parser.add_argument("--after", type=Path, required=True, help="another one")
    parser.add_argument("--saved", type=Path, help="a folder with NAME.json, in place of what --before prints")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--only", nargs="+", help="names of competitions")
    options = parser.parse_args()
    if not options.competitions.is_dir():
        print(f"Skipped: there is no folder {options.competitions} with competitions.")
        return
    names = options.only or sorted(path.parent.name for path in options.competitions.glob("*/public"))
    ratios = []
    print("|competition|same bytes|before s|after s|ratio|\n|---|---|---|---|---|")
    differing: dict[str, list[str]] = {}
    for name in names:
        public = options.competitions / name / "public"
        told: dict[Path, bytes] = {}
        seconds: dict[Path, list[float]] = {options.before: [], options.after: []}
        for turn in range(options.repetitions):
            for side in (options.before, options.after) if turn % 2 else (options.after, options.before):
                told[side], took = inspect(side, public)
                seconds[side].append(took)
        before = (options.saved / f"{name}.json").read_bytes() if options.saved else told[options.before]
        if lines := changed(before, told[options.after]):
            differing[name] = lines
        pairs = zip(seconds[options.before], seconds[options.after], strict=True)
        ratio = statistics.median(after / before for before, after in pairs)
        ratios.append(ratio)
        times = "|".join(f"{statistics.median(seconds[side]):.2f}" for side in (options.before, options.after))
        print(f"|{name}|{'yes' if name not in differing else 'NO'}|{times}|{ratio:.3f}|", flush=True)
    print(f"\nMedian ratio {statistics.median(ratios):.3f}, greatest {max(ratios):.3f}; same bytes on "
          f"{len(names) - len(differing)} of {len(names)}.")  # fmt: skip
    for name, lines in differing.items():
        print(f"\n{name}\n" + "\n".join(lines[:40]))


if __name__ == "__main__":
    main()
