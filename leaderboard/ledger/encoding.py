"""Python values as the ledger stores them: plain JSON, finite numbers, text that any database takes."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from medalist.leaderboard.ledger.schema import BOOLEAN_COLUMNS, JSON_COLUMNS, TIME_COLUMNS


def finite(value: Any) -> float | None:
    """A finite float, or None for None, NaN and the infinities; takes numpy's scalars."""
    return None if value is None or not math.isfinite(value) else float(value)


def text(value: Any) -> str:
    """Text without NUL and lone surrogates (escaped instead), which databases refuse."""
    return str(value).replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def to_json(value: Any) -> str:
    """Strict JSON of nested values; what JSON has no form for (a path, a date, an enumeration) becomes its text."""
    return json.dumps(plain(value), ensure_ascii=True, allow_nan=False)


def plain(value: Any) -> Any:
    """The same value in dicts, lists, str, int, finite float, bool and None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {text(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return plain(value.tolist())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    return text(value)


def decode(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of the database with its JSON, times and truth values as Python values."""
    return {column: _decode(column, value) for column, value in record.items()}


def _decode(column: str, value: Any) -> Any:
    if value is None:
        return None
    if column in JSON_COLUMNS:
        decoded = json.loads(value)
        return tuple(decoded) if isinstance(decoded, list) else decoded
    if column in TIME_COLUMNS:
        return datetime.fromisoformat(value)
    return bool(value) if column in BOOLEAN_COLUMNS else value
