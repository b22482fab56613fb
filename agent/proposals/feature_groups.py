"""Groups of features: what is tested of a screening, each group as one experiment.

A group's name says which step of the search it belongs to and what it is: `0:idle`, `1:picks`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from medalist.agent.experiment import Record
from medalist.pipelines.features.language.expression import feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.search.step import ScreenResult, feature_of

ARM = "features"  # of the policy, that tests groups
ENCODE = "encode"  # a group that is tested before anything is screened: target means of many-valued categories
ALIKE = "alike"  # and one of what is known of rows with the same values in all columns
LIGHT_SMOOTHING = 1  # row, of the target mean of rows that are alike: it is of one other row mostly
SINGLES = 6  # features of a step that are tested one by one, where no group of it gained
UNUSED = 0.002  # share of the gain below which a found feature is taken out again


@dataclass(frozen=True)
class Group:
    """A change of the feature set that is tested as a whole."""

    name: str
    reason: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def apply(self, features: Sequence[str]) -> tuple[str, ...]:
        """The changed set; the old one where nothing would be left."""
        kept = [f for f in features if f not in self.remove]
        return tuple(dict.fromkeys([*kept, *self.add])) or tuple(features)


def groups_left(
    result: ScreenResult,
    incumbent: Record,
    history: Sequence[Record],
    skipped: Collection[str],
    steering: Steering,
    *,
    singles: bool = False,
) -> list[Group]:
    """What is still to be tested of a screening; `skipped`: groups that did not fit into the time. With `singles` what
    was tested in groups, one of which may have spoilt it, is tested one by one where no group gained."""
    tried = {r.idea for r in history if r.arm == ARM and not r.unfinished} | set(skipped)
    done = {frozenset(r.pipeline.features) for r in history if r.arm == ARM}
    picked = any(r.adopted and r.idea == f"{result.step}:picks" for r in history)
    left = []
    for group in groups_of(result, incumbent.pipeline.features, steering):
        if group.name in tried or frozenset(group.apply(incumbent.pipeline.features)) in done:
            continue
        if picked and group.name.endswith((":first", ":supervised", ":plain")):
            continue  # parts of what comes with the picks: looked at again by the next step
        left.append(group)
    if not left and singles and not any(r.adopted and is_test_of(r, result.step) for r in history):
        own = set(incumbent.pipeline.features)
        both = (f for pair in zip_longest(result.picks, result.used) for f in pair if f is not None)
        texts = steering.allowed(dict.fromkeys(f.text for f in both))[:SINGLES]
        ones = [Group(f"{result.step}:one{i}", f"the feature {text}", (text,)) for i, text in enumerate(texts)]
        left += [
            one
            for one in ones
            if one.name not in tried and not own.issuperset(one.add) and own.union(one.add) not in done
        ]
    if not left and (last := trim(incumbent, result.step, steering)) is not None and last.name not in tried:
        left.append(last)
    return left


def groups_of(result: ScreenResult, base: Sequence[str], steering: Steering) -> list[Group]:
    """What to test of a screening, in this order, on a model with the features `base`. Groups that come to the same are
    tested once."""
    number = result.step
    picks = steering.allowed(f.text for f in result.picks)
    used = steering.allowed(f.text for f in result.used)
    supervised = tuple(t for t in used if is_supervised(parse(t)))
    plain = tuple(t for t in used if t not in supervised)
    idle = tuple(f for f in result.idle if f not in steering.force) if number == 0 else ()
    groups = [
        Group("picks", "features that explain what the model leaves", picks),
        Group("both", "features that explain what the model leaves, and others that trees use", picks + used[:16])
        if picks
        else Group("used", "features that trees use", used[:16]),
        Group("first", "the features that trees use most", used[:5]),
        Group("supervised", "features made with the target", supervised[:10]),
        Group("plain", "features made without the target", plain[:12]),
        Group("idle", "without columns that are no better than noise", remove=idle),
    ]
    found, seen = [], set()
    for group in groups:
        features = group.apply(base)
        if set(features) == set(base) or frozenset(features) in seen:
            continue
        seen.add(frozenset(features))
        found.append(Group(f"{number}:{group.name}", group.reason, group.add, group.remove))
    return found


def encoding(many: Sequence[str], base: Sequence[str], steering: Steering) -> Group | None:
    """Before the first screening: target means and frequencies in place of the codes of the columns `many`."""
    add = [str(feature(op, n)) for n in many for op in ("target_mean", "count")]
    remove = [str(feature("code", n)) for n in many]
    group = Group(
        f"0:{ENCODE}",
        "target means and frequencies in place of many-valued categories",
        steering.allowed(add),
        tuple(t for t in remove if t in base and t not in steering.force),
    )
    return group if group.add else None


def alike(columns: Sequence[str], steering: Steering) -> Group | None:
    """Before the first screening: the target of the other rows that are equal in all of these columns, and how many."""
    if len(columns) < 2:
        return None
    row = feature("cross", *columns)
    made = (str(feature("target_mean", row, LIGHT_SMOOTHING)), str(feature("count", row)))
    add = steering.allowed(made)
    return Group(f"0:{ALIKE}", "what is known of rows that repeat each other", add) if add else None


def trim(incumbent: Record, number: int, steering: Steering) -> Group | None:
    """Found features that the model with all of them hardly uses."""
    assert incumbent.evaluation is not None
    shares: dict[str, float] = {}
    for name, share in incumbent.evaluation.importance.items():
        shares[feature_of(name)] = shares.get(feature_of(name), 0.0) + share
    if not shares or incumbent.arm != ARM:
        return None
    forced = set(steering.force)
    unused = tuple(f for f in incumbent.pipeline.features if shares.get(f, 1.0) < UNUSED and f not in forced)
    if not unused or len(unused) >= len(incumbent.pipeline.features):
        return None
    return Group(f"{number}:trim", "without features that the model hardly uses", remove=unused)


def step_of(idea: str) -> int:
    """The step of the search that a group belongs to, by its name."""
    return int(idea.partition(":")[0])


def was_screened(idea: str) -> bool:
    """Whether a screening chose what a group tests, so that only the rows that it did not look at can judge it."""
    return not idea.endswith((ENCODE, ALIKE))


def is_single(idea: str) -> bool:
    """Whether a group is one feature of a screening, tested after the groups."""
    return idea.partition(":")[2].startswith("one")


def is_test_of(record: Record, step: int) -> bool:
    """Whether a record is the test of a group of features that a step of the search has found."""
    idea = record.idea or ""
    if record.arm != ARM or not idea or not was_screened(idea) or is_removal(record) or is_single(idea):
        return False
    return step_of(idea) == step


def is_removal(record: Record) -> bool:
    """Whether a test takes features away and adds none."""
    return (record.idea or "").endswith((":idle", ":trim"))
