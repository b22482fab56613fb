"""Migrations: from the tables of each earlier version of the ledger to those of the next one.

A migration is never changed once its version was released, so it does not use the tables of `schema.py`. Each runs
within one transaction, so that a ledger is of one version or the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from medalist.leaderboard.ledger.schema import Execute


class Tables(Protocol):
    """What a migration works on."""

    @property
    def home(self) -> Path | None:
        """Folder that the ledger's file lies in; None for a server."""

    def columns(self, execute: Execute, table: str) -> set[str]:
        """Names of the columns of a table; empty where there is no such table."""


def features_and_screenings(execute: Execute, tables: Tables) -> None:
    """Version 1 → 2: tables of features and of screenings; when a run's process began its work."""
    execute(
        """CREATE TABLE features (
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
        PRIMARY KEY (run_id, number))""",
        {},
    )
    execute(
        """CREATE TABLE searches (
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        step BIGINT NOT NULL,
        screened BIGINT NOT NULL,
        passed BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (run_id, number))""",
        {},
    )
    if "attached" not in tables.columns(execute, "runs"):  # the first ledgers of version 1
        execute("ALTER TABLE runs ADD COLUMN attached TEXT NOT NULL DEFAULT ''", {})
        execute("UPDATE runs SET attached = started", {})


def columns_for_what_was_nested(execute: Execute, tables: Tables) -> None:
    """Version 2 → 3: columns for what lay in the pipeline's JSON under "aside", and in files of the runs' folders.

    Files are read where the run's folder is, or beside the ledger where a folder of runs was moved; what is not there
    any more stays empty.
    """
    for column in ("process TEXT NOT NULL DEFAULT ''", "noise_floor DOUBLE PRECISION"):
        execute(f"ALTER TABLE runs ADD COLUMN {column}", {})
    for column in (
        "arm TEXT NOT NULL DEFAULT ''",
        "idea TEXT",
        "gain_in_noise DOUBLE PRECISION",
        "early_loss DOUBLE PRECISION",
        "fold_losses TEXT NOT NULL DEFAULT '[]'",
        "run_seconds DOUBLE PRECISION NOT NULL DEFAULT 0",
    ):
        execute(f"ALTER TABLE experiments ADD COLUMN {column}", {})
    for column in ("parent BIGINT", "result TEXT"):
        execute(f"ALTER TABLE searches ADD COLUMN {column}", {})
    for row in execute("SELECT run_id, number, pipeline FROM experiments", {}):
        execute(
            """UPDATE experiments SET pipeline = :pipeline, arm = :arm, idea = :idea, gain_in_noise = :gain_in_noise,
            early_loss = :early_loss, fold_losses = :fold_losses, run_seconds = :run_seconds
            WHERE run_id = :run_id AND number = :number""",
            {**row, **version_3_columns(row["pipeline"])},
        )
    for run in execute("SELECT id, competition, folder, summary FROM runs", {}):
        places = [Path(run["folder"])] + ([tables.home / run["competition"] / run["id"]] if tables.home else [])
        floor = next(filter(None, (_read(place / "work" / "floor.json") for place in places)), {}).get("floor")
        floor = json.loads(run["summary"]).get("noise_floor") if floor is None else floor
        execute("UPDATE runs SET noise_floor = :floor WHERE id = :id", {"id": run["id"], "floor": _number(floor)})
        for search in execute("SELECT number, step FROM searches WHERE run_id = :id", {"id": run["id"]}):
            name = f"step_{search['step']}.json"
            kept = next(filter(None, (_read(place / "work" / name) for place in places)), None)
            if kept is not None:
                execute(
                    """UPDATE searches SET parent = :parent, result = :result
                    WHERE run_id = :id AND number = :number""",
                    {
                        "id": run["id"],
                        "number": search["number"],
                        "parent": kept.get("parent"),
                        "result": json.dumps(kept.get("result")),
                    },
                )


def deliveries_and_numbered_standings(execute: Execute, _: Tables) -> None:
    """Version 3 → 4: the operations of outboxes that were delivered; standings in the order in which they came."""
    execute("CREATE TABLE deliveries (id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs (id))", {})
    execute("ALTER TABLE standings ADD COLUMN number BIGINT NOT NULL DEFAULT 0", {})
    for number, row in enumerate(execute("SELECT id FROM standings ORDER BY recorded, id DESC", {}), 1):
        execute("UPDATE standings SET number = :number WHERE id = :id", {"number": number, "id": row["id"]})


def kaggle_submissions(execute: Execute, _: Tables) -> None:
    """Version 4 → 5: a table of what was submitted to Kaggle."""
    execute(
        """CREATE TABLE kaggle_submissions (
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
        board TEXT)""",
        {},
    )
    execute("CREATE INDEX kaggle_submissions_competition ON kaggle_submissions (competition)", {})


#: Family → identities of its portfolio's entries, which version 2 counted from 0: since then an entry is named by the
#: first 8 hexadecimal digits of its parameters' SHA-256, so that its name means the same when the portfolio changes.
_PORTFOLIO_OF_VERSION_2: dict[str, tuple[str, ...]] = {
    "lightgbm": ("b1da1044", "40923cf2", "5ef745db"),
    "catboost": ("a37ff8d2", "3a42dd10"),
    "xgboost": ("c639d955", "71111cf4", "f0bc59d7"),
    "linear": ("4057e1f8", "bf6bfcdd"),
    "trees": ("77069ba3", "79d0c16d", "8efb7791"),
    "neighbours": ("26b8c132", "86731eba"),
    "neural": ("36e01f5d", "7684a6fe", "f90baebc"),
    "perceptron": ("e776113b", "ecce4a03"),
}


def of_version_2(pipeline: str) -> bool:
    """Whether the JSON text of a pipeline is one of version 2, with further values under "aside"."""
    return '"aside"' in pipeline and "aside" in json.loads(pipeline)  # which a column may be called as well


def version_3_columns(pipeline: str) -> dict[str, Any]:
    """The columns of version 3 for the JSON text of a pipeline of version 2, whose "aside" holds the further values."""
    document = json.loads(pipeline)
    aside = document.pop("aside", {})
    return {
        "pipeline": json.dumps(document),
        "arm": str(aside.get("arm") or ""),
        "idea": _idea(str(aside.get("arm") or ""), aside.get("idea")),
        "gain_in_noise": _number(aside.get("gain")),
        "early_loss": _number(aside.get("early_loss")),
        "fold_losses": json.dumps(aside.get("fold_losses") or []),
        "run_seconds": _number(aside.get("at")) or 0.0,
    }


def _idea(arm: str, idea: Any) -> str | None:
    """The name of an idea in version 3, where an entry of a portfolio is named after its parameters, not its index."""
    if idea is None:
        return None
    kind, _, family = arm.partition(":")
    entries = _PORTFOLIO_OF_VERSION_2.get(family, ()) if kind == "portfolio" else ()
    return dict(zip(map(str, range(len(entries))), entries, strict=True)).get(str(idea), str(idea))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _read(path: Path) -> dict[str, Any] | None:
    """The object that a JSON file holds; None where it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


#: Version of the tables → what leads to the next one.
MIGRATIONS: dict[int, Callable[[Execute, Tables], None]] = {
    1: features_and_screenings,
    2: columns_for_what_was_nested,
    3: deliveries_and_numbered_standings,
    4: kaggle_submissions,
}
