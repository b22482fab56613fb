"""An experiment before and after: a proposal with its reason, and a record with its evaluation and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medalist.agent.score import Score
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline


@dataclass(frozen=True)
class Proposal:
    """A pipeline, why it is proposed, the experiment that it changes, and the arm of the policy that it comes from."""

    pipeline: Pipeline
    reason: str
    parent: int | None
    arm: str
    idea: str | None = None


@dataclass(frozen=True)
class Record:
    """A finished experiment. `score` and `evaluation` are None where it failed.

    `gain` is what the ensemble's loss improved by, never negative. `early_loss` is the loss that a pruned experiment
    was heading for, by its folds so far; `fold_losses` are those of each fold's model by itself. `adopted` says that
    its features took the place of the best known ones, `keeps_fold_tests` that the test predictions of each fold's
    model are kept beside their mean.
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
    def under_way(cls, proposal: Proposal) -> Record:
        """What stands for an experiment that still runs, so that it is not proposed again."""
        return cls(-1, proposal, "running", "")

    @property
    def cut_short(self) -> bool:
        """Whether it was ended from outside, by the close of the search, and may be tried again."""
        return self.verdict == "timeout" and self.error is None

    @property
    def usable(self) -> bool:
        """Whether its predictions may take part in an ensemble: those of a feature group that was not taken over may
        not, since its features were chosen on rows that they predict."""
        return self.arm != "features" or self.adopted

    @property
    def loss(self) -> float | None:
        """The loss that candidates are compared by, less being better; None where the experiment told nothing."""
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


def noise_of(history: Sequence[Record]) -> float:
    """Standard error of the first scored record's loss: the unit in which gains are measured; 0 where there is none."""
    first = next((r.score for r in history if r.score is not None), None)
    blocks = np.array([]) if first is None else first.blocks[np.isfinite(first.blocks)]
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks))) if len(blocks) > 1 else 0.0
