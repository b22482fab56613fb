"""How many folds a run can afford, and how much memory it takes, by prior estimates."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pandas as pd

from medalist.agent.budget import Budget
from medalist.agent.proposals.policy import Policy
from medalist.agent.run.audit import MOST_CELLS
from medalist.agent.run_data import RunData
from medalist.agent.search.admission import LEAST_ROWS, LEAST_SHARE
from medalist.agent.workers.allowance import size_text
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.footprints import Footprints
from medalist.agent.workers.widths import pipeline_width, width_of
from medalist.competitions.errors import BudgetError, InputError
from medalist.competitions.tables.archive import list_sources
from medalist.competitions.tables.contents import CSV_SUFFIXES
from medalist.competitions.tables.reading import LARGE_BYTES
from medalist.pipelines.estimators.registry import baseline
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.targets.class_view import count_classes

LIBRARIES = 300 << 20  # bytes of the agent's process and the fork server without any data
FRAMES = 1.15  # bytes of the tables in memory, with what lies between them, by those of their columns
JUDGING = 8.0  # bytes of a number that the agent computes with
JUDGED = 6  # such numbers for each training row and column of predictions while an experiment is judged
AUDITED_BYTES = 16  # bytes of the audit's process for each cell that it looks at
READ_SHARE = 0.8  # least bytes of a table in memory for each byte of its text
KEPT = 5  # such numbers for each row: targets, folds, blocks, positions
TRAIN_SHARE = 0.8  # share of the rows that a fold's model is fitted on, for first guesses of costs
FEW_ROWS = 3000  # training rows below which cross-validation is repeated: scores are noisy and fits are cheap
MOST_REPEATS = 3  # most repetitions of the cross-validation
REPEATS_SHARE = 0.05  # most of the budget for one usual model on all folds of all repetitions
FIRST_SHARE = 0.12  # most of the budget for the cross-validation of the first model


def own_bytes(data: RunData) -> int:
    """Bytes that the agent itself is expected to hold at most, the fork server and the audit included: the tables, and
    what it takes to judge an experiment."""
    competition, width = data.competition, data.problem.width
    frames = sum(_bytes_of(frame) for frame in (competition.train, competition.test))
    numbers = len(data.y) * (JUDGED * width + KEPT) + len(competition.test) * JUDGED * width
    audited = AUDITED_BYTES * min(MOST_CELLS, competition.train.size + competition.test.size)
    return LIBRARIES + int(FRAMES * frames + JUDGING * numbers + audited)


def _bytes_of(frame: pd.DataFrame) -> int:
    """Bytes of a table's columns; those of Python objects without the objects."""
    return int(frame.memory_usage(index=False).sum())


def footprints_of(data: RunData) -> Footprints:
    """The model of the jobs' memory, before the folds are drawn."""
    rows = int(len(data.y) * TRAIN_SHARE)
    problem = data.problem
    return Footprints(
        rows, len(data.y) - rows, len(data.competition.test), problem.width, problem.n_targets,
        additional_rows=data.n_additional, classes=count_classes(problem, data.y),
    )  # fmt: skip


def usual_bytes(data: RunData, footprints: Footprints) -> int:
    """Bytes that a fit of the usual family on the columns as they are is expected to take."""
    usual = baseline()
    return footprints.expected(Pipeline.of((), usual.name, usual.portfolio[0]), len(data.cards))


def refuse_too_little(footprints: Footprints, first: Pipeline, own: int, limit: int) -> None:
    """Raise BudgetError where the first model does not fit into the memory even on a small sample of the rows.

    own: bytes that the agent itself is expected to hold. limit: bytes for all processes of the run.
    """
    rows = max(int(LEAST_SHARE * footprints.rows), min(LEAST_ROWS, footprints.rows))
    needed = own + footprints.expected(first, pipeline_width(first, footprints.outputs), rows)
    if needed > limit:
        raise BudgetError(
            f"These data need at least {size_text(needed)} of memory, and there are {size_text(limit)}: give --memory "
            f"{-(-needed // (1 << 30))}G on a machine that has as much, or a sample of the rows."
        )


def refuse_unreadable(path: str, limit: int) -> None:
    """Raise BudgetError where the largest csv of a competition on disk cannot even be read within `limit` bytes."""
    if not os.path.exists(path):
        return  # it is downloaded, or not found
    with contextlib.suppress(InputError):  # which reading tells
        texts = [s for s in list_sources(Path(path))[0] if s.suffix in CSV_SUFFIXES and s.size > LARGE_BYTES]
        largest = max(texts, key=lambda source: source.size, default=None)
        if largest is not None and (needed := LIBRARIES + int(READ_SHARE * largest.size)) > limit:
            raise BudgetError(
                f"{largest.path} holds {size_text(largest.size)} of text, for which at least {size_text(needed)} of "
                f"memory are needed, and there are {size_text(limit)}: give --memory {-(-needed // (1 << 30))}G on a "
                f"machine that has as much, or a sample of the rows."
            )


def affordable_folds(policy: Policy, costs: Costs, budget: Budget, wanted: int) -> int:
    """The number of folds, from 1 to `wanted`, that the experiments of the run are evaluated on, so that the first
    model leaves time for others."""
    if not budget.limited:
        return wanted
    usual = baseline()
    columns = width_of(policy.first_features(usual.name), costs.outputs)
    quick = usual.portfolio[0] if usual.fast is None else usual.fast(costs.outputs)
    one = costs.expected_fit_seconds(usual, columns, quick) / policy.workers
    return max(1, min(wanted, int(FIRST_SHARE * budget.seconds / one)))


def affordable_repeats(policy: Policy, costs: Costs, budget: Budget, scheme: str) -> int:
    """How often the cross-validation of `policy.n_folds` folds is repeated: more than once on few rows, where the
    budget affords it, but never with folds over time. `scheme`: of the folds."""
    if scheme in ("time", "blocks") or policy.n_rows >= FEW_ROWS:
        return 1
    if not budget.limited:
        return MOST_REPEATS
    usual = baseline()
    columns = width_of(policy.first_features(usual.name), costs.outputs)
    one = costs.expected_fit_seconds(usual, columns, usual.portfolio[0]) * policy.n_folds / policy.workers
    return max(1, min(MOST_REPEATS, int(REPEATS_SHARE * budget.seconds / one)))
