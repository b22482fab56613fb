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
from medalist.agent.feature_ideas import ARM, is_single, step_of, was_screened
from medalist.agent.folds import FoldSet
from medalist.agent.history import incumbent_features
from medalist.agent.run_data import RunData
from medalist.agent.score import Comparison
from medalist.competitions.errors import MetricError

SINGLES = (
    6  # most single features of a screening that are tested; their significance level is divided by it (Bonferroni)
)
ADOPT_P_VALUE = 0.0125  # p-value of the gain on held-out rows below which a group of features is adopted
PICKS_P_VALUE = 0.1  # the same for a group whose features were each significant in the screening already
REMOVE_Z = -0.25  # gain in standard errors above which a removal is adopted: fewer columns are worth a little
UNDECIDED_Z = 1.0  # gain in standard errors from which features that were not adopted may be screened again
HELD_SHARE = 0.4  # share of the rows held out of a screening where there are fewer than LEAST_FOLDS folds
LEAST_FOLDS = 4  # folds of which two may be held out of a screening


@dataclass(frozen=True)
class FeatureTrial:
    """The outcome of a test of a change of the feature set.

    adopted: whether the changed set becomes the incumbent one. comparison: with the experiment `incumbent`,
    on the rows that judge; None where there was none. reason: in words.
    """

    adopted: bool
    comparison: Comparison | None
    reason: str
    incumbent: Record | None


@dataclass(frozen=True)
class FeatureJudge:
    """Chooses the rows that are held out of each screening, and compares on them what the screening proposes with the
    incumbent feature set. `step` is the number of a screening, from 0; `seed` draws the rows where they are random."""

    data: RunData
    folds: FoldSet
    seed: int = 0

    def held_out(self, step: int) -> np.ndarray:
        """(r,) whether each evaluated row is held out of a screening: the rows of two folds, other ones in the next
        step. With fewer than LEAST_FOLDS folds a random HELD_SHARE of the rows, or of the groups where there are
        groups."""
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
        """Numbers of the two folds whose validation rows are the held-out rows of a step; () where the held-out rows
        are drawn at random, or cross-validation is repeated, so that a row is in several folds."""
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
        """The comparison of a running test with the incumbent on the held-out rows, as soon as the held-out folds are
        done; None before, and where the held-out rows are not whole folds (see `held_out_folds`).

        predictions: predictions (v, W) of the validation rows, by finished fold. Raises MetricError where the metric
        is undefined on the held-out rows.
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

    def accepts(self, comparison: Comparison, idea: str, *, removal: bool) -> bool:
        """Whether a change of the feature set is adopted, by its comparison on the held-out rows. `idea` is the name of
        the test (see `feature_ideas.py`); removal: whether it only removes features."""
        if removal and comparison.standard_error == 0:
            return comparison.gain >= 0
        if removal:
            return comparison.z > REMOVE_Z
        return comparison.in_every_fold and comparison.p_value < p_value_asked(idea)

    def leaves_open(self, record: Record, history: Sequence[Record]) -> bool:
        """Whether a finished test, whose features were not adopted, leaves open that they help: on the rows that judged
        them they gained more than UNDECIDED_Z standard errors. So another screening, which holds out other rows, may
        propose them again. `history` has the experiments before it, and may have others."""
        if record.arm != ARM or record.evaluation is None or record.idea is None or not was_screened(record.idea):
            return False
        incumbent = incumbent_features([r for r in history if r.number < record.number])
        if incumbent is None or incumbent.evaluation is None:
            return False
        try:
            return self.compare(record, incumbent, step_of(record.idea)).z > UNDECIDED_Z
        except MetricError:
            return False

    def compare(self, record: Record, incumbent: Record, step: int | None) -> Comparison:
        """A finished experiment compared with the incumbent, paired on the rows held out of a step; on all rows where
        `step` is None, since no screening chose its features. MetricError where the metric is undefined on them."""
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
        """The outcome of a finished test of features; `history` are the experiments before it. Nothing is adopted where
        the metric is undefined on the rows that judge, as AUC is where they hold one class only."""
        incumbent = incumbent_features(history)
        if incumbent is None or record.idea is None:
            return FeatureTrial(False, None, "there is no model to compare with", incumbent)
        try:
            comparison = self.compare(record, incumbent, step_of(record.idea) if was_screened(record.idea) else None)
        except MetricError as error:
            return FeatureTrial(False, None, f"the rows that did not choose them cannot judge them: {error}", incumbent)
        parent = next((r for r in history if r.number == record.proposal.parent), incumbent)
        features = set(record.pipeline.features)  # a group that a larger one has overtaken removes nothing
        removal = features < set(incumbent.pipeline.features) and features < set(parent.pipeline.features)
        adopted = self.accepts(comparison, record.idea, removal=removal)
        return FeatureTrial(adopted, comparison, trial_text(comparison, record.idea, adopted=adopted), incumbent)


def p_value_asked(idea: str) -> float:
    """The p-value of the gain below which the features of a test are adopted; `idea` is its name."""
    return PICKS_P_VALUE if idea.endswith(":picks") else ADOPT_P_VALUE / (SINGLES if is_single(idea) else 1)


def trial_text(comparison: Comparison, idea: str, *, adopted: bool) -> str:
    """The outcome of a test of features as a sentence: the gain in loss with its standard error, and where it is
    positive and was not adopted, why. `idea` is the name of the test."""
    text = f"{comparison.gain:+.5g} ± {comparison.standard_error:.2g} on rows that did not choose them"
    if adopted or comparison.gain <= 0:
        return text
    if not comparison.in_every_fold:
        return f"{text}; not adopted, since it gains in some folds and loses in another, which is chance"
    chance, asked = comparison.p_value, p_value_asked(idea)
    return f"{text}; within the noise: its p-value is {chance:.2g}, and less than {asked:.2g} is asked"
