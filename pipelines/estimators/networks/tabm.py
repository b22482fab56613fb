"""A neural network for tables: TabM (Gorishniy et al., 2025), an ensemble of perceptrons that share most weights.

The network comes from its authors' package tabm, on PyTorch (the optional extra `neural`). It is trained here, so that
deadline, epochs, row weights and losses are those of the other families. It computes on a GPU where PyTorch sees one
(`CUDA_VISIBLE_DEVICES=` hides it), else on the CPU.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.networks.inputs import network_inputs
from medalist.pipelines.estimators.networks.tabm_training import Training
from medalist.pipelines.estimators.objectives import LOSSES, TargetScale, objective_of
from medalist.pipelines.estimators.predictions import clip_to_targets, constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import is_informative

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "epochs": 100,
        "learning_rate": 0.003,
        "members": 16,
        "width": 64,
        "blocks": 2,
        "dropout": 0.1,
        "decay": 3e-4,
        "bins": 32,
        "embedding": 8,
    },
    {
        "epochs": 100,
        "learning_rate": 0.002,
        "members": 16,
        "width": 128,
        "blocks": 2,
        "dropout": 0.2,
        "decay": 3e-4,
        "bins": 32,
        "embedding": 8,
    },
    {  # large: for a GPU, or a long run
        "epochs": 200,
        "learning_rate": 0.001,
        "members": 32,
        "width": 256,
        "blocks": 3,
        "dropout": 0.1,
        "decay": 3e-4,
        "bins": 48,
        "embedding": 16,
    },
)


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "epochs": 100,
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 8e-3, log=True),
        "members": trial.suggest_categorical("members", [8, 16, 32]),
        "width": trial.suggest_categorical("width", [64, 128, 256]),
        "blocks": trial.suggest_int("blocks", 1, 3),
        "dropout": trial.suggest_float("dropout", 0.0, 0.4),
        "decay": trial.suggest_float("decay", 1e-5, 3e-2, log=True),
        "bins": trial.suggest_int("bins", 8, 64, log=True),
        "embedding": trial.suggest_categorical("embedding", [4, 8, 16]),
    }


def _network(params: Mapping[str, Any], numbers: Any, sizes: list[int], outputs: int) -> Any:
    """The untrained network, for training numbers (n, d), the sizes of categories, and a number of outputs."""
    import tabm
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins

    embeddings, bins = None, min(int(params["bins"]), len(numbers) - 1)
    if numbers.shape[1] and bins > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a column of two values has one bin, which is right
            edges = compute_bins(numbers, bins)
            embeddings = PiecewiseLinearEmbeddings(edges, int(params["embedding"]), activation=False, version="B")
    return tabm.TabM.make(
        n_num_features=numbers.shape[1],
        cat_cardinalities=sizes,
        d_out=outputs,
        num_embeddings=embeddings,
        n_blocks=int(params["blocks"]),
        d_block=int(params["width"]),
        dropout=float(params["dropout"]),
        k=int(params["members"]),
    )


@contextmanager
def _torch(request: FitRequest) -> Iterator[Any]:
    """PyTorch with the request's threads and seed; both are restored afterwards."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(request.threads)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(request.seed)
            yield torch
    finally:
        torch.set_num_threads(threads)


def fit_predict(request: FitRequest) -> Fitted:
    """Train with early stopping where there are validation targets, else for `request.rounds` epochs, at most until the
    deadline; the weights of the best epoch predict."""
    params, objective = {**PORTFOLIO[0], **request.family_params}, objective_of(request, LOSSES)
    if not is_informative(request.train) or len(request.train) < 2:
        return constant_fit(request)
    unscaled = request
    scale = TargetScale.of(request.y, objective)
    request = scale.apply(request)
    numbers, levels, sizes = network_inputs(request)
    if not numbers[0].shape[1] and not sizes:
        return constant_fit(unscaled)
    with _torch(request) as torch:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        x = [
            (torch.as_tensor(n, device=device), torch.as_tensor(c, device=device))
            for n, c in zip(numbers, levels, strict=True)
        ]
        multiclass = request.problem.problem_type == "multiclass"

        def targets(y: np.ndarray) -> Any:
            kind = torch.long if multiclass else torch.float32
            return torch.as_tensor(y, dtype=kind, device=device).reshape((len(y),) if multiclass else (len(y), -1))

        y = targets(request.y)
        outputs = request.problem.n_classes if multiclass else y.shape[1]
        network = _network(params, torch.as_tensor(numbers[0]), sizes, outputs).to(device)
        training = Training(request, objective, params, network, x[0], y)

        def predict(place: int) -> np.ndarray:
            out = training.predict(x[place]).double().cpu().numpy()
            out = out if multiclass or request.native else out[:, 0]
            return out if request.problem.classification else scale.invert(clip_to_targets(out, request.y))

        best, run = training.run(None if request.y_valid is None else (x[1], targets(request.y_valid)))
        parts = ((1, request.valid), (2, request.test))
        valid, test = (predict(i) if len(m) else empty_predictions(request) for i, m in parts)
    return Fitted(valid, test, rounds=best, rounds_run=run)


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:  # noqa: ARG001
    """Relative seconds of one fit, of 50 epochs at most: training usually stops earlier."""
    size = params.get("members", 8) / 8 * (params.get("width", 128) / 128) ** 1.1 * (1 + params.get("blocks", 2)) / 3
    return 0.5 + 1.2e-6 * min(params.get("epochs", 100), 50) * rows * size * (35 + 1.05 * columns)


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:  # noqa: ARG001
    """Bytes of one fit: PyTorch's libraries, the rows, and the activations of a batch."""
    return (700 << 20) + rows * (16.0 * columns + 64.0 * outputs)


FAMILY = Family(
    name="neural",
    title="TabM",
    feature_set="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.35, tuning=0.04),
    order=70,
    module="tabm",
    extra="neural",
    max_rows=200_000,
    losses=LOSSES,
    native_targets=True,
    waits_for_features=True,
)
