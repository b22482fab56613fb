"""Closing a run: finalists are scored again on fresh folds, and the last submission is made from all of their models.

The score that decided which experiments won is not the one that is reported: fresh folds took no part in the search,
boosting on them stops after the mean number of rounds of the search (nothing is watched), and the ensemble's weights
are the search's; labels are decided anew, crosswise. On them it is decided, too, whether the best single model or a
blend without stacked ones does better than the ensemble. Their models are averaged into the submission, so that the
time is not lost; with time folds, fits on all rows take their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from medalist.agent import score as judge
from medalist.agent.budget import Budget
from medalist.agent.experiment import Record
from medalist.agent.ground import FoldSet
from medalist.agent.judging.ensemble import Champion
from medalist.agent.records import submissions as submitting
from medalist.agent.score import Comparison, Score
from medalist.agent.search.session import Session
from medalist.agent.workers.jobs import Job
from medalist.agent.workers.local import Workers
from medalist.competitions.errors import MetricError
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fold import FoldResult

LARGEST_SHARE = 0.2  # of the whole budget, if one fold of each member fits into it
FRESH_SHARE = 0.1  # of it, for one fresh fold of each member besides the refits, where all folds do not fit
BAGGING_SHARE = 0.08  # of it, that fresh folds get from the search at most, where they are drawn more than once
MARGIN = 1.2  # on what the search's fits took
MOST_REPEATS = 3  # of fresh folds
MOST_DRAWS = 4  # of them, one after another, while time is left
CLEARLY = 1.0  # noises that something simpler than the ensemble has to gain on fresh folds to take its place
ENOUGH_WEIGHT = 0.5  # of the ensemble, rescored to call its score confirmed, or refitted to be submitted alone


@dataclass(frozen=True)
class Final:
    """What a run ends with: the reported score, whether fresh folds gave it, and the members that made it."""

    score: Score
    confirmed: bool
    search: Score
    ensemble: Ensemble


def seconds_needed(session: Session, workers: int, budget: Budget, *, by_clock: bool = True) -> float:
    """Wall-clock seconds to keep for scoring the present ensemble's members again; 0 without a deadline.

    By the clock a long budget keeps time for further draws of fresh folds: their models are averaged, too.
    """
    if not budget.limited or session.champion is None:
        return 0.0
    splits = session.ground.task.folds.n_splits
    once, least = _wall(session, workers, splits), _wall(session, workers, 1)
    if session.ground.refit:
        refits = least * len(session.ground.y) / session.folds.fit_rows  # all rows are more than those before a fold
        wanted = once + refits
        least = refits + min(least, FRESH_SHARE * budget.seconds)
    else:
        draws = BAGGING_SHARE * budget.seconds // max(once, 0.01) if by_clock else 1
        wanted = once * float(np.clip(draws, 1, MOST_REPEATS))
    needed = max(min(LARGEST_SHARE * budget.seconds, wanted), least)
    return needed + 2 * (session.write_seconds + session.judge_seconds) + 0.5


def _wall(session: Session, workers: int, folds: int) -> float:
    """Wall-clock seconds in which every member of the ensemble is fitted on so many folds."""
    assert session.champion is not None
    members = [_fold_seconds(session, record) for record in _members(session, session.champion)]
    return max(max(members), sum(members) * folds / workers)


def _members(session: Session, champion: Champion) -> list[Record]:
    """The ensemble's records by weight, and what they are made from; what is made from others comes last."""
    weights = champion.ensemble.weights
    records = [session.records[n] for n in sorted(weights, key=lambda n: (-weights[n], n))]
    needed = {base for record in records for base in record.pipeline.bases}
    numbers = {r.number for r in records}
    for record in session.records if needed else ():
        if record.pipeline.hash in needed and record.evaluation is not None and record.number not in numbers:
            records.append(record)
            numbers.add(record.number)
    return sorted(records, key=lambda r: bool(r.pipeline.bases))


def _fold_seconds(session: Session, record: Record) -> float:
    """Seconds of one fold's fit that watches nothing, by what the search's folds took, with a margin."""
    assert record.evaluation is not None
    return MARGIN * record.seconds * (1 - record.evaluation.patience_share) / session.folds.count


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
        """Seconds left for fits: after them it is decided what the last submission is made of, and it is written."""
        return self.budget.left - 2 * self.session.write_seconds - 2 * self.session.judge_seconds


def close(closing: Closing, seed: int) -> Final | None:
    """Score the ensemble's members on fresh folds, as many as time allows, and write the last submission."""
    session = closing.session
    champion, refit = session.champion, session.ground.refit
    if champion is None:
        return None
    members = _members(session, champion)
    refits = _refits(closing, members) if refit else {}
    first = _draw(closing, members, _fresh_folds(closing, seed, 0))
    chosen, score = _chosen(session, champion, members, first)
    if refit and (part := _refitted(session, chosen, refits)) is not chosen:
        chosen, score = part, _fresh_score(session, part, first.folds, first.again)
    draws, told_by = [first, *_further(closing, _members(session, chosen), first, seed)], first
    if chosen is not champion:  # the first draw has chosen it: another one, where there is one, tells its score
        for draw in draws[1:]:
            if (told := _fresh_score(session, chosen, draw.folds, draw.again)) is not None:
                score, told_by = told, draw
                break
    if score is not None and told_by.folds.forecast:  # one or two folds do not tell how far folds lie apart
        score = replace(score, standard_error=max(score.standard_error, chosen.score.standard_error))
    fresh = score is not None and not told_by.folds.known_to(session.folds)
    final = Final(score if score is not None and fresh else chosen.score, fresh, champion.score, chosen.ensemble)
    if score is not None:  # so that the metric is defined for these rows
        constant = submitting.score_constant(session, told_by.folds)
        if constant.loss <= score.loss:
            submitting.put_constant(session, "the best constant: on fresh folds no model did better")
            return Final(constant, fresh, champion.score, Ensemble({}))
    tests = {}
    for number in chosen.ensemble.weights:
        evaluation = session.records[number].evaluation
        assert evaluation is not None
        if refit:
            tests[number] = (refits[number] if set(chosen.ensemble.weights) <= set(refits) else evaluation).test
            continue
        models = [(session.folds.count, evaluation.test)]  # every model counts alike
        models += [draw.tests[number] for draw in draws if number in draw.tests]
        tests[number] = np.average([test for _, test in models], axis=0, weights=[count for count, _ in models])
    reason = "the last: all models of the ensemble" + (", confirmed on fresh folds" if final.confirmed else "")
    submitting.write(session, chosen.ensemble.blend(tests), chosen.decision, final.score, chosen.ensemble, reason)
    return final


def _refitted(session: Session, chosen: Champion, refits: Mapping[int, Evaluation]) -> Champion:
    """The part of an ensemble that is fitted on all rows, where that is most of its weight; else the whole of it, by
    the models of its folds. Models of fewer rows stand on another level: the two are not mixed."""
    weights = {n: w for n, w in chosen.ensemble.weights.items() if n in refits}
    total = sum(weights.values())
    if len(weights) == len(chosen.ensemble.weights) or total < ENOUGH_WEIGHT:
        return chosen
    ensemble = replace(chosen.ensemble, weights={n: w / total for n, w in weights.items()})
    pool = {n: e.oof for n in weights if (e := session.records[n].evaluation) is not None}
    return session.champion_of(ensemble, pool)


def _chosen(
    session: Session, champion: Champion, members: Sequence[Record], draw: _Draw
) -> tuple[Champion, Score | None]:
    """What the submission is made of, with its score on the fresh folds; None where it could not be scored there.

    The search's ensemble gives way to a simpler one only where that does clearly better on the fresh folds.
    """
    best, score = champion, _fresh_score(session, champion, draw.folds, draw.again)
    for other in session.alternatives([r.number for r in members]):
        told = _fresh_score(session, other, draw.folds, draw.again)
        if told is not None and (score is None or _clearly(judge.compare(told, score), draw.folds)):
            best, score = other, told
    return best, score


def _clearly(change: Comparison, folds: FoldSet) -> bool:
    """Whether something simpler does clearly better; of forecasts, whose rows share a level, in two folds."""
    return change.z > CLEARLY and change.everywhere and not (folds.forecast and folds.count < 2)


@dataclass(frozen=True)
class _Draw:
    """The members on one draw of fresh folds.

    `again`: their evaluations on the folds that all of them finished, which are `folds`. `tests`: how many of its fits
    a member finished, on whichever folds, and the mean (m, W) of what these models predict for test.
    """

    folds: FoldSet
    again: Mapping[int, Evaluation]
    tests: Mapping[int, tuple[int, np.ndarray]]


def _further(closing: Closing, members: Sequence[Record], first: _Draw, seed: int) -> list[_Draw]:
    """By the clock the members on further draws of fresh folds while time is left: their models count."""
    draws = [first]
    quickest = min(_fold_seconds(closing.session, record) for record in members) / MARGIN
    while (
        closing.by_clock
        and not closing.session.ground.refit
        and draws[-1].tests
        and len(draws) < MOST_DRAWS
        and closing.seconds_left > quickest
        and not closing.stopped()
    ):
        draws.append(_draw(closing, members, _fresh_folds(closing, seed, len(draws))))
    return draws[1:]


def _fresh_folds(closing: Closing, seed: int, draw: int) -> FoldSet:
    """Folds that took no part in the search: as many as time allows, drawn again where there is more than enough."""
    session = closing.session
    plan = session.ground.task.folds
    wanted, repeats = plan.n_splits, 1
    if closing.by_clock:
        workers = closing.workers.count
        possible = max(1, int(closing.seconds_left / _wall(session, workers, wanted) * wanted))
        if plan.scheme in ("time", "blocks"):
            wanted = min(wanted, possible)  # the last ones tell most
        else:  # those that cannot all be fitted leave no core idle before the end
            repeats = max(1, min(MOST_REPEATS, possible // wanted))
    return session.ground.folds(f"fresh_{draw}", seed + draw, wanted, repeats)


def _draw(closing: Closing, members: Sequence[Record], folds: FoldSet) -> _Draw:
    """The members fitted on these folds, as far as the time goes."""
    done = _run(closing, [_Fit(record, k, folds) for k in range(folds.count) for record in members])
    numbers = [r.number for r in members if any((r.number, k) in done for k in range(folds.count))]
    own = {n: [done[n, k].test for k in range(folds.count) if (n, k) in done] for n in numbers}
    tests = {n: (len(found), np.mean(found, axis=0)) for n, found in own.items()}
    champion = closing.session.champion
    assert champion is not None
    scored, finished = _scored({n: {k for m, k in done if m == n} for n in numbers}, champion.ensemble.weights)
    if not finished:
        return _Draw(folds, {}, tests)
    kept = folds.subset(finished)
    last_only = closing.session.ground.refit
    again = {n: combine([done[n, k] for k in finished], kept.slots, last_only=last_only) for n in scored}
    return _Draw(kept, again, tests)


def _scored(folds: Mapping[int, set[int]], weights: Mapping[int, float]) -> tuple[list[int], list[int]]:
    """Which members are scored, and on which folds, from those that each has finished: of the members that finished at
    least so many folds, those whose weight times the folds that all of them finished is largest. A light one that
    failed on most folds does not take these from the others."""
    best: tuple[list[int], list[int]] = ([], [])
    most = 0.0
    for least in sorted({len(f) for f in folds.values()}, reverse=True):
        numbers = [n for n, f in folds.items() if len(f) >= least]
        shared = sorted(set.intersection(*(folds[n] for n in numbers)))
        worth = len(shared) * sum(weights.get(n, 0.0) for n in numbers)
        if worth > 0 and worth >= most:  # of equal ones, that with more members
            best, most = (numbers, shared), worth
    return best


def _refits(closing: Closing, members: Sequence[Record]) -> dict[int, Evaluation]:
    """The members fitted on all rows, for folds whose models stop before the latest rows."""
    done = _run(closing, [_Fit(record, 0, None) for record in members])
    return {n: combine([result], (np.arange(0),), last_only=True) for (n, _), result in done.items()}


@dataclass(frozen=True)
class _Fit:
    """A member's fit on a fold, or on all rows where there are no folds."""

    record: Record
    fold: int
    folds: FoldSet | None

    def ready(self, session: Session, done: Mapping[tuple[int, int], FoldResult]) -> bool:
        return all((n, self.fold) in done for n in self.bases(session).values())

    def bases(self, session: Session) -> dict[str, int]:
        """Numbers of the records that it is made from, by their pipelines' hashes."""
        needed = self.record.pipeline.bases
        if not needed:
            return {}
        return {r.pipeline.hash: r.number for r in session.records if r.evaluation and r.pipeline.hash in needed}

    def job(self, session: Session, done: Mapping[tuple[int, int], FoldResult], threads: int) -> Job:
        record, sources = self.record, None
        if record.pipeline.bases:
            own = {h: done[n, self.fold] for h, n in self.bases(session).items()}
            sources = session.sources(record.pipeline, {h: (r.valid, r.test) for h, r in own.items()})
        kind: Literal["fold", "full"] = "fold" if self.folds is not None else "full"
        path = None if self.folds is None else self.folds.path
        return Job(
            record.number, kind, record.pipeline, self.fold, path, _rounds(record), threads=threads, sources=sources
        )


def _rounds(record: Record) -> tuple[int, ...]:
    assert record.evaluation is not None
    return record.evaluation.steady_rounds


def _run(closing: Closing, fits: Sequence[_Fit]) -> dict[tuple[int, int], FoldResult]:
    """Results by member and fold of what could be finished; a fit comes after those that it is made from."""
    workers, session = closing.workers, closing.session
    workers.cancel_all()  # of a search that an error has ended
    results: dict[tuple[int, int], FoldResult] = {}
    waiting = list(fits)
    while (waiting or workers.running) and not closing.stopped() and closing.seconds_left > 0:
        while workers.idle and (fit := next((f for f in waiting if f.ready(session, results)), None)) is not None:
            waiting.remove(fit)
            threads = workers.threads_for(len(waiting) + 1, fit.record.pipeline.hash)
            workers.submit(fit.job(session, results, threads))
        if not workers.running:
            break  # what is left is made from fits that failed
        for outcome in workers.poll(min(0.2, max(0.01, closing.seconds_left))):
            if isinstance(outcome.result, FoldResult):
                results[outcome.job.key, outcome.job.fold] = outcome.result
        closing.tick()
    workers.cancel_all()
    return results


def _fresh_score(session: Session, champion: Champion, fresh: FoldSet, again: Mapping[int, Evaluation]) -> Score | None:
    """An ensemble's score on the fresh folds, if members of enough weight were scored there.

    Labels are decided crosswise here too: a fold by what the other fresh folds say.
    """
    weights = {n: w for n, w in champion.ensemble.weights.items() if n in again}
    total = sum(weights.values())
    if total < ENOUGH_WEIGHT:
        return None
    ensemble = replace(champion.ensemble, weights={n: w / total for n, w in weights.items()})
    blended = ensemble.blend({n: again[n].oof for n in weights})
    try:
        decided, _ = session.decide(blended, fresh)
        return session.score(blended, decided, fresh)
    except MetricError:  # one that cannot be computed for these predictions
        return None
