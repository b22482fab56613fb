"""Leaderboards of the user: a folder with a file each, as `add_board` writes it or as a person puts it there."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.known.competitions import find_known
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import board_metric
from medalist.leaderboard.boards.files import DirectionError, read_leaderboard_file
from medalist.leaderboard.boards.table import COLUMNS, from_row, to_row

_NAME = re.compile(r"(?!\.)[^/\\:\x00-\x1f\x7f]{1,120}")


def boards_folder() -> Path:
    """Folder of the user's boards: MEDALIST_LEADERBOARDS, else `leaderboards` in the user's data folder."""
    if chosen := os.environ.get("MEDALIST_LEADERBOARDS"):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("medalist") / "leaderboards"


def own_names() -> list[str]:
    """Names of the user's boards, each once."""
    return list({path.stem.casefold(): path.stem for path in reversed(list(_files()))}.values())[::-1]


def own_board(name: str, greater_is_better: bool | None = None) -> Board | None:
    """The user's board of that name, in any case: as `add_board` wrote it, or a leaderboard file put into the folder.

    None where there is none, or it is a list of scores of no direction and none is given. Raises InputError where the
    file cannot be read.
    """
    for path in _files():
        if path.stem.casefold() != name.casefold():
            continue
        if path.suffix.lower() == ".csv":
            with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
                reader = csv.DictReader(file)
                if set(COLUMNS) <= set(reader.fieldnames or ()):
                    rows = list(reader)
                    if len(rows) != 1:
                        raise InputError(f"The leaderboard {path} must have one row and has {len(rows)}: add it again.")
                    return replace(from_row(rows[0], str(path)), origin=(rows[0].get("origin") or "").strip())
        try:
            board = read_leaderboard_file(path, path.stem, greater_is_better)
        except DirectionError:
            return None
        return replace(board, metric=board_metric(board.name, board.greater_is_better))
    return None


def add_board(
    path: Path | str, name: str, greater_is_better: bool | None = None, metric: str = "", origin: str = ""
) -> Board:
    """Keep the figures of a leaderboard file among the user's boards, under `name`, and return them as a board.

    No team names are kept. Replaces a board of that name, atomically. See `read_leaderboard_file` for what a file may
    hold; without a direction and ranks, that of a known competition of this name is taken. metric: canonical name of
    what the scores are; by default that of the competition, where it is known. origin: see `Board`.

    Raises
    ------
    InputError
        If the file cannot be read, the name is no file name, or the folder cannot be written.
    """
    _check_name(name)
    known = find_known(name) if greater_is_better is None else None
    try:
        expected = known.greater_is_better if known is not None and not known.columns else greater_is_better
        board = read_leaderboard_file(path, name, expected)
    except DirectionError:
        if known is None:
            raise
        board = read_leaderboard_file(path, name)  # its ranks are right, whatever the name seems to say
    metric = metric or board_metric(name, board.greater_is_better)
    return _keep(replace(board, metric=metric, origin=" ".join(origin.split())))


def remove_board(name: str) -> list[Path]:
    """Remove the user's board of that name, in any case, and return the files that are gone; [] where there is none."""
    removed = []
    for path in list(_files()):
        if path.stem.casefold() == name.casefold():
            try:
                path.unlink()
            except OSError as error:
                raise InputError(f"The leaderboard {path} cannot be removed: {error.strerror}.") from error
            removed.append(path)
    return removed


def rename_board(name: str, new: str) -> Board:
    """Rename a board of the user's, and return it.

    Raises
    ------
    LedgerError
        If the user has no board of that name, or has one of the new name already.
    InputError
        If the new name is no file name, or the folder cannot be written.
    """
    _check_name(new)
    board = own_board(name)
    if board is None:
        raise LedgerError(
            f"You have no leaderboard named {name} that could be renamed: medalist leaderboard lists yours."
        )
    if own_board(new) is not None and new.casefold() != name.casefold():
        raise LedgerError(f"You have a leaderboard named {new} already: remove it first, or choose another name.")
    before = [path for path in _files() if path.stem.casefold() == name.casefold()]
    metric = board.metric or board_metric(new, board.greater_is_better)
    renamed = _keep(replace(board, name=new, metric=metric), boards_folder() / f"{new}.csv")
    for path in before:
        if not path.samefile(renamed.source):
            path.unlink(missing_ok=True)
    return renamed


def _keep(board: Board, target: Path | None = None) -> Board:
    """Write a board into the user's folder, over the one of that name; return it with its file as the source."""
    folder = boards_folder()
    same = [p for p in _files() if p.suffix.lower() == ".csv" and p.stem.casefold() == board.name.casefold()]
    target = target or (same[0] if same else folder / f"{board.name}.csv")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        csv.writer(text).writerows(((*COLUMNS, "metric", "origin"), (*to_row(board), board.metric, board.origin)))
        replace_file(target, text.getvalue())
    except OSError as error:
        raise InputError(
            f"The leaderboard cannot be kept in {folder} ({error.strerror}): set MEDALIST_LEADERBOARDS to a "
            f"folder that you may write to."
        ) from error
    return replace(board, source=str(target))


def _check_name(name: str) -> None:
    """Raise InputError unless `name` can be the name of a file."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name[:80]!r} cannot name a leaderboard: use the competition's name in its Kaggle address.")


def _files() -> Iterator[Path]:
    """Files of the user's boards, by name."""
    folder = boards_folder()
    if folder.is_dir():
        yield from sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".txt", ".zip"))
