"""The pruner: ends running experiments whose losses are behind those of an earlier experiment on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.judging.feature_trials import FeatureTrial, trial_text
from medalist.agent.judging.referee import Referee
from medalist.agent.search.jobs import Active
from medalist.competitions.errors import MetricError
from medalist.competitions.plural import count_text
from medalist.pipelines.ensembling.loss import smooth_loss

PRUNE_AFTER = 2  # finished folds from which on an experiment may be pruned
PRUNE_SHARE = 0.4  # the same for tests of features, as a share of the folds: their fits are cheap and gains small
PRUNE_MARGIN = 0.5  # mean lag beyond which it is pruned, in standard errors of the mean of the reference's fold losses
# arms whose experiments are pruned against their parent
PARENT_ARMS = (ARM, "slow", "target", "loss", "targets", "pseudo")


@dataclass(frozen=True)
class Pruner:
    """Compares a running experiment with a finished one, the reference, by the folds that are done."""

    referee: Referee

    def reference(self, proposal: Proposal, history: Sequence[Record]) -> Record | None:
        """The finished experiment that a proposal is pruned against: its parent, or for the sampler's parameters the
        family's best base model. None for proposals that are not pruned, since they may serve the ensemble whatever
        they score."""
        parent = next((r for r in history if r.number == proposal.parent), None)
        if proposal.arm in PARENT_ARMS:
            return parent if parent is not None and parent.fold_losses else None
        if not proposal.arm.startswith("tune"):
            return None
        candidates = [
            r
            for r in history
            if r.score is not None
            and r.fold_losses
            and r.pipeline.family == proposal.pipeline.family
            and not r.pipeline.bases
        ]
        return min(candidates, key=lambda r: sum(r.fold_losses), default=None)

    def loss(self, predictions: np.ndarray, fold: int) -> float:
        """The loss of a fold's model from its predictions (v, W) of the fold's validation rows; 0 where the metric is
        undefined on these, as where there is one class only."""
        data, folds = self.referee.data, self.referee.folds
        rows = folds.positions[fold]
        weights = None if folds.weights is None else folds.weights[rows]
        try:
            return smooth_loss(data.metric, data.problem, folds.y[rows], predictions, weights)
        except MetricError:
            return 0.0

    def verdict(self, active: Active) -> str | None:
        """The reason to prune an experiment now, in words; None to go on. It is pruned where its loss is worse than the
        reference's on each of the first finished folds, and by more than PRUNE_MARGIN on average; a test of features
        also where it is not adopted by its held-out folds. Sets `early_loss` of the experiment, and `trial` of a
        test."""
        reference = active.reference
        if reference is None:
            return None
        tests_features = active.proposal.arm == ARM
        if tests_features and (reason := self._rejected_early(active, reference)) is not None:
            return reason
        count = self.referee.folds.count
        reference_losses = np.asarray(reference.fold_losses)
        standard_error = (
            reference_losses.std(ddof=1) / np.sqrt(len(reference_losses)) if len(reference_losses) > 1 else np.inf
        )
        first = max(PRUNE_AFTER, int(PRUNE_SHARE * count)) if tests_features else PRUNE_AFTER
        for done in range(first, count):
            if any(k not in active.losses for k in range(done)):
                return None
            worse = np.array([active.losses[k] for k in range(done)]) - reference_losses[:done]
            if np.all(worse > 0) and worse.mean() > PRUNE_MARGIN * standard_error:
                assert reference.score is not None
                active.early_loss = float(reference.score.loss + worse.mean())
                what = "what it changes" if active.proposal.arm in PARENT_ARMS else "the best of its family"
                return f"behind {what} after {count_text(done, 'fold')}"
        return None

    def _rejected_early(self, active: Active, incumbent: Record) -> str | None:
        """The reason to end a test of features whose held-out folds are done, by which it is not adopted; None to go
        on."""
        idea = active.proposal.idea
        if idea is None or active.trial is not None:
            return None
        predictions = {k: r.valid for k, r in active.results.items()}
        try:
            comparison = self.referee.features.early_comparison(idea, incumbent, predictions)
        except MetricError:  # undefined on the rows that judge, as where they hold one class: it is tested in full
            return None
        if comparison is None:
            return None
        removal = set(active.proposal.pipeline.features) < set(incumbent.pipeline.features)
        adopted = self.referee.features.accepts(comparison, idea, removal=removal)
        active.trial = FeatureTrial(adopted, comparison, trial_text(comparison, idea, adopted=adopted), incumbent)
        if adopted:
            return None
        assert incumbent.score is not None
        active.early_loss = incumbent.score.loss - comparison.gain
        return active.trial.reason
