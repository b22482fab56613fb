"""How much memory the processes of a run may hold together, and how much of it is left for the jobs of children."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from medalist.agent.workers.machine import available_memory, family_of, held_together, resident, total_memory
from medalist.competitions.errors import BudgetError

LEAST = 512 << 20  # bytes: the smallest limit, in which the libraries and a small table have room
SUPERVISOR = 16 << 20  # bytes of the process that supervises a run, which is none of its children
OTHERS_SECONDS = 5.0  # between two measurements of processes that are neither the agent nor children of the pool
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?b)?|(%))", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """Bytes of a size such as `8G`, `8GiB` or `500M`, in which units are powers of 1024, or of a share such as `50%` of
    what the machine or its container has. `8GB` is 8 * 1000**3.

    Raises BudgetError where the text is no size, and where it is less than LEAST.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise BudgetError(f"Cannot read the memory {text!r}: write 8G, 500M or 50%.")
    number, unit, ending, percent = match.groups()
    if percent:
        if not 0 < float(number) <= 100:
            raise BudgetError(f"--memory {text}: give a share above 0% and up to 100%.")
        size = total_memory() * float(number) / 100
    else:
        decimal = (ending or "").lower() == "b"
        power = "kmgt".index(unit.lower()) + 1
        size = float(number) * (1000**power if decimal else _UNITS[unit.lower()])
    if size < LEAST:
        raise BudgetError(
            f"--memory {text} is {size_text(size)}, too little for any run: give {size_text(LEAST)} or more."
        )
    return int(size)


def size_text(size: float) -> str:
    """A number of bytes in words: 512 MiB, 3.4 GiB."""
    return f"{size / 2**30:.1f} GiB" if size >= 1000 << 20 else f"{size / 2**20:.0f} MiB"


class Allowance:
    """The memory of a run's processes: the agent, the fork server, the children of the pool, the audit.

    limit: bytes that all of them may hold together (see `machine.held_together`). own: bytes of these that are kept for
    all but the pool's children.

    memory: the limit that a person has set; None for `share` of what is available, beside what the agent holds.
    """

    def __init__(self, memory: int | None, share: float) -> None:
        self._memory, self._share = memory, share
        self._others, self._measured = 0, float("-inf")
        self.own = self.held_besides(())
        self.limit = self.own + int(available_memory() * share) if memory is None else memory

    @property
    def is_set(self) -> bool:
        """Whether a person has set the limit."""
        return self._memory is not None

    @property
    def room(self) -> int:
        """Bytes for the children of the pool together."""
        return max(0, self.limit - self.own)

    def reserve(self, own: int, children: Iterable[int], *, exact: bool) -> None:
        """Keep `own` bytes for all but the children of the pool (their ids), or with `exact` unset what they hold now
        where that is more. Without a limit of a person's it is made anew from what is available."""
        self.own = own if exact else max(own, self.held_besides(children))
        if self._memory is None:
            self.limit = self.own + int(available_memory() * self._share)

    def held_besides(self, children: Iterable[int]) -> int:
        """Bytes that the processes of the run hold beside those children of the pool."""
        excluded = set(children)
        return SUPERVISOR + held_together(pid for pid in family_of(os.getpid()) if pid not in excluded)

    def is_exceeded(self, children: Iterable[int], used: float, now: float) -> bool:
        """Whether the processes hold more than the limit. used: the sum of `machine.resident` over the `children`.

        What is quick to find is looked at first: it counts shared pages several times, and so never too little.
        """
        if now - self._measured > OTHERS_SECONDS:
            excluded = {*children, os.getpid()}
            self._others = SUPERVISOR + sum(resident(pid) for pid in family_of(os.getpid()) if pid not in excluded)
            self._measured = now
        if self._others + resident(os.getpid()) + used <= self.limit:
            return False
        return SUPERVISOR + held_together(family_of(os.getpid())) > self.limit
