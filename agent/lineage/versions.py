"""Compares the versions and the machine that a run was made with with those of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """A version, or a property of the machine, that is another one now; "" where it is not installed."""

    name: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} was {self.then or 'not installed'}, and is {self.now or 'not installed'}"


def differences(document: Mapping[str, Any], now: Mapping[str, Mapping[str, str]]) -> list[Difference]:
    """What differs from any part of the run; `now` has "software" and "machine" as `records.software` finds them.

    A part whose versions were not recorded has none that differ: see `unrecorded`.
    """
    found: dict[Difference, None] = {}
    for part in document.get("parts", ()):
        for kind in ("software", "machine"):
            then = part.get(kind)
            if then is None:
                continue
            for name in dict.fromkeys([*then, *now[kind]]):
                if then.get(name, "") != now[kind].get(name, ""):
                    found[Difference(name, then.get(name, ""), now[kind].get(name, ""))] = None
    return list(found)


def unrecorded(document: Mapping[str, Any]) -> bool:
    """Whether a part of the run ended before its versions were recorded."""
    return any("software" not in part for part in document.get("parts", ()))


def now() -> dict[str, Mapping[str, str]]:
    """The versions and the machine of this process."""
    from medalist.agent.records.software import machine, software

    return {"software": software(), "machine": machine()}


def names(differing: Sequence[Difference]) -> str:
    """The differences in one line; "none"."""
    return "; ".join(map(str, differing)) or "none"
