"""Counts with their nouns."""

from __future__ import annotations


def count_text(count: int, one: str, several: str | None = None) -> str:
    """A count with its noun: "1 run", "2,000 runs"; several: the plural, where it is not formed by an s."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
