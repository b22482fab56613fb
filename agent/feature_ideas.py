"""Names of the experiments that test a change of the feature set: `STEP:GROUP`, such as `0:idle` or `1:picks`.

STEP is the number of the screening that proposed the change, from 0. GROUP is what is added or removed: see
`proposals/feature_groups.py` (`idle`, for example, removes columns that are no better than noise). The name is the
`idea` of the experiment.
"""

from __future__ import annotations

from medalist.agent.experiment import Record

ARM = "features"  # the bandit arm whose experiments test changes of the feature set
ENCODE = "encode"  # GROUP that needs no screening: target means and frequencies of high-cardinality categories
EQUAL_ROWS = "alike"  # GROUP that needs no screening: target mean of the other rows with equal values in all columns
JOINED = "tables"  # GROUP that needs no screening: what further tables say of a row, by their best key
SEASONS = "seasons"  # GROUP that needs no screening: what the calendar says of each key's target
SINGLE = "one"  # prefix of the GROUP of a single feature; its rank follows


def step_of(idea: str) -> int:
    """The number of the screening in the name of a test: 1 for `1:picks`."""
    return int(idea.partition(":")[0])


def was_screened(idea: str) -> bool:
    """Whether a screening chose the features of this name, so that only rows held out of that screening can judge
    them."""
    return not idea.endswith((ENCODE, EQUAL_ROWS, JOINED, SEASONS))


def is_single(idea: str) -> bool:
    """Whether the test of this name adds one feature of a screening by itself, which happens after the groups."""
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
