"""What runs in a child process: one job after another, each answered with its result or its traceback."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipelines.evaluate import FoldResult, run_fold
from pipelines.features.search import ScreenRequest, ScreenResult, screen
from pipelines.features.store import FeatureStore
from pipelines.pipeline import Pipeline
from pipelines.problem import Problem


@dataclass(frozen=True)
class Bench:
    """Where a worker finds its material: the feature store, the targets and the folds, all on disk."""

    store: Path
    fingerprint: str
    n_train: int
    n_test: int
    problem: Problem
    targets: Path  # .npy (n_train, T)
    limit: int  # bytes of computed columns that are kept


@dataclass(frozen=True)
class Job:
    """Work for one child process: prepare features, run one fold, fit on all rows, or screen candidates for features.

    A `short` one may be handed to a child that is still at another, so that it never waits for its next.
    """

    key: int
    kind: Literal["prepare", "fold", "full", "screen"]
    pipeline: Pipeline
    fold: int = 0
    folds: Path | None = None  # .npz with fit_<k> and valid_<k>
    rounds: tuple[int, ...] | None = None
    threads: int = 1
    soft_seconds: float = float("inf")  # boosting stops by itself
    hard_seconds: float = float("inf")  # the process is killed
    short: bool = False
    screen: ScreenRequest | None = None


@dataclass(frozen=True)
class Outcome:
    """A job's end. `status` is ok, crash, timeout or memory; `error` holds the traceback or the reason."""

    job: Job
    status: Literal["ok", "crash", "timeout", "memory"]
    result: FoldResult | ScreenResult | None = None
    error: str | None = None
    seconds: float = 0.0


@dataclass
class _Material:
    bench: Bench
    store: FeatureStore
    y: np.ndarray
    folds: dict[Path, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, bench: Bench) -> _Material:
        return cls(
            bench, FeatureStore(bench.store, bench.fingerprint, bench.n_train, bench.limit), np.load(bench.targets)
        )

    def run(self, job: Job) -> FoldResult | ScreenResult | None:
        bench = self.bench
        if job.screen is not None:
            now = time.monotonic()
            return screen(self.store, job.screen, now, now + job.soft_seconds)
        if job.kind == "prepare":
            self.store.prepare(job.pipeline.features)
            return None
        if job.kind == "fold" and job.folds is not None:
            if job.folds not in self.folds:
                self.folds[job.folds] = np.load(job.folds)
            fit, valid = (self.folds[job.folds][f"{part}_{job.fold}"] for part in ("fit", "valid"))
        else:
            fit, valid = np.arange(bench.n_train), np.arange(0)
        return run_fold(
            self.store,
            bench.problem,
            job.pipeline,
            self.y,
            fit,
            valid,
            np.arange(bench.n_train, bench.n_train + bench.n_test),
            fold=job.fold,
            rounds=job.rounds,
            threads=job.threads,
            deadline=time.monotonic() + job.soft_seconds,
        )


def serve(connection: Connection) -> None:
    """Answer jobs until the other end closes. The first message is the Bench."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    try:
        material: _Material | None = None
        while True:
            message = connection.recv()
            if isinstance(message, Bench):
                material = _Material.load(message)
                continue
            if material is None:
                raise RuntimeError("a job came before its bench")
            began = time.perf_counter()
            try:
                outcome = Outcome(message, "ok", material.run(message))
            except MemoryError:
                outcome = Outcome(message, "memory", error=traceback.format_exc())
            except Exception:  # noqa: BLE001 - whatever an experiment raises is a row in the ledger, not the end
                outcome = Outcome(message, "crash", error=traceback.format_exc())
            connection.send((outcome, time.perf_counter() - began))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def end_with_parent() -> None:
    """End this child as soon as the process that asked for it is gone, even in the middle of a fit.

    Its parent for the operating system is the fork server, which lives as long as any child does.
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
