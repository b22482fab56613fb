"""The audit for leaks and drift, in a child process while the search goes on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from medalist.agent.run_data import RunData
from medalist.agent.workers.processes import start_child
from medalist.competitions.audit.audit import audit
from medalist.competitions.audit.finding import Finding
from medalist.competitions.competition import Competition

MOST_CELLS = 20_000_000  # cells of train and test together beyond which a sample of rows is audited
SECONDS = 5.0  # time limit of the audit
REAP_SECONDS = 2.0  # longest wait for the end of its killed process


class BackgroundAudit:
    """Audits the data once, in a child process that `begin` starts. `collect` emits the findings as events and keeps
    them in `findings`."""

    def __init__(self, data: RunData, seed: int, emit: Callable[[Mapping[str, Any]], None]):
        self.findings: tuple[Finding, ...] = ()
        self._data, self._seed, self._emit = data, seed, emit
        self._pipe: Connection | None = None
        self._process: Any = None
        self._done = False

    def begin(self) -> None:
        """Start the child process, unless it was started before."""
        if self._process is not None:
            return
        data = self._data
        sample = _sampled(data.competition, self._seed)
        self._process, self._pipe = start_child(_audit, sample, data.task, data.cards, self._seed)

    def collect(self) -> None:
        """Emit the findings if the audit has ended since the last call; does not wait."""
        if self._done or self._pipe is None or not self._pipe.poll():
            return
        self._done = True
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):  # perhaps in the middle of its answer
            answer = "its process ended"
        if isinstance(answer, str):
            self._emit({"event": "note", "text": f"The audit failed: {answer.splitlines()[-1]}", "error": answer})
            return
        self.findings = answer
        for finding in self.findings:
            if finding.severity != "info":
                self._emit({"event": "audit", "severity": finding.severity, "text": f"Audit: {finding.message}"})

    def close(self) -> None:
        """End the audit, finished or not."""
        if self._process is None or self._pipe is None:
            return
        self.collect()
        self._process.kill()
        self._process.join(REAP_SECONDS)
        self._pipe.close()


def _sampled(competition: Competition, seed: int) -> Competition:
    """The competition with about `MOST_CELLS` cells at most: the same share of the rows of train and of test."""
    competition = replace(competition, sources={})  # open archives cannot be sent to another process
    cells = competition.train.size + competition.test.size
    if cells <= MOST_CELLS:
        return competition
    share = MOST_CELLS / cells
    return replace(
        competition,
        train=competition.train.sample(frac=share, random_state=seed).sort_index(),
        test=competition.test.sample(frac=share, random_state=seed).sort_index(),
    )


def _audit(pipe: Connection, competition: Competition, task: Any, cards: Any, seed: int) -> None:
    """Send the findings, or a traceback."""
    try:
        pipe.send(tuple(audit(competition, task, cards, seed=seed, seconds=SECONDS)))
    except Exception:  # noqa: BLE001 - an audit that fails is reported by the parent; the search goes on
        pipe.send(traceback.format_exc())
