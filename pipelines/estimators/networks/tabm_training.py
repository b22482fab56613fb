"""Training of a network whose members share their batches: by the clock, with early stopping, by any of the losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.objectives import TWEEDIE_POWER

PATIENCE = 16  # epochs without a better one
EVAL_ROWS = 4096


def _loss(request: FitRequest, objective: str) -> Callable[[Any, Any], Any]:
    """Losses (…,) of outputs (…, d) for targets (…,) codes or (…, d) values."""
    from torch.nn import functional

    if request.problem.problem_type == "multiclass":
        return lambda out, y: functional.cross_entropy(out.movedim(-1, 1), y, reduction="none")
    if request.problem.classification:
        return lambda out, y: functional.binary_cross_entropy_with_logits(out, y, reduction="none").mean(-1)
    if objective.startswith(("l1", "mape", "quantile:")):
        q = float(objective.partition(":")[2] or 0.5)
        return lambda out, y: ((y - out) * q).maximum((y - out) * (q - 1)).mean(-1)
    if objective == "huber":
        return lambda out, y: functional.huber_loss(out, y, reduction="none").mean(-1)
    if objective == "poisson":
        return lambda out, y: functional.poisson_nll_loss(out, y, reduction="none").mean(-1)
    if objective == "tweedie":
        r = TWEEDIE_POWER
        return lambda out, y: (((2 - r) * out).exp() / (2 - r) - y * ((1 - r) * out).exp() / (1 - r)).mean(-1)
    return lambda out, y: functional.mse_loss(out, y, reduction="none").mean(-1)


def _said(request: FitRequest, objective: str, out: Any) -> Any:
    """Predictions (rows, d) from the members' outputs (rows, k, d): the mean of what they say."""
    if request.problem.problem_type == "multiclass":
        return out.softmax(-1).mean(1)
    if request.problem.classification:
        return out.sigmoid().mean(1)
    return (out.exp() if objective in ("poisson", "tweedie") else out).mean(1)


def batch_size(rows: int) -> int:
    """Rows of a step, by the number of training rows, as in the authors' experiments."""
    steps = ((2_800, 32), (4_500, 64), (6_400, 128), (32_000, 256), (108_000, 512))
    return next((size for most, size in steps if rows < most), 1024)


class Training:
    """Epochs of AdamW (Loshchilov & Hutter, 2019) on batches that the members share.

    Network, inputs and targets are on one device, where all is computed.
    """

    def __init__(self, request: FitRequest, objective: str, params: Mapping[str, Any], network: Any, x: Any, y: Any):
        import torch

        self.request, self.objective, self.params = request, objective, params
        self.network, self.x, self.y = network, x, y
        self.loss = _loss(request, objective)
        rated = request.weights
        if objective == "mape":
            shares = (1 / np.maximum(np.abs(request.y), 1.0)).reshape(len(request.y), -1).mean(axis=1)
            rated = shares / shares.mean() * (1.0 if rated is None else rated)
        self.weights = None if rated is None else torch.as_tensor(rated, dtype=torch.float32, device=y.device)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=float(params["learning_rate"]), weight_decay=float(params["decay"])
        )

    def run(self, watched: Any) -> tuple[int, int]:
        """The best epoch, whose weights the network has then, and the epochs that were run."""
        most, rounds = int(self.params["epochs"]), self.request.rounds
        if watched is None and rounds is not None:
            most = max(1, rounds)
        best, least, kept = 0, float("inf"), None
        epoch = 0
        while epoch < most and epoch - best <= PATIENCE:
            epoch += 1
            ended = self.epoch()
            if watched is None:
                best = epoch
            elif (loss := self.watch(*watched)) < least:
                best, least = epoch, loss
                kept = {name: value.clone() for name, value in self.network.state_dict().items()}
            if ended:
                break
        if kept is not None:
            self.network.load_state_dict(kept)
        return max(1, best), epoch

    def epoch(self) -> bool:
        """One pass over the training rows; whether the time was up before its end."""
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
        numbers, levels = x[0][rows], x[1][rows]
        return self.network(numbers if numbers.shape[1] else None, levels if levels.shape[1] else None)

    def predict(self, x: Any) -> Any:
        """Predictions (rows, d)."""
        import torch

        self.network.eval()
        with torch.inference_mode():
            parts = torch.arange(len(x[0]), device=self.y.device).split(EVAL_ROWS)
            return torch.cat([_said(self.request, self.objective, self.forward(x, rows)) for rows in parts])

    def watch(self, x: Any, y: Any) -> float:
        """The loss of the members' mean prediction."""
        import torch

        said = self.predict(x)
        if self.request.problem.problem_type == "multiclass":
            out = said.clamp_min(1e-12).log()
        elif self.request.problem.classification:
            out = said.logit(1e-6)
        else:
            out = said.clamp_min(1e-12).log() if self.objective in ("poisson", "tweedie") else said
        losses = self.loss(out, y)
        if self.objective == "mape":
            losses = losses * (1 / y.abs().clamp_min(1.0)).mean(-1)
        if (counted := self.request.weights_valid) is not None:
            losses = losses * torch.as_tensor(counted, dtype=losses.dtype, device=losses.device)
        return float(losses.mean())
