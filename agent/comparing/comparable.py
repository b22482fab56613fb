"""Which recorded standings may be counted together: by the leaderboard's metric, on a leaderboard whose medals mean
something."""

from __future__ import annotations

from typing import cast

from medalist.competitions.errors import InputError
from medalist.competitions.known.competitions import find_known
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.faults import list_is_cut, void_medals
from medalist.leaderboard.boards.lookup import board_for, find_board
from medalist.leaderboard.boards.standing import Basis, Standing, standing_on_board
from medalist.leaderboard.boards.table import SHIPPED
from medalist.leaderboard.ledger.rows import StandingRow

PEOPLE = "human teams"

NO_BOARD = "no leaderboard is known"
OTHER_METRIC = "another metric than the leaderboard's, or an assumed one"
GONE = "the leaderboard is gone, or another one now"
NO_PEOPLE = "a leaderboard that is not of people"
LEAKED = "a leaderboard with a leaked top, whose medals mean nothing"
CUT = "a leaderboard that is cut, on which medals are harder than they were"


def why_not_counted(row: StandingRow) -> str | None:
    """Why a standing does not count beside others, in words; None where it does.

    It does where its score is by the metric of a leaderboard of human teams that is known still, has no medal in a
    leaked top, and is not cut (`boards.faults`).
    """
    if row.board is None:
        return OTHER_METRIC if _is_known(row.competition) else NO_BOARD
    board = _board_of(row)
    if board is None:
        return GONE
    if row.who not in (None, PEOPLE):
        return NO_PEOPLE
    return _fault(board)


def recorded_standing(row: StandingRow) -> Standing | None:
    """The standing of a recorded score, with its intervals and chances, on the leaderboard that it was recorded on;
    None where there was none, or that is another one now."""
    board = _board_of(row)
    if board is None:
        return None
    found = standing_on_board(row.score, board, cast(Basis, row.basis), row.standard_error)
    return found if isinstance(found, Standing) else None


def _board_of(row: StandingRow) -> Board | None:
    """The board that a row was recorded on, in the unit of its score; None where it is another one now."""
    if row.board is None or not row.metric:
        return None
    try:
        found = board_for(row.board, row.metric, row.greater_is_better)
    except InputError:  # one of a person's own that cannot be read
        return None
    return found if isinstance(found, Board) and found.teams == row.teams else None


def _fault(board: Board) -> str | None:
    if void_medals(board):
        return LEAKED
    known = find_known(board.name)
    known = None if known is not None and known.columns else known
    return CUT if list_is_cut(board, known, is_own=board.source != SHIPPED) else None


def _is_known(name: str) -> bool:
    try:
        return find_board(name) is not None
    except InputError:  # one of a person's own that cannot be read
        return True
