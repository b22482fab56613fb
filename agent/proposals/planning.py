"""Planner: the feature sets of families, and pipelines that fit into the time that is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import best_of_families, incumbent_features
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.proposals.offers import Situation
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.widths import pipeline_width, width_of
from medalist.competitions.columns.cards import ColumnCard
from medalist.pipelines.estimators.registry import FAMILIES, baseline, family
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.pipeline import Pipeline

LARGEST_SHARE = 0.45  # most of the time left that one experiment may be expected to take
LAST_QUANTILE = 0.8  # probability with which the last experiment of a run has to end in time
LONG_SHARE = 0.03  # share of the time left beyond which an experiment waits until the search for features is over
ENOUGH_FAILURES = 3  # failed experiments of a family in a row, after which it is not tried again


@dataclass
class Planner:
    """What all arms use to build a proposal: the features a family starts from, and the time an experiment takes.

    Attributes
    ----------
    cards: of the input columns.
    families: names of the estimator families that may be used.
    costs: the cost model of fits.
    n_rows, n_folds, workers: training rows, folds of an experiment, and child processes.
    seed: of every pipeline.
    features: the search for features; None where there is none.
    names: columns of whole numbers that may be names.
    """

    cards: Sequence[ColumnCard]
    families: Sequence[str]
    costs: Costs
    n_rows: int
    n_folds: int
    workers: int
    seed: int
    features: FeatureSearch | None = None
    names: tuple[str, ...] = ()

    # feature sets

    def first_features(self, name: str) -> tuple[str, ...]:
        """The feature set that a family starts with, with the features that a person forces and without forbidden
        ones."""
        steering = self.features.steering if self.features is not None else Steering()
        base = base_features(self.cards, family(name).feature_set, self.n_rows, self.names)
        kept = steering.allowed(base)
        return tuple(dict.fromkeys((*(kept or base), *steering.force)))

    def incumbent(self, history: Sequence[Record]) -> Record | None:
        """The experiment with the incumbent feature set; None before the first model."""
        return self.best(history, baseline().name) if self.features is None else incumbent_features(history)

    def with_adopted(self, features: tuple[str, ...], history: Sequence[Record]) -> tuple[str, ...]:
        """These features and those that the search for features has added to the incumbent feature set."""
        incumbent = None if self.features is None else incumbent_features(history)
        if incumbent is None:
            return features
        base = set(self.first_features(incumbent.pipeline.family))
        return tuple(dict.fromkeys((*features, *(f for f in incumbent.pipeline.features if f not in base))))

    def best_features(self, name: str, history: Sequence[Record]) -> tuple[str, ...] | None:
        """The incumbent feature set, where the family can use it and has not tried it; else the features of the
        family's best model; None where there is neither."""
        tried = [r for r in history if r.arm not in ("start", ARM) and r.pipeline.family == name]
        incumbent = self.incumbent(history)
        if FAMILIES[name].feature_set == "trees" and incumbent is not None:
            features = incumbent.pipeline.features
            if not any(r.pipeline.features == features for r in tried):
                return features
        best = self.best(tried, name)
        return None if best is None else best.pipeline.features

    # experiments

    @staticmethod
    def best(history: Sequence[Record], name: str) -> Record | None:
        """The base model of a family with the smallest loss; None where there is none."""
        return best_of_families([r for r in history if r.pipeline.family == name], [name]).get(name)

    @staticmethod
    def keeps_failing(name: str, history: Sequence[Record]) -> bool:
        """Whether the last ENOUGH_FAILURES experiments of a family have all failed. Tests of features and stacks are
        not
        counted: what fails there may be the features or the stack."""
        arms = ("start", f"portfolio:{name}", f"tune:{name}")
        recent = [r for r in history if r.pipeline.family == name and r.arm in arms and r.verdict != "running"]
        recent = recent[-ENOUGH_FAILURES:]
        return len(recent) == ENOUGH_FAILURES and all(r.error for r in recent)

    # time

    def seconds(self, pipeline: Pipeline) -> float:
        """Expected wall-clock seconds of an experiment whose folds are spread over all workers."""
        return (
            self.costs.expected_fold_seconds(pipeline, pipeline_width(pipeline, self.costs.outputs))
            * self._folds_per_worker
        )

    @property
    def _folds_per_worker(self) -> int:
        """How many folds of an experiment a worker fits one after another, at most."""
        return -(-self.n_folds // self.workers)

    def within_time(self, pipeline: Pipeline, situation: Situation) -> Pipeline | None:
        """The pipeline, of a boosted family with a higher learning rate where it would take longer than LARGEST_SHARE
        of the time left; None where it takes longer even so, or the family is not meant for so many rows."""
        fam, params = family(pipeline.family), pipeline.parameters
        if fam.max_rows is not None and self.n_rows > fam.max_rows:
            return None
        allowance = situation.seconds_left / self._folds_per_worker / self.costs.fits_per_fold(pipeline)
        width = width_of(pipeline.features, self.costs.outputs)
        chosen = self.costs.params_within(fam, width, params, LARGEST_SHARE * allowance)
        if chosen is None and situation.last:
            chosen = self.costs.params_within(fam, width, params, allowance, LAST_QUANTILE)
        if chosen is None:
            return None
        return pipeline.changed(params=chosen)

    def should_wait(self, pipeline: Pipeline, situation: Situation) -> bool:
        """Whether an experiment should not begin before the search for features is over: a long one of the baseline
        family, and any of a family that profits most from new features."""
        if not situation.searching or not np.isfinite(situation.seconds_left):
            return False
        if FAMILIES[pipeline.family].waits_for_features:
            return True
        long = self.seconds(pipeline) > LONG_SHARE * situation.seconds_left
        return long and pipeline.family == baseline().name
