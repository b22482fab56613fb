"""Finds the human leaderboard of a competition: in the user's folder, then among the 210 that ship with the package."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path

from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.known.competitions import find_known
from medalist.leaderboard.boards.board import Board, clean_board
from medalist.leaderboard.boards.comparing import NoStanding, board_metric, comparable
from medalist.leaderboard.boards.files import DirectionError, read_leaderboard_file
from medalist.leaderboard.boards.medals import MEDALS

#: Columns of a table of boards; "metric" may follow.
COLUMNS = ("competition", "teams", "better", *MEDALS, "median", *(f"p{k}" for k in range(101)))


def boards_folder() -> Path:
    """Folder of the user's boards: MEDALIST_LEADERBOARDS, else `leaderboards` in the user's data folder."""
    if chosen := os.environ.get("MEDALIST_LEADERBOARDS"):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("medalist") / "leaderboards"


def find_board(name: str, greater_is_better: bool | None = None) -> Board | None:
    """The board of the competition `name`, whatever its metric, or None where there is none.

    Looks for the exact name (in any case), then for "<name>-kernels-only", then for the known competition that the name
    stands for, each among the user's boards first.
    With `greater_is_better`, boards of the other direction are passed over. `board_for` finds the one that a score can
    be compared with.

    Raises
    ------
    InputError
        If a board that the user has added cannot be read.
    """
    boards = _boards(name, greater_is_better)
    return next((b for b in boards if greater_is_better in (None, b.greater_is_better)), None)


def board_for(name: str, metric: str, greater_is_better: bool, assumed: bool = False) -> Board | NoStanding:
    """The board of the competition `name` that scores by `metric` can be placed on, or why there is none.

    Its figures are in the unit of `metric`. Looks where `find_board` looks, for the first board that is comparable (see
    `comparing.comparable`, also for the parameters).

    Raises
    ------
    InputError
        If a board that the user has added cannot be read.
    """
    reason: NoStanding | None = None
    for board in _boards(name, greater_is_better):
        compared = comparable(board, metric, greater_is_better, assumed)
        if isinstance(compared, Board):
            return compared
        reason = reason or compared
    return reason or NoStanding(f"No human leaderboard named {name} is known, so no standing is given.")


def named_board(name: str, greater_is_better: bool, metric: str | None = None, assumed: bool = False) -> Board:
    """The board `name`, which a person has asked for, in the unit of `metric` where that is given.

    Raises LedgerError where there is no board of that name and direction, or its metric does not compare with `metric`.
    """
    if find_board(name) is None or metric is None:
        board = find_board(name, greater_is_better)
        if board is not None:
            return board
        better = "higher" if greater_is_better else "lower"
        raise LedgerError(
            f"No leaderboard named {name} whose {better} scores are better is known: medalist leaderboard lists those "
            "that are."
        )
    board_or_reason = board_for(name, metric, greater_is_better, assumed)
    if isinstance(board_or_reason, NoStanding):
        raise LedgerError(board_or_reason.reason)
    return board_or_reason


def _boards(name: str, greater_is_better: bool | None) -> Iterator[Board]:
    """Boards of a competition, the user's first; for a list of scores without ranks the direction must be given.

    Those of its exact name come before those of the known competition that the name stands for ("titanic (1)"), unless
    the name is so general that its columns would have to be compared.
    """
    known = find_known(name)
    keys = (name, f"{name}-kernels-only", *((known.slug,) if known and not known.columns else ()))
    for key in dict.fromkeys(key.casefold() for key in keys):
        for board in (_user_board(key, greater_is_better), _shipped(key)):
            if board is not None:
                yield board


def list_boards() -> tuple[Board, ...]:
    """Every board, by name; a user's board hides the shipped one of the same name.

    A list of scores that was put into the folder by hand and has no direction is left out.

    Raises
    ------
    InputError
        If a board that the user has added cannot be read.
    """
    boards = {row["competition"].casefold(): _from_row(row, "shipped with medalist") for row in _shipped_rows()}
    for path in _user_files():
        if board := _user_board(path.stem):
            boards[board.name.casefold()] = board
    return tuple(boards[name] for name in sorted(boards))


def add_board(path: Path | str, name: str, greater_is_better: bool | None = None, metric: str = "") -> Board:
    """Keep the figures of a leaderboard file among the user's boards, under `name`, and return them as a board.

    No team names are kept. Replaces a board of that name, atomically. See `read_leaderboard_file` for what a file may
    hold. metric: canonical name of what the scores are; by default that of the competition, where it is known.

    Raises
    ------
    InputError
        If the file cannot be read, the name is no file name, or the folder cannot be written.
    """
    if not name or Path(name).name != name:
        raise InputError(f"{name!r} cannot name a leaderboard: use the competition's name in its Kaggle address.")
    board = read_leaderboard_file(path, name, greater_is_better)
    board = replace(board, metric=metric or board_metric(name, board.greater_is_better))
    target = boards_folder() / f"{name}.csv"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        csv.writer(text).writerows(((*COLUMNS, "metric"), (*_to_row(board), board.metric)))
        replace_file(target, text.getvalue())
    except OSError as error:
        raise InputError(
            f"The leaderboard cannot be kept in {target.parent} ({error.strerror}): set MEDALIST_LEADERBOARDS to a "
            f"folder that you may write to."
        ) from error
    return board


def _user_files() -> Iterator[Path]:
    """Files of the user's boards, by name."""
    folder = boards_folder()
    if folder.is_dir():
        yield from sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".txt", ".zip"))


def _user_board(name: str, greater_is_better: bool | None = None) -> Board | None:
    """The user's board of that name: as `add_board` wrote it, or a leaderboard file put into the folder."""
    for path in _user_files():
        if path.stem.casefold() != name.casefold():
            continue
        if path.suffix.lower() == ".csv":
            with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
                reader = csv.DictReader(file)
                if set(COLUMNS) <= set(reader.fieldnames or ()):
                    rows = list(reader)
                    if len(rows) != 1:
                        raise InputError(f"The leaderboard {path} must have one row and has {len(rows)}: add it again.")
                    return _from_row(rows[0], str(path))
        try:
            board = read_leaderboard_file(path, path.stem, greater_is_better)
        except DirectionError:
            return None
        return replace(board, metric=board_metric(board.name, board.greater_is_better))
    return None


def _shipped_rows() -> Iterator[dict[str, str]]:
    """Rows of the table of shipped boards."""
    table = resources.files("medalist.leaderboard.boards.data") / "human_baselines.csv"
    yield from csv.DictReader(table.read_text(encoding="utf-8").splitlines())


def _shipped(name: str) -> Board | None:
    """The shipped board of a competition, in any case; None where there is none."""
    key = name.casefold()
    for row in _shipped_rows():
        if row["competition"].casefold() == key:
            return _from_row(row, "shipped with medalist")
    return None


def _from_row(row: Mapping[str, str], source: str) -> Board:
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


def _to_row(board: Board) -> list[str]:
    """The cells of a board, in the order of COLUMNS."""
    figures = [*(board.threshold(medal) for medal in MEDALS), board.median, *board.percentiles]
    cells = ["" if f is None or math.isnan(f) else repr(f) for f in figures]
    return [board.name, str(board.teams), "higher" if board.greater_is_better else "lower", *cells]
