"""Leaderboards that a person brings: the file that Kaggle lets one download, or a list of scores."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.board import Board, board_from_scores

#: Column names, lower case without spaces, that hold the score, best first.
SCORE_COLUMNS = ("score", "privatescore", "publicscore")
RANK_COLUMNS = ("rank", "place")
TEAM_COLUMNS = ("teamid", "teamname", "team")


class DirectionError(InputError):
    """A leaderboard contradicts the direction given, or none is given and none can be inferred from it."""


def read_leaderboard_file(path: Path | str, name: str, greater_is_better: bool | None = None) -> Board:
    """Read a leaderboard from a CSV (Kaggle's download, also in its zip) or a plain list of scores.

    Parameters
    ----------
    path
        A table with a column `Score` (and, where the file has them, `Rank` and `TeamId` or `TeamName`; of several
        rows of a team the best counts), or a file with one number per line.
    name
        Competition that the board is of.
    greater_is_better
        Direction. None: taken from the ranks, or from the order of the rows where they are sorted.

    Raises
    ------
    DirectionError
        If the ranks contradict the direction given, or it is not given and cannot be inferred from the file.
    InputError
        If the file cannot be read or holds no scores.
    """
    path = Path(path)
    text = _text(path)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) if any(row)]
    except csv.Error as error:
        raise InputError(f"The leaderboard {path} is no readable CSV ({error}): download it again.") from error
    if not rows:
        raise InputError(f"The leaderboard {path} is empty: give a CSV with a column Score, or one score per line.")
    header = [re.sub(r"[^a-z]", "", cell.lower()) for cell in rows[0]]
    column = next((header.index(c) for c in SCORE_COLUMNS if c in header), None)
    if column is not None:
        entries = _entries(path, rows[1:], header, column)
    elif len(rows[0]) == 1:
        entries = [(None, None, _number(path, row[0])) for row in rows]
    else:
        raise InputError(f"The leaderboard {path} has no column Score: it has {', '.join(rows[0])[:200]}.")
    entries = [entry for entry in entries if math.isfinite(entry[2])]
    if not entries:
        raise InputError(f"The leaderboard {path} holds no scores: give at least one team with a finite one.")
    inferred = _direction(entries)
    if greater_is_better is None:
        greater_is_better = inferred
    elif inferred is not None and any(rank is not None for _, rank, _ in entries) and inferred != greater_is_better:
        raise DirectionError(
            f"The leaderboard {path} ranks {'higher' if inferred else 'lower'} scores first, which contradicts the "
            f"direction given: check that it is the right competition and metric."
        )
    if greater_is_better is None:
        raise DirectionError(
            f"The leaderboard {path} does not tell whether higher or lower is better: give "
            f"--higher-is-better or --lower-is-better."
        )
    return board_from_scores(name, _best(entries, greater_is_better), greater_is_better, source=str(path))


Entry = tuple[str | None, float | None, float]  # team, rank, score


def _entries(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str], column: int) -> list[Entry]:
    """(team, rank, score) of each row with a score; team and rank may be None. Raises InputError."""
    rank = next((header.index(c) for c in RANK_COLUMNS if c in header), None)
    team = next((header.index(c) for c in TEAM_COLUMNS if c in header), None)
    return [
        (
            row[team] if team is not None and team < len(row) else None,
            _number(path, row[rank]) if rank is not None and rank < len(row) and row[rank].strip() else None,
            _number(path, row[column]),
        )
        for row in rows
        if column < len(row) and row[column].strip()  # a team without a score has not entered
    ]


def _direction(entries: Sequence[Entry]) -> bool | None:
    """Whether higher is better, from the ranks, else from rows that are sorted; None where neither shows it."""
    ranked = sorted((e for e in entries if e[1] is not None), key=lambda e: e[1] or 0.0)
    scores = [score for _, _, score in (ranked or entries)]
    if scores[0] == scores[-1]:
        return None
    falls = scores[0] > scores[-1]
    ordered = scores == sorted(scores, reverse=falls)
    return falls if ordered or ranked else None


def _best(entries: Sequence[Entry], greater_is_better: bool) -> list[float]:
    """One score per team: the best of its rows."""
    best: dict[object, float] = {}
    for number, (team, _, score) in enumerate(entries):
        key: object = number if team is None or not team.strip() else team
        keep = max if greater_is_better else min
        best[key] = keep(best.get(key, score), score)
    return list(best.values())


def _number(path: Path, cell: str) -> float:
    """A cell as a number. Raises InputError."""
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"The leaderboard {path} has {cell[:40]!r} where a number is expected.") from None


def _delimiter(text: str) -> str:
    """The most frequent of comma, semicolon and tab in the first line."""
    first = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _text(path: Path) -> str:
    """Contents of the file, or of the only CSV of a zip; bytes that are not UTF-8 (in team names) are replaced."""
    try:
        if not zipfile.is_zipfile(path):
            return path.read_bytes().decode("utf-8-sig", "replace")
        with zipfile.ZipFile(path) as archive:
            tables = [item for item in archive.namelist() if item.lower().endswith(".csv")]
            if len(tables) != 1:
                raise InputError(f"The leaderboard {path} is a zip with {len(tables)} CSV files: give one with one.")
            return archive.read(tables[0]).decode("utf-8-sig", "replace")
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: an encrypted zip
        raise InputError(f"The leaderboard {path} cannot be read ({error}): give a CSV or a list of scores.") from error
