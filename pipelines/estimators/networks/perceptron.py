"""Multilayer perceptrons by scikit-learn: several of them, on piecewise linear encodings of numbers.

Each number is told by how far it has come through each of its bins (Gorishniy et al., 2022), which lets a small network
bend where the data do. Adam's learning rate falls along half a cosine (Loshchilov & Hutter, 2017); what the networks
predict is averaged over the last epochs, and over the networks. Values are fitted by squared errors, for absolute ones
too; quantiles and absolute shares by squared errors that are weighted anew after each epoch.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import SEEDS, Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.networks.inputs import design
from medalist.pipelines.estimators.objectives import Unit, absolute_weights, counted_rows, level_of, objective_of
from medalist.pipelines.estimators.predictions import class_probabilities, constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import informative

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"epochs": 24, "learning_rate": 0.003, "members": 4, "width": 48, "penalty": 0.3, "bins": 8},
    {"epochs": 24, "learning_rate": 0.003, "members": 4, "width": 48, "penalty": 1.0, "bins": 4},
)
LEAST_STEPS, MOST_EPOCHS = 500, 150  # of Adam: on few rows there are more epochs
LEAST_RATE = 0.02  # of the learning rate, to which it falls
AVERAGED = 1 / 3  # of the epochs, the last, whose predictions are averaged
MOST_INPUTS = 1500  # beyond which numbers have fewer bins
MOST_BYTES = 512 << 20  # of the encoded training rows
LEAST_SPREAD = 0.05  # of an input, by which it is divided at least


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
    """Inputs (rows, d) float32 of the training, validation and test rows, standardised: numbers and their bins, and
    one-hot levels. Bins have equally many training rows each; where many numbers would give too many inputs, fewer."""
    numbers, levels, sizes = design(request)
    count = numbers[0].shape[1]
    room = min(MOST_INPUTS, MOST_BYTES // (4 * max(1, len(numbers[0]))))
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
    mean, spread = joined[0].mean(axis=0), np.maximum(joined[0].std(axis=0), LEAST_SPREAD)
    return [(rows - mean) / spread for rows in joined]


def batch_size(rows: int) -> int:
    """Rows of a step, by the number of training rows."""
    return next((size for most, size in ((2_800, 32), (4_500, 64), (9_000, 128), (60_000, 256)) if rows < most), 512)


def epochs_of(rows: int, params: Mapping[str, Any]) -> int:
    """Epochs on so many training rows."""
    steps = -(-rows // batch_size(rows))
    return max(int(params.get("epochs", 24)), min(MOST_EPOCHS, -(-LEAST_STEPS // steps)))


def falling(gone: float) -> float:
    """Share of the learning rate after a share of the training: from 1 to LEAST_RATE."""
    return LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * min(gone, 1.0))) / 2


def fit_predict(request: FitRequest) -> Fitted:
    """Train for the given epochs, or until the time is up; nothing is watched."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    params, objective = {**PORTFOLIO[0], **request.own_params}, objective_of(request, ())
    sparse = request.train.sparse
    nothing = not informative(request.train) and (sparse is None or not sparse.nnz)
    if nothing or len(request.train) < 2 or np.ptp(request.y) == 0 or request.out_of_time:
        return constant_fit(request)
    if request.native and level_of(objective) is not None:  # rows weigh differently for each target
        fits = [fit_predict(replace(request, y=y)) for y in request.y.T]
        return Fitted(np.column_stack([f.valid for f in fits]), np.column_stack([f.test for f in fits]))
    unit = Unit.of(request.y, "logloss" if _classes(request) else "l2")
    with warnings.catch_warnings(), threadpool_limits(request.threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        inputs = encoded(request, int(params["bins"]))
        if not inputs[0].shape[1]:
            return constant_fit(request)
        counted = request.weights if level_of(objective) is None else counted_rows(request, objective)
        valid, test = _train(replace(unit.to(request), weights=counted), objective, params, inputs)
    low, high = request.y.min(axis=0), request.y.max(axis=0)
    margin = 0.1 * (high - low)  # a network may leave every plausible value behind where it extrapolates

    def back(said: np.ndarray) -> np.ndarray:
        if not len(said):
            return empty_predictions(request)
        return said if _classes(request) else np.clip(unit.back(said), low - margin, high + margin)

    return Fitted(back(valid), back(test))


def _classes(request: FitRequest) -> bool:
    return request.problem.classification


def _train(
    request: FitRequest, objective: str, params: Mapping[str, Any], inputs: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of the validation and the test rows, averaged over the networks and their last epochs."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, *asked = inputs
    classes = _classes(request)
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
            random_state=np.random.RandomState((request.seed * 31 + i) % SEEDS),  # a number restarts every epoch
        )
        for i in range(int(params["members"]))
    ]
    level = level_of(objective)
    known = {"classes": np.arange(y.shape[1]) if request.native else np.unique(y)} if classes else {}
    total: list[Any] = [0.0, 0.0]
    times = 0
    began = time.monotonic()
    for epoch in range(epochs):
        last = epoch >= (1 - AVERAGED) * epochs
        gone = max(epoch / epochs, (time.monotonic() - began) / max(request.deadline - began, 1e-9))
        for network in networks:
            if epoch:  # the library makes its optimizer with the first one, and has no schedule for Adam
                network._optimizer.learning_rate_init = float(params["learning_rate"]) * falling(gone)
            weights = request.weights
            if level is not None and weights is not None and epoch:
                weights, _ = absolute_weights(request.y - network.predict(x), weights, level, 1.0)
            network.partial_fit(x, y, **({} if epoch else known), sample_weight=weights)
            ended = request.out_of_time
            if last or ended:
                times += 1
                total = [t + _said(request, network, rows) for t, rows in zip(total, asked, strict=True)]
            if ended:
                return total[0] / times, total[1] / times
    return total[0] / times, total[1] / times


def _said(request: FitRequest, network: Any, rows: np.ndarray) -> np.ndarray:
    if not len(rows):
        return empty_predictions(request)
    if not _classes(request):
        return np.asarray(network.predict(rows), dtype=np.float64)
    if request.native:
        return np.asarray(network.predict_proba(rows), dtype=np.float64)
    problem = request.problem
    return class_probabilities(network, rows, problem.n_classes, problem.problem_type == "binary")


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit; wide tables have fewer bins."""
    passes = epochs_of(max(1, rows), params) * params.get("members", 4)
    inputs = min(MOST_INPUTS, columns * params.get("bins", 8) / 2)
    of_row = (3e-6 + 2.5e-8 * inputs) * (0.5 + params.get("width", 48) / 96) * (0.9 + 0.02 * outputs)
    return 0.3 + rows * passes * of_row


FAMILY = Family(
    name="perceptron",
    title="Perceptrons",
    wants="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.35, tuning=0.02),
    order=80,
    module="sklearn",
    max_rows=200_000,
    native_targets=True,
    found_first=True,
)
