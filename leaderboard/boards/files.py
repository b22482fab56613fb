"""Leaderboards that a person brings: the files that Kaggle lets one download, or a list of scores.

Kaggle's downloads have been, over the years, a CSV of every improvement of every team (`TeamId, TeamName,
SubmissionDate, Score`), one of the last state (`TeamId, TeamName, LastSubmissionDate, Score, SubmissionCount`), and a
zip of one with ranks (`Rank, TeamId, TeamName, LastSubmissionDate, Score, SubmissionCount, TeamMemberUserNames`).
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.board import Board, board_from_scores
from medalist.leaderboard.boards.cells import is_number, numbers

#: Column names, lower case without what is no letter, that hold the score, best first.
SCORE_COLUMNS = (
    "score",
    "privatescore",
    "privateleaderboardscore",
    "finalscore",
    "publicscore",
    "publicleaderboardscore",
)
RANK_COLUMNS = ("rank", "place", "#")
TEAM_COLUMNS = ("teamid", "teamname", "team")

_DATE = re.compile(r"\d{4}-\d\d?-\d\d?\b.*|\d\d?[/.]\d\d?[/.]\d{2,4}\b.*")
_COMMA_LIST = re.compile(r"\s*[+-]?\d+,\d+\s*")

Rows = list[list[str]]
Entry = tuple[str | None, float | None, float]  # team, rank, score


class DirectionError(InputError):
    """A leaderboard contradicts the direction given, or none is given and none can be inferred from it."""


def read_leaderboard_file(path: Path | str, name: str, greater_is_better: bool | None = None) -> Board:
    """Read a leaderboard from a CSV (Kaggle's download, also in its zip) or a plain list of scores.

    Parameters
    ----------
    path
        A table with a column `Score` (and, where the file has them, `Rank` and `TeamId` or `TeamName`; of several
        rows of a team the best counts), the same without a header, or a file with one number per line. Cells are
        separated by commas, semicolons or tabs; numbers may have decimal commas; teams without a score are left out.
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
    entries = [entry for entry in _entries(path, *_table(path, _text(path))) if math.isfinite(entry[2])]
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


def _table(path: Path, text: str) -> tuple[list[str], Rows, bool | None]:
    """Header (plain column names), rows, and whether commas in numbers are decimal (None: not known). InputError."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and (told := re.fullmatch(r"sep=(.)", lines[0].strip())):  # as Excel writes it
        text, delimiter = text.split("\n", 1)[-1], told[1]
    else:
        delimiter = _delimiter(lines[0]) if lines else ","
    if delimiter == "," and _is_comma_list(lines):
        return ["score"], [[line.strip()] for line in lines], True
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise InputError(f"The leaderboard {path} is no readable CSV ({error}): download it again.") from error
    if not rows:
        raise InputError(f"The leaderboard {path} is empty: give a CSV with a column Score, or one score per line.")
    header = [cell.strip() if cell.strip() == "#" else re.sub(r"[^a-z]", "", cell.lower()) for cell in rows[0]]
    if set(header) & set(SCORE_COLUMNS):
        wider = next((row for row in rows[1:] if len(row) > len(header) and any(row[len(header) :])), None)
        if wider is not None:
            raise InputError(
                f"The leaderboard {path} has a row with more cells than its header ({delimiter.join(wider)[:60]!r}): "
                f"put quotes around names and numbers with a {delimiter!r} in them."
            )
        return header, rows[1:], None
    return _inferred_header(path, rows), rows, None


def _inferred_header(path: Path, rows: Rows) -> list[str]:
    """Names for the columns of a table without a header: which is the rank, the team, the score. InputError."""
    width = max(map(len, rows))
    if width == 1:
        return ["score"]
    columns = [[row[k].strip() for row in rows if k < len(row) and row[k].strip()] for k in range(width)]
    header = [""] * width
    numeric = [k for k in range(width) if columns[k] and all(map(is_number, columns[k]))]
    if len(numeric) > 1 and _are_ranks(columns[numeric[0]]):
        header[numeric.pop(0)] = "rank"
    dates = [k for k in range(width) if columns[k] and all(map(_DATE.fullmatch, columns[k]))]
    whole = [k for k in numeric if all(cell.isdecimal() for cell in columns[k])]
    if dates and dates[0] + 1 in numeric:  # as in all of Kaggle's downloads
        score = dates[0] + 1
    elif len(fractions := [k for k in numeric if k not in whole]) == 1 or (len(numeric) == 1 and not any(header)):
        score = (fractions or numeric)[0]
    elif len(numeric) == 1:
        score = numeric[0]
    else:
        raise InputError(f"The leaderboard {path} has no column Score: it has {', '.join(rows[0])[:200]}.")
    header[score] = "score"
    before = [k for k in range(score) if columns[k] and not header[k] and k not in dates]
    if before:
        header[before[0]] = "teamid" if before[0] in whole else "teamname"
    return header


def _are_ranks(cells: Sequence[str]) -> bool:
    """Whether a column of a table without a header holds ranks in order: from 1, with gaps after shared ones."""
    if not all(cell.isdecimal() for cell in cells):
        return False
    ranks = [int(cell) for cell in cells]
    return ranks[0] == 1 and ranks == sorted(ranks) and all(rank <= k + 1 for k, rank in enumerate(ranks))


def _entries(path: Path, header: Sequence[str], rows: Rows, decimal_comma: bool | None) -> list[Entry]:
    """(team, rank, score) of each row with a score; team and rank may be None. Raises InputError."""
    column = header.index(next(c for c in SCORE_COLUMNS if c in header))
    rank = next((header.index(c) for c in RANK_COLUMNS if c in header), None)
    team = next((header.index(c) for c in TEAM_COLUMNS if c in header), None)
    rows = [row for row in rows if column < len(row) and row[column].strip()]  # others have not entered
    scores = numbers([row[column] for row in rows], str(path), decimal_comma)
    has_rank = [rank is not None and rank < len(row) and bool(row[rank].strip()) for row in rows]
    ranks = iter(numbers([row[rank or 0] for row, has in zip(rows, has_rank, strict=True) if has], str(path)))
    return [
        (row[team] if team is not None and team < len(row) else None, next(ranks) if has else None, score)
        for row, has, score in zip(rows, has_rank, scores, strict=True)
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


def _is_comma_list(lines: Sequence[str]) -> bool:
    """Whether every line is one number with a decimal comma, and they are not ranks followed by whole scores."""
    if not lines or not all(map(_COMMA_LIST.fullmatch, lines)):
        return False
    return len(lines) < 2 or [line.split(",")[0].strip() for line in lines] != [str(k + 1) for k in range(len(lines))]


def _delimiter(line: str) -> str:
    """The most frequent of comma, semicolon and tab in a line."""
    return max(",;\t", key=line.count)


def _text(path: Path) -> str:
    """Contents of the file, or of the only CSV of a zip; bytes that are not UTF-8 (in team names) are replaced."""
    try:
        if not zipfile.is_zipfile(path):
            return _decoded(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            tables = [
                item
                for item in archive.namelist()
                if item.lower().endswith(".csv") and not item.startswith("__MACOSX/")
            ]
            if len(tables) != 1:
                raise InputError(f"The leaderboard {path} is a zip with {len(tables)} CSV files: give one with one.")
            return _decoded(archive.read(tables[0]))
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # RuntimeError: an encrypted zip
        raise InputError(f"The leaderboard {path} cannot be read ({error}): give a CSV or a list of scores.") from error


def _decoded(content: bytes) -> str:
    """Bytes as text: UTF-16 where they begin with its mark (as spreadsheets write it), else UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")
