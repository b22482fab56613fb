"""What a comparison found: entries with scores and places, and pairs with differences, as values and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from medalist.agent.comparing.paired import LEVEL, Difference, ScoreOf
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Basis, Standing


@dataclass(frozen=True)
class Entry:
    """One of those that are compared: its score on the rows that all share, and its place among humans; `score.reason`
    and the standing's say why there is none. note: a sentence on it, or ""."""

    name: str
    kind: str
    score: ScoreOf
    standing: Standing | NoStanding
    note: str = ""


@dataclass(frozen=True)
class Pair:
    """Two of those that are compared. difference: None where one has no score on these rows. agreement: of their
    submissions, see `submitted.agreement`."""

    first: str
    second: str
    difference: Difference | None
    agreement: float | None


@dataclass(frozen=True)
class Comparison:
    """Entries in the order in which they were given, and all pairs of them, the earlier one first.

    basis: whether they are scored on answers or out of fold. rows, units: how many rows are scored, and how many
    independent rows or groups these are. method: how errors were found (see `paired`).
    """

    competition: str
    metric: str
    title: str
    greater_is_better: bool
    agreement_of: str
    basis: Basis
    rows: int
    units: int
    method: str
    seed: int
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {
            "level": LEVEL,
            "entries": [_entry_document(e) for e in self.entries],
            "pairs": [_pair_document(p) for p in self.pairs],
        }


def _entry_document(entry: Entry) -> dict[str, Any]:
    standing = entry.standing
    return {
        "name": entry.name,
        "kind": entry.kind,
        "score": entry.score.value,
        "standard_error": entry.score.standard_error,
        "no_score": entry.score.reason or None,
        "standing": asdict(standing) if isinstance(standing, Standing) else None,
        "no_standing": standing.reason if isinstance(standing, NoStanding) else None,
        "note": entry.note or None,
    }


def _pair_document(pair: Pair) -> dict[str, Any]:
    found = pair.difference
    return {
        "first": pair.first,
        "second": pair.second,
        "difference": None if found is None else found.value,
        "standard_error": None if found is None else found.standard_error,
        "interval": None if found is None else found.interval,
        "first_is": "open" if found is None else found.verdict,
        "agreement": pair.agreement,
    }
