"""What goes wrong in the rows of `deadlines.py`: estimators and metrics that misbehave, and what befalls a run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = (
    "MEDALIST_DEADLINES_ROW"  # environment variable by which the processes of a row are found, whoever their parent is
)
FROM = "MEDALIST_DEADLINES_FROM"  # environment variable: the instant from which an estimator or a metric misbehaves
HELD = "__import__('re').match('(a+)+$', 'a' * 60 + 'b')"  # years in C code that never yields to another thread
ASLEEP = 15.0  # seconds for which the processes are stopped
CONTAINER = 3 << 30  # bytes of memory in the row that allocates without end
FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
)

FAMILY = '''
"""Least squares that misbehaves from an instant on."""

import os
import time

import numpy as np

from medalist.pipelines.estimators.base import Family, Fitted, Priors


def misbehave():
{body}


def fit_predict(request):
    if time.monotonic() >= float(os.environ["{variable}"]):
        misbehave()
    train, valid, test = (
        np.column_stack([np.ones(len(m)), np.nan_to_num(m.dense)]) for m in (request.train, request.valid, request.test)
    )
    weights = np.linalg.solve(train.T @ train + request.params["penalty"] * np.eye(train.shape[1]), train.T @ request.y)
    return Fitted(*(rows @ weights for rows in (valid, test)))


FAMILY = Family(
    name="misbehaving",
    title="Least squares that misbehaves",
    feature_set="trees",
    portfolio=({{"penalty": 1.0}}, {{"penalty": 100.0}}),
    space=lambda trial: {{"penalty": trial.suggest_float("penalty", 0.1, 1000.0, log=True)}},
    fit_predict=fit_predict,
    cost=lambda rows, columns, outputs, params: 1e-8 * rows * columns,
    priors=Priors(portfolio=9.0, tuning=5.0, stacking=9.0),
    stacker={{"penalty": 10.0}},
)
'''
METRIC = f"""
import os
import time

import numpy as np

needs = "value"
greater_is_better = False


def score(y, p):
    if time.monotonic() >= float(os.environ["{FROM}"]):
        {HELD}
    return float(np.sqrt(np.mean((np.ravel(y) - np.ravel(p)) ** 2)))
"""


@dataclass
class Row:
    """A run under way, as what befalls it sees it."""

    name: str
    folder: Path
    budget: float
    began: float  # of its process, on the clock of time.monotonic()
    asleep: float = 0.0  # seconds for which its processes were stopped
    closes_by: float | None = None  # instant by which it must have ended, where that is not its budget

    @property
    def runs(self) -> Path:
        """The folder of its runs."""
        return self.folder / "runs"

    def processes(self) -> list[psutil.Process]:
        """The row's processes that have not ended, whoever their parent is now."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.name and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def wait_for(self, share: float, ended: threading.Event) -> bool:
        """Wait until this share of the budget has passed, and there is a submission; whether the run goes on then."""
        wait = self.began + share * self.budget - time.monotonic()
        while not ended.wait(max(0.1, wait)):
            if any(self.runs.glob("*/*/submission.csv")):
                return True
            wait = 0.0
        return False


Befalls = Callable[[Row, threading.Event], None]


@dataclass(frozen=True)
class Condition:
    """What goes wrong.

    does: in a fit, the body of a function; None for families as they are. metric: whether it is the metric that never
    yields, in the agent's own process. share: of the budget, from which on it misbehaves. befalls: what happens to the
    run from outside, in a thread. disk: bytes of the disk of the runs by the size of the data; None for that of the
    machine. memory: bytes of the container's memory. until: whether the run is to end at an hour of the clock.
    """

    does: str | None = None
    metric: bool = False
    share: float = 0.0
    befalls: Befalls | None = None
    disk: dict[str, int] | None = None
    memory: int | None = None
    wall: bool = False
    until: bool = False


def fill(until: float) -> Befalls:
    """Fill the disk from 40 % of the budget on, and keep it full until this share of it."""

    def befall(row: Row, ended: threading.Event) -> None:
        if not row.wait_for(0.4, ended):
            return
        path = row.runs / "somebody-elses.bin"
        with path.open("ab", buffering=0) as stream:
            while not ended.is_set() and time.monotonic() < row.began + until * row.budget:
                with contextlib.suppress(OSError):
                    for size in (1 << 20, 1 << 12):
                        while stream.write(b"x" * size):
                            pass
                ended.wait(0.1)
        path.unlink()

    return befall


def stop(row: Row, ended: threading.Event) -> None:
    """Stop all of the run's processes at 40 % of its budget, and let them go on ASLEEP seconds later."""
    if not row.wait_for(0.4, ended):
        return
    began = time.monotonic()
    for _ in range(2):  # what was started between the two looks
        _signal(row, signal.SIGSTOP)
    time.sleep(ASLEEP)
    _signal(row, signal.SIGCONT)
    row.asleep = time.monotonic() - began


def stop_past_the_hour(row: Row, ended: threading.Event) -> None:
    """Stop the processes until some seconds after the hour at which the run was to end."""
    if not row.wait_for(0.5, ended):
        return
    for _ in range(2):
        _signal(row, signal.SIGSTOP)
    time.sleep(max(0.0, row.began + row.budget + 5.0 - time.monotonic()))
    _signal(row, signal.SIGCONT)
    row.closes_by = time.monotonic() + 21.0


def _signal(row: Row, number: signal.Signals) -> None:
    for process in row.processes():
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def jump(row: Row, ended: threading.Event) -> None:
    """Set the wall's clock three hours ahead at 30 % of the budget, and a day back at 60 %."""
    for share, offset in ((0.3, "+10800"), (0.6, "-86400")):
        if not row.wait_for(share, ended):
            return
        (row.folder / "clock").write_text(offset, encoding="ascii")


def jump_past_the_hour(row: Row, ended: threading.Event) -> None:
    """Set the wall's clock three hours ahead at half of the time until the hour at which the run was to end."""
    if row.wait_for(0.5, ended):
        (row.folder / "clock").write_text("+10800", encoding="ascii")
        row.closes_by = time.monotonic() + 22.0


DISKS = {"tiny": 320 << 20, "large": 1200 << 20}
SLEEPS = "    while True:\n        time.sleep(1)"
IGNORES = """    import signal
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass"""
ALLOCATES = "    held = []\n    while True:\n        held.append(np.ones(4 << 20))"
IN_C = f"    {HELD}"

CONDITIONS = {
    "plain": Condition(),
    "a fit hangs": Condition(does=SLEEPS),
    "a fit hangs in the close": Condition(does=SLEEPS, share=0.75),
    "a fit ignores signals": Condition(does=IGNORES),
    "a fit allocates without end": Condition(does=ALLOCATES, memory=CONTAINER),
    "C code that never yields, in a fit": Condition(does=IN_C),
    "C code that never yields, in the agent": Condition(metric=True, share=0.5),
    "the disk is full from 40 % on": Condition(befalls=fill(9.0), disk=DISKS),
    "the disk is full from 40 % to 70 %": Condition(befalls=fill(0.7), disk=DISKS),
    "the clock jumps ahead and back": Condition(befalls=jump, wall=True),
    "stopped for 15 s": Condition(befalls=stop),
    "--until, and the clock jumps past it": Condition(befalls=jump_past_the_hour, wall=True, until=True),
    "--until, and stopped past it": Condition(befalls=stop_past_the_hour, until=True),
}


def missing(condition: Condition) -> str:
    """What the machine lacks for a condition, in a sentence; "" where it has all."""
    if condition.wall and faketime() is None:
        return "needs libfaketime (the Debian package faketime)"
    if (condition.disk or condition.memory) and (os.geteuid() != 0 or shutil.which("unshare") is None):
        return "needs to be root, for a disk and a container of its own"
    return ""


def faketime() -> str | None:
    """The path of libfaketime; None where it is not installed."""
    return next((path for path in FAKETIME if Path(path).exists()), None)


@contextlib.contextmanager
def disk(row: Row, size: int | None) -> Iterator[None]:
    """Have the folder of the runs on a disk of so many bytes within the block."""
    row.runs.mkdir(parents=True)
    if size is None:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", row.runs], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", row.runs], check=True)


def in_container(memory: int) -> list[str]:
    """The beginning of a command line: what follows it sees a container with so many bytes of memory."""
    groups = "/sys/fs/cgroup"
    script = f"mount -t tmpfs none {groups} && echo {memory} > {groups}/memory.max && echo 0 > {groups}/memory.current"
    return ["unshare", "-m", "sh", "-c", f'{script} && exec "$@"', "sh"]
