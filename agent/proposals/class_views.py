"""The arms `view:classes` and `view:cumulative`: models of the classes of a target with few values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import best_base_model
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.targets.class_view import CLASSES, CUMULATIVE

ARMS = {"view:cumulative": CUMULATIVE, "view:classes": CLASSES}
PRIORS = {"view:cumulative": 0.15, "view:classes": 0.02}  # gain to expect, in noise units, as in `variations.PRIORS`


def class_proposals(
    history: Sequence[Record], families: Sequence[str], views: Sequence[tuple[str, str]]
) -> Iterator[Proposal]:
    """The next proposal of each arm: the best model on the target as it is, of a family that the arm has not tried, on
    that view of the classes.

    views: (name, reason) of those that suit the target.
    """
    reasons = dict(views)
    for arm, view in ARMS.items():
        if view not in reasons:
            continue
        tried = {r.pipeline.family for r in history if r.arm == arm}
        plain = [r for r in history if r.pipeline.family not in tried and r.pipeline.family in families]
        best = best_base_model(plain, plain_target=True)
        if best is None or best.arm == "start":
            continue
        params = {name: value for name, value in best.pipeline.parameters.items() if name != "loss"}
        pipeline = best.pipeline.changed(target=view, params=params)
        if all(r.pipeline != pipeline for r in history):
            title = FAMILIES[pipeline.family].title
            yield Proposal(pipeline, f"{title} on {reasons[view]}", best.number, arm)
