"""The search for features: screen on some rows, test on others, take over what gains there, and go on from it.

A step screens candidates against what the present model leaves unexplained of some rows. What it finds is tested as
experiments in groups: the same estimator with and without the group, on the same folds, compared on the rows that the
screening did not look at. So a candidate that fits the noise of the rows it was chosen on gains nothing by it (a choice
among thousands, judged on the rows that chose, would always look like a gain). What gains beyond the noise is taken
over, and the next step starts from there with other rows held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medalist.agent import score as judge
from medalist.agent.experiment import Record
from medalist.agent.ground import FoldSet, Ground
from medalist.agent.proposals.feature_groups import (
    ARM,
    SINGLES,
    Group,
    alike,
    encoding,
    groups_left,
    is_removal,
    is_single,
    is_test_of,
    step_of,
    was_screened,
)
from medalist.agent.score import Comparison
from medalist.pipelines.estimators.base import SEEDS
from medalist.pipelines.estimators.registry import baseline
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult, columns_of

ADOPT_CHANCE = 0.0125  # of a gain of that size on rows that did not choose a group, from which on it is taken over
PICKS_CHANCE = 0.1  # and for one whose features have each explained more than chance before
REMOVE_Z = -0.25  # and a removal: fewer columns are worth something by themselves
MOST_STEPS = 12
MOST_EMPTY = 3  # steps in a row that find nothing
CHEAP_STEP = 0.04  # of the budget, which a step that found nothing has to have taken at most to be followed by another
CHEAP_TEST = 0.005  # of the budget: so quick tests are made of single features, too, where no group gained
SHARE = 0.45  # of the budget, after which no more features are looked for
LEAST_SHARE = 0.25  # of it, which they get even where the models after them would need more
SCREEN_SHARE, LEAST_SECONDS, MOST_SECONDS = 0.09, 3.0, 300.0
ORDERED_LIMIT = 3000  # candidates of a step in a run that must not depend on the clock
HELD_SHARE = 0.4  # of the rows, where folds are too few to hold some out
FEW_TOGETHER = 5  # features of the trees' choice that are taken to have been tested, one by one as it were


@dataclass(frozen=True)
class Step:
    """A screening that is done, and the experiment that it started from."""

    parent: int
    result: ScreenResult


def _in_vain(record: Record, base: Sequence[str]) -> set[str]:
    """What a test has added to the features `base` without being taken over; nothing where it was a mixture of many, of
    which one may have spoilt it, or did not come to its end."""
    if record.arm != ARM or record.adopted or record.score is None:
        return set()
    added = set(record.pipeline.features) - set(base)
    mixture = (record.idea or "").endswith((":both", ":used")) and len(added) > FEW_TOGETHER
    return set() if mixture else added


@dataclass
class FeatureSearch:
    """What to screen and to test next. All that it says follows from the records it is given and the steps it has had.

    columns: those that candidates may be made from. many: columns of many repeated values, which may be better told by
    their target means than as categories or numbers. repeated: all inputs, where enough rows repeat others in them.
    seconds: the whole budget, infinite where there is none. ahead: the time column and how far test lies ahead of
    train, where it does.
    """

    ground: Ground
    folds: FoldSet
    schema: Schema
    columns: frozenset[str]
    steering: Steering = field(default_factory=Steering)
    enabled: bool = True
    seconds: float = float("inf")
    seed: int = 0
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    many: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    ahead: tuple[str, float] | None = None
    reserve: float = 0.0  # seconds that the models after it are guessed to need
    skipped: set[str] = field(default_factory=set)  # groups that did not fit into the time
    steps: list[Step] = field(default_factory=list)

    def incumbent(self, history: Sequence[Record]) -> Record | None:
        """The record whose features are the best known: the first model's, until a group was taken over."""
        adopted = [r for r in history if r.adopted]
        if adopted:
            return adopted[-1]
        scored = [r for r in history if r.score is not None and not r.pipeline.bases]
        first = next((r for r in scored if r.arm == "start"), None)
        return first or next((r for r in scored if r.pipeline.family == baseline().name and r.arm != ARM), None)

    def kept(self, history: Sequence[Record]) -> list[str]:
        """Features that the search has added to the first model's."""
        first = next((r for r in history if r.arm == "start"), None)
        best = self.incumbent(history)
        if first is None or best is None:
            return []
        return [f for f in best.pipeline.features if f not in first.pipeline.features]

    # rows

    def held(self, step: int) -> np.ndarray:
        """(r,) which of the evaluated rows judge in this step: those of two folds in turn, or some at
        random, of whole groups and spans of time where folds hold out such."""
        count = int(self.folds.of_row.max()) + 1
        if count >= 4:
            chosen = [(2 * step) % count, (2 * step + 1) % count]
            return np.isin(self.folds.of_row, chosen)
        rng = np.random.default_rng(self.seed * 1009 + step)
        if self.folds.units is not None:  # what is common to the rows of a unit must not choose and judge
            codes = np.unique(self.folds.units, return_inverse=True)[1]
            units = int(codes.max(initial=0)) + 1
            if units > 1:
                held = int(np.clip(round(HELD_SHARE * units), 1, units - 1))
                return np.isin(codes, rng.permutation(units)[:held])
        return rng.random(len(self.folds.rows)) < HELD_SHARE

    def judges(self, step: int) -> tuple[int, ...]:
        """The folds whose rows judge in this step, where whole folds do and each row is predicted once; () else."""
        count = int(self.folds.of_row.max()) + 1
        if count < 4 or count != self.folds.count:
            return ()
        return tuple(dict.fromkeys([(2 * step) % count, (2 * step + 1) % count]))

    def early(self, idea: str, incumbent: Record, predictions: Mapping[int, np.ndarray]) -> Comparison | None:
        """A test's comparison as soon as the folds that judge it are done: None before. `predictions`: by fold."""
        step = step_of(idea)
        judges = self.judges(step)
        if not was_screened(idea) or not judges or any(k not in predictions for k in judges):
            return None
        assert incumbent.evaluation is not None
        candidate = incumbent.evaluation.oof.copy()
        for k in judges:
            candidate[self.folds.slots[k]] = predictions[k]
        return self._paired(candidate, incumbent.evaluation.oof, self.held(step))

    def enough(self, change: Comparison, idea: str, *, fewer: bool) -> bool:
        """Whether a comparison on the rows that judge lets a group be taken over."""
        if fewer and change.noise == 0:
            return change.gain >= 0
        if fewer:
            return change.z > REMOVE_Z
        chance = PICKS_CHANCE if idea.endswith(":picks") else ADOPT_CHANCE / (SINGLES if is_single(idea) else 1)
        return change.everywhere and change.chance < chance

    def compare(self, record: Record, incumbent: Record, step: int | None) -> Comparison:
        """A test against the incumbent, paired on the rows that took no part in the choice: all, where none did."""
        assert record.evaluation is not None
        assert incumbent.evaluation is not None
        chosen = np.ones(len(self.folds.y), dtype=bool) if step is None else self.held(step)
        return self._paired(record.evaluation.oof, incumbent.evaluation.oof, chosen)

    def _paired(self, candidate: np.ndarray, incumbent: np.ndarray, chosen: np.ndarray) -> Comparison:
        ground, folds = self.ground, self.folds
        told = (ground.metric, ground.problem, folds.y, incumbent, candidate, chosen, folds.weights, folds.units)
        return judge.paired(*told, apart=folds.apart)

    def trial(self, record: Record, before: Sequence[Record]) -> tuple[bool, Comparison | None, str]:
        """Whether a tested group is taken over, its comparison, and why in words."""
        incumbent = self.incumbent(before)
        if incumbent is None or record.idea is None:
            return False, None, "there is no model to compare with"
        change = self.compare(record, incumbent, step_of(record.idea) if was_screened(record.idea) else None)
        parent = next((r for r in before if r.number == record.proposal.parent), incumbent)
        own = set(record.pipeline.features)  # a group that a larger one has overtaken takes nothing away
        fewer = own < set(incumbent.pipeline.features) and own < set(parent.pipeline.features)
        taken = self.enough(change, record.idea, fewer=fewer)
        return taken, change, in_words(change, taken=taken)

    # screening

    def over(self, seconds_left: float) -> bool:
        """Whether enough of the budget went into features."""
        if not self.enabled or not np.isfinite(seconds_left):
            return not self.enabled
        kept = max((1 - SHARE) * self.seconds, min(self.reserve, (1 - LEAST_SHARE) * self.seconds))
        return seconds_left < kept

    @property
    def screen_seconds(self) -> float:
        """Seconds for one screening."""
        return float(np.clip(SCREEN_SHARE * self.seconds, LEAST_SECONDS, MOST_SECONDS))

    def looking(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether so much is still to be found that others had better wait for it; `history` with what runs."""
        if self.over(seconds_left) or self.incumbent(history) is None:
            return False
        if (
            not self.steps
            or any(r.verdict == "running" and r.arm == ARM for r in history)
            or self._groups_left(history)
        ):
            return True
        return len(self.steps) < MOST_STEPS and not self._empty(history)

    def _empty(self, history: Sequence[Record]) -> int:
        """How many steps have found nothing since one has found something."""
        now = self._last_adder(history)
        return sum(step.parent == now for step in self.steps)

    def _goes_on(self, history: Sequence[Record]) -> bool:
        """Whether another step is worth its time: the last one has found something, or steps are cheap and have not
        found nothing for long; the next one looks at other rows, and not again at what was tested."""
        if len(self.steps) >= MOST_STEPS:
            return False
        empty = self._empty(history)
        if empty and not self.steps[-1].result.screened:
            return False  # the screening failed
        cheap = empty < MOST_EMPTY and self._seconds_of(len(self.steps) - 1, history) < CHEAP_STEP * self.seconds
        return not empty or cheap

    def _seconds_of(self, step: int, history: Sequence[Record]) -> float:
        """Seconds that a step and its tests took; infinite where nothing may depend on the clock."""
        if not np.isfinite(self.seconds):
            return float("inf")
        tests = (r.seconds for r in history if r.arm == ARM and r.idea is not None and step_of(r.idea) == step)
        return 2 * self.steps[step].result.seconds + sum(tests)  # trees take their time after what is screened

    def ready(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether it is time for a screening; `history` with what runs."""
        if self.over(seconds_left) or self.incumbent(history) is None or self._groups_left(history):
            return False
        if any(r.verdict == "running" and r.arm == ARM for r in history):
            return False
        return not self.steps or self._goes_on(history)

    def request(self, history: Sequence[Record], *, ordered: bool) -> ScreenRequest:
        """The next screening; its material is written. Only where `ready` says so."""
        incumbent = self.incumbent(history)
        assert incumbent is not None
        step = len(self.steps)
        base = incumbent.pipeline.features
        tested = {f for r in history for f in _in_vain(r, base)}
        assert incumbent.evaluation is not None
        return ScreenRequest(
            step=step,
            material=self._material(incumbent, step),
            base=base,
            schema=self.schema,
            classes=self.ground.classes,
            importance=columns_of(incumbent.evaluation.importance),
            add=tuple(f for f in self.steering.add if f not in base) if step == 0 else (),
            forbidden=frozenset(self.schema.columns) - self.columns,
            forbid=self.steering.forbid,
            not_again=frozenset(tested),
            shapes=self.shapes,
            ahead=self.ahead,
            seed=(self.seed * 31 + step) % SEEDS,
            limit=ORDERED_LIMIT if ordered else 200_000,
        )

    def _last_adder(self, history: Sequence[Record]) -> int:
        """Number of the incumbent, removals not counted: nothing new is left to explain after those."""
        adopted = [r for r in history if r.adopted and not is_removal(r)]
        if adopted:
            return adopted[-1].number
        first = self.incumbent([r for r in history if not r.adopted])
        return -1 if first is None else first.number

    def _material(self, incumbent: Record, step: int) -> Any:
        problem, folds = self.ground.problem, self.folds
        assert incumbent.evaluation is not None
        y, p = folds.y, incumbent.evaluation.oof
        if problem.problem_type == "multiclass":
            y = np.eye(problem.n_classes)[y[:, 0].astype(int)]
        elif not problem.classification:
            y, p = problem.forward(y), problem.forward(p)
        seen = ~self.held(step)
        path = (self.ground.folder / "work" / f"screen_{step}.npz").resolve()
        np.savez(path, rows=folds.rows[seen], residual=(y - p)[seen], target=y[seen])
        return path

    def take(self, result: ScreenResult, history: Sequence[Record]) -> Step:
        """Take in what a screening found."""
        made = Step(self._last_adder(history), result)
        self.steps.append(made)
        return made

    def _groups_left(self, history: Sequence[Record]) -> list[Group]:
        incumbent = self.incumbent(history)
        if incumbent is None or not self.enabled:
            return []
        if self.steps:
            result = self.steps[-1].result
            tests = [r for r in history if is_test_of(r, result.step)]
            ended = bool(tests) and all(r.verdict != "running" for r in history if r.arm == ARM)
            limit = CHEAP_TEST * self.seconds if np.isfinite(self.seconds) else 0.0
            cheap = ended and max(r.seconds for r in tests) < limit
            return groups_left(result, incumbent, history, self.skipped, self.steering, singles=cheap)
        if any(r.verdict == "running" and r.arm == ARM for r in history):
            return []  # one after another, since each starts from what became of the one before
        many = [n for n in self.many if n in self.columns]
        groups = [alike(self.repeated, self.steering), encoding(many, incumbent.pipeline.features, self.steering)]
        tried = {r.idea for r in history if r.arm == ARM and not r.unfinished} | self.skipped
        return [g for g in groups if g is not None and g.name not in tried]

    def next_group(self, history: Sequence[Record]) -> tuple[Group, Record] | None:
        """The next group to test and the record that it changes."""
        incumbent = self.incumbent([r for r in history if r.verdict != "running"])
        left = self._groups_left(history)
        return (left[0], incumbent) if left and incumbent is not None else None


def in_words(change: Comparison, *, taken: bool) -> str:
    """What a test of features came to."""
    words = f"{change.gain:+.5g} ± {change.noise:.2g} on rows that did not choose them"
    if taken or change.gain <= 0:
        return words
    return words + ("; within the noise" if change.everywhere else "; not in each fold")
