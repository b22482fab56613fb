"""Training of TabM: epochs of AdamW with early stopping and a deadline, for each of the losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.boosting import rounds_to_run
from medalist.pipelines.estimators.objectives import TWEEDIE_POWER, is_absolute, quantile_of

PATIENCE = 16  # epochs without a lower validation loss, after which training stops
EVAL_ROWS = 4096  # rows that are predicted at a time


def _loss(request: FitRequest, objective: str) -> Callable[[Any, Any], Any]:
    """A function of outputs (…, d) and targets, class codes (…,) or values (…, d), that returns the losses (…,)."""
    from torch.nn import functional

    if request.problem.problem_type == "multiclass":
        return lambda out, y: functional.cross_entropy(out.movedim(-1, 1), y, reduction="none")
    if request.problem.classification:
        return lambda out, y: functional.binary_cross_entropy_with_logits(out, y, reduction="none").mean(-1)
    if is_absolute(objective):
        q = quantile_of(objective)
        return lambda out, y: ((y - out) * q).maximum((y - out) * (q - 1)).mean(-1)
    if objective == "huber":
        return lambda out, y: functional.huber_loss(out, y, reduction="none").mean(-1)
    if objective == "poisson":
        return lambda out, y: functional.poisson_nll_loss(out, y, reduction="none").mean(-1)
    if objective == "tweedie":
        r = TWEEDIE_POWER
        return lambda out, y: (((2 - r) * out).exp() / (2 - r) - y * ((1 - r) * out).exp() / (1 - r)).mean(-1)
    return lambda out, y: functional.mse_loss(out, y, reduction="none").mean(-1)


def _predictions(request: FitRequest, objective: str, out: Any) -> Any:
    """Predictions (rows, d) from the outputs (rows, k, d) of k members: their mean on the scale of the target."""
    if request.problem.problem_type == "multiclass":
        return out.softmax(-1).mean(1)
    if request.problem.classification:
        return out.sigmoid().mean(1)
    return (out.exp() if objective in ("poisson", "tweedie") else out).mean(1)


def batch_size(rows: int) -> int:
    """Batch size by the number of training rows, as in the authors' experiments."""
    steps = ((2_800, 32), (4_500, 64), (6_400, 128), (32_000, 256), (108_000, 512))
    return next((size for most, size in steps if rows < most), 1024)


class Training:
    """Epochs of AdamW (Loshchilov & Hutter, 2019) on batches that the members share.

    network: a TabM; x: numbers (n, d) and category levels (n, c) of the training rows; y: class codes (n,), or values
    (n, d). They are tensors on one device, where all is computed.
    """

    def __init__(self, request: FitRequest, objective: str, params: Mapping[str, Any], network: Any, x: Any, y: Any):
        import torch

        self.request, self.objective, self.params = request, objective, params
        self.network, self.x, self.y = network, x, y
        self.loss = _loss(request, objective)
        weights = request.weights
        if objective == "mape":
            inverse = (1 / np.maximum(np.abs(request.y), 1.0)).reshape(len(request.y), -1).mean(axis=1)
            weights = inverse / inverse.mean() * (1.0 if weights is None else weights)
        self.weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float32, device=y.device)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=float(params["learning_rate"]), weight_decay=float(params["decay"])
        )

    def run(self, validation: Any) -> tuple[int, int]:
        """Train, and return the best epoch and the number of epochs that were run.

        `validation` is (inputs, targets) for early stopping: the network then has the weights of the best epoch; with
        None, those of the last one.
        """
        epochs = rounds_to_run(self.request, int(self.params["epochs"]))
        best, lowest, weights = 0, float("inf"), None
        epoch = 0
        while epoch < epochs and epoch - best <= PATIENCE:
            epoch += 1
            ended = self.epoch()
            if validation is None:
                best = epoch
            elif (loss := self.validation_loss(*validation)) < lowest:
                best, lowest = epoch, loss
                weights = {name: value.clone() for name, value in self.network.state_dict().items()}
            if ended:
                break
        if weights is not None:
            self.network.load_state_dict(weights)
        return max(1, best), epoch

    def epoch(self) -> bool:
        """Train on all rows once, in random order, or until the deadline. Returns whether that has passed."""
        import torch

        self.network.train()
        size = batch_size(len(self.y))
        for rows in torch.randperm(len(self.y)).to(self.y.device).split(size):
            self.optimizer.zero_grad(set_to_none=True)
            out = self.forward(self.x, rows)
            y = self.y[rows].unsqueeze(1).expand(-1, out.shape[1], *self.y.shape[1:])
            losses = self.loss(out.flatten(0, 1), y.flatten(0, 1)).unflatten(0, out.shape[:2])
            if self.weights is not None:
                losses = losses * self.weights[rows, None]
            losses.mean().backward()
            self.optimizer.step()
            if self.request.out_of_time:
                return True
        return False

    def forward(self, x: Any, rows: Any) -> Any:
        """Outputs (r, k, d) of the k members for some rows (r,) of inputs x."""
        numbers, levels = x[0][rows], x[1][rows]
        return self.network(numbers if numbers.shape[1] else None, levels if levels.shape[1] else None)

    def predict(self, x: Any) -> Any:
        """Predictions (rows, d) for inputs x: standardised values, or probabilities."""
        import torch

        self.network.eval()
        with torch.inference_mode():
            parts = torch.arange(len(x[0]), device=self.y.device).split(EVAL_ROWS)
            return torch.cat([_predictions(self.request, self.objective, self.forward(x, rows)) for rows in parts])

    def validation_loss(self, x: Any, y: Any) -> float:
        """The weighted mean loss of the members' mean prediction for inputs x and targets y."""
        import torch

        predicted = self.predict(x)
        if self.request.problem.problem_type == "multiclass":
            out = predicted.clamp_min(1e-12).log()
        elif self.request.problem.classification:
            out = predicted.logit(1e-6)
        else:
            out = predicted.clamp_min(1e-12).log() if self.objective in ("poisson", "tweedie") else predicted
        losses = self.loss(out, y)
        if self.objective == "mape":
            losses = losses * (1 / y.abs().clamp_min(1.0)).mean(-1)
        if (weights := self.request.weights_valid) is not None:
            losses = losses * torch.as_tensor(weights, dtype=losses.dtype, device=losses.device)
        return float(losses.mean())
