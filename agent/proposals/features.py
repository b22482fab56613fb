"""The search for features: screen candidates on some rows, test what they propose on others, adopt what gains there.

A step screens candidates against what the incumbent model leaves unexplained (its out-of-fold residual). What the
screening proposes is tested in groups, as experiments: the same estimator with and without the group, on the same
folds, compared on rows that the screening did not see (`judging/feature_trials.py`). What gains beyond the noise is
adopted, and the next step starts from there, with other rows held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import ARM, is_removal, is_test_of, step_of
from medalist.agent.history import incumbent_features
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.proposals.feature_groups import Group, encoding, equal_rows, groups_left
from medalist.pipelines.estimators.base import SEEDS
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult, columns_of

MOST_STEPS = 12  # screenings of a run
MOST_EMPTY = 3  # screenings in a row after which nothing was adopted
CHEAP_STEP = 0.04  # share of the budget that a fruitless step may have taken for another one to follow
CHEAP_TEST = 0.005  # share of the budget that a test may take for single features to be tested after the groups
SHARE = 0.45  # share of the budget after which the search for features ends
LEAST_SHARE = 0.25  # share of it that the search gets even where the models after it would need more
SCREEN_SHARE = 0.09  # share of the budget for one screening,
LEAST_SECONDS, MOST_SECONDS = 3.0, 300.0  # and its bounds in seconds
COUNTED_LIMIT = 3000  # candidates of a screening in a counted run, which must not depend on the clock
LIMIT = 200_000  # and by the clock
FEW_TOGETHER = 5  # features of the trees' choice that count as tested one by one when their group was not adopted


@dataclass(frozen=True)
class Step:
    """A finished screening. parent: the number of the experiment whose features it started from."""

    parent: int
    result: ScreenResult


def _refuted(record: Record, base: Sequence[str]) -> set[str]:
    """Features that a finished test added to `base` without being adopted. None of a mixture of many, of which one may
    have spoilt the others."""
    if record.arm != ARM or record.adopted or record.score is None:
        return set()
    added = set(record.pipeline.features) - set(base)
    mixture = (record.idea or "").endswith((":both", ":used")) and len(added) > FEW_TOGETHER
    return set() if mixture else added


@dataclass
class FeatureSearch:
    """What to screen and which features to test next. Equal histories and equal steps give equal answers.

    Attributes
    ----------
    judge: the rows held out of each screening, on which its proposals are tested.
    schema, columns: what every column may be used as, and those that candidates are made from.
    steering: features that a person forces, forbids or wants tried first.
    enabled: whether there is a search at all.
    seconds: the whole budget, infinite where there is none or nothing may depend on the clock.
    shapes: (kept, tested) counts of the shapes of features over earlier competitions.
    high_cardinality: columns of many repeated values, which target means may describe better than codes.
    repeated: all inputs, where enough rows repeat each other in them; else ().
    horizon: the time column and how far test lies ahead of train in it; None where test does not.
    reserve: seconds that the models which will use the features are expected to take.
    skipped: ideas whose tests did not fit into the time.
    steps: the finished screenings.
    """

    judge: FeatureJudge
    schema: Schema
    columns: frozenset[str]
    steering: Steering = field(default_factory=Steering)
    enabled: bool = True
    seconds: float = float("inf")
    seed: int = 0
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    high_cardinality: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    horizon: tuple[str, float] | None = None
    reserve: float = 0.0
    skipped: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

    # time

    def over(self, seconds_left: float) -> bool:
        """Whether the search has had its share of the budget."""
        if not self.enabled or not np.isfinite(seconds_left):
            return not self.enabled
        kept = max((1 - SHARE) * self.seconds, min(self.reserve, (1 - LEAST_SHARE) * self.seconds))
        return seconds_left < kept

    @property
    def screen_seconds(self) -> float:
        """Seconds for one screening."""
        return float(np.clip(SCREEN_SHARE * self.seconds, LEAST_SECONDS, MOST_SECONDS))

    def _seconds_of(self, step: int, history: Sequence[Record]) -> float:
        """Seconds that a step and its tests took; infinite where nothing may depend on the clock."""
        if not np.isfinite(self.seconds):
            return float("inf")
        tests = (r.seconds for r in history if r.arm == ARM and r.idea is not None and step_of(r.idea) == step)
        return 2 * self.steps[step].result.seconds + sum(tests)  # the second opinion of trees takes as long again

    # screening

    def searching(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether features may still be adopted, so that long experiments had better wait for them; `history` includes
        running experiments."""
        if self.over(seconds_left) or incumbent_features(history) is None:
            return False
        if not self.steps or _tests_running(history) or self._groups_left(history):
            return True
        return len(self.steps) < MOST_STEPS and not self._fruitless_steps(history)

    def ready(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether it is time for a screening; `history` includes running experiments."""
        if self.over(seconds_left) or incumbent_features(history) is None or self._groups_left(history):
            return False
        if _tests_running(history):
            return False
        return not self.steps or self._goes_on(history)

    def _fruitless_steps(self, history: Sequence[Record]) -> int:
        """Number of screenings since features were last adopted."""
        now = self._last_adoption(history)
        return sum(step.parent == now for step in self.steps)

    def _goes_on(self, history: Sequence[Record]) -> bool:
        """Whether another screening is worth its time: the last one led to something, or screenings are cheap and few
        in a row have led to nothing. The next one sees other rows, and not again what was tested."""
        if len(self.steps) >= MOST_STEPS:
            return False
        fruitless = self._fruitless_steps(history)
        if fruitless and not self.steps[-1].result.screened:
            return False  # the screening failed
        cheap = fruitless < MOST_EMPTY and self._seconds_of(len(self.steps) - 1, history) < CHEAP_STEP * self.seconds
        return not fruitless or cheap

    def request(self, history: Sequence[Record], folder: Path, *, counted: bool) -> ScreenRequest:
        """The next screening, where `ready`; writes the rows, targets and residual that it reads into `folder`."""
        incumbent = incumbent_features(history)
        assert incumbent is not None
        assert incumbent.evaluation is not None
        step, base = len(self.steps), incumbent.pipeline.features
        tested = {f for r in history for f in _refuted(r, base)}
        return ScreenRequest(
            step=step,
            material=self._write_residual(incumbent, step, folder),
            base=base,
            schema=self.schema,
            classes=self.judge.data.classes,
            importance=columns_of(incumbent.evaluation.importance),
            add=tuple(f for f in self.steering.add if f not in base) if step == 0 else (),
            forbidden=frozenset(self.schema.columns) - self.columns,
            forbid=self.steering.forbid,
            not_again=frozenset(tested),
            shapes=self.shapes,
            ahead=self.horizon,
            seed=(self.seed * 31 + step) % SEEDS,
            limit=COUNTED_LIMIT if counted else LIMIT,
        )

    def _last_adoption(self, history: Sequence[Record]) -> int:
        """The number of the last experiment that added features, else the first model's: removals leave nothing new to
        explain. -1 where there is none."""
        adopted = [r for r in history if r.adopted and not is_removal(r)]
        if adopted:
            return adopted[-1].number
        first = incumbent_features([r for r in history if not r.adopted])
        return -1 if first is None else first.number

    def _write_residual(self, incumbent: Record, step: int, folder: Path) -> Path:
        """An .npz file of `rows` (s,), `residual` and `target` (s, W) on the rows that are not held out of a step."""
        problem, folds = self.judge.data.problem, self.judge.folds
        assert incumbent.evaluation is not None
        y, p = folds.y, incumbent.evaluation.oof
        if problem.problem_type == "multiclass":
            y = np.eye(problem.n_classes)[y[:, 0].astype(int)]
        elif not problem.classification:
            y, p = problem.forward(y), problem.forward(p)
        screened = ~self.judge.held_out(step)
        path = (folder / f"screen_{step}.npz").resolve()
        np.savez(path, rows=folds.rows[screened], residual=(y - p)[screened], target=y[screened])
        return path

    def add_step(self, result: ScreenResult, history: Sequence[Record]) -> Step:
        """Record a finished screening."""
        step = Step(self._last_adoption(history), result)
        self.steps.append(step)
        return step

    # groups of features

    def _groups_left(self, history: Sequence[Record]) -> list[Group]:
        incumbent = incumbent_features(history)
        if incumbent is None or not self.enabled:
            return []
        if self.steps:
            result = self.steps[-1].result
            tests = [r for r in history if is_test_of(r, result.step)]
            ended = bool(tests) and all(r.verdict != "running" for r in history if r.arm == ARM)
            limit = CHEAP_TEST * self.seconds if np.isfinite(self.seconds) else 0.0
            cheap = ended and max(r.seconds for r in tests) < limit
            return groups_left(result, incumbent, history, self.skipped, self.steering, singles=cheap)
        if _tests_running(history):
            return []  # one after another, since each starts from the outcome of the one before
        columns = [n for n in self.high_cardinality if n in self.columns]
        groups = [
            equal_rows(self.repeated, self.steering),
            encoding(columns, incumbent.pipeline.features, self.steering),
        ]
        tried = {r.idea for r in history if r.arm == ARM and not r.cut_short} | self.skipped
        return [g for g in groups if g is not None and g.name not in tried]

    def next_group(self, history: Sequence[Record]) -> tuple[Group, Record] | None:
        """The next group to test and the experiment whose feature set it changes; None where no group is left."""
        incumbent = incumbent_features([r for r in history if r.verdict != "running"])
        left = self._groups_left(history)
        return (left[0], incumbent) if left and incumbent is not None else None


def _tests_running(history: Sequence[Record]) -> bool:
    return any(r.verdict == "running" and r.arm == ARM for r in history)
