"""Finding: one thing about the data that could mislead a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "danger"]


@dataclass(frozen=True)
class Finding:
    """One thing found. `kind`: "adversarial", "drift", "duplicates", "target copy", "id order" or "train only".

    `value`: the number behind it (an AUC, a share, an R²), explained by `message`, one sentence.
    """

    kind: str
    severity: Severity
    columns: tuple[str, ...]
    message: str
    value: float | None = None
