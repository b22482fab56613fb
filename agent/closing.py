"""Closing a run: finalists are scored again on fresh folds, and the last submission is made from all of their models.

The score that decided which experiments won is not the one that is reported: fresh folds took no part in the search,
boosting on them stops after the mean number of rounds of the search (nothing is watched), and the ensemble's weights
and decision are the search's. Their models are averaged into the submission, so that the time is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.bench import FoldSet
from agent.budget import Budget
from agent.judge import Score
from agent.record import Record
from agent.session import Session
from agent.worker import Job
from agent.workers import Workers
from competitions.errors import MetricError
from pipelines.ensemble import Ensemble
from pipelines.evaluate import Evaluation, FoldResult, combine
from pipelines.postprocess import decide

LARGEST_SHARE = 0.2  # of the whole budget, if one fold of each member fits into it
MARGIN = 1.2  # on what the search's fits took
MOST_REPEATS = 3  # of fresh folds
MOST_DRAWS = 4  # of them, one after another, while time is left
ENOUGH_WEIGHT = 0.5  # of the ensemble, rescored, to call its score confirmed


@dataclass(frozen=True)
class Final:
    """What a run ends with: the reported score, whether fresh folds gave it, and the members that made it."""

    score: Score
    confirmed: bool
    search: Score
    ensemble: Ensemble


def seconds_needed(session: Session, workers: int, budget: Budget) -> float:
    """Wall-clock seconds to keep for scoring the present ensemble's members again; 0 without a deadline."""
    if not budget.limited or session.champion is None:
        return 0.0
    splits = session.ground.task.folds.n_splits
    wanted = _wall(session, workers, splits) + (_wall(session, workers, 1) if session.ground.refit else 0.0)
    needed = max(min(LARGEST_SHARE * budget.seconds, wanted), _wall(session, workers, 1))
    return needed + 2 * session.write_seconds + 0.5


def _wall(session: Session, workers: int, folds: int) -> float:
    """Wall-clock seconds in which every member of the ensemble is fitted on so many folds."""
    assert session.champion is not None
    members = [_fold_seconds(session, session.records[n]) for n in session.champion.ensemble.weights]
    return max(max(members), sum(members) * folds / workers)


def _fold_seconds(session: Session, record: Record) -> float:
    """Seconds of one fold's fit that watches nothing, by what the search's folds took, with a margin."""
    assert record.evaluation is not None
    return MARGIN * record.seconds * (1 - record.evaluation.spared) / session.folds.count


@dataclass(frozen=True)
class Closing:
    """What closing works with. With `by_clock` it does what time allows, else all of it (repeatable runs)."""

    session: Session
    workers: Workers
    budget: Budget
    by_clock: bool
    stopped: Callable[[], bool]
    tick: Callable[[], None]

    @property
    def seconds_left(self) -> float:
        """Seconds left for fits: the last submission has to be written after them."""
        return self.budget.left - 2 * self.session.write_seconds


def close(closing: Closing, seed: int) -> Final | None:
    """Score the ensemble's members on fresh folds, as many as time allows, and write the last submission."""
    session = closing.session
    champion, refit = session.champion, session.ground.refit
    if champion is None:
        return None
    order = sorted(champion.ensemble.weights, key=lambda n: (-champion.ensemble.weights[n], n))
    members = [session.records[n] for n in order]
    refits = _refits(closing, members) if refit else {}
    draws = _draws(closing, members, seed)
    score, confirmed = _fresh_score(session, *draws[0])
    final = Final(score or champion.score, confirmed, champion.score, champion.ensemble)
    constant = session.constant
    if confirmed and constant is not None and constant.loss <= final.score.loss:
        session.put_constant("the best constant: on fresh folds no model did better")
        return Final(constant, confirmed, champion.score, Ensemble({}))
    tests = {}
    for record in members:
        assert record.evaluation is not None
        if refit:
            tests[record.number] = refits.get(record.number, record.evaluation).test
            continue
        models = [(session.folds.count, record.evaluation)]  # every model counts alike
        models += [(folds.count, again[record.number]) for folds, again in draws if record.number in again]
        counts, evaluations = zip(*models, strict=True)
        tests[record.number] = np.average([e.test for e in evaluations], axis=0, weights=counts)
    reason = "the last: all models of the ensemble" + (", confirmed on fresh folds" if confirmed else "")
    session.write(champion.ensemble.blend(tests), champion.decision, final.score, champion.ensemble, reason)
    return final


def _draws(closing: Closing, members: Sequence[Record], seed: int) -> list[tuple[FoldSet, dict[int, Evaluation]]]:
    """The members on fresh folds, and by the clock on further draws of them while time is left: their models count."""
    draws = [_score_again(closing, members, _fresh_folds(closing, seed, 0))]
    while (
        closing.by_clock
        and not closing.session.ground.refit
        and draws[-1][1]
        and len(draws) < MOST_DRAWS
        and closing.seconds_left > _wall(closing.session, closing.workers.count, 1)
        and not closing.stopped()
    ):
        draws.append(_score_again(closing, members, _fresh_folds(closing, seed, len(draws))))
    return draws


def _fresh_folds(closing: Closing, seed: int, draw: int) -> FoldSet:
    """Folds that took no part in the search: as many as time allows, drawn again where there is more than enough."""
    session = closing.session
    plan = session.ground.task.folds
    wanted, repeats = plan.n_splits, 1
    if closing.by_clock:
        workers = closing.workers.count
        possible = max(1, int(closing.seconds_left / _wall(session, workers, wanted) * wanted))
        if plan.scheme not in ("time", "blocks"):
            repeats = max(1, min(MOST_REPEATS, possible // wanted))
        wanted = min(wanted, possible)
    return session.ground.folds(f"fresh_{draw}", seed + draw, wanted, repeats)


def _score_again(closing: Closing, members: Sequence[Record], folds: FoldSet) -> tuple[FoldSet, dict[int, Evaluation]]:
    """The members' evaluations on the folds that could be finished, the same folds for all of them."""
    fits = [(record, k) for k in range(folds.count) for record in members]
    jobs = [Job(r.number, "fold", r.pipeline, k, folds.path, _rounds(r)) for r, k in fits]
    done = _run(closing, jobs)
    numbers = {n for n, _ in done}
    finished = [k for k in range(folds.count) if numbers and all((n, k) in done for n in numbers)]
    if not finished:
        return folds, {}
    kept = folds.subset(finished)
    last_only = closing.session.ground.refit
    return kept, {n: combine([done[n, k] for k in finished], kept.slots, last_only=last_only) for n in numbers}


def _refits(closing: Closing, members: Sequence[Record]) -> dict[int, Evaluation]:
    """The members fitted on all rows, for folds whose models stop before the latest rows."""
    jobs = [Job(r.number, "full", r.pipeline, rounds=_rounds(r)) for r in members]
    done = _run(closing, jobs)
    return {n: combine([result], (np.arange(0),), last_only=True) for (n, _), result in done.items()}


def _rounds(record: Record) -> tuple[int, ...]:
    assert record.evaluation is not None
    return record.evaluation.steady_rounds


def _run(closing: Closing, jobs: list[Job]) -> dict[tuple[int, int], FoldResult]:
    """Results by member and fold of what could be finished, in the order of the jobs."""
    workers, results = closing.workers, {}
    waiting = [replace(job, threads=workers.threads) for job in jobs]
    while (waiting or workers.running) and not closing.stopped() and closing.seconds_left > 0:
        while workers.idle and waiting:
            workers.submit(waiting.pop(0))
        for outcome in workers.poll(min(0.2, max(0.01, closing.seconds_left))):
            if isinstance(outcome.result, FoldResult):
                results[outcome.job.key, outcome.job.fold] = outcome.result
        closing.tick()
    workers.cancel_all()
    return results


def _fresh_score(session: Session, fresh: FoldSet, again: Mapping[int, Evaluation]) -> tuple[Score | None, bool]:
    """The ensemble's score on the fresh folds, if members of enough weight were scored there.

    Labels are decided crosswise here too: a fold by what the other fresh folds say.
    """
    champion = session.champion
    assert champion is not None
    weights = {n: w for n, w in champion.ensemble.weights.items() if n in again}
    total = sum(weights.values())
    if total < ENOUGH_WEIGHT:
        return None, False
    ensemble = Ensemble({n: w / total for n, w in weights.items()})
    blended = ensemble.blend({n: again[n].oof for n in weights})
    ground = session.ground
    try:
        decided, _ = decide(ground.metric, ground.problem, fresh.y, blended, fresh.of_row, seen=ground.y)
        return session.score(blended, decided, fresh), True
    except MetricError:  # one that cannot be computed for these predictions
        return None, False
