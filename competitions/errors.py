"""One error root. A message says what is wrong, where, and what to do about it."""

from __future__ import annotations


class MedalistError(Exception):
    """Something the user can mend; the command line prints it as one sentence and exits with `exit_code`."""

    exit_code = 2


class InputError(MedalistError):
    """A competition's files cannot be used as they are."""


class TaskError(MedalistError):
    """What has to be predicted is ambiguous or contradictory; the message names the flag that settles it."""


class MetricError(MedalistError):
    """A metric is unknown, or cannot be computed for these values."""


class SubmissionError(MedalistError):
    """A submission does not match the sample submission."""


class BudgetError(MedalistError):
    """The budget cannot be read or is too small to do anything."""


class LedgerError(MedalistError):
    """The ledger cannot be opened, or does not hold what was asked for."""


class LedgerUnavailable(LedgerError):  # noqa: N818 - a state that may pass
    """The ledger cannot be read or written now, which may pass: its server is away, its file locked, its disk full."""


class PipelineError(MedalistError):
    """A pipeline's recipe is not valid: an unknown operator, family or parameter."""
