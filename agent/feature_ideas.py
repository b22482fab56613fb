"""How an experiment that tests a change of the feature set is named: `STEP:GROUP`, such as `0:idle` or `1:picks`.

STEP is the number of the screening that proposed the change, GROUP which of its proposals it is.
"""

from __future__ import annotations

from medalist.agent.experiment import Record

ARM = "features"  # the policy's arm that tests groups of features
ENCODE = "encode"  # proposed before any screening: target means and frequencies of high-cardinality categories
EQUAL_ROWS = (
    "alike"  # proposed before any screening: the target mean of the other rows with equal values in all columns
)
SINGLE = "one"  # GROUP of a test of a single feature begins so; its rank follows


def step_of(idea: str) -> int:
    """The number of the screening that an idea belongs to."""
    return int(idea.partition(":")[0])


def was_screened(idea: str) -> bool:
    """Whether a screening chose the features, so that only rows held out of that screening can judge them."""
    return not idea.endswith((ENCODE, EQUAL_ROWS))


def is_single(idea: str) -> bool:
    """Whether one feature of a screening is tested by itself, which happens after the groups."""
    return idea.partition(":")[2].startswith(SINGLE)


def is_removal(record: Record) -> bool:
    """Whether an experiment removes features and adds none."""
    return (record.idea or "").endswith((":idle", ":trim"))


def is_test_of(record: Record, step: int) -> bool:
    """Whether an experiment tests a group of several features which the screening of that number has proposed."""
    idea = record.idea or ""
    if record.arm != ARM or not idea or not was_screened(idea) or is_removal(record) or is_single(idea):
        return False
    return step_of(idea) == step
