"""Which run a slice goes on with, and the command line that it is started with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medalist.agent.nights.belief import Belief, Gain, Prior
from medalist.agent.nights.schema import RUN_OPTIONS, Entry
from medalist.agent.nights.state import SliceRow
from medalist.agent.run.resume import of_path
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow, RunRow

SWITCHES = ("stacking", "postprocessing", "feature_search")
WHERE = ("threads", "memory", "cluster", "artifacts")  # options that say where a run runs, and not what it is


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
    """What makes a run one of this entry: its options, but for those that say where it runs, as one text."""
    return json.dumps(options_of(entry.model_copy(update=dict.fromkeys(WHERE))))


def run_of_slices(entry: Entry, slices: Iterable[SliceRow]) -> str | None:
    """The run that a slice of the entry goes on with: that of its last slice with the same data and options; None where
    there is none."""
    known = identity(entry)
    return next((s.run for s in reversed(list(slices)) if s.run and (s.path, s.options) == (entry.path, known)), None)


def run_begun_by(row: SliceRow, slices: Iterable[SliceRow], ledger: Ledger) -> RunRow | None:
    """The run that a slice began, where its night was killed before it could record which; None where it began none.

    It is recognised by the data, the budget and the time: no slice knows it, and it is the first since this one began.
    """
    known = {s.run for s in slices}
    begun = [
        r
        for r in ledger.runs()
        if r.id not in known
        and r.started.timestamp() >= row.began
        and r.config.get("budget") == float(f"{child_seconds(row.budget):.0f}")
        and of_path(r, row.path)
    ]
    return min(begun, key=lambda r: r.started, default=None)


def child_seconds(seconds: float) -> float:
    """The budget of the process of a slice of so many seconds: the end of its processes takes a moment too."""
    return max(10.0, seconds - 1.0)


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
    where = [f"--{name}={value}" for name in WHERE if (value := getattr(entry, name)) is not None]
    return ["resume", run, *where, *end]


def recorded_since(row: ExperimentRow, instant: float) -> bool:
    """Whether an experiment was recorded at or after an instant, in seconds since the epoch."""
    return row.recorded is not None and row.recorded.timestamp() >= instant


@dataclass(frozen=True)
class History:
    """What a run has come to: seconds of work, gains, experiments made, and by how much seeds alone change its loss in
    the unit of the gains (None where that was not measured)."""

    seconds: float = 0.0
    gains: Sequence[Gain] = ()
    experiments: int = 0
    noise: float | None = None

    @classmethod
    def of(cls, row: RunRow, ledger: Ledger) -> History:
        """The history of a run in the ledger."""
        rows = sorted(ledger.experiments(row.id), key=lambda r: r.run_seconds)
        gains = [Gain(n, r.gain_in_noise) for n, r in enumerate(rows, 1) if r.gain_in_noise]
        floor, unit = row.noise_floor, row.summary.get("noise_unit")
        noise = floor / unit if floor and unit else None
        seconds = max([*(r.run_seconds for r in rows), float(row.summary.get("seconds") or 0.0)])
        return cls(seconds, gains, len(rows), noise)

    def belief(self, prior: Prior | None) -> Belief:
        """What the run may still gain."""
        return Belief.of(self.gains, self.experiments, self.seconds / 60, prior, self.noise)
