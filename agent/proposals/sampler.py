"""The sampler of hyperparameters: Optuna's TPE on the run's experiments, rebuilt from them for each draw."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from medalist.agent.experiment import Record
from medalist.pipelines.estimators.base import SEEDS, SHARED_PARAMS, Family
from medalist.pipelines.pipeline import Pipeline

MOST_OBSERVATIONS = 100  # experiments that the sampler is given at most: its time grows with their number
FEW_OBSERVATIONS = 20  # experiments on the features of a family's best below which those on other features are added


def ask(family: Family, observations: Sequence[tuple[Mapping[str, Any], float]], *, seed: int) -> dict[str, Any]:
    """The next parameters to try for a family.

    Parameters
    ----------
    observations: parameters and losses of this family's earlier experiments; those outside the search space are
    ignored.
    seed: of the sampler (TPE, Bergstra et al., 2011; multivariate, Falkner et al., 2018). Equal observations and seeds
        give equal parameters.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed % SEEDS, multivariate=True, n_startup_trials=4)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    for params, value in observations:
        trial = _as_trial(family.space, tuple(params.items()))
        if trial is not None:
            trial = copy.copy(trial)
            trial.value = value
            study.add_trial(trial)
    return family.space(study.ask())


def observations(best: Record, history: Sequence[Record]) -> list[tuple[dict[str, Any], float]]:
    """(parameters, loss) of earlier experiments of the family of `best`, for `ask`, in the order in which they were
    tried.

    Those with the features and the target transformation of `best`. While these are few, also those with other
    features, whose losses are shifted so that the best of each feature set counts as equal. Of more than
    MOST_OBSERVATIONS, half are the best and half the latest of the others.
    """
    settings: dict[Pipeline, list[tuple[int, dict[str, Any], float]]] = {}
    for place, r in enumerate(history):
        if r.loss is not None and r.pipeline.family == best.pipeline.family and not r.pipeline.bases:
            settings.setdefault(_setting(r.pipeline), []).append((place, r.pipeline.parameters, r.loss))
    setting = _setting(best.pipeline)
    trials = settings.pop(setting, [])
    if len(trials) < FEW_OBSERVATIONS:
        least = min((loss for _, _, loss in trials), default=0.0)
        for other, others in settings.items():
            if other.params == setting.params:
                shift = least - min(loss for _, _, loss in others)
                trials = trials + [(place, params, loss + shift) for place, params, loss in others]
    if len(trials) > MOST_OBSERVATIONS:
        ranked = sorted(trials, key=lambda t: (t[2], t[0]))
        latest = sorted(ranked[MOST_OBSERVATIONS // 2 :])[-(MOST_OBSERVATIONS - MOST_OBSERVATIONS // 2) :]
        trials = ranked[: MOST_OBSERVATIONS // 2] + latest
    return [(params, loss) for _, params, loss in sorted(trials, key=lambda t: t[0])]


def _setting(pipeline: Pipeline) -> Pipeline:
    """The pipeline without its tuned parameters and its seed: experiments with equal ones have comparable losses."""
    kept = {key: value for key, value in pipeline.parameters.items() if key in SHARED_PARAMS}
    return pipeline.changed(params=kept, seed=0)


@lru_cache(maxsize=4096)  # the same experiments are observed again for each draw
def _as_trial(space: Callable[[Any], dict[str, Any]], items: tuple[tuple[str, Any], ...]) -> Any:
    """Optuna's trial of these parameters in a family's search space, with a loss to be set; None where they are not in
    it."""
    import optuna

    params = dict(items)
    fixed = optuna.trial.FixedTrial(params)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of values outside the space, which are left out below
            space(fixed)
    except ValueError:  # a parameter of the space is missing here: a portfolio entry that names fewer
        return None
    inside = {name: params[name] for name in fixed.distributions}
    if not all(d._contains(d.to_internal_repr(inside[n])) for n, d in fixed.distributions.items()):
        return None
    trial = optuna.trial.create_trial(params=inside, distributions=fixed.distributions, value=0.0)
    trial.__class__ = _shared_trial()
    return trial


@cache
def _shared_trial() -> type:
    """The class of a finished trial that a study keeps as it is, where it would copy all of it: nothing changes it
    but its number, and the copies would be most of a draw's time."""
    from optuna.trial import FrozenTrial

    class SharedTrial(FrozenTrial):
        def __deepcopy__(self, memo: dict[int, Any]) -> SharedTrial:
            return copy.copy(self)

    return SharedTrial
