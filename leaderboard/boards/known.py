"""Where human leaderboards come from: a folder of the user's own, then the 210 that ship with the package."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError, LedgerError
from medalist.leaderboard.boards.board import Board, board_from_scores, clean_board
from medalist.leaderboard.boards.files import DirectionError, read_leaderboard_file
from medalist.leaderboard.boards.medals import MEDALS

__all__ = ["Board", "add_board", "board_from_scores", "boards_folder", "find_board", "list_boards",
           "read_leaderboard_file"]  # fmt: skip

COLUMNS = ("competition", "teams", "better", *MEDALS, "median", *(f"p{k}" for k in range(101)))


def boards_folder() -> Path:
    """Folder of the user's own boards: MEDALIST_LEADERBOARDS, else `leaderboards` in the user's data folder."""
    if chosen := os.environ.get("MEDALIST_LEADERBOARDS"):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("medalist") / "leaderboards"


def find_board(name: str, greater_is_better: bool | None = None) -> Board | None:
    """The board of the competition `name`, or None where there is none that fits.

    Looks for the exact name (in any case) and then for "<name>-kernels-only", each among the user's own boards first.
    A board whose direction contradicts `greater_is_better` was made with another metric and does not fit.

    Raises
    ------
    InputError
        If a board of the user's own cannot be read.
    """
    for wanted in (name, f"{name}-kernels-only"):
        for board in (_own(wanted, greater_is_better), _shipped(wanted)):
            if board is not None and greater_is_better in (None, board.greater_is_better):
                return board
    return None


def named_board(name: str, greater_is_better: bool) -> Board:
    """The board that a person has named. LedgerError where there is none of that name and direction."""
    board = find_board(name, greater_is_better)
    if board is None:
        better = "higher" if greater_is_better else "lower"
        raise LedgerError(
            f"No leaderboard named {name} whose {better} scores are better is known: medalist leaderboard lists those "
            "that are."
        )
    return board


def list_boards() -> tuple[Board, ...]:
    """Every board, by name; one of the user's own hides the shipped one of the same name.

    A list of scores that was put into the folder by hand and does not tell its direction is left out.

    Raises
    ------
    InputError
        If a board of the user's own cannot be read.
    """
    boards = {row["competition"].casefold(): _from_row(row, "shipped with medalist") for row in _shipped_rows()}
    for path in _own_files():
        if board := _own(path.stem):
            boards[board.name.casefold()] = board
    return tuple(boards[name] for name in sorted(boards))


def add_board(path: Path | str, name: str, greater_is_better: bool | None = None) -> Board:
    """Keep the figures of a leaderboard file among the user's own boards, under `name`; no team names are kept.

    Replaces a board of that name, atomically. See `read_leaderboard_file` for what a file may hold.

    Raises
    ------
    InputError
        If the file cannot be read, the name is no file name, or the folder cannot be written.
    """
    if not name or Path(name).name != name:
        raise InputError(f"{name!r} cannot name a leaderboard: use the competition's name in its Kaggle address.")
    board = read_leaderboard_file(path, name, greater_is_better)
    target = boards_folder() / f"{name}.csv"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        csv.writer(text).writerows((COLUMNS, _to_row(board)))
        replace_file(target, text.getvalue())
    except OSError as error:
        raise InputError(
            f"The leaderboard cannot be kept in {target.parent} ({error.strerror}): set MEDALIST_LEADERBOARDS to a "
            f"folder that you may write to."
        ) from error
    return board


def _own_files() -> Iterator[Path]:
    folder = boards_folder()
    if folder.is_dir():
        yield from sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".txt", ".zip"))


def _own(name: str, greater_is_better: bool | None = None) -> Board | None:
    """The user's own board of that name: as `add_board` wrote it, or a leaderboard file put into the folder."""
    for path in _own_files():
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
            return read_leaderboard_file(path, path.stem, greater_is_better)
        except DirectionError:
            return None
    return None


def _shipped_rows() -> Iterator[dict[str, str]]:
    table = resources.files("medalist.leaderboard.boards.data") / "human_baselines.csv"
    yield from csv.DictReader(table.read_text(encoding="utf-8").splitlines())


def _shipped(name: str) -> Board | None:
    wanted = name.casefold()
    for row in _shipped_rows():
        if row["competition"].casefold() == wanted:
            return _from_row(row, "shipped with medalist")
    return None


def _from_row(row: Mapping[str, str], source: str) -> Board:
    def number(column: str) -> float | None:
        text = (row.get(column) or "").strip()
        return float(text) if text and math.isfinite(float(text)) else None

    try:
        percentiles = [math.nan if (p := number(f"p{k}")) is None else p for k in range(101)]
        return clean_board(
            name=row["competition"],
            teams=int(row["teams"]),
            greater_is_better={"higher": True, "lower": False}[row["better"]],
            thresholds={medal: number(medal) for medal in MEDALS},
            median=number("median"),
            percentiles=percentiles,
            source=source,
        )
    except (KeyError, ValueError) as error:
        raise InputError(f"The leaderboard {source} is damaged ({error}): add it again.") from error


def _to_row(board: Board) -> list[str]:
    figures = [*(board.threshold(medal) for medal in MEDALS), board.median, *board.percentiles]
    cells = ["" if f is None or math.isnan(f) else repr(f) for f in figures]
    return [board.name, str(board.teams), "higher" if board.greater_is_better else "lower", *cells]
