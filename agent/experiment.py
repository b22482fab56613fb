"""An experiment: a pipeline that is cross-validated. A Proposal describes it before, a Record after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medalist.agent.score import Score
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline


@dataclass(frozen=True)
class Proposal:
    """An experiment to be made.

    Attributes
    ----------
    reason: why it is proposed, in words.
    parent: number of the experiment whose pipeline it changes; None where it changes none.
    arm: the bandit arm that proposes it, such as `tune:lightgbm`.
    idea: which of the arm's fixed proposals it is: the id of a portfolio entry, or the group of features that is tested
        (see `feature_ideas.py`); None for other arms.
    """

    pipeline: Pipeline
    reason: str
    parent: int | None
    arm: str
    idea: str | None = None


@dataclass(frozen=True)
class Record:
    """A finished experiment.

    Attributes
    ----------
    verdict: keep, discard, pruned, crash, timeout or memory; `verdict_reason` in words. "running": see `placeholder`.
    score, evaluation: its out-of-fold score and its predictions; None where it failed or was pruned.
    fold_scores: the metric on each fold's validation rows, decided as the whole is.
    fold_losses: the loss of each fold's model on its validation rows.
    seconds: of work, summed over its jobs.
    gain: by how much it lowered the ensemble's loss; never negative.
    error: a traceback or a sentence, where it failed.
    early_loss: the loss that a pruned experiment would have had, extrapolated from its finished folds.
    adopted: whether it was a test of features and its feature set became the incumbent one.
    keeps_fold_tests: whether the test predictions of each fold's model are on disk, beside their mean.
    """

    number: int
    proposal: Proposal
    verdict: str
    verdict_reason: str
    score: Score | None = None
    evaluation: Evaluation | None = None
    fold_scores: Sequence[float] = field(default=())
    seconds: float = 0.0
    gain: float = 0.0
    error: str | None = None
    early_loss: float | None = None
    fold_losses: tuple[float, ...] = ()
    adopted: bool = False
    keeps_fold_tests: bool = False

    @classmethod
    def placeholder(cls, proposal: Proposal) -> Record:
        """A placeholder for an experiment that still runs: verdict "running", number -1, no score."""
        return cls(-1, proposal, "running", "")

    @property
    def cut_short(self) -> bool:
        """Whether the end of the search ended it before its folds were done, so that it may be proposed again."""
        return self.verdict == "timeout" and self.error is None

    @property
    def usable(self) -> bool:
        """Whether its predictions may take part in an ensemble. Those of a test of features that were not adopted may
        not, since the features were chosen on rows that are predicted."""
        return self.arm != "features" or self.adopted

    @property
    def loss(self) -> float | None:
        """The loss that candidates are compared by, less being better; None where the experiment failed. Of a pruned
        experiment it is `early_loss`."""
        return self.early_loss if self.score is None else self.score.loss

    @property
    def pipeline(self) -> Pipeline:
        return self.proposal.pipeline

    @property
    def arm(self) -> str:
        return self.proposal.arm

    @property
    def idea(self) -> str | None:
        return self.proposal.idea


def noise_unit(history: Sequence[Record]) -> float:
    """Standard error, over blocks of rows, of the loss of the first experiment with a score: the unit of gains.

    0 where there is none, or fewer than two blocks on which its loss is defined.
    """
    first = next((r.score for r in history if r.score is not None), None)
    blocks = np.array([]) if first is None else first.blocks[np.isfinite(first.blocks)]
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks))) if len(blocks) > 1 else 0.0
