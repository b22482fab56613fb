"""The state of a run in memory: what was tried, what is best, and what the submission is made from."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from agent import judge
from agent.bench import FoldSet, Ground
from agent.feature_groups import ARM
from agent.feature_rows import rows_of_step, rows_of_test
from agent.feature_search import FeatureSearch, Step
from agent.judge import Comparison, Score
from agent.outputs import Outputs
from agent.record import Proposal, Record
from competitions.errors import MetricError
from leaderboard.humans import Board
from leaderboard.ledger import Ledger
from leaderboard.schema import ExperimentRow, FeatureRow, Verdict
from leaderboard.standing import Standing, stand
from pipelines.ensemble import Ensemble, select, smooth_loss
from pipelines.evaluate import Evaluation
from pipelines.features.search import ScreenResult
from pipelines.pipeline import Pipeline
from pipelines.postprocess import Decision, decide, plain_decision

Emit = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Champion:
    """The ensemble that the submission is made from, its search score and its decision."""

    ensemble: Ensemble
    score: Score
    decision: Decision


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
    board: Board | None
    emit: Emit
    began: float = field(default_factory=time.monotonic)
    worked_before: float = 0.0
    write_seconds: float = 0.0  # of the first submission: what the last one will take at least
    records: list[Record] = field(default_factory=list)
    best: Record | None = None
    champion: Champion | None = None
    features: FeatureSearch | None = None
    constant: Score | None = None
    _constant_answer: tuple[np.ndarray, Decision] | None = None
    _tested: list[FeatureRow] = field(default_factory=list)

    def write_constant(self) -> None:
        """The first valid submission: the constant that scores best. Where a resumed run has a better one, it stays."""
        ground, metric = self.ground, self.ground.metric
        began = time.monotonic()
        constant = metric.best_constant(ground.y, ground.problem.n_classes, ground.weights)
        decision = Decision("values", (-np.inf, np.inf))
        if metric.needs != "label" and ground.problem.classification:
            decision = plain_decision(metric, ground.problem, ground.y)
        in_sample = decision.apply(np.tile(constant, (len(self.folds.y), 1)))
        self.constant = self.score(self._prior(), in_sample)
        self.write_seconds = time.monotonic() - began
        self._constant_answer = np.tile(constant, (len(ground.competition.test), 1)), decision
        if self.champion is None:
            self.put_constant("the best constant, the first valid submission")
        elif not any("ensemble" in s.made_from for s in self.ledger.submissions(self.run_id)):
            self.submit()  # it was killed between an experiment's row and its submission

    def put_constant(self, reason: str) -> None:
        """Make the best constant the submission."""
        assert self.constant is not None
        assert self._constant_answer is not None
        self.put(*self._constant_answer, self.constant, {"constant": True}, reason)
        self.emit({"event": "submission", "made_from": "constant", "score": self.constant.value})

    def _prior(self) -> np.ndarray:
        """(r, W) what the targets say without any column: shares of the classes, or means."""
        y, problem = self.ground.y, self.ground.problem
        prior = y.mean(axis=0)
        if problem.problem_type == "multiclass":
            prior = np.bincount(y[:, 0].astype(int), minlength=problem.n_classes) / len(y)
        return np.tile(prior, (len(self.folds.y), 1))

    def score(self, p: np.ndarray, decided: np.ndarray, folds: FoldSet | None = None) -> Score:
        """Score of canonical predictions and what was decided from them over the evaluated rows."""
        folds, ground = folds or self.folds, self.ground
        return judge.score(ground.metric, ground.problem, folds.y, p, decided, folds.blocks, folds.weights)

    def judge(
        self,
        number: int,
        proposal: Proposal,
        evaluation: Evaluation,
        seconds: float,
        fold_losses: tuple[float, ...] = (),
    ) -> Record:
        """Score an experiment, compare it, renew the ensemble, and write the submission where that improved.

        Predictions for which the metric cannot be computed are a crash of the experiment.
        """
        try:
            record, champion = self._judged(number, proposal, evaluation, seconds, fold_losses)
        except MetricError as error:
            told = traceback.format_exc()
            record, champion = Record(number, proposal, "crash", str(error), seconds=seconds, error=told), None
        self.keep(record)
        if self._tested:
            self.ledger.add_features(self.run_id, self._tested)
            self._tested = []
        if champion is not None:
            self.champion = champion
            self.submit()
        return record

    def replay(self, rows: Sequence[ExperimentRow]) -> None:
        """Take in what an earlier part of this run has recorded; nothing is written."""
        for row in rows:
            recipe = dict(row.pipeline)
            aside = recipe.pop("aside")
            self.worked_before = float(aside["at"])
            proposal = Proposal(Pipeline.from_dict(recipe), row.reason, row.parent, aside["arm"], aside["idea"])
            if row.artifact is None:
                record = Record(
                    row.number,
                    proposal,
                    row.verdict,
                    row.verdict_reason,
                    seconds=row.seconds,
                    error=row.error,
                    early_loss=aside["early_loss"],
                )
            else:
                evaluation, losses = self.outputs.load(row.number), tuple(aside["fold_losses"])
                record, champion = self._judged(row.number, proposal, evaluation, row.seconds, losses)
                self.champion = champion or self.champion
            self._tested = []
            self.records.append(record)

    def _judged(
        self,
        number: int,
        proposal: Proposal,
        evaluation: Evaluation,
        seconds: float,
        fold_losses: tuple[float, ...],
    ) -> tuple[Record, Champion | None]:
        folds = self.folds
        metric, problem = self.ground.metric, self.ground.problem
        decided, decision = decide(metric, problem, folds.y, evaluation.oof, folds.of_row, seen=self.ground.y)
        score = self.score(evaluation.oof, decided)
        record = Record(
            number,
            proposal,
            "keep",
            "",
            score=score,
            evaluation=evaluation,
            fold_scores=self._fold_scores(decided),
            seconds=seconds,
            fold_losses=fold_losses,
        )
        words = ""
        if record.arm == ARM and self.features is not None:
            adopted, change, words = self.features.trial(record, self.records)
            record = replace(record, adopted=adopted)
            incumbent = self.features.incumbent(self.records)
            self._tested = rows_of_test(record, incumbent, change, words, self.features.schema)
            if not adopted:  # chosen on rows that its predictions are also scored on: it takes part in nothing
                return replace(record, verdict="discard", verdict_reason=words), None
        comparison = judge.compare(score, self.best.score) if self.best and self.best.score else None
        champion, change = self._renewed(record, decision)
        verdict, reason = judge.verdict(comparison, change if champion is not None else None)
        if record.adopted:
            verdict, reason = "keep", words
        gain = max(0.0, change.gain) if change is not None and champion is not None else 0.0
        record = replace(record, verdict=verdict, verdict_reason=reason, gain=gain)
        if comparison is None or comparison.gain > 0:
            self.best = record
        return record, champion

    def _fold_scores(self, decided: np.ndarray) -> list[float]:
        scores = []
        for rows in self.folds.slots:
            try:
                scores.append(float(self.ground.metric.score(self.folds.y[rows], decided[rows])))
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
        pool = {r.number: r.evaluation.oof for r in [*self.records, record] if r.evaluation is not None and r.usable}
        ensemble = select(metric, problem, folds.y, pool, folds.weights)
        if set(ensemble.weights) == set(self.champion.ensemble.weights):
            return None, None
        blended = ensemble.blend(pool)
        if smooth_loss(metric, problem, folds.y, blended, folds.weights) >= self.champion.score.loss:
            return None, None
        decided, decision = decide(metric, problem, folds.y, blended, folds.of_row, seen=ground.y)
        score = self.score(blended, decided)
        change = judge.compare(score, self.champion.score)
        return (Champion(ensemble, score, decision) if judge.renews(change) else None), change

    def keep(self, record: Record) -> None:
        """Record an experiment: predictions first, then the ledger's row, then the world is told."""
        artifact = None
        if record.evaluation is not None:
            artifact = str(self.outputs.keep(record.number, record.evaluation).name)
        self.records.append(record)
        aside = {
            "arm": record.arm,
            "idea": record.idea,
            "early_loss": record.early_loss,
            "fold_losses": list(record.fold_losses),
            "at": round(self.worked_before + time.monotonic() - self.began, 2),
        }
        self.ledger.add_experiment(
            self.run_id,
            number=record.number,
            pipeline=record.pipeline.as_dict() | {"aside": aside},
            pipeline_hash=record.pipeline.hash,
            family=record.pipeline.family,
            reason=record.proposal.reason,
            parent=record.proposal.parent,
            verdict=cast(Verdict, record.verdict),
            verdict_reason=record.verdict_reason,
            score=None if record.score is None else record.score.value,
            standard_error=None if record.score is None else record.score.standard_error,
            fold_scores=list(record.fold_scores),
            seconds=record.seconds,
            fit_seconds=0.0 if record.evaluation is None else record.evaluation.fit_seconds,
            error=record.error,
            artifact=artifact,
        )
        self.emit(
            {
                "event": "experiment",
                "number": record.number,
                "family": record.pipeline.family,
                "reason": record.proposal.reason,
                "verdict": record.verdict,
                "verdict_reason": record.verdict_reason,
                "score": None if record.score is None else record.score.value,
                "standard_error": None if record.score is None else record.score.standard_error,
                "seconds": round(record.seconds, 2),
                "error": record.error,
            }
        )

    def dropped(self, record: Record, change: Comparison | None) -> None:
        """Tell the ledger of a group of features whose test was ended early."""
        if record.arm == ARM and self.features is not None:
            incumbent = self.features.incumbent(self.records)
            rows = rows_of_test(record, incumbent, change, record.verdict_reason, self.features.schema)
            self.ledger.add_features(self.run_id, rows)

    def screened(self, result: ScreenResult) -> None:
        """Take in a screening for features, keep it and tell the ledger and the world."""
        assert self.features is not None
        step = self.features.take(result, self.records)
        self.outputs.write_json(f"work/step_{result.step}.json", {"parent": step.parent, "result": result.as_dict()})
        passed = len(result.picks) + len(result.used)
        told = "" if result.best is None else f"the best of all: {result.best.text}, z = {result.best.z:.1f}"
        self.ledger.add_search(self.run_id, result.step, result.screened, passed, result.seconds, told)
        self.ledger.add_features(self.run_id, rows_of_step(result, self.features.schema))
        self.emit(
            {
                "event": "screening",
                "step": result.step,
                "screened": result.screened,
                "explaining": [f.text for f in result.picks],
                "used_by_trees": [f.text for f in result.used],
                "idle": list(result.idle),
                "seconds": result.seconds,
            }
        )

    def recall_steps(self) -> None:
        """Take in the screenings of an earlier part of this run."""
        assert self.features is not None
        for path in sorted((self.outputs.folder / "work").glob("step_*.json"), key=lambda p: int(p.stem[5:])):
            kept = json.loads(path.read_text())
            self.features.steps.append(Step(kept["parent"], ScreenResult.from_dict(kept["result"])))

    def submit(self) -> None:
        """Write the champion's submission and note it."""
        assert self.champion is not None
        tests = {r.number: r.evaluation.test for r in self.records if r.evaluation is not None}
        prediction = self.champion.ensemble.blend(tests)
        self.write(prediction, self.champion.decision, self.champion.score, self.champion.ensemble, "a better ensemble")

    def put(
        self, prediction: np.ndarray, decision: Decision, score: Score | None, made_from: Mapping[str, Any], reason: str
    ) -> None:
        """Write a submission and tell the ledger what it was made from."""
        digest = self.outputs.submit(self.ground, prediction, decision)
        self.ledger.add_submission(
            self.run_id,
            made_from=made_from,
            path=str(self.outputs.submission),
            sha256=digest,
            score=None if score is None else score.value,
            standard_error=None if score is None else score.standard_error,
            reason=reason,
        )

    def write(self, prediction: np.ndarray, decision: Decision, score: Score, ensemble: Ensemble, reason: str) -> None:
        """Write the submission of an ensemble, and tell the world."""
        weights = {str(n): round(w, 6) for n, w in ensemble.weights.items()}
        decided = {"kind": decision.kind, "numbers": list(decision.numbers)}
        self.put(prediction, decision, score, {"ensemble": weights, "decision": decided}, reason)
        standing = self.standing(score)
        self.emit(
            {
                "event": "submission",
                "made_from": weights,
                "score": score.value,
                "standard_error": score.standard_error,
                "percentile": None if standing is None else standing.percentile,
                "medal": None if standing is None else standing.medal,
            }
        )

    def standing(self, score: Score) -> Standing | None:
        """What a cross-validated score would be worth among humans, where a leaderboard is known."""
        if self.board is None:
            return None
        return stand(score.value, self.board, "cross-validation", score.standard_error or None)
