"""Groups of features: the changes of the feature set that a screening proposes; each is tested in one experiment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import ARM, ENCODE, EQUAL_ROWS, JOINED, SEASONS, SINGLE, is_test_of
from medalist.agent.judging.feature_trials import SINGLES
from medalist.pipelines.features.language.expression import feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.search.step import ScreenResult, feature_of

LIGHT_SMOOTHING = 1  # rows that the prior counts as in the target mean of equal rows, which are mostly two
UNUSED = 0.002  # share of the model's importance below which an adopted feature is proposed for removal


@dataclass(frozen=True)
class Group:
    """A change of a feature set that is tested as a whole.

    name: `STEP:GROUP`, see `feature_ideas.py`. reason: in words. add, remove: texts of features.
    """

    name: str
    reason: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def apply(self, features: Sequence[str]) -> tuple[str, ...]:
        """The feature set with the change made; unchanged where it would be empty."""
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
    """The groups of a screening that are still to be tested against the incumbent, the most promising first.

    skipped: names of groups that could not be tested, such as for lack of time. singles: whether features are tested
    one by one after the groups where none was adopted, since one feature may have spoilt the others.
    """
    tried = {r.idea for r in history if r.arm == ARM and not r.cut_short} | set(skipped)
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
        present = set(incumbent.pipeline.features)
        both = (f for pair in zip_longest(result.picks, result.used) for f in pair if f is not None)
        texts = steering.allowed(dict.fromkeys(f.text for f in both))[:SINGLES]
        ones = [Group(f"{result.step}:{SINGLE}{i}", f"the feature {text}", (text,)) for i, text in enumerate(texts)]
        left += [
            one
            for one in ones
            if one.name not in tried and not present.issuperset(one.add) and present.union(one.add) not in done
        ]
    if not left and (last := trim(incumbent, result.step, steering)) is not None and last.name not in tried:
        left.append(last)
    return left


def groups_of(result: ScreenResult, base: Sequence[str], steering: Steering) -> list[Group]:
    """All groups that a screening proposes for a model with the features `base`, in the order in which they are tested.
    Of groups that give the same feature set only the first."""
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
    distinct, seen = [], set()
    for group in groups:
        features = group.apply(base)
        if set(features) == set(base) or frozenset(features) in seen:
            continue
        seen.add(frozenset(features))
        distinct.append(Group(f"{number}:{group.name}", group.reason, group.add, group.remove))
    return distinct


def encoding(columns: Sequence[str], base: Sequence[str], steering: Steering) -> Group | None:
    """A group that needs no screening: target means and frequencies in place of the codes of these high-cardinality
    columns; None where there are none."""
    add = [str(feature(op, n)) for n in columns for op in ("target_mean", "count")]
    remove = [str(feature("code", n)) for n in columns]
    group = Group(
        f"0:{ENCODE}",
        "target means and frequencies in place of many-valued categories",
        steering.allowed(add),
        tuple(t for t in remove if t in base and t not in steering.force),
    )
    return group if group.add else None


def equal_rows(columns: Sequence[str], steering: Steering) -> Group | None:
    """A group that needs no screening: the mean target, and the number, of the other rows with equal values in all of
    these columns; None for fewer than two columns."""
    if len(columns) < 2:
        return None
    row = feature("cross", *columns)
    made = (str(feature("target_mean", row, LIGHT_SMOOTHING)), str(feature("count", row)))
    add = steering.allowed(made)
    return Group(f"0:{EQUAL_ROWS}", "what is known of rows that repeat each other", add) if add else None


def joined(texts: Sequence[str], base: Sequence[str], steering: Steering) -> Group | None:
    """A group that needs no screening: features of further tables, `texts`; None where there are none to add."""
    add = tuple(text for text in steering.allowed(texts) if text not in base)
    return Group(f"0:{JOINED}", "what further tables say of the rows", add) if add else None


def seasons(texts: Sequence[str], base: Sequence[str], steering: Steering) -> Group | None:
    """A group that needs no screening: seasons of keys, `texts`; None where there are none to add."""
    add = tuple(text for text in steering.allowed(texts) if text not in base)
    return Group(f"0:{SEASONS}", "what the calendar says of each key", add) if add else None


def trim(incumbent: Record, number: int, steering: Steering) -> Group | None:
    """The removal of features whose share of the incumbent model's importance is below UNUSED; None where there are
    none, or its features were not adopted by a test. `number` is that of the screening."""
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
