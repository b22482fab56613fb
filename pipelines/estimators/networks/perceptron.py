"""Multilayer perceptrons by scikit-learn, averaged over several of them, on piecewise linear encodings of numbers.

Piecewise linear encodings (Gorishniy et al., 2022) let a small network fit functions that are not smooth. Adam's
learning rate falls along half a cosine (Loshchilov & Hutter, 2017), and predictions are averaged over the last epochs
and over the networks. Values are fitted by squared errors, also under absolute ones; for quantile and percentage errors
rows are reweighted after each epoch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import SEEDS, Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.networks.inputs import network_inputs
from medalist.pipelines.estimators.objectives import (
    TargetScale,
    absolute_weights,
    error_weights,
    objective_of,
    quantile_of,
)
from medalist.pipelines.estimators.predictions import (
    class_probabilities,
    clip_to_targets,
    constant_fit,
    empty_predictions,
    fit_each_target,
)
from medalist.pipelines.estimators.preprocessing import is_informative

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"epochs": 24, "learning_rate": 0.003, "members": 4, "width": 48, "penalty": 0.3, "bins": 8},
    {"epochs": 24, "learning_rate": 0.003, "members": 4, "width": 48, "penalty": 1.0, "bins": 4},
)
MIN_STEPS = 500  # steps of Adam in all, for which there are more epochs than the parameter where rows are few
MAX_EPOCHS = 150  # epochs for MIN_STEPS, at most
MIN_RATE = 0.02  # learning rate at the end of training, as a share of the initial one
AVERAGED = 1 / 3  # share of the epochs, the last ones, over which predictions are averaged
MAX_INPUTS = 1500  # columns of the encoded rows, beyond which numbers have fewer bins
MAX_BYTES = 512 << 20  # bytes of the encoded training rows, beyond which numbers have fewer bins
MIN_DEVIATION = 0.05  # standard deviation that an input is divided by at least
HUBER_RESIDUAL = 1.0  # `smallest` of `absolute_weights`: robust standard deviations below which errors count squared


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "epochs": 24,
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
        "members": 4,
        "width": trial.suggest_categorical("width", [32, 48, 64, 96, 128]),
        "penalty": trial.suggest_float("penalty", 3e-3, 3.0, log=True),
        "bins": trial.suggest_int("bins", 2, 24, log=True),
    }


def encoded(request: FitRequest, bins: int) -> list[np.ndarray]:
    """Standardised inputs (rows, d) float32 of the training, validation and test rows.

    They are the numbers, their piecewise linear encodings (one column for each of `bins` bins: 0 below it, 1 above it,
    linear within), and one-hot category levels. Bins hold equally many training rows; where there would be too many
    inputs there are fewer of them.
    """
    numbers, levels, sizes = network_inputs(request)
    count = numbers[0].shape[1]
    room = min(MAX_INPUTS, MAX_BYTES // (4 * max(1, len(numbers[0]))))
    bins = min(bins, max(0, room - sum(sizes)) // max(1, count) - 1)
    parts = [[n] for n in numbers]
    for j in range(count if bins > 1 else 0):
        edges = np.unique(np.quantile(numbers[0][:, j], np.linspace(0, 1, bins + 1)))
        for part, n in zip(parts, numbers, strict=True):
            part.append(np.clip((n[:, j : j + 1] - edges[:-1]) / np.diff(edges), 0, 1).astype(np.float32))
    for j, size in enumerate(sizes):
        for part, codes in zip(parts, levels, strict=True):
            part.append(codes[:, j : j + 1] == np.arange(size))
    joined = [np.hstack(part).astype(np.float32) for part in parts]
    mean, deviation = joined[0].mean(axis=0), np.maximum(joined[0].std(axis=0), MIN_DEVIATION)
    return [(rows - mean) / deviation for rows in joined]


def batch_size(rows: int) -> int:
    """Batch size by the number of training rows."""
    return next((size for most, size in ((2_800, 32), (4_500, 64), (9_000, 128), (60_000, 256)) if rows < most), 512)


def epochs_of(rows: int, params: Mapping[str, Any]) -> int:
    """Epochs on so many training rows: the parameter's, or as many as make MIN_STEPS steps, up to MAX_EPOCHS."""
    steps = -(-rows // batch_size(rows))
    return max(int(params.get("epochs", 24)), min(MAX_EPOCHS, -(-MIN_STEPS // steps)))


def rate_factor(progress: float) -> float:
    """The factor of the learning rate at a share `progress` of the training: half a cosine from 1 to MIN_RATE."""
    return MIN_RATE + (1 - MIN_RATE) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def fit_predict(request: FitRequest) -> Fitted:
    """Train for the planned epochs or until the deadline; validation targets are not looked at."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    params, objective = {**PORTFOLIO[0], **request.family_params}, objective_of(request, ())
    useless = not is_informative(request.train) or len(request.train) < 2 or np.ptp(request.y) == 0
    if useless or request.out_of_time:
        return constant_fit(request)
    if request.native and _is_reweighted(objective):  # rows weigh differently for each target
        return fit_each_target(fit_predict, request)
    scale = TargetScale.of(request.y, "logloss" if request.problem.classification else "l2")
    with warnings.catch_warnings(), threadpool_limits(request.threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        inputs = encoded(request, int(params["bins"]))
        if not inputs[0].shape[1]:
            return constant_fit(request)
        weights = error_weights(request, objective) if _is_reweighted(objective) else request.weights
        valid, test = _train(replace(scale.apply(request), weights=weights), objective, params, inputs)

    def predictions(outputs: np.ndarray) -> np.ndarray:
        if not len(outputs):
            return empty_predictions(request)
        return outputs if request.problem.classification else clip_to_targets(scale.invert(outputs), request.y)

    return Fitted(predictions(valid), predictions(test))


def _is_reweighted(objective: str) -> bool:
    """Whether squared errors are reweighted after each epoch: for quantile and percentage errors."""
    return objective.startswith(("mape", "quantile:"))


def _train(
    request: FitRequest, objective: str, params: Mapping[str, Any], inputs: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of the validation and the test rows, averaged over the networks and their last epochs."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, *queries = inputs
    classes = request.problem.classification
    y = request.y.astype(np.int64) if classes else request.y.astype(np.float32)
    size = min(batch_size(len(x)), len(x))
    epochs = epochs_of(len(x), params)
    width = int(params["width"])
    networks = [
        (MLPClassifier if classes else MLPRegressor)(
            hidden_layer_sizes=(width, width),
            alpha=float(params["penalty"]),
            batch_size=size,
            learning_rate_init=float(params["learning_rate"]),
            random_state=np.random.RandomState((request.seed * 31 + i) % SEEDS),  # an int would restart every epoch
        )
        for i in range(int(params["members"]))
    ]
    reweighted = _is_reweighted(objective)
    all_classes = {"classes": np.arange(y.shape[1]) if request.native else np.unique(y)} if classes else {}
    total: list[Any] = [0.0, 0.0]
    summed = 0
    began = awake()
    for epoch in range(epochs):
        averaged = epoch >= (1 - AVERAGED) * epochs
        spent = (awake() - began) / max(request.deadline - began, 1e-9)
        progress = request.by_clock(max(epoch / epochs, spent), usual=epoch / epochs)
        for network in networks:
            if epoch:  # scikit-learn makes the optimizer in the first epoch, and has no schedule for Adam
                network._optimizer.learning_rate_init = float(params["learning_rate"]) * rate_factor(progress)
            weights = request.weights
            if reweighted and weights is not None and epoch:
                residuals = request.y - network.predict(x)
                weights, _ = absolute_weights(residuals, weights, quantile_of(objective), HUBER_RESIDUAL)
            network.partial_fit(x, y, **({} if epoch else all_classes), sample_weight=weights)
            ended = request.out_of_time
            if averaged or ended:
                summed += 1
                total = [t + _predict(request, network, rows) for t, rows in zip(total, queries, strict=True)]
            if ended:
                return total[0] / summed, total[1] / summed
    return total[0] / summed, total[1] / summed


def _predict(request: FitRequest, network: Any, rows: np.ndarray) -> np.ndarray:
    """Predictions of one network, standardised values or probabilities: (k,), (k, K) or (k, T)."""
    problem = request.problem
    if not len(rows):
        return empty_predictions(request)
    if not problem.classification:
        return np.asarray(network.predict(rows), dtype=np.float64)
    if request.native:
        return np.asarray(network.predict_proba(rows), dtype=np.float64)
    return class_probabilities(network, rows, problem.n_classes, problem.problem_type == "binary")


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit; wide tables have fewer bins, so that inputs are at most MAX_INPUTS."""
    passes = epochs_of(max(1, rows), params) * params.get("members", 4)
    inputs = min(MAX_INPUTS, columns * params.get("bins", 8) / 2)
    of_row = (3e-6 + 2.5e-8 * inputs) * (0.5 + params.get("width", 48) / 96) * (0.9 + 0.02 * outputs)
    return 0.3 + rows * passes * of_row


FAMILY = Family(
    name="perceptron",
    title="Perceptrons",
    feature_set="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.35, tuning=0.02),
    order=80,
    module="sklearn",
    max_rows=200_000,
    native_targets=True,
    waits_for_features=True,
)
