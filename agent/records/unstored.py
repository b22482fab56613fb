"""Predictions that a full disk had no room for: they wait in memory, and are stored once there is room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from medalist.agent.records.predictions import Predictions
from medalist.agent.score import Score
from medalist.competitions.atomic import disk_is_full
from medalist.pipelines.fitting.evaluation import Evaluation


@dataclass
class Unstored:
    """Stores evaluations, and those that could not be stored before them.

    predictions: the folder of a run. note: called with a sentence for people. waiting: the evaluations that are only in
    memory, with their scores, by number; where the run ends before there is room, they are lost, and a resumed run
    says so.
    """

    predictions: Predictions
    note: Callable[[str], None]
    waiting: dict[int, tuple[Evaluation, Score | None]] = field(default_factory=dict)

    def store(self, number: int, evaluation: Evaluation, score: Score | None = None) -> bool:
        """Store the predictions of an experiment; whether they are on disk. Raises OSError where that fails for another
        reason than a full disk."""
        waited = bool(self.waiting)
        self.waiting[number] = evaluation, score
        self.try_again()
        if self.waiting and not waited:
            self.note(
                f"The disk of {self.predictions.folder} is full: the run goes on, and its predictions wait for room."
            )
        return number not in self.waiting

    def try_again(self) -> None:
        """Store what waits, as far as there is room."""
        waited = len(self.waiting) > 1
        for number in sorted(self.waiting):
            try:
                self.predictions.keep(number, *self.waiting[number])
            except OSError as error:
                if not disk_is_full(error):
                    raise
                return
            del self.waiting[number]
        if waited:
            self.note("The disk has room again, and has all predictions that waited for it.")
