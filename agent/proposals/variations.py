"""Experiments made from earlier ones: another seed, slower learning, another target, stacks and pseudo-labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.proposals.feature_groups import ARM
from medalist.pipelines.estimators.registry import FAMILIES, stackers
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

SEED = "seed"
VIEWS = {"view:beside": "beside its features", "view:alone": "in place of its features"}
PRIORS = {  # gains of the ensemble expected at first, in units of the noise of one score
    SEED: 0.04,
    "slow": 0.03,
    "target": 0.06,
    "loss": 0.04,
    "targets": 0.1,
    "stack:wide": 0.02,
    "pseudo": 0.04,
    "view:beside": 0.2,
    "view:alone": 0.2,
}
MOST_BASES = 6  # of a stack: each is fitted again at the close
LEAST_BASES = 3
RENEWED = 8  # experiments scored since the last stack of its kind, before there is another
NEXT_SEED = 7919
SLOWER, SLOWEST = 0.4, 0.015  # learning rates
MOST_TEST = 4.0  # test rows a training row, for pseudo-labels


def prior_of(arm: str) -> float:
    """The gain of the ensemble that is expected of an arm at first; a stack's is that of the family that is fitted."""
    kind, _, name = arm.partition(":")
    return FAMILIES[name].priors.stacking if kind == "stack" and name in FAMILIES else PRIORS[arm]


@dataclass(frozen=True)
class Derived:
    """What may be made from a run's records; equal records give equal proposals.

    transformations: names of transformations of the target with a reason each, the most promising first; losses: other
    losses than the problem's own to fit by; several: whether there are several targets. stackable: every training row
    is predicted by models that did not see it, and fold models predict test. test_share: test rows a training row.
    encodings: features that tell each column's values by their target means and frequencies; forced: features that a
    person wants in every set.
    """

    seed: int
    families: Sequence[str]
    transformations: Sequence[tuple[str, str]] = ()
    losses: Sequence[str] = ()
    several: bool = False
    stackable: bool = True
    stacking: bool = True
    test_share: float = 1.0
    encodings: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()

    def proposals(self, history: Sequence[Record]) -> Iterator[tuple[str, Proposal]]:
        """The next proposal of each arm that has one, by arm; of another view, that of each family; of several targets
        each way that is left, in the order in which they are worth trying."""
        makers: dict[str, Callable[[Sequence[Record]], tuple[Pipeline, str, Record] | None]] = {
            SEED: self._seed,
            "slow": self._slow,
            "target": self._target,
            "loss": self._loss,
            "pseudo": self._pseudo,
            **{arm: (lambda records, arm=arm: self._stack(records, arm)) for arm in _stacks()},  # type: ignore[misc]
        }
        for arm, make in makers.items():
            found = make(history)
            if found is not None:
                pipeline, reason, parent = found
                yield arm, Proposal(pipeline, reason, parent.number, arm)
        yield from (("targets", proposal) for proposal in self._targets(history))
        for arm in VIEWS:
            yield from ((arm, proposal) for proposal in self._views(history, arm))

    def _seed(self, history: Sequence[Record]) -> tuple[Pipeline, str, Record] | None:
        best = _best([r for r in history if FAMILIES[r.pipeline.family].uses_seed])
        used = sum(r.arm == SEED for r in history)
        if best is None or best.arm == "start" or used > len(history) // RENEWED:
            return None
        known = {r.pipeline for r in history}
        pipeline = best.pipeline
        while pipeline in known:
            pipeline = pipeline.changed(seed=pipeline.seed + NEXT_SEED)
        return pipeline, f"the best so far (#{best.number}) with another seed", best

    def _slow(self, history: Sequence[Record]) -> tuple[Pipeline, str, Record] | None:
        best = _best(history, boosted=True)
        if best is None or best.arm in ("start", "slow"):
            return None
        params = best.pipeline.parameters
        rate = round(params["learning_rate"] * SLOWER, 4)
        if rate < SLOWEST or any(r.arm == "slow" and r.proposal.parent == best.number for r in history):
            return None
        slower = params | {"learning_rate": rate, "rounds": int(params["rounds"] / SLOWER)}
        return best.pipeline.changed(params=slower), f"the best so far (#{best.number}) at a slower learning rate", best

    def _target(self, history: Sequence[Record]) -> tuple[Pipeline, str, Record] | None:
        by_number = {r.number: r for r in history}
        for name, reason in self.transformations:
            tried = [r for r in history if r.arm == "target" and r.pipeline.target == name]
            if tried and not any(_gained(r, by_number) for r in tried):
                continue
            families = {r.pipeline.family for r in tried}
            left = [f for f in self.families if f not in families and FAMILIES[f].boosted]
            own = [b for f in left if (b := _best(history, family=f, own_target=True)) is not None]
            best = min(own, key=_by_loss, default=None)
            if best is not None and best.arm != "start":
                own_loss = {k: v for k, v in best.pipeline.parameters.items() if k != "loss"}
                return best.pipeline.changed(target=name, params=own_loss), reason, best
        return None

    def _loss(self, history: Sequence[Record]) -> tuple[Pipeline, str, Record] | None:
        tried = {r.pipeline.parameters.get("loss") for r in history}
        best = _best(history, boosted=True, own_target=True)
        if best is None or best.arm == "start":
            return None
        for loss in self.losses:
            if loss not in tried:
                params = best.pipeline.parameters | {"loss": loss}
                return best.pipeline.changed(params=params), f"fitted by the {loss} loss", best
        return None

    def _targets(self, history: Sequence[Record]) -> Iterator[Proposal]:
        if not self.several:
            return
        for way in ("chained", "native"):
            names = [n for n in self.families if way == "chained" or FAMILIES[n].native_targets]
            names = [n for n in names if FAMILIES[n].boosted]  # others fit all targets together as it is
            if any(r.pipeline.parameters.get("targets") == way for r in history):
                continue
            best = min((b for n in names if (b := _best(history, family=n)) is not None), key=_by_loss, default=None)
            if best is not None and best.arm != "start":
                told = "each target after the others'" if way == "chained" else "all targets by one model"
                pipeline = best.pipeline.changed(params=best.pipeline.parameters | {"targets": way})
                yield Proposal(pipeline, told, best.number, "targets")

    def _views(self, history: Sequence[Record], arm: str) -> Iterator[Proposal]:
        """Each boosted family's best with the encodings, once: trees that see the same columns otherwise."""
        if not self.encodings:
            return
        tried = {r.pipeline.family for r in history if r.arm == arm}
        plain = [r for r in history if not set(self.encodings) <= set(r.pipeline.features)]
        for name in self.families:
            best = _best(plain, family=name, boosted=True)
            if name in tried or best is None or best.arm == "start":
                continue
            own = best.pipeline.features if arm == "view:beside" else self.forced
            pipeline = best.pipeline.changed(features=tuple(dict.fromkeys((*own, *self.encodings))))
            if all(r.pipeline != pipeline for r in history):
                told = f"{FAMILIES[name].title} on target means and frequencies of all values, {VIEWS[arm]}"
                yield Proposal(pipeline, told, best.number, arm)

    def _stack(self, history: Sequence[Record], arm: str) -> tuple[Pipeline, str, Record] | None:
        if not self.stackable or not self.stacking:
            return None
        kind = arm.partition(":")[2]
        name = kind if kind in FAMILIES else next(f.name for f in stackers() if f.feature_set == "trees")
        last = max((r.number for r in history if r.arm == arm), default=None)
        waits = last is not None and sum(r.number > last and r.score is not None for r in history) < RENEWED
        if name not in self.families or waits:
            return None
        bases = bases_of(history)
        if sum(r.arm != "start" for r in bases) < LEAST_BASES:
            return None
        stacked = [r.pipeline.hash for r in bases]
        params = FAMILIES[name].stacker or {}
        features: tuple[str, ...] = ()
        if kind == "wide":
            on_trees = (r.pipeline for r in bases if FAMILIES[r.pipeline.family].feature_set == "trees")
            features = next((pipeline.features for pipeline in on_trees), ())
            if not features:
                return None
        told = ", ".join(f"#{r.number}" for r in bases)
        reason = f"{FAMILIES[name].title} on the predictions of {told}" + (" and columns" if kind == "wide" else "")
        pipeline = Pipeline.of(features, name, params, self.seed, stacked=stacked)
        return None if any(r.pipeline == pipeline for r in history) else (pipeline, reason, bases[0])

    def _pseudo(self, history: Sequence[Record]) -> tuple[Pipeline, str, Record] | None:
        if not self.stackable or self.test_share > MOST_TEST:
            return None
        best = _best(history, boosted=True)
        tried = sum(r.arm == "pseudo" for r in history)
        if best is None or best.arm == "start" or not best.keeps_folds or tried > len(history) // (3 * RENEWED):
            return None
        if any(r.pipeline.pseudo == best.pipeline.hash for r in history):
            return None
        told = f"#{best.number} with its predictions of the test rows as labels beside the training rows"
        return best.pipeline.changed(pseudo=best.pipeline.hash), told, best


def _stacks() -> list[str]:
    """The arms that stack: each stacker on predictions alone, and trees on predictions and columns."""
    return [*(f"stack:{fam.name}" for fam in stackers()), "stack:wide"]


def other_losses(problem: Problem, y: np.ndarray) -> tuple[str, ...]:
    """Losses to fit values by beside the metric's own, the most promising first; () for classes.

    Tweedie and Poisson for values from 0 on that are fitted as they are; absolute errors under a metric of squares
    that few values dominate, and squares under one of absolute errors, which has many equal optima.
    """
    if problem.problem_type != "regression" or problem.objective not in ("l2", "l1"):
        return ()
    counts = ("tweedie", "poisson") if not problem.log and y.min() >= 0 and y.max() > 0 else ()
    return (*counts, "l1" if problem.objective == "l2" else "l2")


def bases_of(history: Sequence[Record]) -> list[Record]:
    """The records to stack upon, best first: the best of each family, then the best that are left."""
    plain = sorted((r for r in history if _plain(r)), key=_by_loss)
    leaders: dict[str, Record] = {}
    for record in plain:
        leaders.setdefault(record.pipeline.family, record)
    chosen = list(leaders.values())[: MOST_BASES - 1]
    chosen += [r for r in plain if r not in chosen and r.arm != "start"][: MOST_BASES - len(chosen)]
    return sorted(chosen, key=_by_loss)


def _gained(record: Record, by_number: Mapping[int, Record]) -> bool:
    """Whether an experiment did better than the one that it changes."""
    parent = by_number.get(-1 if record.proposal.parent is None else record.proposal.parent)
    if record.score is None or parent is None or parent.score is None:
        return False
    return record.score.loss < parent.score.loss


def _plain(record: Record) -> bool:
    return record.score is not None and record.usable and not record.pipeline.bases


def _by_loss(record: Record) -> tuple[float, int]:
    assert record.score is not None
    return record.score.loss, record.number


def _best(
    history: Sequence[Record], *, boosted: bool = False, own_target: bool = False, family: str | None = None
) -> Record | None:
    """The best record that is made from no other's predictions."""
    found = [
        r
        for r in history
        if _plain(r)
        and r.arm != ARM
        and (not boosted or FAMILIES[r.pipeline.family].boosted)
        and (not own_target or not r.pipeline.target)
        and (family is None or r.pipeline.family == family)
    ]
    return min(found, key=_by_loss, default=None)
