"""What a run says at its end: numbers for machines, sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from medalist.agent.budget import Budget
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.run.display import duration
from medalist.agent.search.closing import Final
from medalist.agent.search.session import Session
from medalist.agent.workers.local import Workers
from medalist.competitions.audit.finding import Finding
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.standing import Standing, sentence

MOST_SHOWN = 6  # features that the summary names


def summarise(
    session: Session,
    workers: Workers,
    final: Final | None,
    budget: Budget,
    findings: Sequence[Finding],
    *,
    interrupted: bool,
) -> dict[str, Any]:
    """The content of `summary.json`; `text` is what the terminal shows."""
    verdicts = Counter(r.verdict for r in session.records)
    score = final.score if final is not None else session.constant
    standing = session.board if score is None else session.standing(score)
    weights = {} if final is None else {str(n): round(w, 4) for n, w in final.ensemble.weights.items()}
    metric, task = session.ground.metric, session.ground.task
    wall = budget.used
    document: dict[str, Any] = {
        "run": session.run_id,
        "competition": session.ground.competition.name,
        "status": _status(session, final, interrupted=interrupted),
        "metric": task.metric,
        "score": None if score is None else score.value,
        "standard_error": None if score is None else score.standard_error,
        "confirmed_on_fresh_folds": final is not None and final.confirmed,
        "search_score": None if final is None else final.search.value,
        "constant_score": None if session.constant is None else session.constant.value,
        "best_single": None if session.best is None or session.best.score is None else session.best.score.value,
        "experiments": len(session.records),
        "verdicts": dict(verdicts),
        "ensemble": weights,
        "standing": asdict(standing) if isinstance(standing, Standing) else None,
        "submission": str(session.outputs.submission),
        "seconds": round(session.worked_before + wall, 2),
        "cores": workers.cores,
        "workers": workers.count,
        "threads": workers.threads,
        "noise_floor": session.floor,
        "busy_seconds": round(workers.busy_seconds, 2),
        "fit_seconds": round(workers.fit_seconds, 2),
        "fit_share": round(workers.fit_seconds / (wall * workers.cores), 4),
        "features": [] if session.features is None else session.features.kept(session.records),
        "audit": [asdict(f) for f in findings],
    }
    fresh = " on fresh folds" if document["confirmed_on_fresh_folds"] else " on the folds of the search (not confirmed)"
    told = "not defined on these folds" if score is None else f"{score.value:.6g} ± {score.standard_error:.2g}"
    lines = [
        f"{metric.title}: {told}"
        + (fresh if score is not None else "")
        + (f"; the best constant scores {session.constant.value:.6g}" if session.constant else ""),
        sentence(standing) if not isinstance(standing, Board) else "There is no score to compare with humans.",
        f"{len(session.records)} experiments in {duration(session.worked_before + wall)}: "
        + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
        *_features(session),
        *_members(session, final),
        f"Submission: {session.outputs.submission}",
    ]
    document["text"] = "\n".join(lines)
    return document


def _status(session: Session, final: Final | None, *, interrupted: bool) -> str:
    if final is None and any(r.error for r in session.records):
        return "failed"
    return "interrupted" if interrupted else "finished"


def _features(session: Session) -> list[str]:
    """What the search for features came to; nothing where there was none."""
    search = session.features
    if search is None or not search.steps:
        return []
    screened = sum(s.result.screened for s in search.steps)
    kept = search.kept(session.records)
    tests = sum(r.arm == ARM for r in session.records)
    looked = f"{screened:,} candidates screened, {tests} groups tested"
    if not kept:
        return [f"Features: {looked}; none was kept: nothing gained beyond the noise."]
    shown = "; ".join(kept[:MOST_SHOWN]) + (f"; and {len(kept) - MOST_SHOWN} more" if len(kept) > MOST_SHOWN else "")
    return [f"Features: {looked}, {len(kept)} kept: {shown}. `medalist features {session.run_id}` says more."]


def _members(session: Session, final: Final | None) -> list[str]:
    if final is None:
        if session.ledger.submissions(session.run_id)[-1].score is None:
            return ["The submission is of the first fold of experiment 0, which has no score: that is a constant's."]
        error = next((r.verdict_reason for r in session.records if r.error), None)
        why = "no model was finished" if error is None else f"every experiment failed ({error}; see log.txt)"
        return [f"The submission is a constant: {why}."]
    if not final.ensemble.weights:
        return ["The submission is the best constant: on fresh folds the ensemble of the search did no better."]
    told = []
    for number, weight in sorted(final.ensemble.weights.items(), key=lambda item: -item[1]):
        record = session.records[number]
        told.append(f"  {weight:4.0%} of #{number} {record.pipeline.family}: {record.proposal.reason}")
    return ["Made from:", *told]
