"""The memory of jobs: expected bytes of a fit at its peak, from the family's prior estimate and the fits of this run.

A fit holds its matrices, whose size is known, and what its library makes of them, which each family estimates. The
ratio of what was measured to that sum is learned for each family. Since too little memory ends a fit and too much costs
only some speed, of several ratios the largest counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from medalist.pipelines.estimators.base import FIT_ROWS
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.store import FRAME_BYTES
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.row_recipe import ADDITIONAL, row_step
from medalist.pipelines.targets.class_view import VIEWS

IDLE = 110 << 20  # bytes of a child that has done nothing yet: what its libraries have made since the fork
FLOAT = 4  # bytes of a matrix value
NUMBER = 8  # bytes of a target, a prediction or a position
VECTORS = 6  # numbers for each row beside its targets: positions, weights, and copies of the targets
PREDICTIONS = (
    4  # copies of the predictions of validation and test rows: the model's, the fold's, as sent, and one between
)
FEATURE_NUMBERS = 6  # numbers for each row of train and test while a feature is computed
RECENT = 12  # latest fits of a family that count
AGAIN = 1.05  # margin of a fit of the same pipeline
ALIKE = 1.15  # margin of a fit of another pipeline of the same family
UNSEEN = 1.3  # margin of a family that was not fitted in this run
KILLED = 1.5  # a fit that was ended for its memory is taken to need this multiple of what it held


def not_known(pipeline: Pipeline, whole: bool) -> int:  # noqa: ARG001
    """0, the bytes of a fit where no model of them is at hand."""
    return 0


@dataclass
class Seen:
    """A measured fit: what it was of, and the logarithm of its bytes divided by the prior estimate."""

    pipeline: str
    columns: int
    ratio: float


@dataclass
class Footprints:
    """Expected bytes of jobs.

    rows, valid_rows, test_rows: of a fold's fit, of its validation, and of the test table. additional_rows: of
    additional training rows. outputs: columns of a prediction (W). classes: of a class view of the target. n_targets:
    target columns. observed: the latest fits by family. prepared: the most bytes that a job
    took which fits nothing, 0 before the first.
    """

    rows: int
    valid_rows: int
    test_rows: int
    outputs: int
    n_targets: int = 1
    observed: dict[str, list[Seen]] = field(default_factory=dict)
    prepared: int = 0
    additional_rows: int = 0
    classes: int = 1

    @property
    def all_rows(self) -> int:
        """Rows of train and test."""
        return self.rows + self.valid_rows + self.test_rows

    def prior(self, pipeline: Pipeline, columns: int, rows: int | None = None) -> float:
        """The prior estimate of a fit on a matrix of `columns` columns, without what an idle child holds. rows:
        training rows, else those of a fold, of which the pipeline may take fewer."""
        n = min(self.rows if rows is None else rows, int(pipeline.parameters.get(FIT_ROWS, self.rows)))
        others = self.valid_rows + self.test_rows
        matrices = FLOAT * columns * (n + others)
        if pipeline.stacked:
            matrices += FLOAT * columns * n  # the columns of other models are appended to a copy
        if pipeline.pseudo:
            matrices += FLOAT * columns * (n + self.test_rows)
            n += self.test_rows
        if row_step(pipeline.rows, ADDITIONAL):
            matrices += FLOAT * columns * self.additional_rows
            n += self.additional_rows
        numbers = (self.n_targets + VECTORS) * (n + others) + self.n_targets * self.all_rows
        outputs = self.classes if pipeline.target in VIEWS else self.outputs
        numbers += PREDICTIONS * outputs * others
        fitted = family(pipeline.family).memory(n, columns, outputs, pipeline.parameters)
        return matrices + NUMBER * numbers + fitted

    def expected(self, pipeline: Pipeline, columns: int, rows: int | None = None) -> int:
        """Bytes that a child is expected to hold at the peak of a fit; arguments as of `prior`."""
        seen = self.observed.get(pipeline.family, [])
        same = [s.ratio for s in seen if (s.pipeline, s.columns) == (pipeline.hash, columns)]
        if same:
            factor = AGAIN * math.exp(max(same))
        else:
            factor = ALIKE * math.exp(max(s.ratio for s in seen)) if seen else UNSEEN
        return IDLE + int(factor * self.prior(pipeline, columns, rows))

    def expected_of_preparing(self) -> int:
        """Bytes that a child is expected to hold where it computes features or screens them."""
        least = IDLE + FRAME_BYTES + FEATURE_NUMBERS * NUMBER * self.all_rows
        return max(least, int(AGAIN * self.prepared))

    def most_rows(self, pipeline: Pipeline, columns: int, room: int) -> int:
        """The most training rows, up to those of a fold, with which a fit is expected to stay within `room` bytes; 0
        where it is not even with one."""
        low, high = 0, self.rows + 1
        while high - low > 1:
            middle = (low + high) // 2
            if self.expected(pipeline, columns, middle) <= room:
                low = middle
            else:
                high = middle
        return low

    def learn(self, pipeline: Pipeline, columns: int, peak: int, *, killed: bool = False) -> None:
        """Update with the bytes that a child held at the peak of a fit; killed: when it was ended for them."""
        bytes_fitted = max(1, int(KILLED * peak) if killed else peak) - IDLE
        ratio = math.log(max(bytes_fitted, 1) / self.prior(pipeline, columns))
        if killed and ratio <= math.log(self.expected(pipeline, columns) / self.prior(pipeline, columns)):
            return  # others have taken the memory
        seen = self.observed.setdefault(pipeline.family, [])
        seen.append(Seen(pipeline.hash, columns, max(ratio, math.log(0.1))))
        del seen[:-RECENT]

    def learn_preparing(self, peak: int) -> None:
        """Update with the bytes that a child held which computed or screened features."""
        self.prepared = max(self.prepared, peak)
