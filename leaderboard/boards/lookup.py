"""Finds the human leaderboard of a competition: among the user's, then among the 210 that ship with the package."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace

from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.known.competitions import KnownCompetition, find_known
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding, comparable, same_metric
from medalist.leaderboard.boards.faults import find_faults
from medalist.leaderboard.boards.own import own_board, own_names
from medalist.leaderboard.boards.standing import percentiles_between
from medalist.leaderboard.boards.table import SHIPPED, shipped_board, shipped_boards, shipped_names


def find_board(name: str, greater_is_better: bool | None = None) -> Board | None:
    """The board of the competition `name`, whatever its metric, or None where there is none.

    Looks for the exact name (in any case), then for "<name>-kernels-only", then for the known competition that the name
    stands for, each among the user's boards first: one that stands in for a shipped board says so among its faults.
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
    found = find_board(name)
    if found is None:
        raise LedgerError(unknown_board(name))
    if metric is None:
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


def recorded_range(
    name: str | None,
    metric: str,
    greater_is_better: bool,
    teams: int | None,
    score: float,
    standard_error: float | None,
) -> tuple[float, float] | None:
    """The percentiles within one standard error of a score whose standing was recorded, lower one first.

    None where the standard error is not known, or `recorded_board` is.
    """
    board = recorded_board(name, metric, greater_is_better, teams)
    return None if board is None or standard_error is None else percentiles_between(board, score, standard_error)


def recorded_board(name: str | None, metric: str, greater_is_better: bool, teams: int | None) -> Board | None:
    """The board that a standing was recorded on; None where that of its name is now another one: not of so many teams,
    or none that a score by `metric` can be placed on."""
    if name is None or not metric:
        return None
    try:
        board = board_for(name, metric, greater_is_better)
    except InputError:  # what was recorded is shown all the same
        return None
    return None if isinstance(board, NoStanding) or board.teams != teams else board


def unknown_board(name: str) -> str:
    """The sentence that says that no board has this name, and which names may be meant."""
    known = find_known(name)
    if known is not None and not known.columns:
        return (
            f"No leaderboard named {known.slug} is shipped: add it with medalist leaderboard {known.slug} --add FILE; "
            f"medalist leaderboard lists those that are."
        )
    meant = similar_names(name)
    ask = f" (did you mean {' or '.join(meant)}?)" if meant else ""
    return f"No leaderboard named {name} is known{ask}: medalist leaderboard lists those that are."


def similar_names(name: str, most: int = 3) -> list[str]:
    """Names of boards that `name` may be a misspelling of, the most similar first; their numbers are the same."""
    names = dict.fromkeys((*own_names(), *shipped_names()))
    by_key = {other.casefold(): other for other in names if _numbers(other) == _numbers(name)}
    return [by_key[key] for key in difflib.get_close_matches(name.casefold(), by_key, most, 0.75)]


def list_boards(unreadable: list[str] | None = None) -> tuple[Board, ...]:
    """Every board, by name, a user's board before the shipped one of the same name.

    A list of scores that was put into the folder by hand and has no direction is left out.

    Parameters
    ----------
    unreadable
        Gets the sentence of each of the user's boards that cannot be read; None: the first of them is raised.

    Raises
    ------
    InputError
        If a board that the user has added cannot be read, and `unreadable` is not given.
    """
    shipped = {board.name.casefold(): board for board in shipped_boards()}
    boards = [_told(board) for board in shipped.values()]
    for name in own_names():
        try:
            board = own_board(name)
        except InputError as error:
            if unreadable is None:
                raise
            unreadable.append(str(error))
            continue
        if board is not None:
            boards.append(_told(board, shipped.get(name.casefold())))
    return tuple(sorted(boards, key=lambda board: (board.name.casefold(), board.source == SHIPPED)))


def _boards(name: str, greater_is_better: bool | None) -> Iterator[Board]:
    """Boards of a competition, the user's first; for a list of scores without ranks the direction must be given.

    Those of its exact name come before those of the known competition that the name stands for ("titanic (1)"), unless
    the name is so general that its columns would have to be compared.
    """
    known = find_known(name)
    keys = (name, f"{name}-kernels-only", *((known.slug,) if known and not known.columns else ()))
    for key in dict.fromkeys(key.casefold() for key in keys):
        shipped = shipped_board(key)
        own = own_board(key, greater_is_better)
        if own is not None:
            yield _told(own, shipped)
        if shipped is not None:
            yield _told(shipped)


def _told(board: Board, shipped: Board | None = None) -> Board:
    """The board with what is known of its competition, and what is wrong with it.

    `shipped`: the shipped board of the same name, for one of the user's.
    """
    known: KnownCompetition | None = find_known(board.name)
    if known is not None and known.columns:
        known = None
    if known is not None:
        board = replace(board, year=known.year, test_rows=known.test_rows, public_share=known.public_share)
    hidden = shipped is not None and shipped.greater_is_better == board.greater_is_better
    if shipped is not None and board.metric and not same_metric(shipped.metric, board.metric):
        hidden = False
    return find_faults(board, known, is_own=board.source != SHIPPED, shadowed=shipped if hidden else None)


def _numbers(name: str) -> list[str]:
    """The numbers in a name, such as season and episode."""
    return re.findall(r"\d+", name)
