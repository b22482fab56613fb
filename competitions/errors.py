"""The errors of all packages, under one root. A message says what is wrong, where, and what to do about it."""

from __future__ import annotations


class MedalistError(Exception):
    """An error that the user can mend; the command line prints its sentence and exits with `exit_code`."""

    exit_code = 2


class InputError(MedalistError):
    """A competition's files cannot be used as they are."""


class TaskError(MedalistError):
    """The task is ambiguous or contradicts the data; the message names the flag or field that settles it."""


class MetricError(MedalistError):
    """A metric is unknown, or has no value for the given targets and predictions."""


class SubmissionError(MedalistError):
    """A submission does not match the sample submission, or cannot be written."""


class DiskFull(SubmissionError):  # noqa: N818 - a state that may pass
    """A file of a run cannot be written because the disk is full; what was there is untouched."""


class BudgetError(MedalistError):
    """The budget of a run cannot be parsed, or is too small for a run."""


class LedgerError(MedalistError):
    """The ledger cannot be opened or written, or lacks the run or leaderboard that was named."""


class LedgerUnavailable(LedgerError):  # noqa: N818 - a state that may pass
    """The ledger cannot be read or written now, which may pass: its server is away, its file locked, its disk full."""


class PipelineError(MedalistError):
    """A pipeline's recipe is not valid: an unknown operator, family or parameter."""


class ClusterError(MedalistError):
    """A cluster cannot be reached or used: a wrong address, nodes of other versions, a package that is missing."""
