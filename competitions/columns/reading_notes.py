"""Sentences on how the columns of text were read."""

from __future__ import annotations

from collections.abc import Mapping

from medalist.competitions.columns.number_form import NumberDecision
from medalist.competitions.columns.written_times import TimeForm


def doubt_note(name: str, decision: NumberDecision) -> str:
    """The note on a column of numbers with two readings."""
    return (
        f"column {name!r} has two readings ({decision.example}, but {decision.doubt}): a line such as 'Decimals are "
        "written with a comma.' or '… with a point.' in the description settles it."
    )


def number_notes(numbers: Mapping[str, NumberDecision]) -> list[str]:
    """One note for all columns that are written alike, and one for each that has two readings."""
    alike: dict[str, list[str]] = {}
    for name, decision in numbers.items():
        if decision.said:
            alike.setdefault(decision.said, []).append(name)
    notes = []
    for said, names in alike.items():
        columns = ", ".join(map(repr, names[:8])) + (", …" if len(names) > 8 else "")
        word = "column" if len(names) == 1 else "columns"
        notes.append(f"{word} {columns} read as numbers: {said} ({numbers[names[0]].example}).")
    return notes + [doubt_note(name, decision) for name, decision in numbers.items() if decision.doubt]


def time_note(name: str, form: TimeForm) -> str:
    """The note on a column of times of day or durations."""
    doubt = f"; {form.doubt}" if form.doubt else ""
    return f"column {name!r} holds {form.what}: read as {form.unit}{doubt}."
