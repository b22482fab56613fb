"""Makes a submission again from its lineage: experiments on the folds of the search, the fits of the close, the blend.

Each step is compared with what the lineage has recorded of it, so that a difference shows where it begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalist.agent.config import RunConfig
from medalist.agent.folds import FoldSet
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.judging.referee import Referee
from medalist.agent.lineage.refit import Key, Recorded, Refitter, in_order
from medalist.agent.records.contents import best_constant, contents_of
from medalist.agent.run_data import RunData
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.hashing import array_hash

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """A step that was made again, in words, with the recorded and the new hash of its result; None where there is no
    recorded one."""

    what: str
    then: str | None
    now: str

    @property
    def equal(self) -> bool | None:
        """Whether the result is the recorded one; None where that is not known."""
        return None if not self.then else self.then == self.now


@dataclass
class Remaker:
    """Makes the submission of a lineage's entry again.

    data: read from the raw files. document: the run's lineage. folds: of the search. on_step: is called with each step.
    later: number of rows that are predicted after the test rows, of which the lineage knows nothing. steps: all that
    were made so far.
    """

    data: RunData
    document: Document
    folds: FoldSet
    refitter: Refitter
    on_step: Callable[[Step], None]
    later: int = 0
    steps: list[Step] = field(default_factory=list)

    def step(self, what: str, then: str | None, now: str) -> None:
        """Note a step."""
        self.steps.append(Step(what, then, now))
        self.on_step(self.steps[-1])

    def submission(self, made: Document) -> bytes:
        """The bytes of the submission of an entry of the lineage."""
        prediction, decision = self.predicted(made)
        if "prediction" in made:
            self.step("the blend of the test predictions", made["prediction"], self._hash(prediction))
        contents = contents_of(self.data, prediction, decision)
        self.step("submission.csv", made["sha256"], hashlib.sha256(contents).hexdigest())
        return contents

    def _hash(self, predictions: np.ndarray) -> str:
        """The hash of the predictions of the test rows, without those of later rows."""
        return array_hash(predictions[: len(predictions) - self.later])

    def predicted(self, made: Document) -> tuple[np.ndarray, Decision]:
        """Canonical predictions (m, W) of the test rows and the later ones, and the decision by which they are
        submitted."""
        if made["kind"] == "constant":
            constant, decision = best_constant(self.data)
            return np.tile(constant, (len(self.data.competition.test) + self.later, 1)), decision
        if made["kind"] == "first fold":
            return self._first_fold(made), plain_decision(self.data.metric, self.data.problem, self.data.y)
        experiments = {int(n): Recorded.of(int(n), d) for n, d in self.document["experiments"].items()}
        ensemble = Ensemble({int(n): w for n, w in made["ensemble"]}, made["space"])
        needed = in_order(needed_experiments(experiments, ensemble))
        evaluations = {one.number: self._evaluated(one) for one in needed}
        decision = self._decision(ensemble, evaluations, made)
        tests = {n: evaluations[n].test for n in ensemble.weights}
        if "refits" in made:
            refits = self._refits(needed, evaluations, made["refits"])
            tests = {n: refits[n] for n in tests} if set(tests) <= set(refits) else tests
        for place, draw in enumerate(made.get("draws", ())):
            tests = self._with_draw(tests, place, draw, needed, evaluations)
        models = {n: _mean(found) for n, found in tests.items()} if made.get("draws") else tests
        return ensemble.blend(models), decision

    def _first_fold(self, made: Document) -> np.ndarray:
        one = Recorded.of(0, {"pipeline": made["pipeline"]})
        fit, fold = FitRecord.from_dict(made["fit"]), int(made["fold"])
        result = self.refitter.run([self.refitter.job("fold", one, fold, fit, self.folds.path)])[0, fold]
        self._inputs("the inputs of the first fold", [fit], [result])
        return result.test

    def _evaluated(self, one: Recorded) -> Evaluation:
        """The experiment on the folds of the search."""
        recorded = self.document["experiments"][str(one.number)]
        evaluation, results = self.refitter.evaluate(one, self.folds, last_only=self.data.refit)
        name = f"#{one.number} {one.pipeline.family}"
        self._inputs(f"{name}: features and targets of its {len(results)} folds", one.fits, results)
        self.step(f"{name}: out-of-fold predictions", recorded.get("oof"), evaluation.hashes[0])
        self.step(f"{name}: test predictions", recorded.get("test"), self._hash(evaluation.test))
        return evaluation

    def _inputs(self, what: str, then: list[FitRecord] | Any, now: list[FoldResult]) -> None:
        recorded = " ".join(fit.inputs for fit in then)
        self.step(what, _short(recorded) if recorded.strip() else None, _short(" ".join(r.record.inputs for r in now)))

    def _decision(self, ensemble: Ensemble, evaluations: Mapping[int, Evaluation], made: Document) -> Decision:
        """The decision as it is fitted on the out-of-fold predictions of the members."""
        config = RunConfig.model_validate(self.document["config"])
        judge = FeatureJudge(self.data, self.folds, config.seed)
        referee = Referee(self.data, self.folds, judge, config.postprocessing)
        decision = referee.champion_of(ensemble, {n: e.oof for n, e in evaluations.items()}).decision
        then = made["decision"]
        recorded = _short(repr((then["kind"], tuple(map(float, then["numbers"])))))
        now = _short(repr((decision.kind, tuple(map(float, decision.numbers)))))
        self.step(f"the decision ({decision.kind})", recorded, now)
        return decision

    def _refits(
        self, needed: list[Recorded], evaluations: Mapping[int, Evaluation], recorded: Document
    ) -> dict[int, np.ndarray]:
        """Test predictions (m, W) of the fits on all rows, by number."""
        numbers = {one.number for one in needed}
        fits = {int(n): {0: FitRecord.from_dict(d)} for n, d in recorded.items() if int(n) in numbers}
        done = self._fresh("full", needed, evaluations, fits, None)
        tests = {n: done[n, 0].test for n in fits}
        for n, test in tests.items():
            self.step(f"#{n}: fitted on all rows", recorded[str(n)].get("test"), self._hash(test))
        return tests

    def _with_draw(
        self,
        tests: Mapping[int, Any],
        place: int,
        draw: Document,
        needed: list[Recorded],
        evaluations: Mapping[int, Evaluation],
    ) -> dict[int, Any]:
        """The test predictions of each member so far, as (number of models, their mean), and those of a draw."""
        if not place:
            tests = {n: [(self.folds.count, test)] for n, test in tests.items()}
        folds = self.data.folds(f"fresh_{place}", draw["seed"], draw["count"], draw["repeats"])
        assert folds.drawn is not None
        self.step(f"fresh folds, draw {place + 1}", draw["sha256"], folds.drawn.sha256)
        numbers = {one.number for one in needed}  # others were fitted too, and not chosen
        fits = {
            int(n): {int(k): FitRecord.from_dict(d) for k, d in of_fold.items()}
            for n, of_fold in draw["fits"].items()
            if int(n) in numbers
        }
        done = self._fresh("fold", needed, evaluations, fits, folds)
        joined = dict(tests)
        for n, of_fold in fits.items():
            mean = np.mean([done[n, k].test for k in sorted(of_fold)], axis=0)
            self.step(
                f"#{n}: {len(of_fold)} fresh folds, draw {place + 1}", draw["tests"].get(str(n)), self._hash(mean)
            )
            if n in joined:
                joined[n] = [*joined[n], (len(of_fold), mean)]
        return joined

    def _fresh(
        self,
        kind: Any,
        needed: list[Recorded],
        evaluations: Mapping[int, Evaluation],
        fits: Mapping[int, Mapping[int, FitRecord]],
        folds: FoldSet | None,
    ) -> dict[Key, FoldResult]:
        """Fits without early stopping, for the mean number of rounds of the search, each after its bases."""
        done: dict[Key, FoldResult] = {}
        path = None if folds is None else folds.path
        for stage in _stages([one for one in needed if one.number in fits]):
            jobs = []
            for one in stage:
                for k, fit in fits[one.number].items():
                    of_bases = {h: done[n, k] for h, n in one.bases.items()} if one.bases else None
                    sources, rounds = self.refitter.sources(one, of_bases), evaluations[one.number].mean_rounds
                    jobs.append(self.refitter.job(kind, one, k, fit, path, rounds=rounds, sources=sources))
            done |= self.refitter.run(jobs)
        return done


def needed_experiments(experiments: Mapping[int, Recorded], ensemble: Ensemble) -> dict[int, Recorded]:
    """The ensemble's experiments and those that they are fitted on."""
    found: dict[int, Recorded] = {}
    waiting = list(ensemble.weights)
    while waiting:
        one = experiments[waiting.pop()]
        if one.number not in found:
            found[one.number] = replace(one)
            waiting += one.bases.values()
    return found


def _stages(ordered: list[Recorded]) -> list[list[Recorded]]:
    """The experiments in stages: those of each are fitted on those of earlier stages alone."""
    level: dict[int, int] = {}
    for one in ordered:
        level[one.number] = 1 + max((level.get(n, -1) for n in one.bases.values()), default=-1)
    return [[one for one in ordered if level[one.number] == k] for k in sorted(set(level.values()))]


def _mean(models: Any) -> np.ndarray:
    """The mean (m, W) of test predictions, weighted by the numbers of models that they are means of."""
    return np.asarray(np.average([test for _, test in models], axis=0, weights=[count for count, _ in models]))


def _short(text: str) -> str:
    """A hash of a text that is too long to be shown."""
    return hashlib.sha256(text.encode()).hexdigest()
