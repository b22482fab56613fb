"""The search for features: screen candidates on some rows, test what they propose on others, adopt what gains there.

A step screens candidates against what the incumbent model leaves unexplained (its out-of-fold residual). What the
screening proposes is tested in groups, as experiments: the same estimator with and without the group, on the same
folds, compared on rows that the screening did not see (`judging/feature_trials.py`). A group with a significant gain is
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
from medalist.agent.proposals import late_features
from medalist.agent.proposals.exhaustion import is_late
from medalist.agent.proposals.feature_groups import Group, encoding, equal_rows, groups_left, joined, seasons
from medalist.pipelines.estimators.base import SEEDS
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult, columns_of

MOST_STEPS = 12  # most screenings of a run
MOST_EMPTY = 3  # most screenings in a row from which nothing is adopted
CHEAP_STEP = 0.04  # share of the budget below which a step from which nothing was adopted is followed by another
CHEAP_TEST = 0.005  # share of the budget below which tests are so cheap that single features are tested, too
SHARE = 0.45  # share of the budget after which the search for features ends
LEAST_SHARE = 0.25  # share of it that the search for features gets even where the models after it would need more
SCREEN_SHARE = 0.09  # share of the budget for one screening,
LEAST_SECONDS, MOST_SECONDS = 3.0, 300.0  # and the bounds of its seconds
COUNTED_LIMIT = 3000  # most candidates of a screening where the budget is a number of experiments: no clock ends it
LIMIT = 200_000  # most candidates of a screening that the clock may end
FEW_TOGETHER = 5  # most features of a mixed group that all count as refuted when the group was not adopted


@dataclass(frozen=True)
class Step:
    """A finished screening. parent: the number of the last experiment before it that added features to the incumbent
    set (see `FeatureSearch._last_adoption`)."""

    parent: int
    result: ScreenResult


def _refuted(record: Record, base: Sequence[str]) -> set[str]:
    """Features that a finished test added to `base` and that were not adopted; they are not screened again. Empty for a
    mixed group of more than FEW_TOGETHER, where one feature may have spoilt the others."""
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
    judge: chooses the rows that are held out of each screening.
    schema, columns: the type of every column, and the columns that candidates are made from.
    join_keys: columns by which further tables may be joined although they are no inputs: the rows' own ids.
    steering: features that a person forces, forbids or wants tried first.
    enabled: whether there is a search for features at all.
    seconds: the budget of the whole run; infinite where it is unlimited or nothing may depend on the clock.
    shapes: (kept, tested) counts over earlier competitions, by shape of feature, such as `number / number`.
    high_cardinality: columns of many repeated values, which target means may describe better than codes.
    repeated: all input columns, where enough rows have equal values in all of them; else ().
    joined: features of further tables, by their best key.
    seasons: seasons of keys, where test lies after train.
    horizon: the time column and how far test lies ahead of train in it; None where it does not.
    reserve: seconds to leave for the models that will use the features.
    workers: number of child processes.
    skipped: names of groups that could not be tested, such as for lack of time.
    steps: the finished screenings.
    """

    judge: FeatureJudge
    schema: Schema
    columns: frozenset[str]
    join_keys: frozenset[str] = frozenset()
    steering: Steering = field(default_factory=Steering)
    enabled: bool = True
    seconds: float = float("inf")
    seed: int = 0
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    high_cardinality: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ()
    horizon: tuple[str, float] | None = None
    reserve: float = 0.0
    workers: int = 1
    skipped: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

    # time

    def over(self, seconds_left: float) -> bool:
        """Whether the search for features has had its share of the budget, or is disabled."""
        if not self.enabled or not np.isfinite(seconds_left):
            return not self.enabled
        kept = max((1 - SHARE) * self.seconds, min(self.reserve, (1 - LEAST_SHARE) * self.seconds))
        return seconds_left < kept

    def closed(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether the search for features is over and the run is not late, or too near its end."""
        if not self.enabled or not self.over(seconds_left):
            return not self.enabled
        return seconds_left < late_features.LEAST_LEFT * self.seconds or not self._late(history)

    def _late(self, history: Sequence[Record]) -> bool:
        return is_late(history, self.workers, by_clock=bool(np.isfinite(self.seconds)))

    @property
    def screen_seconds(self) -> float:
        """Seconds for one screening."""
        return float(np.clip(SCREEN_SHARE * self.seconds, LEAST_SECONDS, MOST_SECONDS))

    def _seconds_of(self, step: int, history: Sequence[Record]) -> float:
        """Seconds that a step and its tests took; infinite where `seconds` is."""
        if not np.isfinite(self.seconds):
            return float("inf")
        tests = (r.seconds for r in history if r.arm == ARM and r.idea is not None and step_of(r.idea) == step)
        return 2 * self.steps[step].result.seconds + sum(
            tests
        )  # once for the screening, once for the trees that rank what passed

    # screening

    def searching(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether features may still be adopted, so that long experiments should wait for them. `history` includes
        placeholders of running experiments."""
        if self.over(seconds_left) or incumbent_features(history) is None:
            return False
        if not self.steps or _tests_running(history) or self._groups_left(history):
            return True
        return len(self.steps) < MOST_STEPS and not self._fruitless_steps(history)

    def ready(self, history: Sequence[Record], seconds_left: float) -> bool:
        """Whether a screening should begin now: no test runs, none is left to do, and there is time. `history` includes
        placeholders of running experiments."""
        if self.closed(history, seconds_left) or incumbent_features(history) is None or self._groups_left(history):
            return False
        if _tests_running(history):
            return False
        if not self.over(seconds_left) and (not self.steps or self._goes_on(history)):
            return True
        since = self._last_adoption(history)
        return late_features.due(history, since, self._fruitless_steps(history)) and self._late(history)

    def _fruitless_steps(self, history: Sequence[Record]) -> int:
        """Number of screenings since features were last added to the incumbent feature set."""
        now = self._last_adoption(history)
        return sum(step.parent == now for step in self.steps)

    def _goes_on(self, history: Sequence[Record]) -> bool:
        """Whether another screening is worth its time: features of the last one were adopted, or screenings are cheap
        and few in a row led to nothing. The next one holds out other rows, and skips what was refuted."""
        if len(self.steps) >= MOST_STEPS:
            return False
        fruitless = self._fruitless_steps(history)
        if fruitless and not self.steps[-1].result.screened:
            return False  # the screening failed
        cheap = fruitless < MOST_EMPTY and self._seconds_of(len(self.steps) - 1, history) < CHEAP_STEP * self.seconds
        return not fruitless or cheap

    def request(self, history: Sequence[Record], folder: Path, *, counted: bool) -> ScreenRequest:
        """The request for the next screening, to be called where `ready`; writes the .npz file that it reads into
        `folder`.
        counted: whether nothing may depend on the clock, so that the number of candidates limits it."""
        incumbent = incumbent_features(history)
        assert incumbent is not None
        assert incumbent.evaluation is not None
        step, base, late = len(self.steps), incumbent.pipeline.features, self._late(history)
        tested = {f for r in history if not self.judge.leaves_open(r, history) for f in _refuted(r, base)}
        return ScreenRequest(
            step=step,
            data_file=self._write_residual(incumbent, step, folder, late_features.leading(history) if late else None),
            base=base,
            schema=self.schema,
            classes=self.judge.data.classes,
            importance=columns_of(incumbent.evaluation.importance),
            add=tuple(f for f in self.steering.add if f not in base) if step == 0 else (),
            forbidden_columns=frozenset(self.schema.columns) - self.columns,
            join_keys=self.join_keys,
            forbidden_features=self.steering.forbid,
            tested=frozenset(tested),
            shapes=self.shapes,
            ahead=self.horizon,
            seed=(self.seed * 31 + step) % SEEDS,
            limit=COUNTED_LIMIT if counted else LIMIT,
        )

    def _last_adoption(self, history: Sequence[Record]) -> int:
        """The number of the last experiment that was adopted and added features (after a removal there is nothing new
        to explain), else that of the first model; -1 where there is none."""
        adopted = [r for r in history if r.adopted and not is_removal(r)]
        if adopted:
            return adopted[-1].number
        first = incumbent_features([r for r in history if not r.adopted])
        return -1 if first is None else first.number

    def _write_residual(self, incumbent: Record, step: int, folder: Path, leading: np.ndarray | None = None) -> Path:
        """Write an .npz file of `rows` (s,), `residual` (s, W) and `target` (s, T), or (s, W) of classes, for the s
        evaluated rows that are not held out of a step, and where folds hold out groups or spans of time the `units`
        (s,) that these are; returns its path. leading: predictions (r, W) in place of the incumbent's."""
        problem, folds = self.judge.data.problem, self.judge.folds
        assert incumbent.evaluation is not None
        y, p = folds.y, incumbent.evaluation.oof if leading is None else leading
        if problem.problem_type == "multiclass":
            y = np.eye(problem.n_classes)[y[:, 0].astype(int)]
        elif not problem.classification:
            y, p = problem.forward(y), problem.forward(p)
        residual = y - p
        if problem.levels:  # the negative gradient of each level's pinball loss
            residual = np.array(problem.levels) - (y < p)
        if np.isnan(y).any():  # where a target is not measured it is as its mean, and nothing is left to explain
            y, residual = np.where(np.isnan(y), np.nanmean(y, axis=0), y), np.nan_to_num(residual, nan=0.0)
        screened = ~self.judge.held_out(step)
        path = (folder / f"screen_{step}.npz").resolve()
        arrays = {"rows": folds.rows[screened], "residual": residual[screened], "target": y[screened]}
        if folds.groups is not None:
            arrays["units"] = np.unique(folds.groups[screened], return_inverse=True)[1]
        np.savez(path, allow_pickle=False, **arrays)
        return path

    def add_step(self, result: ScreenResult, history: Sequence[Record]) -> Step:
        """Add a finished screening to `steps`."""
        step = Step(self._last_adoption(history), result)
        self.steps.append(step)
        return step

    # groups of features

    def _groups_left(self, history: Sequence[Record]) -> list[Group]:
        """The groups still to be tested, in order: those that need no screening, then those of the last screening."""
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
            joined(self.joined, incumbent.pipeline.features, self.steering),
            equal_rows(self.repeated, self.steering),
            encoding(columns, incumbent.pipeline.features, self.steering),
            seasons(self.seasons, incumbent.pipeline.features, self.steering),
        ]
        tried = {r.idea for r in history if r.arm == ARM and not r.cut_short} | self.skipped
        return [g for g in groups if g is not None and g.name not in tried]

    def next_group(self, history: Sequence[Record]) -> tuple[Group, Record] | None:
        """The next group to test and the experiment whose feature set it changes; None where none is left."""
        incumbent = incumbent_features([r for r in history if r.verdict != "running"])
        left = self._groups_left(history)
        return (left[0], incumbent) if left and incumbent is not None else None


def _tests_running(history: Sequence[Record]) -> bool:
    """Whether a test of features runs now."""
    return any(r.verdict == "running" and r.arm == ARM for r in history)
