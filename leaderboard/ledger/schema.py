"""The ledger's tables and rows.

The statements are SQL that SQLite (3.24 and later) and PostgreSQL both understand: times are ISO 8601 text in UTC,
nested values are JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

#: Raised by one whenever a table changes; MIGRATIONS then leads from the version before.
VERSION = 2

#: Marks a database as a ledger and holds the version of its tables.
MARKER = "medalist_ledger"

Verdict = Literal["keep", "discard", "crash", "timeout", "memory", "pruned"]
VERDICTS: tuple[str, ...] = get_args(Verdict)

#: What became of a feature: kept or dropped by an experiment that tested it, redundant (too like one that is there),
#: forced by a person, removed (a column that the search took away), or a candidate (passed the screening, untested).
FeatureStatus = Literal["kept", "dropped", "redundant", "forced", "removed", "candidate"]
FEATURE_STATUSES: tuple[str, ...] = get_args(FeatureStatus)

#: What a feature's gain counts: loss, in a paired test on folds; or the share of the residual's variance, in screening.
GainUnit = Literal["loss", "residual"]
GAIN_UNITS: tuple[str, ...] = get_args(GainUnit)

_FEATURES = """
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        text TEXT NOT NULL,
        shape TEXT NOT NULL,
        step BIGINT NOT NULL,
        status TEXT NOT NULL,
        gain DOUBLE PRECISION,
        standard_error DOUBLE PRECISION,
        unit TEXT NOT NULL,
        experiment BIGINT,
        reason TEXT NOT NULL,
        PRIMARY KEY (run_id, number)"""
_SEARCHES = """
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        step BIGINT NOT NULL,
        screened BIGINT NOT NULL,
        passed BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (run_id, number)"""

TABLES: dict[str, str] = {
    "runs": """
        id TEXT PRIMARY KEY,
        competition TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT,
        status TEXT NOT NULL,
        config TEXT NOT NULL,
        task TEXT NOT NULL,
        summary TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        seed BIGINT NOT NULL,
        folder TEXT NOT NULL,
        host TEXT NOT NULL,
        pid BIGINT NOT NULL,
        attached TEXT NOT NULL""",
    "experiments": """
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        pipeline_hash TEXT NOT NULL,
        family TEXT NOT NULL,
        reason TEXT NOT NULL,
        parent BIGINT,
        verdict TEXT NOT NULL,
        verdict_reason TEXT NOT NULL,
        score DOUBLE PRECISION,
        standard_error DOUBLE PRECISION,
        fold_scores TEXT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        fit_seconds DOUBLE PRECISION NOT NULL,
        error TEXT,
        artifact TEXT,
        PRIMARY KEY (run_id, number)""",
    "submissions": """
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        made_from TEXT NOT NULL,
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        score DOUBLE PRECISION,
        standard_error DOUBLE PRECISION,
        reason TEXT NOT NULL,
        PRIMARY KEY (run_id, number)""",
    "standings": """
        id TEXT PRIMARY KEY,
        run_id TEXT REFERENCES runs (id),
        competition TEXT NOT NULL,
        recorded TEXT NOT NULL,
        basis TEXT NOT NULL,
        metric TEXT NOT NULL,
        greater_is_better INTEGER NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        standard_error DOUBLE PRECISION,
        board TEXT,
        teams BIGINT,
        who TEXT,
        percentile DOUBLE PRECISION,
        medal TEXT,
        next_medal TEXT,
        to_next DOUBLE PRECISION,
        probabilities TEXT NOT NULL,
        submission TEXT""",
    "features": _FEATURES,
    "searches": _SEARCHES,
}

INDEXES: tuple[str, ...] = (
    "CREATE INDEX runs_competition ON runs (competition)",
    "CREATE INDEX standings_competition ON standings (competition)",
)

#: Version of the tables → statements that lead to the next one, which stay as they are when TABLES goes on.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (f"CREATE TABLE features ({_FEATURES})", f"CREATE TABLE searches ({_SEARCHES})"),
}

CREATE: tuple[str, ...] = (
    f"CREATE TABLE {MARKER} (version INTEGER NOT NULL)",
    *(f"CREATE TABLE {name} ({columns})" for name, columns in TABLES.items()),
    *INDEXES,
)

#: Columns of JSON text, of times, and of truth values.
JSON_COLUMNS = frozenset({"config", "task", "summary", "pipeline", "fold_scores", "made_from", "probabilities"})
TIME_COLUMNS = frozenset({"started", "finished", "recorded", "attached"})
TRUTH_COLUMNS = frozenset({"greater_is_better"})

CLOCKS_APART = 600.0  # seconds, by which the time when a process began may be off: clocks are set


@dataclass(frozen=True)
class RunRow:
    """One `medalist run`. `status` is "running" until the run is finished; `state` tells whether it still lives.

    `host` and `pid` are of the process that is or was at it last, since `attached`.
    """

    id: str
    competition: str
    started: datetime
    finished: datetime | None
    status: str
    config: dict[str, Any]
    task: dict[str, Any]
    summary: dict[str, Any]
    fingerprint: str
    seed: int
    folder: str
    host: str
    pid: int
    attached: datetime
    n_experiments: int

    @property
    def state(self) -> str:
        """`status`, or "interrupted" where a run on this machine was not finished and its process is gone; its number
        may be another's by now."""
        import socket

        import psutil

        if self.status != "running" or self.host != socket.gethostname():
            return self.status
        try:
            process = psutil.Process(self.pid)
            began = process.create_time() <= self.attached.timestamp() + CLOCKS_APART
            alive = began and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            alive = False
        except psutil.AccessDenied:  # alive, somebody else's
            alive = True
        return self.status if alive else "interrupted"


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment: a pipeline with its reason and parent, what it scored (None where it failed) and the verdict."""

    run_id: str
    number: int
    recorded: datetime
    pipeline: dict[str, Any]
    pipeline_hash: str
    family: str
    reason: str
    parent: int | None
    verdict: Verdict
    verdict_reason: str
    score: float | None
    standard_error: float | None
    fold_scores: tuple[float | None, ...]
    seconds: float
    fit_seconds: float
    error: str | None
    artifact: str | None


@dataclass(frozen=True)
class SubmissionRow:
    """One submission file as it was written: what it was made from, its hash, and its estimated score."""

    run_id: str
    number: int
    recorded: datetime
    made_from: dict[str, Any]
    path: str
    sha256: str
    score: float | None
    standard_error: float | None
    reason: str


@dataclass(frozen=True)
class StandingRow:
    """A score and its standing; everything from `board` to `to_next` is None where the competition has no board."""

    id: str
    run_id: str | None
    competition: str
    recorded: datetime
    basis: str
    metric: str
    greater_is_better: bool
    score: float
    standard_error: float | None
    board: str | None
    teams: int | None
    who: str | None
    percentile: float | None
    medal: str | None
    next_medal: str | None
    to_next: float | None
    probabilities: dict[str, float]
    submission: str | None


@dataclass(frozen=True)
class FeatureRow:
    """What became of one feature in one step of the search.

    text: its canonical expression. shape: the expression with its columns replaced by their kinds, which is what other
    competitions can learn from. gain and standard_error: in `unit`; None where nothing was measured. experiment: the
    number of the one that tested it. The ledger gives `run_id`, `number` (from 0 within the run) and `recorded`.
    """

    text: str
    shape: str
    step: int
    status: FeatureStatus
    gain: float | None = None
    standard_error: float | None = None
    unit: GainUnit = "loss"
    experiment: int | None = None
    reason: str = ""
    run_id: str = ""
    number: int = -1
    recorded: datetime | None = None


@dataclass(frozen=True)
class SearchRow:
    """One screening as a whole: how many candidates it looked at, how many passed, and the seconds that it took."""

    run_id: str
    number: int
    recorded: datetime
    step: int
    screened: int
    passed: int
    seconds: float
    note: str
