"""Ending experiments early that fall behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.proposals.features import in_words
from medalist.agent.search.jobs import Active
from medalist.agent.search.session import Session
from medalist.competitions.errors import MetricError
from medalist.pipelines.ensembling.loss import smooth_loss

PRUNE_AFTER = 2  # folds
PRUNE_SHARE = 0.4  # of the folds, for features: fits are cheap, and their gains small
PRUNE_MARGIN = 0.5  # of the standard error of the mean of the best pipeline's fold losses
CHANGES = (ARM, "slow", "target", "loss", "targets", "pseudo")  # arms whose experiments have to beat what they change


@dataclass(frozen=True)
class Race:
    """Fold by fold against an earlier experiment."""

    session: Session

    def rival(self, proposal: Proposal, seen: Sequence[Record]) -> Record | None:
        """The record to be pruned against, of those seen: the one that is changed, or for parameters from the sampler
        the family's best; None for what is worth having however it does."""
        parent = next((r for r in seen if r.number == proposal.parent), None)
        if proposal.arm in CHANGES:  # whatever is tuned by now, this one changes its parent alone
            return parent if parent is not None and parent.fold_losses else None
        if not proposal.arm.startswith("tune"):
            return None
        rivals = [
            r
            for r in seen
            if r.score is not None
            and r.fold_losses
            and r.pipeline.family == proposal.pipeline.family
            and not r.pipeline.bases
        ]
        return min(rivals, key=lambda r: sum(r.fold_losses), default=None)

    def loss(self, predictions: np.ndarray, fold: int) -> float:
        """Loss of a fold's model by itself: predictions (v, W) of its validation rows."""
        ground, folds = self.session.ground, self.session.folds
        rows = folds.slots[fold]
        weights = None if folds.weights is None else folds.weights[rows]
        try:
            return smooth_loss(ground.metric, ground.problem, folds.y[rows], predictions, weights)
        except MetricError:  # one class only in this fold
            return 0.0

    def hopeless(self, active: Active, rival: Record) -> str | None:
        """Why to stop early: the folds so far, taken in order, are all worse and clearly so."""
        if active.proposal.arm == ARM and (told := self._refuted(active, rival)) is not None:
            return told
        bar = np.asarray(rival.fold_losses)
        margin = PRUNE_MARGIN * bar.std(ddof=1) / np.sqrt(len(bar)) if len(bar) > 1 else np.inf
        after = (
            max(PRUNE_AFTER, int(PRUNE_SHARE * self.session.folds.count)) if active.proposal.arm == ARM else PRUNE_AFTER
        )
        for done in range(after, self.session.folds.count):
            if any(k not in active.losses for k in range(done)):
                return None
            worse = np.array([active.losses[k] for k in range(done)]) - bar[:done]
            if np.all(worse > 0) and worse.mean() > margin:
                assert rival.score is not None
                active.early_loss = float(rival.score.loss + worse.mean())
                what = "what it changes" if active.proposal.arm in CHANGES else "the best of its family"
                return f"behind {what} after {done} folds"
        return None

    def _refuted(self, active: Active, parent: Record) -> str | None:
        """Why a group of features need not be fitted on further folds: those that judge it are done, and it failed."""
        search, idea = self.session.features, active.proposal.idea
        if search is None or idea is None or active.change is not None:
            return None
        active.change = search.early(idea, parent, {k: r.valid for k, r in active.results.items()})
        if active.change is None:
            return None
        fewer = set(active.proposal.pipeline.features) < set(parent.pipeline.features)
        if search.enough(active.change, idea, fewer=fewer):
            return None
        assert parent.score is not None
        active.early_loss = parent.score.loss - active.change.gain
        return in_words(active.change, taken=False)
