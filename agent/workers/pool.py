"""The interface between the search and the workers that run its jobs: `local` implements it on this machine,
`cluster.pool` on the nodes of a cluster.

tests/agent/test_pool_contract.py holds the tests that every implementation has to pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from medalist.agent.workers.jobs import Job, Outcome, TrainingInput
from medalist.agent.workers.threads import Calibration


class WorkerPool(Protocol):
    """A number of workers, each of which does one job at a time on some cores.

    Whatever happens to a job that was submitted, it comes back once: as an `Outcome` from `poll`, or from `cancel`. A
    worker that is lost, or killed for its time or memory, is replaced.
    """

    calibration: Calibration | None  # measured speeds of several threads; None before they are measured
    busy_seconds: float  # core-seconds: each job's wall-clock time multiplied by its threads
    fit_seconds: float  # core-seconds for fitting and predicting

    @property
    def cores(self) -> int:
        """Number of cores that all workers together may use."""

    @property
    def count(self) -> int:
        """Number of workers."""

    @property
    def threads(self) -> int:
        """Number of threads of each job, unless the job sets another."""

    @property
    def one_machine(self) -> bool:
        """Whether all workers share the cores of one machine, so that numbers of threads can be compared on it."""

    def news(self) -> list[str]:
        """Sentences on what has become of the workers' machines since the last call, for people."""

    def warm_up(self) -> None:
        """Begin whatever takes time before workers can start, and return at once."""

    def fit_to_memory(self, bytes_needed: float, own: int = 0, *, exact: bool = False) -> None:
        """To be called before the start: have so few workers that a job of so many bytes has room in each.

        own: bytes that the agent itself is expected to hold. exact: whether nothing may depend on what is measured; the
        number of workers then stays as it is, unless a person has set the limit.
        """

    @property
    def room(self) -> int:
        """Bytes that one job may take at most, where no other runs beside it."""

    def reconfigure(self, count: int, threads: int) -> None:
        """Have so many workers of so many threads from now on; jobs that run come to their end.

        Raises ValueError where that is less than one worker or thread, or more than the cores.
        """

    def start(self, training_input: TrainingInput) -> None:
        """Start the workers and give them their training input."""

    @property
    def started(self) -> bool:
        """Whether there are workers."""

    @property
    def idle(self) -> int:
        """How many workers have no job."""

    @property
    def running(self) -> Sequence[Job]:
        """The jobs that workers are doing, without queued ones."""

    def has_room(self, *, short: bool, needed: int = 0) -> bool:
        """Whether a job that takes `needed` bytes (0: not known) can be submitted: there is an idle worker, and memory
        beside the jobs that run. A short one may also be queued behind another short one."""

    def submit(self, job: Job) -> None:
        """Give a job to a worker. There must be room for it: see `has_room`."""

    def poll(self, timeout: float) -> list[Outcome]:
        """Wait for outcomes, at most `timeout` seconds, and return them as soon as there is one; limits are enforced
        meanwhile."""

    def cancel(self, keys: Iterable[int]) -> list[Job]:
        """End the jobs with these keys, unless they end soon by themselves. Returns those that were ended, of which no
        outcome will come."""

    def cancel_all(self) -> None:
        """End all running and queued jobs, of which no outcome will come."""

    def threads_for(self, waiting: int, pipeline: str = "") -> int:
        """The number of threads for the next job, where `waiting` jobs are left to submit, that one included.
        `pipeline` is its pipeline's hash, by which its time is estimated."""

    def close(self) -> None:
        """End all workers at once."""
