"""The sampler: parameters from Optuna by ask and tell, with the run's experiments as the only state."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from medalist.agent.experiment import Record
from medalist.pipelines.estimators.base import SEEDS, SHARED_PARAMS, Family
from medalist.pipelines.pipeline import Pipeline

MOST_PAST = 100  # experiments that the sampler learns from at most: its time grows with their number
FEW_PAST = 20  # experiments on the features of a family's best, below which those on others are added


def ask(family: Family, past: Sequence[tuple[Mapping[str, Any], float]], *, seed: int) -> dict[str, Any]:
    """The next parameters to try for a family.

    Parameters
    ----------
    past: parameters and losses of this family's earlier experiments; those outside the search space are left out.
    seed: of the sampler (TPE, Bergstra et al., 2011; multivariate, Falkner et al., 2018); equal past and seed give
        equal parameters.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed % SEEDS, multivariate=True, n_startup_trials=4)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    for params, value in past:
        trial = _as_trial(family, params, value)
        if trial is not None:
            study.add_trial(trial)
    return family.space(study.ask())


def past(best: Record, history: Sequence[Record]) -> list[tuple[dict[str, Any], float]]:
    """Parameters and losses for the sampler to learn from, in the order in which they were tried.

    Those that were tried on the features and the target of the family's best. While these are few, also those tried on
    others, with losses as far from the best of their setting as they were. Of many, the best and the latest.
    """
    settings: dict[Pipeline, list[tuple[int, dict[str, Any], float]]] = {}
    for place, r in enumerate(history):
        if r.loss is not None and r.pipeline.family == best.pipeline.family and not r.pipeline.bases:
            settings.setdefault(_setting(r.pipeline), []).append((place, r.pipeline.parameters, r.loss))
    setting = _setting(best.pipeline)
    trials = settings.pop(setting, [])
    if len(trials) < FEW_PAST:
        least = min((loss for _, _, loss in trials), default=0.0)
        for other, others in settings.items():
            if other.params == setting.params:
                shift = least - min(loss for _, _, loss in others)
                trials = trials + [(place, params, loss + shift) for place, params, loss in others]
    if len(trials) > MOST_PAST:
        ranked = sorted(trials, key=lambda t: (t[2], t[0]))
        latest = sorted(ranked[MOST_PAST // 2 :])[-(MOST_PAST - MOST_PAST // 2) :]
        trials = ranked[: MOST_PAST // 2] + latest
    return [(params, loss) for _, params, loss in sorted(trials, key=lambda t: t[0])]


def _setting(pipeline: Pipeline) -> Pipeline:
    """What parameters are tuned for: the features, the target and how it is fitted."""
    kept = {key: value for key, value in pipeline.parameters.items() if key in SHARED_PARAMS}
    return pipeline.changed(params=kept, seed=0)


def _as_trial(family: Family, params: Mapping[str, Any], value: float) -> Any:
    import optuna

    fixed = optuna.trial.FixedTrial(dict(params))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of values outside the space, which are left out below
            family.space(fixed)
    except ValueError:  # a parameter of the space is missing here: a portfolio entry that names fewer
        return None
    inside = {name: params[name] for name in fixed.distributions}
    if not all(d._contains(d.to_internal_repr(inside[n])) for n, d in fixed.distributions.items()):
        return None
    return optuna.trial.create_trial(params=inside, distributions=fixed.distributions, value=value)
