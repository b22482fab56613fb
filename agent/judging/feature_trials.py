"""Whether a change of the feature set is adopted: paired tests on rows that the screening did not see.

A screening chooses among thousands of candidates; on the rows that it saw, the best of them gain by chance alone. So a
part of the rows is held out of each screening, and the features that it proposes are compared with the incumbent
feature set on these rows only (by cross-validation: the predictions are out of fold as well).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalist.agent import score as scoring
from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import is_single, step_of, was_screened
from medalist.agent.folds import FoldSet
from medalist.agent.history import incumbent_features
from medalist.agent.run_data import RunData
from medalist.agent.score import Comparison
from medalist.competitions.errors import MetricError

SINGLES = 6  # single features of a screening that are tested at most: the level of their test is divided by it
ADOPT_P_VALUE = 0.0125  # p-value of the gain on held-out rows below which a group of features is adopted
PICKS_P_VALUE = 0.1  # the same for a group whose features were each significant in the screening already
REMOVE_Z = (
    -0.25
)  # least gain, in standard errors, for which a removal is adopted: fewer columns are a gain in themselves
HELD_SHARE = 0.4  # share of the rows held out of a screening where folds are too few to hold out two of them
LEAST_FOLDS = 4  # folds from which on two of them are held out


@dataclass(frozen=True)
class FeatureTrial:
    """The outcome of a test of features: whether they are adopted, the comparison with the incumbent feature set (None
    where there is none), the reason in words, and the experiment that they were compared with."""

    adopted: bool
    change: Comparison | None
    reason: str
    incumbent: Record | None


@dataclass(frozen=True)
class FeatureJudge:
    """Holds rows out of each screening, and tests on them what the screening proposes. `seed` draws these rows."""

    data: RunData
    folds: FoldSet
    seed: int = 0

    def held_out(self, step: int) -> np.ndarray:
        """(r,) whether each evaluated row is held out of a screening: the rows of two folds, another two in each step;
        with few folds a random share, of whole groups or spans of time where the folds hold out such."""
        count = int(self.folds.fold_of_row.max()) + 1
        if count >= LEAST_FOLDS:
            return np.isin(self.folds.fold_of_row, self._two_folds(step, count))
        rng = np.random.default_rng(self.seed * 1009 + step)
        if self.folds.groups is not None:
            codes = np.unique(self.folds.groups, return_inverse=True)[1]
            groups = int(codes.max(initial=0)) + 1
            if groups > 1:
                held = int(np.clip(round(HELD_SHARE * groups), 1, groups - 1))
                return np.isin(codes, rng.permutation(groups)[:held])
        return rng.random(len(self.folds.rows)) < HELD_SHARE

    def held_out_folds(self, step: int) -> tuple[int, ...]:
        """Numbers of the folds whose rows are the held-out rows of a step; () where these are no whole folds, or where
        folds are drawn several times."""
        count = int(self.folds.fold_of_row.max()) + 1
        if count < LEAST_FOLDS or count != self.folds.count:
            return ()
        return tuple(dict.fromkeys(self._two_folds(step, count)))

    @staticmethod
    def _two_folds(step: int, count: int) -> list[int]:
        return [(2 * step) % count, (2 * step + 1) % count]

    def early_comparison(
        self, idea: str, incumbent: Record, predictions: Mapping[int, np.ndarray]
    ) -> Comparison | None:
        """The comparison of a test with the incumbent as soon as the held-out folds are done; None before, and where
        the held-out rows are no whole folds.

        predictions: out-of-fold predictions (v, W) by fold. MetricError where the metric is undefined on these rows.
        """
        step = step_of(idea)
        folds = self.held_out_folds(step)
        if not was_screened(idea) or not folds or any(k not in predictions for k in folds):
            return None
        assert incumbent.evaluation is not None
        candidate = incumbent.evaluation.oof.copy()
        for k in folds:
            candidate[self.folds.positions[k]] = predictions[k]
        return self._compare(candidate, incumbent.evaluation.oof, self.held_out(step))

    def accepts(self, change: Comparison, idea: str, *, removal: bool) -> bool:
        """Whether a comparison on held-out rows lets a change of the feature set be adopted."""
        if removal and change.standard_error == 0:
            return change.gain >= 0
        if removal:
            return change.z > REMOVE_Z
        chance = PICKS_P_VALUE if idea.endswith(":picks") else ADOPT_P_VALUE / (SINGLES if is_single(idea) else 1)
        return change.in_every_fold and change.p_value < chance

    def compare(self, record: Record, incumbent: Record, step: int | None) -> Comparison:
        """An experiment against the incumbent, paired on the rows held out of a step; on all rows where no screening
        chose its features (`step` None). MetricError where the metric is undefined on these rows."""
        assert record.evaluation is not None
        assert incumbent.evaluation is not None
        chosen = np.ones(len(self.folds.y), dtype=bool) if step is None else self.held_out(step)
        return self._compare(record.evaluation.oof, incumbent.evaluation.oof, chosen)

    def _compare(self, candidate: np.ndarray, incumbent: np.ndarray, chosen: np.ndarray) -> Comparison:
        return scoring.paired(
            self.data.metric,
            self.data.problem,
            self.folds.y,
            incumbent,
            candidate,
            chosen,
            self.folds.weights,
            self.folds.groups,
            clusters=self.folds.clusters,
        )

    def judge(self, record: Record, history: Sequence[Record]) -> FeatureTrial:
        """The outcome of a finished test of features, given the experiments before it. Nothing is adopted where the
        metric is undefined on the rows that judge, as AUC is where these hold one class only."""
        incumbent = incumbent_features(history)
        if incumbent is None or record.idea is None:
            return FeatureTrial(False, None, "there is no model to compare with", incumbent)
        try:
            change = self.compare(record, incumbent, step_of(record.idea) if was_screened(record.idea) else None)
        except MetricError as error:
            return FeatureTrial(False, None, f"the rows that did not choose them cannot judge them: {error}", incumbent)
        parent = next((r for r in history if r.number == record.proposal.parent), incumbent)
        features = set(record.pipeline.features)  # a group that a larger one has overtaken removes nothing
        removal = features < set(incumbent.pipeline.features) and features < set(parent.pipeline.features)
        adopted = self.accepts(change, record.idea, removal=removal)
        return FeatureTrial(adopted, change, trial_text(change, adopted=adopted), incumbent)


def trial_text(change: Comparison, *, adopted: bool) -> str:
    """The outcome of a test of features, for people: the gain in loss with its standard error, and why it is not
    enough where it is not."""
    text = f"{change.gain:+.5g} ± {change.standard_error:.2g} on rows that did not choose them"
    if adopted or change.gain <= 0:
        return text
    return text + ("; within the noise" if change.in_every_fold else "; not in each fold")
