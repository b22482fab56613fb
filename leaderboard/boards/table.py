"""Boards as rows of a table: those that ship with the package, and the file of each that a user has added."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from importlib import resources

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.board import Board, clean_board
from medalist.leaderboard.boards.comparing import board_metric
from medalist.leaderboard.boards.medals import MEDALS

#: Columns of a table of boards; "metric" and "origin" may follow.
COLUMNS = ("competition", "teams", "better", *MEDALS, "median", *(f"p{k}" for k in range(101)))
#: Source of the boards that ship with the package.
SHIPPED = "shipped with medalist"


def shipped_boards() -> Iterator[Board]:
    """Every shipped board, without what is known of its competition."""
    for row in _shipped_rows():
        yield from_row(row, SHIPPED)


def shipped_board(name: str) -> Board | None:
    """The shipped board of a competition, in any case; None where there is none."""
    key = name.casefold()
    for row in _shipped_rows():
        if row["competition"].casefold() == key:
            return from_row(row, SHIPPED)
    return None


def shipped_names() -> list[str]:
    """Names of the shipped boards."""
    return [row["competition"] for row in _shipped_rows()]


def _shipped_rows() -> Iterator[dict[str, str]]:
    """Rows of the table of shipped boards."""
    table = resources.files("medalist.leaderboard.boards.data") / "human_baselines.csv"
    yield from csv.DictReader(table.read_text(encoding="utf-8").splitlines())


def from_row(row: Mapping[str, str], source: str) -> Board:
    """The board in a row of a table of boards. Raises InputError where the row is damaged."""

    def number(column: str) -> float | None:
        text = (row.get(column) or "").strip()
        return float(text) if text and math.isfinite(float(text)) else None

    try:
        percentiles = [math.nan if (p := number(f"p{k}")) is None else p for k in range(101)]
        greater_is_better = {"higher": True, "lower": False}[row["better"]]
        return clean_board(
            name=row["competition"],
            teams=int(row["teams"]),
            greater_is_better=greater_is_better,
            thresholds={medal: number(medal) for medal in MEDALS},
            median=number("median"),
            percentiles=percentiles,
            source=source,
            metric=(row.get("metric") or "").strip() or board_metric(row["competition"], greater_is_better),
        )
    except (KeyError, ValueError) as error:
        raise InputError(f"The leaderboard {source} is damaged ({error}): add it again.") from error


def to_row(board: Board) -> list[str]:
    """The cells of a board, in the order of COLUMNS."""
    figures = [*(board.threshold(medal) for medal in MEDALS), board.median, *board.percentiles]
    cells = ["" if f is None or math.isnan(f) else repr(f) for f in figures]
    return [board.name, str(board.teams), "higher" if board.greater_is_better else "lower", *cells]
