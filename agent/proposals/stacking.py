"""Models fitted on predictions: stacks on out-of-fold predictions (Wolpert, 1992), and pseudo-labels of test rows."""

from __future__ import annotations

from collections.abc import Sequence

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import base_models, best_base_model, by_loss
from medalist.pipelines.estimators.registry import FAMILIES, stackers
from medalist.pipelines.pipeline import Pipeline

MOST_BASES = 6  # most base models of a stack: each is fitted again at the close
LEAST_BASES = 3  # least base models of a stack, the first model of the run not counted
RENEWED = 8  # scored experiments between two stacks of one arm
MOST_TEST = 4.0  # number of test rows for each training row, beyond which pseudo-labels are not tried


def stack_arms() -> list[str]:
    """The bandit arms that stack: `stack:FAMILY` on predictions alone, and `stack:wide`, boosted trees on predictions
    and columns."""
    return [*(f"stack:{fam.name}" for fam in stackers()), "stack:wide"]


def stack(arm: str, history: Sequence[Record], families: Sequence[str], seed: int) -> Proposal | None:
    """A stack on the best base models, by `seed`; None while there are too few, or too few new ones since the arm's
    last stack."""
    kind = arm.partition(":")[2]
    name = kind if kind in FAMILIES else next(fam.name for fam in stackers() if fam.feature_set == "trees")
    last = max((r.number for r in history if r.arm == arm), default=None)
    waits = last is not None and sum(r.number > last and r.score is not None for r in history) < RENEWED
    if name not in families or waits:
        return None
    bases = bases_of(history)
    if sum(r.arm != "start" for r in bases) < LEAST_BASES:
        return None
    features: tuple[str, ...] = ()
    if kind == "wide":
        features = next((r.pipeline.features for r in bases if FAMILIES[r.pipeline.family].feature_set == "trees"), ())
        if not features:
            return None
    numbers = ", ".join(f"#{r.number}" for r in bases)
    reason = f"{FAMILIES[name].title} on the predictions of {numbers}" + (" and columns" if kind == "wide" else "")
    stacked = [r.pipeline.hash for r in bases]
    pipeline = Pipeline.of(features, name, FAMILIES[name].stacker or {}, seed, stacked=stacked)
    tried = any(r.pipeline == pipeline for r in history)
    return None if tried else Proposal(pipeline, reason, bases[0].number, arm)


def bases_of(history: Sequence[Record]) -> list[Record]:
    """The base models of a stack, at most MOST_BASES, best first: the best of each family, then the best of all
    others."""
    models = sorted((r for r in base_models(history) if r.evaluation is not None), key=by_loss)
    leading: dict[str, Record] = {}
    for record in models:
        leading.setdefault(record.pipeline.family, record)
    chosen = list(leading.values())[: MOST_BASES - 1]
    chosen += [r for r in models if r not in chosen and r.arm != "start"][: MOST_BASES - len(chosen)]
    return sorted(chosen, key=by_loss)


def pseudo_labels(history: Sequence[Record], test_share: float) -> Proposal | None:
    """The best boosted model, fitted on the training rows and on the test rows with its predictions as labels.

    test_share: number of test rows for each training row. None where there are too many, where that was tried already,
    or where the test predictions of the model's folds were not stored.
    """
    if test_share > MOST_TEST:
        return None
    best = best_base_model(history, boosted=True)
    tried = sum(r.arm == "pseudo" for r in history)
    if best is None or best.arm == "start" or not best.keeps_fold_tests or tried > len(history) // (3 * RENEWED):
        return None
    if any(r.pipeline.pseudo == best.pipeline.hash for r in history):
        return None
    reason = f"#{best.number} with its predictions of the test rows as labels beside the training rows"
    return Proposal(best.pipeline.changed(pseudo=best.pipeline.hash), reason, best.number, "pseudo")
