"""The ledger's tables in the current version, and the values that some of their columns are limited to.

The statements are SQL that SQLite (3.24 and later) and PostgreSQL both understand: times are ISO 8601 text in UTC,
nested values are JSON text. `migrations.py` leads here from every earlier version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

Parameters = Mapping[str, Any]
Rows = list[dict[str, Any]]
#: Executes a statement with :named parameters and returns its rows; given by a database within a transaction.
Execute = Callable[[str, Parameters], Rows]

#: Version of the tables: raised by one whenever a table changes, together with a new entry in `migrations.py`.
VERSION = 5

#: Table that marks a database as a ledger and holds the version of its tables.
MARKER = "medalist_ledger"

#: What became of an experiment: kept or discarded by its score, ended by an error, by its limit of time or memory, or
#: early, by the pruner.
VERDICTS = ("keep", "discard", "crash", "timeout", "memory", "pruned")

#: What became of a feature: kept or dropped by an experiment that tested it, redundant (too like one that is there),
#: forced by a person, removed (a column that the search took away), or a candidate (passed the screening, untested).
FeatureStatus = Literal["kept", "dropped", "redundant", "forced", "removed", "candidate"]
FEATURE_STATUSES: tuple[str, ...] = get_args(FeatureStatus)

#: Unit of a feature's gain: loss, in a paired test on folds; or the share of the residual's variance, in screening.
GainUnit = Literal["loss", "residual"]
GAIN_UNITS: tuple[str, ...] = get_args(GainUnit)

# Columns that a later version added stand last and have a default, as ALTER TABLE would have added them.
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
        attached TEXT NOT NULL,
        process TEXT NOT NULL DEFAULT '',
        noise_floor DOUBLE PRECISION""",
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
        arm TEXT NOT NULL DEFAULT '',
        idea TEXT,
        gain_in_noise DOUBLE PRECISION,
        early_loss DOUBLE PRECISION,
        fold_losses TEXT NOT NULL DEFAULT '[]',
        run_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
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
        submission TEXT,
        number BIGINT NOT NULL DEFAULT 0""",
    "features": """
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
        PRIMARY KEY (run_id, number)""",
    "searches": """
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        step BIGINT NOT NULL,
        screened BIGINT NOT NULL,
        passed BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        note TEXT NOT NULL,
        parent BIGINT,
        result TEXT,
        PRIMARY KEY (run_id, number)""",
    "deliveries": """
        id TEXT PRIMARY KEY,
        run_id TEXT NOT NULL REFERENCES runs (id)""",
    "kaggle_submissions": """
        id TEXT PRIMARY KEY,
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        competition TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        message TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        submitted TEXT,
        ref BIGINT,
        metric TEXT NOT NULL,
        greater_is_better INTEGER NOT NULL,
        score DOUBLE PRECISION,
        standard_error DOUBLE PRECISION,
        percentile DOUBLE PRECISION,
        percentile_low DOUBLE PRECISION,
        percentile_high DOUBLE PRECISION,
        predicted_medal TEXT,
        public_noise DOUBLE PRECISION,
        private_noise DOUBLE PRECISION,
        public_score DOUBLE PRECISION,
        private_score DOUBLE PRECISION,
        place BIGINT,
        teams BIGINT,
        medal TEXT,
        board TEXT""",
}

INDEXES: tuple[str, ...] = (
    "CREATE INDEX runs_competition ON runs (competition)",
    "CREATE INDEX standings_competition ON standings (competition)",
    "CREATE INDEX kaggle_submissions_competition ON kaggle_submissions (competition)",
)

#: Statements that make an empty database a ledger.
CREATE: tuple[str, ...] = (
    f"CREATE TABLE {MARKER} (version INTEGER NOT NULL)",
    *(f"CREATE TABLE {name} ({columns})" for name, columns in TABLES.items()),
    *INDEXES,
)

#: Columns of JSON text, of times, and of truth values (0 or 1), by name in every table.
JSON_COLUMNS = frozenset(
    {"config", "task", "summary", "pipeline", "fold_scores", "fold_losses", "made_from", "probabilities", "result"}
)
TIME_COLUMNS = frozenset({"started", "finished", "recorded", "attached", "submitted"})
BOOLEAN_COLUMNS = frozenset({"greater_is_better"})
