"""Admission: what an experiment may take of the memory, decided before it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from medalist.agent.experiment import Proposal
from medalist.agent.feature_ideas import ARM
from medalist.agent.workers.allowance import size_text
from medalist.agent.workers.footprints import Footprints
from medalist.agent.workers.pool import WorkerPool
from medalist.agent.workers.widths import pipeline_width
from medalist.pipelines.estimators.base import FIT_ROWS

LEAST_SHARE = 0.1  # least share of the training rows that an experiment is fitted on
LEAST_ROWS = 2000  # least such rows, where there are as many
TOO_LARGE: Literal["memory"] = "memory"  # status of an experiment that is refused, or was killed, for its memory


@dataclass(frozen=True)
class Admission:
    """Decides, by what a fit is expected to take, whether an experiment runs as it is, is made smaller or is refused.

    What needs more than an equal share of the memory runs beside fewer others, or alone: the pool sees to it (see
    `WorkerPool.has_room`). What needs more than all of it is fitted on a random sample of its training rows, the same
    in each repetition; where even LEAST_SHARE of them is too much, it is refused.
    """

    workers: WorkerPool
    footprints: Footprints

    def admitted(self, proposal: Proposal) -> Proposal | str:
        """The proposal as it may run, or the reason why it may not."""
        pipeline, room = proposal.pipeline, self.workers.room
        columns = pipeline_width(pipeline, self.footprints.outputs)
        needed = self.footprints.expected(pipeline, columns)
        if needed <= room:
            return proposal
        would = f"would need {size_text(needed)} of {size_text(room)}"
        rows = self.footprints.rows
        fewer = rounded(self.footprints.most_rows(pipeline, columns, room))
        if fewer < max(LEAST_SHARE * rows, min(LEAST_ROWS, rows)):
            return f"refused before it started: it {would}, and too much even on {LEAST_SHARE:.0%} of the rows"
        if proposal.arm == ARM:
            return f"refused before it started: it {would}, and on fewer rows it could not be compared"
        smaller = pipeline.changed(params=pipeline.parameters | {FIT_ROWS: fewer})
        reason = f"{proposal.reason}; on {fewer:,} of {rows:,} rows, since it {would}"
        return replace(proposal, pipeline=smaller, reason=reason)

    def runs_alone(self, needed: int) -> bool:
        """Whether a job of so many bytes leaves no room for another one of an equal share."""
        return self.workers.count > 1 and needed + self.workers.room // self.workers.count > self.workers.room


def rounded(rows: int) -> int:
    """A number of rows, down to two digits, so that small changes of the memory change nothing."""
    power = max(0, len(str(rows)) - 2)
    return int(rows // 10**power * 10**power)
