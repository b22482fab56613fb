"""The state of a run in memory: what was tried, what is best, and what the submission is made from."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent import score as judge
from medalist.agent.experiment import Proposal, Record, noise_of
from medalist.agent.ground import FoldSet, Ground
from medalist.agent.judging.ensemble import Champion, pool_of
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.proposals.features import FeatureSearch, Step
from medalist.agent.records import submissions as submitting
from medalist.agent.records.events import experiment_event, experiment_row, screening_event
from medalist.agent.records.feature_rows import rows_of_step, rows_of_test
from medalist.agent.records.outputs import Outputs
from medalist.agent.score import Comparison, Score
from medalist.agent.workers.jobs import Sources
from medalist.competitions.errors import MetricError
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing, stand
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import FeatureRow, SearchRow
from medalist.pipelines.decisions.cross_fitting import decide
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.ensembling.selection import Ensemble, select
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

RECENT = 0.2  # what the latest experiment weighs in a moving average
Emit = Callable[[Mapping[str, Any]], None]


@dataclass
class Session:
    """One run: records in order, the best single pipeline, and the champion.

    `began` is on the clock of `time.monotonic()`; `worked_before`: seconds of a resumed run's earlier parts.
    """

    run_id: str
    ground: Ground
    folds: FoldSet
    outputs: Outputs
    ledger: Ledger
    board: Board | NoStanding
    emit: Emit
    began: float = field(default_factory=time.monotonic)
    worked_before: float = 0.0
    write_seconds: float = 0.0  # that deciding on and writing a submission took at most
    records: list[Record] = field(default_factory=list)
    best: Record | None = None
    champion: Champion | None = None
    features: FeatureSearch | None = None
    postprocessing: bool = True
    judge_seconds: float = 0.0  # that judging one experiment takes: a moving average
    floor: float | None = None  # what seeds alone change in the loss, once it is measured
    constant: Score | None = None
    constant_answer: tuple[np.ndarray, Decision] | None = None
    _tested: list[FeatureRow] = field(default_factory=list)

    def score(self, p: np.ndarray, decided: np.ndarray, folds: FoldSet | None = None) -> Score:
        """Score of canonical predictions and what was decided from them over the evaluated rows."""
        folds, ground = folds or self.folds, self.ground
        return judge.score(ground.metric, ground.problem, folds.y, p, decided, folds.blocks, folds.weights, folds.apart)

    def decide(self, p: np.ndarray, folds: FoldSet | None = None) -> tuple[np.ndarray, Decision]:
        """What is decided from canonical predictions of the evaluated rows, fold by fold, and how to for test."""
        folds, ground = folds or self.folds, self.ground
        return decide(
            ground.metric,
            ground.problem,
            folds.y,
            p,
            folds.of_row,
            targets=ground.y,
            weights=folds.weights,
            enabled=self.postprocessing,
            blocks=None if folds.units is None else folds.blocks,
        )

    def alternatives(self, numbers: Sequence[int]) -> list[Champion]:
        """What the submission could be made from instead of the champion, of these experiments alone: a blend of those
        that are not made from others' predictions, and the best single one."""
        assert self.champion is not None
        own = {r.number: r for r in self.records if r.number in numbers and r.evaluation is not None and r.usable}
        plain = {n: r for n, r in own.items() if not r.pipeline.bases}
        found = []
        if plain and len(plain) < len(own):
            found.append(self.select(plain))
        if own:
            best = min(own.values(), key=lambda r: (r.score.loss if r.score else np.inf, r.number))
            found.append(self.select({best.number: best}))
        members = [set(self.champion.ensemble.weights)]
        return [c for c in found if set(c.ensemble.weights) not in members]

    def select(self, records: Mapping[int, Record], known: Collection[int] = ()) -> Champion:
        """The champion that these records make; the `known` ones are looked at in any case."""
        ground, folds = self.ground, self.folds
        pool = {n: r.evaluation.oof for n, r in records.items() if r.evaluation is not None}
        ensemble = select(
            ground.metric, ground.problem, folds.y, pool, folds.weights, groups=folds.shared, incumbents=known
        )
        return self.champion_of(ensemble, pool)

    def champion_of(self, ensemble: Ensemble, pool: Mapping[int, np.ndarray]) -> Champion:
        """The champion that an ensemble of out-of-fold predictions (r, W) by number makes."""
        blended = ensemble.blend(pool)
        decided, decision = self.decide(blended)
        return Champion(ensemble, self.score(blended, decided), decision)

    def judge(
        self,
        number: int,
        proposal: Proposal,
        evaluation: Evaluation,
        seconds: float,
        fold_losses: tuple[float, ...] = (),
        fold_tests: Sequence[np.ndarray] = (),
    ) -> Record:
        """Score an experiment, compare it, renew the ensemble, and write the submission where that improved.

        Predictions for which the metric cannot be computed are a crash of the experiment. `fold_tests` are the test
        predictions of each fold's model; they are kept for the best, whose test rows may become training rows.
        """
        began, first = time.monotonic(), self._leads(proposal)
        try:
            record, champion = self._judged(*self.scored(number, proposal, evaluation, seconds, fold_losses))
        except MetricError as error:
            told = traceback.format_exc()
            record, champion = Record(number, proposal, "crash", str(error), seconds=seconds, error=told), None
        took = time.monotonic() - began
        self.judge_seconds += RECENT * (took - self.judge_seconds) if self.judge_seconds else took
        if first(record) and self.outputs.keep_folds(number, fold_tests):
            kept = replace(record, keeps_folds=True)
            self.best, record = kept if record is self.best else self.best, kept
        tested, self._tested = self._tested, []
        self.keep(record, tested)
        if champion is not None:
            self.champion = champion
            submitting.submit(self)
        return record

    def _leads(self, proposal: Proposal) -> Callable[[Record], bool]:
        """Whether a record is the best so far of what may teach by its predictions of the test rows: of the boosted
        pipelines that are made from no other's."""
        suits = FAMILIES[proposal.pipeline.family].boosted and not proposal.pipeline.bases
        losses = [
            r.score.loss
            for r in (self.records if suits else ())
            if r.score is not None and r.usable and not r.pipeline.bases and FAMILIES[r.pipeline.family].boosted
        ]
        least = min(losses, default=np.inf)
        return lambda r: suits and r.usable and r.score is not None and r.score.loss < least

    def recall_floor(self) -> None:
        """Take in what seeds alone do, as an earlier part of this run has measured it."""
        self.floor = self.ledger.run(self.run_id).noise_floor

    def scored(
        self,
        number: int,
        proposal: Proposal,
        evaluation: Evaluation,
        seconds: float,
        fold_losses: tuple[float, ...] = (),
    ) -> tuple[Record, Decision]:
        """The record of an evaluation without its verdict, and how its predictions are decided.

        Raises MetricError where the metric cannot be computed for them: labels that are decided from predictions that
        are no numbers would hide these.
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

    def take_in(self, record: Record, decision: Decision) -> Record:
        """Judge a scored record as it was judged before, in a run that goes on."""
        record, champion = self._judged(record, decision)
        self.champion = champion or self.champion
        self._tested = []
        return record

    def _judged(self, record: Record, decision: Decision) -> tuple[Record, Champion | None]:
        """A scored record with its verdict, and the champion that it makes, if it does."""
        words = ""
        if record.arm == ARM and self.features is not None:
            adopted, change, words = self.features.trial(record, self.records)
            record = replace(record, adopted=adopted)
            incumbent = self.features.incumbent(self.records)
            self._tested = rows_of_test(record, incumbent, change, words, self.features.schema)
            if not adopted:  # chosen on rows that its predictions are also scored on: it takes part in nothing
                return replace(record, verdict="discard", verdict_reason=words), None
        assert record.score is not None
        comparison = judge.compare(record.score, self.best.score) if self.best and self.best.score else None
        champion, change = self._renewed(record, decision)
        verdict, reason = judge.verdict(comparison, change if champion is not None else None, self.floor or 0.0)
        if record.adopted:
            verdict, reason = "keep", words
        gain = max(0.0, change.gain) if change is not None and champion is not None else 0.0
        record = replace(record, verdict=verdict, verdict_reason=reason, gain=gain)
        if comparison is None or comparison.gain > 0:
            self.best = record
        return record, champion

    def measure_floor(self, one: np.ndarray, other: np.ndarray, fold: int) -> None:
        """Take in what two models of one recipe, with different seeds, predict for the validation rows of a fold."""
        ground, folds = self.ground, self.folds
        rows = folds.slots[fold]
        chosen = np.ones(len(rows), dtype=bool)
        weights = None if folds.weights is None else folds.weights[rows]
        try:
            change = judge.paired(ground.metric, ground.problem, folds.y[rows], one, other, chosen, weights)
        except MetricError:  # one class only in this fold
            return
        self.floor = judge.noise_floor(change) * float(np.sqrt(len(rows) / len(folds.rows)))
        self.ledger.set_noise_floor(self.run_id, self.floor)
        told = f"Seeds alone change the loss by about {self.floor:.2g}: no smaller gain counts."
        self.emit({"event": "noise", "floor": self.floor, "text": told})

    def sources(self, pipeline: Pipeline, own: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None) -> Sources:
        """What a pipeline that is made from others' predictions reads.

        own: for folds that are not the search's, (valid, test) predictions by those pipelines' hashes.
        """
        number = {r.pipeline.hash: r.number for r in reversed(self.records) if r.evaluation is not None}
        labels: Path | np.ndarray | None = None
        if pipeline.pseudo:
            labels = own[pipeline.pseudo][1] if own is not None else self.outputs.folds_path(number[pipeline.pseudo])
        return Sources(
            stacked=tuple(self.outputs.predictions_path(number[base]).resolve() for base in pipeline.stacked),
            own=() if own is None else tuple(own[base] for base in pipeline.stacked),
            labels=labels if not isinstance(labels, Path) else labels.resolve(),
        )

    def _fold_scores(self, decided: np.ndarray) -> list[float]:
        scores = []
        for rows in self.folds.slots:
            weights = None if self.folds.weights is None else self.folds.weights[rows]
            try:
                scores.append(float(self.ground.metric.score(self.folds.y[rows], decided[rows], weights)))
            except MetricError:  # one class only in this fold
                scores.append(float("nan"))
        return scores

    def _renewed(self, record: Record, decision: Decision) -> tuple[Champion | None, Comparison | None]:
        """The champion with this record in the pool, where it is better than the present one."""
        ground, folds = self.ground, self.folds
        metric, problem = ground.metric, ground.problem
        assert record.score is not None
        if self.champion is None:
            return Champion(Ensemble({record.number: 1.0}), record.score, decision), None
        records = pool_of(self.records, self.champion.ensemble.weights, record)
        pool = {n: r.evaluation.oof for n, r in records.items() if r.evaluation is not None}
        members = self.champion.ensemble.weights
        known = {*members, record.number}
        ensemble = select(metric, problem, folds.y, pool, folds.weights, groups=folds.shared, incumbents=known)
        if set(ensemble.weights) == set(members):
            return None, None
        blended = ensemble.blend(pool)
        if smooth_loss(metric, problem, folds.y, blended, folds.weights) >= self.champion.score.loss:
            return None, None
        decided, decision = self.decide(blended)
        score = self.score(blended, decided)
        change = judge.compare(score, self.champion.score)
        return (Champion(ensemble, score, decision) if judge.renews(change) else None), change

    def keep(self, record: Record, tested: Sequence[FeatureRow] = ()) -> None:
        """Record an experiment: predictions first, then the ledger's row with the verdicts on the features that it
        tested, then the world is told."""
        artifact = None
        if record.evaluation is not None:
            artifact = str(self.outputs.keep(record.number, record.evaluation).name)
            kept = replace(record, evaluation=self.outputs.load(record.number))  # a night's would not fit into memory
            self.best, record = kept if record is self.best else self.best, kept
        self.records.append(record)
        at = self.worked_before + time.monotonic() - self.began
        row = experiment_row(record, self._gain_in_noise(record), at, artifact)
        self.ledger.record_experiment(self.run_id, row, tested)
        self.emit(experiment_event(record))

    def _gain_in_noise(self, record: Record) -> float | None:
        """What the ensemble gained, in units of the noise of the first score; None where the experiment was cut short
        from outside, or the noise is not known."""
        unit = noise_of(self.records)
        return None if record.unfinished or not unit else round(record.gain / unit, 4)

    def dropped(self, record: Record, change: Comparison | None) -> list[FeatureRow]:
        """The ledger's rows of a group of features whose test was ended early; none for other experiments."""
        if record.arm != ARM or self.features is None:
            return []
        incumbent = self.features.incumbent(self.records)
        return rows_of_test(record, incumbent, change, record.verdict_reason, self.features.schema)

    def screened(self, result: ScreenResult) -> None:
        """Take in a screening for features, keep it and tell the ledger and the world."""
        assert self.features is not None
        step = self.features.take(result, self.records)
        row = SearchRow(
            step=result.step,
            screened=result.screened,
            passed=len(result.picks) + len(result.used),
            seconds=result.seconds,
            note="" if result.best is None else f"the best of all: {result.best.text}, z = {result.best.z:.1f}",
            parent=step.parent,
            result=result.as_dict(),
        )
        self.ledger.record_search(self.run_id, row, rows_of_step(result, self.features.schema))
        self.emit(screening_event(result))

    def recall_steps(self) -> None:
        """Take in the screenings of an earlier part of this run."""
        assert self.features is not None
        for row in self.ledger.searches(self.run_id):
            if row.parent is not None and row.result:
                self.features.steps.append(Step(row.parent, ScreenResult.from_dict(row.result)))

    def standing(self, score: Score) -> Standing | NoStanding:
        """What a cross-validated score would be worth among humans, or why that is not known."""
        return stand(score.value, self.board, "cross-validation", score.standard_error or None)
