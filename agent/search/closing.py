"""The close of a run: the champion is scored on fresh folds, and the last submission is made of all models.

The ensemble was selected on the folds of the search, where its score is optimistic; so the score on fresh folds, which
took no part in the search, is reported. The ensemble's weights are those of the search; thresholds and the like are
fitted anew, cross-fitted over the fresh folds. On these it is also decided whether the best single model, or a blend
without stacked ones, replaces the ensemble. The submission averages the models of search and fresh folds; with time
folds, models fitted on all rows take their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalist.agent import score as scoring
from medalist.agent.budget import Budget
from medalist.agent.experiment import Record
from medalist.agent.folds import FoldSet
from medalist.agent.judging.champion import Champion
from medalist.agent.judging.referee import Referee
from medalist.agent.records.confirmed import confirmed_in
from medalist.agent.records.journal import Journal
from medalist.agent.records.submissions import Submissions
from medalist.agent.score import Comparison, Score
from medalist.agent.search.close_record import made_by_draws, made_by_refits
from medalist.agent.search.fresh_folds import MARGIN, MOST_REPEATS, Draw, Refits, Timing, members_of
from medalist.agent.workers.footprints import not_known
from medalist.agent.workers.pool import WorkerPool
from medalist.competitions.errors import MetricError
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

LARGEST_SHARE = 0.2  # most of the budget that is kept for the close, unless one fold of each member takes longer
FRESH_SHARE = 0.1  # most of the budget for a fresh fold of each member beside the fits on all rows
BAGGING_SHARE = 0.08  # most of the budget for further draws of fresh folds
MOST_DRAWS = 4  # most draws of fresh folds, one after another while time is left
CLEARLY = 1.0  # gain on fresh folds, in standard errors, beyond which a simpler ensemble replaces the search's
ENOUGH_WEIGHT = 0.5  # least weight of the members that were scored, for a score to count, or fitted on all rows
LAST_SECONDS = 0.5  # seconds kept for the close beside those for fits, deciding and writing


@dataclass(frozen=True)
class Final:
    """What a run ends with.

    score: the one that is reported. confirmed: whether it was measured on fresh folds. search: the champion's score on
    the folds of the search. ensemble: what the submission is made of; without members where that is the best constant.
    """

    score: Score
    confirmed: bool
    search: Score
    ensemble: Ensemble

    @classmethod
    def unconfirmed(cls, champion: Champion) -> Final:
        """The end with a champion that has its score on the folds of the search only."""
        return cls(champion.score, False, champion.score, champion.ensemble)


def seconds_needed(
    members: Sequence[Record],
    timing: Timing,
    budget: Budget,
    *,
    refit_rows: float | None = None,
    overhead: float = 0.0,
    by_clock: bool = True,
) -> float:
    """Wall-clock seconds to keep for the close; 0 without a deadline.

    Parameters
    ----------
    members: the ensemble's experiments and those that they are stacked upon; at least one.
    refit_rows: with time folds, whose members are also fitted on all rows, the number of all rows divided by that of a
        fold's fit; else None.
    overhead: seconds of selecting and writing the last submission.
    by_clock: whether a long budget keeps time for further draws of fresh folds, whose models are averaged.
    """
    if not budget.limited:
        return 0.0
    once, least = timing.wall_seconds(members, timing.n_splits), timing.wall_seconds(members, 1)
    if refit_rows is not None:
        refits = least * refit_rows
        wanted = once + refits
        least = refits + min(least, FRESH_SHARE * budget.seconds)
    else:
        draws = BAGGING_SHARE * budget.seconds // max(once, 0.01) if by_clock else 1
        wanted = once * float(np.clip(draws, 1, MOST_REPEATS))
    return max(min(LARGEST_SHARE * budget.seconds, wanted), least) + overhead + LAST_SECONDS


@dataclass(frozen=True)
class Closing:
    """The close of a run: `close` does all of it.

    by_clock: whether it does what the time allows, else everything (so that runs with a number of experiments are
    repeatable). judge_seconds: that judging one experiment takes. stopped, tick,
    expected_bytes: see `fresh_folds.Refits`.
    """

    referee: Referee
    journal: Journal
    submissions: Submissions
    workers: WorkerPool
    budget: Budget
    by_clock: bool
    judge_seconds: float
    stopped: Callable[[], bool]
    tick: Callable[[], None]
    expected_bytes: Callable[[Pipeline, bool], int] = not_known

    @property
    def overhead(self) -> float:
        """Seconds of selecting and writing the last submission. Up to four ensembles are scored (the champion, two
        simpler ones and the chosen one), each of which takes about as long as judging an experiment."""
        return 2 * self.submissions.write_seconds + 4 * self.judge_seconds

    @property
    def seconds_left(self) -> float:
        """Seconds left for fits."""
        return self.budget.left - self.overhead

    @property
    def timing(self) -> Timing:
        return Timing(self.referee.folds.count, self.referee.data.task.folds.n_splits, self.workers.count)

    def seconds_needed(self, champion: Champion | None) -> float:
        """Wall-clock seconds to keep for closing with this champion; 0 where there is none."""
        if champion is None:
            return 0.0
        data, folds = self.referee.data, self.referee.folds
        members = members_of(champion, self.journal.records)
        refit_rows = len(data.y) / folds.fit_rows if data.refit else None
        options = {"refit_rows": refit_rows, "overhead": self.overhead, "by_clock": self.by_clock}
        return seconds_needed(members, self.timing, self.budget, **options)  # type: ignore[arg-type]

    def close(self, champion: Champion | None, seed: int) -> Final | None:
        """Fit the champion's members on fresh folds drawn by `seed`, as many as time allows, score them there, and
        write the last submission. None, and nothing is written, without a champion."""
        if champion is None:
            return None
        referee, records, refit = self.referee, self.journal.records, self.referee.data.refit
        members = members_of(champion, records)
        fits = self._refits()
        refits = fits.on_all_rows(members) if refit else {}
        first = self._draw(fits, members, champion, seed, 0)
        chosen, score = self._chosen(champion, members, first)
        if refit and (part := refitted_part(referee, chosen, refits, records)) is not chosen:
            chosen, score = part, self._fresh_score(part, first)
        draws = [first, *self._further_draws(fits, members_of(chosen, records), champion, first, seed)]
        source = first
        if chosen is not champion:  # the first draw has chosen it: another one, where there is one, gives its score
            for draw in draws[1:]:
                if (fresh_score := self._fresh_score(chosen, draw)) is not None:
                    score, source = fresh_score, draw
                    break
        if score is not None and source.folds.forecast:  # one or two folds do not show how much folds differ
            score = replace(score, standard_error=max(score.standard_error, chosen.score.standard_error))
        fresh = score is not None and not source.folds.mostly_equals(referee.folds)
        final = Final(score if score is not None and fresh else chosen.score, fresh, champion.score, chosen.ensemble)
        if score is not None:
            constant = self.submissions.score_constant(referee, source.folds)
            if constant is not None and constant.loss <= score.loss:
                final = Final(constant, fresh, champion.score, Ensemble({}))
                if (earlier := self._earlier(final)) is not None:
                    return earlier
                reason = "the best constant: on fresh folds no model did better"
                self.submissions.submit_constant(constant, reason, confirmed=fresh)
                return final
        if (earlier := self._earlier(final)) is not None:
            return earlier
        prediction = chosen.ensemble.blend(self._test_predictions(chosen, draws, refits))
        fitted = made_by_refits(refits) if refit else made_by_draws(draws)
        reason = "the last: all models of the ensemble" + (", confirmed on fresh folds" if final.confirmed else "")
        self.submissions.submit(
            prediction, chosen.decision, final.score, chosen.ensemble, reason, fitted, confirmed=final.confirmed
        )
        return final

    def given_up(self, champion: Champion | None) -> Final | None:
        """The end of a run whose close failed: an earlier part's, where that was confirmed, else the champion with its
        score on the folds of the search; None without one."""
        if champion is None:
            return None
        final = Final.unconfirmed(champion)
        return self._earlier(final) or final

    def _earlier(self, final: Final) -> Final | None:
        """The end of an earlier part of the run, whose submission is restored, where this one's score on fresh folds is
        no better, or it has none; else None. In a counted run always None: it is one that was not interrupted."""
        found = confirmed_in(self.journal.folder) if self.submissions.keeps_confirmed else None
        if found is None:
            return None
        kept, contents = found
        better = self.referee.data.metric.greater_is_better
        if final.confirmed and not kept.at_least(final.score.value, greater_is_better=better):
            return None
        self.submissions.restore(kept, contents, "confirmed on fresh folds by an earlier part of the run, and better")
        ensemble = Ensemble({int(n): w for n, w in kept.made_from.get("ensemble", {}).items()})
        score = replace(final.score, value=kept.score, standard_error=kept.standard_error)
        return Final(score, True, final.search, ensemble)

    def _refits(self) -> Refits:
        return Refits(
            self.referee.data,
            self.journal,
            self.workers,
            self.timing,
            self.budget,
            self.by_clock,
            lambda: self.seconds_left,
            self.stopped,
            self.tick,
            self.expected_bytes,
        )

    def _draw(self, fits: Refits, members: Sequence[Record], champion: Champion, seed: int, draw: int) -> Draw:
        """The members fitted on fresh folds number `draw`, as many as there is time for all the champion's members."""
        champion_members = members_of(champion, self.journal.records)
        folds = fits.fresh_folds(champion_members, seed, draw)
        return fits.on_folds(members, folds, champion.ensemble.weights)

    def _further_draws(
        self, fits: Refits, members: Sequence[Record], champion: Champion, first: Draw, seed: int
    ) -> list[Draw]:
        """The members on further draws of fresh folds, while time is left, whose models are averaged into the
        submission; [] where nothing depends on the clock, or with time folds."""
        draws = [first]
        quickest = min(self.timing.fold_seconds(record) for record in members) / MARGIN
        while (
            self.by_clock
            and not self.referee.data.refit
            and draws[-1].tests
            and len(draws) < MOST_DRAWS
            and self.seconds_left > quickest
            and not self.stopped()
        ):
            draws.append(self._draw(fits, members, champion, seed, len(draws)))
        return draws[1:]

    def _chosen(self, champion: Champion, members: Sequence[Record], draw: Draw) -> tuple[Champion, Score | None]:
        """The ensemble to submit, and its score on fresh folds; None where it could not be scored there.

        A simpler ensemble (see `Referee.alternatives`) replaces the search's only where it is clearly better there.
        """
        best, score = champion, self._fresh_score(champion, draw)
        for simpler in self.referee.alternatives(champion, members):
            fresh = self._fresh_score(simpler, draw)
            if fresh is not None and (score is None or clearly_better(scoring.compare(fresh, score), draw.folds)):
                best, score = simpler, fresh
        return best, score

    def _fresh_score(self, champion: Champion, draw: Draw) -> Score | None:
        """An ensemble's score on a draw of fresh folds, with cross-fitted decisions; None where the members that were
        fitted there have less than ENOUGH_WEIGHT, or the metric is undefined."""
        weights = {n: w for n, w in champion.ensemble.weights.items() if n in draw.evaluations}
        total = sum(weights.values())
        if total < ENOUGH_WEIGHT:
            return None
        ensemble = replace(champion.ensemble, weights={n: w / total for n, w in weights.items()})
        blended = ensemble.blend({n: draw.evaluations[n].oof for n in weights})
        try:
            decided, _ = self.referee.decide(blended, draw.folds)
            return self.referee.score(blended, decided, draw.folds)
        except MetricError:
            return None

    def _test_predictions(
        self, chosen: Champion, draws: Sequence[Draw], refits: Mapping[int, Evaluation]
    ) -> dict[int, np.ndarray]:
        """Test predictions (m, W) of each member, by number: the mean over all its models of search and fresh folds;
        with time folds those of its fit on all rows, where all members have one, else those of the search."""
        tests = {}
        for number in chosen.ensemble.weights:
            evaluation = self.journal.records[number].evaluation
            assert evaluation is not None
            if self.referee.data.refit:
                tests[number] = (refits[number] if set(chosen.ensemble.weights) <= set(refits) else evaluation).test
                continue
            models = [(self.referee.folds.count, evaluation.test)]
            models += [draw.tests[number] for draw in draws if number in draw.tests]
            tests[number] = np.average([test for _, test in models], axis=0, weights=[count for count, _ in models])
        return tests


def refitted_part(
    referee: Referee, chosen: Champion, refits: Mapping[int, Evaluation], records: Sequence[Record]
) -> Champion:
    """The ensemble without the members that could not be fitted on all rows (`refits`, by number), where the others
    have at least ENOUGH_WEIGHT; else the ensemble as it is, to be submitted by the models of its folds. Models fitted
    on fewer rows predict another level, so the two are not mixed."""
    weights = {n: w for n, w in chosen.ensemble.weights.items() if n in refits}
    total = sum(weights.values())
    if len(weights) == len(chosen.ensemble.weights) or total < ENOUGH_WEIGHT:
        return chosen
    ensemble = replace(chosen.ensemble, weights={n: w / total for n, w in weights.items()})
    pool = {n: e.oof for n in weights if (e := records[n].evaluation) is not None}
    return referee.champion_of(ensemble, pool)


def clearly_better(comparison: Comparison, folds: FoldSet) -> bool:
    """Whether a simpler ensemble is clearly better on these fresh folds (see CLEARLY). In a forecast, whose folds
    differ in level, it must gain in each fold, of at least two."""
    return comparison.z > CLEARLY and comparison.in_every_fold and not (folds.forecast and folds.count < 2)
