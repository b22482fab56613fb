"""Referee: scores finished experiments, compares them with the best so far, and selects the ensemble. Does no I/O."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalist.agent import score as scoring
from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.folds import FoldSet
from medalist.agent.history import best_of
from medalist.agent.judging.champion import Champion, Leaders, candidates
from medalist.agent.judging.feature_trials import FeatureJudge, FeatureTrial
from medalist.agent.run_data import RunData
from medalist.agent.score import Comparison, Score
from medalist.competitions.errors import MetricError
from medalist.pipelines.decisions.cross_fitting import decide
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.ensembling.selection import Ensemble, select
from medalist.pipelines.fitting.evaluation import Evaluation


@dataclass(frozen=True)
class Judgement:
    """The result of judging a finished experiment: its record with a verdict, the incumbents of the run from now on,
    and the outcome of a test of features; None for other experiments."""

    record: Record
    leaders: Leaders
    trial: FeatureTrial | None = None


@dataclass(frozen=True)
class Referee:
    """Judges experiments by their out-of-fold predictions on the folds of the search.

    features: judges tests of features. postprocessing: whether thresholds, roundings and the like are fitted to the
    out-of-fold predictions (cross-fitted where they are scored); without it the plain decision is used, such as
    arg-max.
    """

    data: RunData
    folds: FoldSet
    features: FeatureJudge
    postprocessing: bool = True

    def score(self, p: np.ndarray, decided: np.ndarray, folds: FoldSet | None = None) -> Score:
        """The score on the evaluated rows of `folds`, else of the search's folds: the loss of the canonical predictions
        p (r, W), and the metric of what was decided from them (r, T): see `decide`. MetricError where it is
        undefined."""
        folds, data = folds or self.folds, self.data
        return scoring.score(
            data.metric, data.problem, folds.y, p, decided, folds.blocks, folds.weights, folds.clusters
        )

    def decide(self, p: np.ndarray, folds: FoldSet | None = None) -> tuple[np.ndarray, Decision]:
        """From canonical predictions p (r, W) of the evaluated rows: what the metric takes (r, T), such as labels, by
        cross-fitting (each fold is decided by what was fitted on the other folds); and the decision fitted on all
        rows, for the test predictions."""
        folds, data = folds or self.folds, self.data
        return decide(
            data.metric,
            data.problem,
            folds.y,
            p,
            folds.fold_of_row,
            targets=data.y,
            weights=folds.weights,
            enabled=self.postprocessing,
            blocks=None if folds.groups is None else folds.blocks,
        )

    # single experiments

    def judge(
        self,
        number: int,
        proposal: Proposal,
        evaluation: Evaluation,
        seconds: float,
        fold_losses: tuple[float, ...],
        history: Sequence[Record],
        leaders: Leaders,
    ) -> Judgement:
        """Score a finished experiment, compare it with the incumbents, and select a new champion where that is better.

        seconds: of work; fold_losses: of each fold's model on its validation rows; history: the experiments before it.
        Where predictions are not finite, or the metric is undefined for them, the verdict is "crash".
        """
        try:
            record, decision = self._scored(number, proposal, evaluation, seconds, fold_losses)
            return self._compared(record, decision, history, leaders)
        except MetricError as error:
            crash = Record(number, proposal, "crash", str(error), seconds=seconds, error=traceback.format_exc())
            return Judgement(crash, leaders)

    def _scored(
        self,
        number: int,
        proposal: Proposal,
        evaluation: Evaluation,
        seconds: float,
        fold_losses: tuple[float, ...],
    ) -> tuple[Record, Decision]:
        """The record with its score and without a verdict, and the decision fitted on its out-of-fold predictions.

        Raises MetricError where the metric is undefined or a prediction is not finite: labels would hide a NaN.
        """
        if not all(np.isfinite(p).all() for p in (evaluation.oof, evaluation.test)):
            raise MetricError(f"The predictions of {proposal.pipeline.family} are not all numbers.")
        decided, decision = self.decide(evaluation.oof)
        record = Record(
            number,
            proposal,
            "keep",
            "",
            score=self.score(evaluation.oof, decided),
            evaluation=evaluation,
            fold_scores=self._fold_scores(decided),
            seconds=seconds,
            fold_losses=fold_losses,
        )
        return record, decision

    def _compared(self, record: Record, decision: Decision, history: Sequence[Record], leaders: Leaders) -> Judgement:
        """The judgement of a scored experiment, whose predictions are decided by `decision`."""
        trial = None
        if record.arm == ARM:
            trial = self.features.judge(record, history)
            record = replace(record, adopted=trial.adopted)
            if not trial.adopted:  # its features were chosen on rows that it is scored on: it takes part in nothing
                discarded = replace(record, verdict="discard", verdict_reason=trial.reason)
                return Judgement(discarded, leaders, trial)
        assert record.score is not None
        leading = None if leaders.best is None else history[leaders.best].score
        comparison = None if leading is None else scoring.compare(record.score, leading)
        champion, change = self._challenged(record, decision, history, leaders.champion)
        ensemble_change = change if champion is not None else None
        verdict, reason = scoring.verdict(comparison, ensemble_change, leaders.noise_floor or 0.0)
        if trial is not None:
            verdict, reason = "keep", trial.reason
        gain = 0.0 if ensemble_change is None else max(0.0, ensemble_change.gain)
        record = replace(record, verdict=verdict, verdict_reason=reason, gain=gain)
        first = comparison is None or comparison.gain > 0
        leaders = replace(leaders, best=record.number if first else leaders.best, champion=champion or leaders.champion)
        return Judgement(record, leaders, trial)

    def _fold_scores(self, decided: np.ndarray) -> list[float]:
        """The metric on each fold's validation rows, from what is decided (r, T); NaN where it is undefined, as AUC is
        where a fold has one class only."""
        scores = []
        for rows in self.folds.positions:
            weights = None if self.folds.weights is None else self.folds.weights[rows]
            try:
                scores.append(float(self.data.metric.score(self.folds.y[rows], decided[rows], weights)))
            except MetricError:
                scores.append(float("nan"))
        return scores

    def noise_floor(self, one: np.ndarray, other: np.ndarray, fold: int) -> float | None:
        """By how much the loss on all evaluated rows differs between seeds, estimated from two fits of one pipeline
        with different seeds on one fold: their predictions (v, W) of its validation rows. None where the metric is
        undefined on these."""
        data, folds = self.data, self.folds
        rows = folds.positions[fold]
        every = np.ones(len(rows), dtype=bool)
        weights = None if folds.weights is None else folds.weights[rows]
        groups = None if folds.groups is None else folds.groups[rows]
        try:
            change = scoring.paired(data.metric, data.problem, folds.y[rows], one, other, every, weights, groups)
        except MetricError:
            return None
        return scoring.noise_floor(change) * float(np.sqrt(len(rows) / len(folds.rows)))

    # ensembles

    def _challenged(
        self, record: Record, decision: Decision, history: Sequence[Record], champion: Champion | None
    ) -> tuple[Champion | None, Comparison | None]:
        """The ensemble selected with this experiment among the candidates, and its comparison with the present
        champion. The first is None where it does not replace the champion, both are None where the members are the same
        or the loss is no less; the comparison is None where there was no champion."""
        data, folds = self.data, self.folds
        assert record.score is not None
        if champion is None:
            return Champion(Ensemble({record.number: 1.0}), record.score, decision), None
        members = champion.ensemble.weights
        pool = _oof(candidates(history, members, record))
        incumbents = {*members, record.number}
        ensemble = select(
            data.metric,
            data.problem,
            folds.y,
            pool,
            folds.weights,
            groups=folds.selection_groups,
            incumbents=incumbents,
        )
        if set(ensemble.weights) == set(members):
            return None, None
        if smooth_loss(data.metric, data.problem, folds.y, ensemble.blend(pool), folds.weights) >= champion.score.loss:
            return None, None
        challenger = self.champion_of(ensemble, pool)
        change = scoring.compare(challenger.score, champion.score)
        return (challenger if scoring.replaces_incumbent(change) else None), change

    def select(self, records: Mapping[int, Record], incumbents: Collection[int] = ()) -> Champion:
        """The champion selected from these experiments; the numbers `incumbents` are among its candidates in any
        case."""
        data, folds, pool = self.data, self.folds, _oof(records)
        ensemble = select(
            data.metric,
            data.problem,
            folds.y,
            pool,
            folds.weights,
            groups=folds.selection_groups,
            incumbents=incumbents,
        )
        return self.champion_of(ensemble, pool)

    def champion_of(self, ensemble: Ensemble, pool: Mapping[int, np.ndarray]) -> Champion:
        """The ensemble as a champion: scored and decided from its members' out-of-fold predictions (r, W) in `pool`, by
        number."""
        blended = ensemble.blend(pool)
        decided, decision = self.decide(blended)
        return Champion(ensemble, self.score(blended, decided), decision)

    def alternatives(self, champion: Champion, records: Sequence[Record]) -> list[Champion]:
        """Simpler champions from these experiments, to compare with the present one: a blend without models that are
        fitted on predictions of others, and the best single model. Without those that have the champion's members."""
        in_order = sorted(records, key=lambda r: r.number)
        usable = {r.number: r for r in in_order if r.evaluation is not None and r.usable}
        plain = {n: r for n, r in usable.items() if not r.pipeline.bases}
        simpler = []
        if plain and len(plain) < len(usable):
            simpler.append(self.select(plain))
        if (single := best_of(usable.values())) is not None:
            simpler.append(self.select({single.number: single}))
        return [c for c in simpler if set(c.ensemble.weights) != set(champion.ensemble.weights)]


def _oof(records: Mapping[int, Record]) -> dict[int, np.ndarray]:
    """Out-of-fold predictions (r, W) of those experiments that have them, by number."""
    return {n: r.evaluation.oof for n, r in records.items() if r.evaluation is not None}
