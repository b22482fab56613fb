"""Kills real runs and nights at random instants (kill -9 of the supervisor, the agent, a child or all), goes on, and
verifies from outside that nothing was lost.

    python benchmarks/kills.py --kills 300 --jobs 2

Each trial makes its competition and its instants from its number; a trial has several kills. A row for each kill is
appended to the file of results when its trial has ended, and the next call goes on with the next trial until the file
has so many kills. What was lost is kept in the folder of scratch files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kill_competitions import KINDS, make
from kill_nights import NIGHT_TARGETS, NightTrial
from kill_processes import ROOT, Watched
from kill_runs import COUNT, PATIENCE, PHASES, TARGETS, RunTrial

RESULTS = Path(__file__).parent / "results" / "kills.jsonl"
MODES = {"clock": 0.6, "counted": 0.22, "night": 0.18}  # share of the trials
PACKAGES = ("agent", "pipelines", "leaderboard", "competitions")
LEAST_KILLS, MOST_KILLS = 4, 10  # of one trial

Row = dict[str, Any]


def code_version() -> str:
    """A hash of the sources that are killed."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:10]


class References:
    """Hashes of the submissions of runs with a number of experiments that nobody interrupts, made when asked for."""

    def __init__(self, place: Path, code: str):
        self.place = place / f"references-{code}"
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def of(self, competition: Path) -> str | None:
        """The hash for a competition; None where the run failed."""
        with self._guard:
            lock = self._locks.setdefault(str(competition), threading.Lock())
        name = hashlib.sha256(str(competition).encode()).hexdigest()[:12]
        kept = self.place / f"{name}.sha256"
        with lock:
            if not kept.exists():
                shutil.rmtree(self.place / name, ignore_errors=True)
                arguments = ["run", str(competition), "--max-experiments", str(COUNT), "--threads", "1"]
                arguments += ["--runs-dir", str(self.place / name), "--json"]
                process = Watched.start(arguments, self.place / name, name)
                if process.wait(PATIENCE) is None or process.process.returncode:
                    process.process.kill()
                    return None
                (submission,) = (self.place / name).glob("*/*/submission.csv")
                kept.write_text(hashlib.sha256(submission.read_bytes()).hexdigest(), encoding="ascii")
            return kept.read_text(encoding="ascii")


def run_trial(
    number: int,
    scratch: Path,
    code: str,
    references: References,
    given: Sequence[Path] = (),
    mode: str | None = None,
    kills: int | None = None,
) -> list[Row]:
    """Run the trial of a number, and return a row for each of its kills. given: competitions in place of generated
    ones. mode, kills: in place of drawn ones."""
    draw = random.Random(number)
    mode_drawn = draw.choices(list(MODES), list(MODES.values()))[0]
    mode = mode or mode_drawn
    kinds = draw.sample(KINDS, 2)
    places = [scratch / "competitions" / f"{kind}-{number % 4}" for kind in kinds]
    if given:
        places = draw.sample(list(given), min(2, len(given)))
    else:
        for kind, place in zip(kinds, places, strict=True):
            if not (place / "description.md").exists():  # written last
                make(kind, place, number % 4)
    kills_drawn = draw.randint(LEAST_KILLS, MOST_KILLS)
    place = scratch / f"trial-{number:04d}"
    trial: RunTrial | NightTrial
    if mode == "night":
        trial = NightTrial(number, place, draw, mode, "+".join(p.name for p in places), competitions=places)
    else:
        counted = mode == "counted"
        reference = references.of(places[0]) if counted else None
        trial = RunTrial(
            number, place, draw, mode, places[0].name, competition=places[0], counted=counted, reference=reference
        )
    try:
        trial.go(kills or kills_drawn)
    except Exception as error:  # noqa: BLE001 - the others go on, and this one is looked at
        trial.blame([f"the harness failed: {type(error).__name__}: {error}"])
    rows = trial.rows(code)
    if not any(row["reasons"] for row in rows):
        shutil.rmtree(place, ignore_errors=True)
    return rows


def read_rows(path: Path) -> list[Row]:
    """The rows of a file of results; [] where there is none."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def table(rows: Iterable[Row]) -> str:
    """Kills by phase and by target, how many were survived, and why the others were not, as text."""
    rows = list(rows)
    short = sum(row["status"] == "no kill" for row in rows)
    rows = [row for row in rows if row["status"] != "no kill" and (row["phase"] != "none" or row["reasons"])]
    lines = []
    for title, column, order in (
        ("phase", "phase", (*PHASES, "night", "none")),
        ("target", "target", tuple(dict.fromkeys((*TARGETS, *NIGHT_TARGETS, "none")))),
        ("mode", "mode", tuple(MODES)),
    ):
        lines += [f"| {title:<12} | kills | survived | lost |", "|---|---:|---:|---:|"]
        for value in order:
            of = [row for row in rows if row[column] == value]
            lost = sum(row["status"] == "lost" for row in of)
            if of:
                lines.append(f"| {value:<12} | {len(of)} | {len(of) - lost} | {lost} |")
        lines.append("")
    lost_rows = [row for row in rows if row["status"] == "lost"]
    lines.append(f"{len(rows)} kills in {len({row['trial'] for row in rows})} trials: {len(lost_rows)} lost")
    if short:
        lines.append(f"{short} runs without a kill: their budget ended before a first submission")
    versions = Counter(row["code"] for row in rows)
    lines.append("versions of the code: " + ", ".join(f"{code} ({count} kills)" for code, count in versions.items()))
    seconds = sorted(row["orphans_seconds"] for row in rows if row["orphans_seconds"] is not None)
    if seconds:
        lines.append(
            f"processes of a killed run ended within {seconds[-1]:.1f} s (median {seconds[len(seconds) // 2]:.1f} s)"
        )
    lines += [
        f"LOST trial {r['trial']} ({r['mode']}, {r['kind']}) {r['phase']}, {r['target']}: {'; '.join(r['reasons'])}"
        for r in lost_rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300, help="how many kills the file of results shall have")
    parser.add_argument("--jobs", type=int, default=2, help="trials at once")
    parser.add_argument("--competitions", type=Path, nargs="*", default=[], help="folders in place of generated ones")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/medalist-kills"))
    parser.add_argument("--mode", choices=tuple(MODES), help="only trials of this kind")
    parser.add_argument("--trial", type=int, nargs="*", help="only these trials; nothing is appended")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    code = code_version()
    references, lock = References(options.scratch, code), threading.Lock()
    rows = read_rows(options.results)
    if options.trial is not None:
        rows = [
            row
            for number in options.trial
            for row in run_trial(number, options.scratch, code, references, options.competitions, options.mode)
        ]
    elif not options.table:
        numbers = iter(range(max((row["trial"] for row in rows), default=0) + 1, 10**6))

        def work() -> None:
            while True:
                with lock:
                    if sum(row["status"] != "no kill" for row in rows) >= options.kills:
                        return
                    number = next(numbers)
                new = run_trial(number, options.scratch, code, references, options.competitions, options.mode)
                with lock:
                    rows.extend(new)
                    options.results.parent.mkdir(parents=True, exist_ok=True)
                    with options.results.open("a", encoding="utf-8") as stream:
                        stream.writelines(json.dumps(row) + "\n" for row in new)
                    lost = sum(row["status"] == "lost" for row in rows)
                    print(f"trial {number}: {len(new)} kills; {len(rows)} so far, {lost} lost", flush=True)

        with ThreadPoolExecutor(options.jobs) as pool:
            for done in [pool.submit(work) for _ in range(options.jobs)]:
                done.result()
    print(table(rows))


if __name__ == "__main__":
    main()
