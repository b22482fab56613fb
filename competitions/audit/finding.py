"""Finding: something about the data that could mislead a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "danger"]


@dataclass(frozen=True)
class Finding:
    """Something about the data that could mislead a score, in one sentence (`message`).

    `kind`: "adversarial", "drift", "duplicates", "target copy", "id order", "train only" or "unfinished". `value`: the
    number that the message reports (an AUC, a share, an R²), None where it reports none.
    """

    kind: str
    severity: Severity
    columns: tuple[str, ...]
    message: str
    value: float | None = None
