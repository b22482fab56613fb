"""Statements about places and what became of them, from the lines that calibration_runs.py has recorded.

A case is a score with its noise and a board before, and a score and a board afterwards. The kinds:

- "agent, humans": the agent's estimate → its score on a holdout, on the human leaderboard of the competition (with the
  last longer run of each that holdout_scores.py has recorded);
- "agent, models": the same, among a field of reference models whose scores are on the same holdout;
- "model, models": a reference model's plain cross-validation → its score among the others;
- "holdout": the agent's score on one holdout → that on a disjoint one, on either board;
- "public board": an estimate of the agent or a model among the field on one holdout → its score among the field on a
  disjoint one, which is what the public and the private part of a test set are;
- "ranked anew": the agent's score among the field on one holdout → the same on a disjoint one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from score_rows import RESULTS as LONGER
from score_rows import latest, read_rows

from medalist.competitions.metrics.registry import get_metric
from medalist.leaderboard.boards.board import Board, board_from_scores
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import board_for
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.boards.places import Basis

RESULTS = Path(__file__).parent / "results" / "calibration.jsonl"

#: Whose human leaderboard does not compare with a re-cut: leaked tops, another metric or another task.
NOT_COMPARABLE = {"titanic", "house-prices", "poker-rule-induction"}

#: Whose own cut is by group or in time: no other cuts are drawn, and plain cross-validation is no estimate there.
ORDERED = {
    "bike-sharing-demand", "playground-series-s3e19", "flights", "hotel-rates", "storms", "doctor-visits",
    "employment", "house-sales", "weather", "electricity", "populations", "home-runs", "diseases", "trains", "lives",
    "spaceship-titanic",
}  # fmt: skip

KINDS = ("agent, humans", "agent, models", "model, models", "holdout", "public board", "ranked anew")


@dataclass(frozen=True)
class Case:
    """A statement's inputs and what became true.

    size: of the holdout, "all", "half" or "small". score, error, rows: what is known before. test_rows: of the holdout.
    truth: the score there. board: on which it is said to be ranked. after: on which it is, where that is another one,
    and public_share: of the rows of both that `board` is from.
    """

    competition: str
    kind: str
    size: str
    basis: Basis
    score: float
    error: float
    rows: int
    test_rows: int
    truth: float
    board: Board
    after: Board | None = None
    public_share: float | None = None

    @property
    def place(self) -> float:
        """The percentile that became true."""
        return (self.after or self.board).percentile(self.truth)

    @property
    def sign(self) -> float:
        """1 where greater scores are better, else -1."""
        return 1.0 if self.board.greater_is_better else -1.0

    @property
    def gap(self) -> float:
        """By how many standard errors of the known score the true one is better."""
        return self.sign * (self.truth - self.score) / self.error

    @property
    def margins(self) -> list[float | None]:
        """By how much the known score has to improve for gold, silver, bronze and the upper half."""
        goals = [*(self.board.threshold(m) for m in MEDALS), self.board.median]
        return [None if g is None else self.sign * (g - self.score) for g in goals]

    @property
    def reached(self) -> list[bool]:
        """Whether the true score reaches gold, silver, bronze and the upper half."""
        board = self.after or self.board
        return [board.at_least(self.truth, g) for g in (*map(board.threshold, MEDALS), board.median)]


def read_lines(path: Path = RESULTS) -> list[dict[str, Any]]:
    """The last good line of each cut."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    good = {(r["competition"], r["cut"]): r for r in lines if r["status"] == "ok" and r["standard_error"]}
    return list(good.values())


def cases(lines: Iterable[dict[str, Any]]) -> Iterator[Case]:
    """All cases of all lines."""
    for line in lines:
        yield from _of_line(line)


def longer_runs(path: Path = LONGER) -> Iterator[Case]:
    """The last run of each competition with a comparable human leaderboard that holdout_scores.py has recorded."""
    good = [r for r in read_rows(path) if r["status"] == "ok" and r["confirmed"] and r.get("test_rows")]
    for row in latest(good, "competition"):
        name, metric = row["competition"], row["metric"]
        board = (
            NoStanding("") if name in NOT_COMPARABLE else board_for(name, metric, get_metric(metric).greater_is_better)
        )
        if isinstance(board, Board) and row["standard_error"]:
            yield Case(
                *(name, "agent, humans", "all", "cross-validation", row["estimated"], row["standard_error"]),
                *(row["train_rows"], row["test_rows"], row["score"], board),
            )


def _of_line(line: dict[str, Any]) -> Iterator[Case]:
    name, better, members = line["competition"], line["greater_is_better"], line["members"]
    own = None if name in NOT_COMPARABLE else board_for(name, line["metric"], better)
    human = own if isinstance(own, Board) else None
    before: dict[str, Any] = {"score": line["estimated"], "error": line["standard_error"], "rows": line["scored_rows"]}
    halves: list[tuple[dict[str, Any], Board | None]] = []
    for holdout in line["holdouts"]:
        if not holdout["scores"]:
            continue
        mine, others = holdout["scores"][0], holdout["scores"][1:]
        field = board_from_scores("field", others, better, who="models") if others else None
        where: dict[str, Any] = {"competition": name, "size": holdout["kind"], "test_rows": holdout["rows"]}
        for kind, board in (("agent, humans", human), ("agent, models", field)):
            if board is not None:
                yield Case(kind=kind, basis="cross-validation", truth=mine, board=board, **before, **where)
        for i, member in enumerate(members):
            if not member.get("standard_error") or name in ORDERED:
                continue
            rest = board_from_scores("field", [*others[:i], *others[i + 1 :], mine], better, who="models")
            told = {"score": member["estimated"], "error": member["standard_error"], "rows": line["member_rows"]}
            yield Case(kind="model, models", basis="cross-validation", truth=others[i], board=rest, **told, **where)
        if holdout["kind"] != "all":
            halves.append((holdout, field))
    for (first, seen), (second, field) in zip(halves[::2], halves[1::2], strict=False):
        if first["kind"] == second["kind"]:
            yield from _of_pair(line, human, (first, second), (seen, field))


def _of_pair(
    line: dict[str, Any], human: Board | None, holdouts: tuple[dict[str, Any], ...], fields: tuple[Board | None, ...]
) -> Iterator[Case]:
    """Cases of two disjoint holdouts of one size."""
    name, (first, second), (seen, field) = line["competition"], holdouts, fields
    where: dict[str, Any] = {"competition": name, "size": first["kind"], "test_rows": second["rows"]}
    said: dict[str, Any] = {"score": first["scores"][0], "error": first["error"], "rows": first["rows"]}
    truth = second["scores"][0]
    for board in (human, field):
        if board is not None and first["error"]:
            yield Case(kind="holdout", basis="holdout", truth=truth, board=board, **said, **where)
    if seen is None or field is None:
        return
    if first["error"]:
        yield Case(kind="ranked anew", basis="holdout", truth=truth, board=seen, after=field, **said, **where)
    estimates = [(line["estimated"], line["standard_error"], line["scored_rows"], truth)]
    for i, m in enumerate(line["members"]):
        if m.get("standard_error") and name not in ORDERED:
            estimates.append((m["estimated"], m["standard_error"], line["member_rows"], second["scores"][i + 1]))
    for score, error, rows, came in estimates:
        told: dict[str, Any] = {"score": score, "error": error, "rows": rows, "public_share": 0.5}
        yield Case(kind="public board", basis="cross-validation", truth=came, board=seen, after=field, **told, **where)


def shake_up(lines: Iterable[dict[str, Any]]) -> dict[str, float]:
    """By competition, the variance of a score's difference to the bronze threshold of a field on the same rows, as a
    share of the score's own: over pairs of disjoint holdouts, of the agent and the models with an estimate."""
    apart: dict[str, list[float]] = {}
    alone: dict[str, list[float]] = {}
    for line in lines:
        known = [0, *(i + 1 for i, m in enumerate(line["members"]) if m.get("standard_error"))]
        drawn = [h for h in line["holdouts"] if h["kind"] != "all" and len(h["scores"]) > 1]
        for first, second in zip(drawn[::2], drawn[1::2], strict=False):
            if first["kind"] != second["kind"]:
                continue
            fields = [board_from_scores("field", h["scores"][1:], line["greater_is_better"]) for h in (first, second)]
            if fields[0].bronze is None or fields[1].bronze is None:
                continue
            for i in known:
                moved = first["scores"][i] - second["scores"][i]
                alone.setdefault(line["competition"], []).append(moved**2)
                apart.setdefault(line["competition"], []).append((moved - fields[0].bronze + fields[1].bronze) ** 2)
    return {c: sum(apart[c]) / sum(alone[c]) for c in apart if sum(alone[c]) > 0}
