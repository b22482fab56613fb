"""Which run a slice goes on with, and the command line that it is started with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medalist.agent.nights.belief import Gain
from medalist.agent.nights.schema import RUN_OPTIONS, Entry
from medalist.agent.nights.state import SliceRow
from medalist.agent.run.resume import of_path
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow

SWITCHES = ("stacking", "postprocessing", "feature_search")


def options_of(entry: Entry) -> list[str]:
    """The options of an entry as `medalist run` takes them."""
    options: list[str] = []
    for name in RUN_OPTIONS:
        value, flag = getattr(entry, name), name.replace("_", "-")
        if value is None:
            continue
        if name in SWITCHES:
            options.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            options += [f"--{'leaderboard' if name == 'leaderboard' else flag}", str(value)]
    return options


def identity(entry: Entry) -> str:
    """What makes a run one of this entry: its options, but for the number of threads and the memory, as one text."""
    return json.dumps(options_of(entry.model_copy(update={"threads": None, "memory": None})))


def run_of_slices(entry: Entry, slices: Iterable[SliceRow]) -> str | None:
    """The run that a slice of the entry goes on with: that of its last slice with the same data and options; None where
    there is none."""
    known = identity(entry)
    return next((s.run for s in reversed(list(slices)) if s.run and (s.path, s.options) == (entry.path, known)), None)


def run_by_hand(entry: Entry, ledger: Ledger) -> str | None:
    """The last run that a person made of the entry's data without any options, for an entry without options of its own;
    None where there is none."""
    if identity(entry) != "[]":
        return None
    return next((r.id for r in ledger.runs() if of_path(r, entry.path) and _plain(r)), None)


def _plain(row: RunRow) -> bool:
    """Whether a run had no options but those of time and cores."""
    config = row.config
    corrected = [*(config.get("task_options") or {}).values(), *(config.get("file_options") or {}).values()]
    given = [config.get(name) for name in ("max_experiments", "leaderboard", "task_file", "features_file")]
    switched = [config.get(name, True) for name in SWITCHES]
    chosen = [*(config.get("families") or ()), *(config.get("without") or ())]
    return all(v is None for v in [*corrected, *given]) and all(switched) and not chosen


def command_line(entry: Entry, run: str | None, seconds: float, runs_dir: str, planned: float) -> list[str]:
    """The arguments of the child process of a slice: the run goes on, or a new one begins that is planned to take
    `planned` seconds over its slices."""
    end = ["--budget", f"{seconds:.0f}s", "--runs-dir", runs_dir, "--json"]
    if run is None:
        plan = ["--plan", f"{planned:.0f}s"] if planned > seconds else []
        return ["run", entry.path, *options_of(entry), *plan, *end]
    machine = [] if entry.threads is None else ["--threads", str(entry.threads)]
    machine += [] if entry.memory is None else ["--memory", entry.memory]
    return ["resume", run, *machine, *end]


@dataclass(frozen=True)
class History:
    """What a run has come to: seconds of work, gains, and by how much seeds alone change its loss in the unit of the
    gains (None where that was not measured)."""

    seconds: float = 0.0
    gains: Sequence[Gain] = ()
    noise: float | None = None

    @classmethod
    def of(cls, row: RunRow, ledger: Ledger) -> History:
        """The history of a run in the ledger."""
        rows = ledger.experiments(row.id)
        gains = [Gain(r.run_seconds / 60, r.gain_in_noise) for r in rows if r.gain_in_noise]
        floor, unit = row.noise_floor, row.summary.get("noise_unit")
        noise = floor / unit if floor and unit else None
        return cls(max([*(r.run_seconds for r in rows), float(row.summary.get("seconds") or 0.0)]), gains, noise)
