"""What a submission is made of, as one document: by the lineage of its run, else by what the ledger knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from medalist.agent.lineage.find import Found
from medalist.competitions.errors import PipelineError
from medalist.leaderboard.ledger.rows import ExperimentRow


def explained(found: Found) -> dict[str, Any]:
    """The submission's score and hash, the experiments that it is made of with their features in words, those that led
    there, folds, task, input files, versions, and under "missing" sentences on what is not known."""
    document: Mapping[str, Any] = found.document or {}
    row = found.row
    made = dict(found.made or _made_by_ledger(found))
    rows = {e.number: e for e in found.experiments}
    numbers = _needed(made, document, rows)
    experiments = {n: _experiment(n, document, rows) for n in numbers}
    history = {n: _idea(n, document, rows) for n in _ancestors(numbers, document, rows)}
    return {
        "run": found.run,
        "competition": found.competition,
        "path": document.get("path") or (row.config.get("path") if row else None),
        "state": row.state if row else None,
        "submission": {
            "number": found.submission.number if found.submission else None,
            "sha256": found.sha256,
            "recorded": str(found.submission.recorded) if found.submission else made.get("written"),
            "score": made.get("score", found.submission.score if found.submission else None),
            "standard_error": made.get("standard_error", found.submission.standard_error if found.submission else None),
            "reason": made.get("reason") or (found.submission.reason if found.submission else ""),
        },
        "made_of": made,
        "experiments": {str(n): e for n, e in experiments.items()},
        "features": {text: _words(text) for e in experiments.values() for text in e["pipeline"]["features"]},
        "history": {str(n): idea for n, idea in history.items()},
        "folds": {"scheme": document.get("scheme"), **document.get("folds", {})} if document else _ledger_folds(found),
        "task": row.task if row else {},
        "task_file": document.get("task"),
        "data": document.get("data", {"fingerprint": row.fingerprint} if row else {}),
        "inputs": document.get("inputs", []),
        "seed": document.get("config", {}).get("seed", row.seed if row else None),
        "parts": document.get("parts", []),
        "removed": list(found.removed),
        "missing": _missing(found, experiments),
    }


def _missing(found: Found, experiments: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Sentences on what is not known of the submission."""
    missing = []
    if found.folder is None:
        missing.append("The run's folder is gone: what follows is what the ledger knows.")
    elif found.document is None:
        missing.append(
            "The run has no lineage.json that can be read (an earlier version made none): hashes of its input files, "
            "versions, threads and rounds of each fit are not known, and it cannot be reproduced."
        )
    elif found.made is None:
        missing.append("The lineage does not have this submission, so how the close fitted it is not known.")
    if found.document is not None:
        if any(not file.get("sha256") for file in found.document.get("inputs", ())):
            missing.append("Hashes of input files are missing: the run was ended before they were found.")
        if any("software" not in part for part in found.document.get("parts", ())):
            missing.append("Versions of a part of the run are missing: it was ended before they were found.")
        lacking = [n for n, e in experiments.items() if not e.get("fits")]
        if lacking and found.made is not None:
            missing.append(f"How experiment {lacking[0]} was fitted is not known: an earlier version made it.")
    return missing


def _made_by_ledger(found: Found) -> dict[str, Any]:
    """What the ledger's row of the submission says of its making."""
    made_from = found.submission.made_from if found.submission else {}
    if "ensemble" in made_from:
        members = [[int(n), w] for n, w in made_from["ensemble"].items()]
        return {"kind": "ensemble", **made_from, "ensemble": members}
    if "experiment" in made_from:
        return {"kind": "first fold", "ensemble": []}
    return {"kind": "constant"} if made_from else {"kind": "nothing yet"}


def _needed(made: Mapping[str, Any], document: Mapping[str, Any], rows: Mapping[int, ExperimentRow]) -> list[int]:
    """The ensemble's experiments by weight, then those that they are fitted on."""
    members = sorted(made.get("ensemble", ()), key=lambda pair: -pair[1])
    numbers = [int(n) for n, _ in members]
    for number in numbers:
        entry = document.get("experiments", {}).get(str(number))
        bases = entry.get("bases", {}).values() if entry else _bases_by_hash(number, rows)
        numbers += [int(n) for n in bases if int(n) not in numbers]
    return numbers


def _bases_by_hash(number: int, rows: Mapping[int, ExperimentRow]) -> list[int]:
    pipeline = rows[number].pipeline if number in rows else {}
    wanted = [*pipeline.get("stacked", ()), *([pipeline["pseudo"]] if pipeline.get("pseudo") else ())]
    of_hash: dict[str, int] = {}
    for row in rows.values():
        if row.artifact is not None:
            of_hash.setdefault(row.pipeline_hash, row.number)
    return [of_hash[h] for h in wanted if h in of_hash]


def _experiment(number: int, document: Mapping[str, Any], rows: Mapping[int, ExperimentRow]) -> dict[str, Any]:
    """Pipeline, hashes and fits of an experiment, and the verdict on it."""
    entry = dict(document.get("experiments", {}).get(str(number), {}))
    if not entry and number in rows:
        entry = {"pipeline": rows[number].pipeline, "hash": rows[number].pipeline_hash}
    if not entry:
        entry = {"pipeline": {"features": [], "family": "unknown", "params": {}, "seed": None}, "hash": ""}
    return entry | _idea(number, document, rows)


def _idea(number: int, document: Mapping[str, Any], rows: Mapping[int, ExperimentRow]) -> dict[str, Any]:
    known = document.get("history", {}).get(str(number))
    if known is not None:
        return dict(known)
    row = rows.get(number)
    if row is None:
        return {"family": "unknown", "reason": "", "parent": None, "verdict": "", "verdict_reason": "", "score": None}
    kept = asdict(row)
    names = ("family", "reason", "parent", "arm", "verdict", "verdict_reason", "score", "standard_error")
    return {name: kept[name] for name in names}


def _ancestors(numbers: list[int], document: Mapping[str, Any], rows: Mapping[int, ExperimentRow]) -> list[int]:
    """The experiments and those whose pipelines they were changed from, ascending."""
    found: set[int] = set()
    for start in numbers:
        number: int | None = start
        while number is not None and number not in found:
            found.add(number)
            number = _idea(number, document, rows)["parent"]
    return sorted(found)


def _ledger_folds(found: Found) -> dict[str, Any]:
    folds = found.row.task.get("folds", {}) if found.row else {}
    return {name: folds.get(name) for name in ("scheme", "seed", "n_splits", "repeats") if name in folds}


def _words(text: str) -> str:
    """A feature in English; the expression where it cannot be parsed."""
    from medalist.pipelines.features.language.parser import parse
    from medalist.pipelines.features.language.words import in_words

    try:
        return in_words(parse(text))
    except PipelineError:  # written by a version of medalist with another language
        return text
