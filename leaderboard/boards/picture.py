"""A leaderboard as a small picture for a terminal: how many teams have which score, medal lines, a score's place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.medals import MEDALS, Medal

_BARS = " ▁▂▃▄▅▆▇█"
_PLAIN_BARS = " .:-=+*%#"
_MARKS: dict[Medal, str] = {"gold": "G", "silver": "S", "bronze": "B"}
#: Worst percentile that a picture shows: scores of the last quarter lie orders of magnitude away on many boards.
_LAST_SHOWN = 75


@dataclass(frozen=True)
class Field:
    """A board as figures of a picture, worst score first.

    `edges`: n + 1 scores that bound n equal steps. `teams`: how many teams there are, about, in each of them. `worse`:
    how many have a worse score than the picture shows, or none that is valid.
    """

    edges: tuple[float, ...]
    teams: tuple[float, ...]
    worse: float


def field_of(board: Board, columns: int = 60, *scores: float) -> Field | None:
    """How the teams of a board are spread over the scores, in so many steps; None where they all have one score.

    From the percentile 75 (or the worst of `scores` down to twice as far) to the best one; between two percentiles the
    teams are taken to be spread evenly. A leaked top is left out, down to the worst score of it.
    """
    sign = 1.0 if board.greater_is_better else -1.0
    valid = [(k, sign * p) for k, p in enumerate(board.percentiles) if math.isfinite(p)]
    inner = [(k, s) for k, s in valid if not board.leaked(sign * s)]
    shown = [s for k, s in inner if k <= _LAST_SHOWN] or [s for _, s in inner]
    if not shown or shown[0] == shown[-1]:
        return None
    high, low = shown[0], shown[-1]
    reach = [sign * s for s in scores if math.isfinite(s)]
    high = max([high, *(min(s, high + (high - low) / 2) for s in reach)])
    low = min([low, *(max(s, low - (high - low)) for s in reach)])
    step = (high - low) / columns
    if not step:  # the scores differ by less than a float can divide
        return None
    teams, worse = [0.0] * columns, board.teams * (101 - len(valid)) / 100
    for (_, upper), (_, lower) in pairwise(valid):
        share = board.teams / 100
        if upper == lower:
            _add(teams, low, step, upper, share)
            worse += share if upper < low else 0.0
            continue
        first, last = (math.floor((s - low) / step) for s in (lower, upper))
        for column in range(max(0, first - 1), min(columns, last + 2)):
            left = low + column * step
            overlap = max(0.0, min(upper, left + step) - max(lower, left))
            teams[column] += share * overlap / (upper - lower)
        worse += share * max(0.0, min(upper, low) - lower) / (upper - lower)
    edges = tuple(sign * (low + column * step) for column in range(columns + 1))
    return Field(edges, tuple(round(t, 3) for t in teams), round(worse, 3))


def picture(
    board: Board, score: float | None = None, standard_error: float | None = None, ascii_only: bool = False
) -> str:
    """The picture, 62 columns wide, best scores on the right; "" where all teams have one score.

    A bar's height is the square root of the share of teams. Below are the medal lines (G, S, B), the median (M), and
    the score with one standard error to each side.
    """
    scores = () if score is None else (score,)
    field = field_of(board, 60, *scores)
    if field is None:
        return ""
    bars = _PLAIN_BARS if ascii_only else _BARS
    top = max(field.teams)
    heights = [math.ceil(2 * (len(bars) - 1) * math.sqrt(t / top)) for t in field.teams]
    full = len(bars) - 1
    rows = ["".join(bars[max(0, min(full, h - base))] for h in heights) for base in (full, 0)]
    lines = [*rows, ("-" if ascii_only else "─") * len(heights)]
    marks: dict[int, str] = {}
    for mark, value in (("M", board.median), *((_MARKS[m], board.threshold(m)) for m in reversed(MEDALS))):
        column = None if value is None or board.leaked(value) else _column(field, value)
        if mark and column is not None:
            marks[column] = mark  # a better medal stands over a worse one
    lines.append("".join(marks.get(k, " ") for k in range(len(heights))))
    if score is not None:
        lines.append(_score_line(field, score, standard_error or 0.0, ascii_only))
    lines.append(_scale(field))
    return "\n".join(" " + line.rstrip() for line in lines)


def _score_line(field: Field, score: float, error: float, ascii_only: bool) -> str:
    """The line with the score and its standard error; an arrow at the edge where it lies outside."""
    columns = len(field.teams)
    place = _column(field, score)
    worse, better = field.edges[0], field.edges[-1]
    sign = 1.0 if better > worse else -1.0
    cells = [" "] * columns
    for column in range(columns):
        middle = (field.edges[column] + field.edges[column + 1]) / 2
        if abs(middle - score) <= error:
            cells[column] = "-" if ascii_only else "─"
    if place is not None:
        cells[place] = "^" if ascii_only else "▲"
    elif sign * score < sign * worse:
        cells[0] = "<"
    else:
        cells[-1] = ">"
    return "".join(cells)


def _scale(field: Field) -> str:
    """The scores at both ends and in the middle."""
    columns = len(field.teams)
    left, middle, right = (f"{field.edges[k]:.5g}" for k in (0, columns // 2, columns))
    line = left.ljust(columns // 2 - len(middle) // 2) + middle
    return line + right.rjust(max(1, columns - len(line)))


def _column(field: Field, value: float) -> int | None:
    """The column that a score falls into; None where it lies outside."""
    worse, better = field.edges[0], field.edges[-1]
    share = (value - worse) / (better - worse)
    if not -1e-9 <= share <= 1 + 1e-9:
        return None
    return min(len(field.teams) - 1, max(0, int(share * len(field.teams))))


def _add(teams: list[float], low: float, step: float, score: float, share: float) -> None:
    """Add the teams of one score to its column, if it is shown."""
    column = math.floor((score - low) / step)
    if (score - low) / step >= -1e-9 and column <= len(teams):
        teams[min(max(column, 0), len(teams) - 1)] += share
