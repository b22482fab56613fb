"""The submissions of a run: the constant that comes first, every ensemble's, and the last one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medalist.agent.score import Score
from medalist.competitions.errors import MetricError
from medalist.leaderboard.boards.standing import Standing
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.ensembling.selection import Ensemble

if TYPE_CHECKING:
    from medalist.agent.ground import FoldSet
    from medalist.agent.search.session import Session


def write_constant(session: Session) -> None:
    """The first valid submission: the constant that scores best. Where a resumed run has a better one, it stays."""
    ground, metric = session.ground, session.ground.metric
    began = time.monotonic()
    constant = metric.best_constant(ground.y, ground.problem.n_classes, ground.weights)
    decision = Decision("values", (-np.inf, np.inf))
    if metric.needs != "label" and ground.problem.classification:
        decision = plain_decision(metric, ground.problem, ground.y)
    session.constant_answer = np.tile(constant, (len(ground.competition.test), 1)), decision
    with contextlib.suppress(MetricError):  # such as where a class does not occur on these rows: it is written even so
        session.constant = score_constant(session, session.folds)
    made = [s.made_from for s in session.ledger.submissions(session.run_id)]
    if session.champion is None:
        if not (session.outputs.submission.exists() and any("experiment" in m for m in made)):
            put_constant(session, "the best constant, the first valid submission")
    elif not any("ensemble" in m for m in made):
        submit(session)  # it was killed between an experiment's row and its submission
    session.write_seconds = max(session.write_seconds, time.monotonic() - began)


def score_constant(session: Session, folds: FoldSet) -> Score:
    """The score of the best constant on the rows of these folds. MetricError where it is not defined for them."""
    assert session.constant_answer is not None
    answer, decision = session.constant_answer
    in_sample = decision.apply(np.tile(answer[0], (len(folds.y), 1)))
    return session.score(_prior(session, len(folds.y)), in_sample, folds)


def put_constant(session: Session, reason: str) -> None:
    """Make the best constant the submission."""
    assert session.constant_answer is not None
    put(session, *session.constant_answer, session.constant, {"constant": True}, reason)
    told = None if session.constant is None else session.constant.value
    session.emit({"event": "submission", "made_from": "constant", "score": told})


def _prior(session: Session, rows: int) -> np.ndarray:
    """(rows, W) what the targets say without any column: shares of the classes, or means."""
    y, problem = session.ground.y, session.ground.problem
    prior = y.mean(axis=0)
    if problem.problem_type == "multiclass":
        prior = np.bincount(y[:, 0].astype(int), minlength=problem.n_classes) / len(y)
    return np.tile(prior, (rows, 1))


def submit(session: Session) -> None:
    """Write the champion's submission and note it."""
    assert session.champion is not None
    evaluations = {n: session.records[n].evaluation for n in session.champion.ensemble.weights}
    prediction = session.champion.ensemble.blend({n: e.test for n, e in evaluations.items() if e is not None})
    write(
        session,
        prediction,
        session.champion.decision,
        session.champion.score,
        session.champion.ensemble,
        "a better ensemble",
    )


def put(
    session: Session,
    prediction: np.ndarray,
    decision: Decision,
    score: Score | None,
    made_from: Mapping[str, Any],
    reason: str,
) -> None:
    """Write a submission and tell the ledger what it was made from."""
    began = time.monotonic()
    digest = session.outputs.submit(session.ground, prediction, decision)
    session.write_seconds = max(session.write_seconds, time.monotonic() - began)
    session.ledger.add_submission(
        session.run_id,
        made_from=made_from,
        path=str(session.outputs.submission),
        sha256=digest,
        score=None if score is None else score.value,
        standard_error=None if score is None else score.standard_error,
        reason=reason,
    )


def write(
    session: Session, prediction: np.ndarray, decision: Decision, score: Score, ensemble: Ensemble, reason: str
) -> None:
    """Write the submission of an ensemble, and tell the world."""
    weights = {str(n): round(w, 6) for n, w in ensemble.weights.items()}
    decided = {"kind": decision.kind, "numbers": list(decision.numbers)}
    made_from = {"ensemble": weights, "space": ensemble.space, "decision": decided}
    put(session, prediction, decision, score, made_from, reason)
    standing = session.standing(score)
    session.emit(
        {
            "event": "submission",
            "made_from": weights,
            "score": score.value,
            "standard_error": score.standard_error,
            "percentile": standing.percentile if isinstance(standing, Standing) else None,
            "medal": standing.medal if isinstance(standing, Standing) else None,
        }
    )
