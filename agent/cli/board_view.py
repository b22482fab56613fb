"""What `medalist leaderboard` shows: all boards as a table, or one with a picture of its field and a score's place."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from shlex import quote

from medalist.agent.cli.printing import number_text, print_json, print_next, print_table, print_text, print_wrapped
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.faults import thresholds_without_top, void_medals
from medalist.leaderboard.boards.lookup import board_for, find_board, list_boards, unknown_board
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.boards.picture import field_of, picture
from medalist.leaderboard.boards.standing import Standing, sentence, standing_on_board
from medalist.leaderboard.boards.table import SHIPPED


def list_all(json: bool) -> None:
    """Print every board as a line of a table, or as JSON."""
    unreadable: list[str] = []
    boards = list_boards(unreadable)
    for sentence_of_fault in unreadable:
        print_text(f"Left out: {sentence_of_fault}", sys.stderr)
    if json:
        print_json({"leaderboards": [asdict(b) for b in boards]})
        return
    lines = [
        (
            b.name + ("" if b.source == SHIPPED else " (yours)"),
            b.metric or "not known",
            f"{b.teams:,}",
            *(number_text(t, 5) for t in (b.gold, b.bronze)),
            str(len(b.faults) or ""),
        )
        for b in boards
    ]
    print_table(("leaderboard", "metric", "teams", "gold", "bronze", "faults"), lines, right=(2, 3, 4, 5))
    print_next(("medalist leaderboard NAME", "one with all that is known of it, and a picture of its field"))


def show_board(
    name: str,
    score: float | None,
    error: float | None,
    metric: tuple[str, bool] | None,
    json: bool,
    *,
    following: bool = True,
) -> None:
    """Print a board with what is wrong with it, a picture of its field, and where a score would stand.

    `following`: whether to name the next steps. `metric`: canonical name and direction of the score's metric; None for
    the board's own. LedgerError where there is no such board, or, without a score, where its metric does not compare
    with `metric`.
    """
    board = find_board(name)
    if board is None:
        raise LedgerError(unknown_board(name))
    compared = board if metric is None else board_for(name, *metric)
    if isinstance(compared, Board):
        board = compared
    elif score is None:
        raise LedgerError(compared.reason)
    standing = None if score is None else standing_on_board(score, compared, "given", error)
    placed = isinstance(standing, Standing)
    if json:
        print_json(_document(board, score if placed else None, standing))
        return
    print_wrapped(_head(board))
    print_wrapped(_thresholds(board))
    drawn = picture(board, score if placed else None, error, ascii_only=not _can_print("▁█─▲"))
    if drawn:
        print_text("\n" + drawn + "\n")
        print_text(_legend(board))
    for fault in board.faults:
        print_wrapped(f"Note: {fault}")
    if isinstance(standing, Standing):
        said = standing.caution or ""  # the board's faults stand above
        noise = said.removeprefix(board.caution or "").strip() or None
        print_text("")
        print_wrapped(sentence(replace(standing, caution=noise)))
        if standing.standard_error is None:
            print_wrapped("With --se, its standard error, the place gets an interval and the medals their chances.")
    elif standing is not None:
        print_text("")
        print_wrapped(standing.reason)
    if score is None and following:
        print_next(
            (f"medalist leaderboard {quote(name)} --score SCORE", "where a score would stand"),
            (f"medalist run PATH --budget 10m --leaderboard {quote(name)}", "work, and compare with it"),
        )


def _document(board: Board, score: float | None, standing: Standing | NoStanding | None) -> dict[str, object]:
    """The same for machines."""
    field = field_of(board, 60, *(() if score is None else (score,)))
    return {
        "leaderboard": asdict(board),
        "caution": board.caution,
        "void_medals": void_medals(board),
        "thresholds_without_top": thresholds_without_top(board),
        "field": None if field is None else asdict(field),
        "standing": asdict(standing) if isinstance(standing, Standing) else None,
        "no_standing": standing.reason if isinstance(standing, NoStanding) else None,
    }


def _head(board: Board) -> str:
    """What a board is, in one line."""
    better = "higher" if board.greater_is_better else "lower"
    parts = [f"{board.teams:,} {board.who}", f"{board.metric or 'metric not known'} ({better} is better)"]
    if board.kind:
        parts.append(f"{board.kind} data")
    if board.year is not None:
        parts.append(f"ended {board.year}")
    if board.test_rows is not None:
        parts.append(f"{board.test_rows:,} test rows")
    if board.public_share is not None:
        parts.append(f"{100 * board.public_share:.3g} % of the test rows public")
    return f"{board.name}: {'; '.join(parts)}; {board.source}"


def _thresholds(board: Board) -> str:
    """Medals and median, in one line."""
    void = void_medals(board)
    cells = [
        f"{m} {'nobody' if (t := board.threshold(m)) is None else number_text(t)}{' (leaked)' if m in void else ''}"
        for m in MEDALS
    ]
    return "  ".join([*cells, f"median {number_text(board.median) or 'not known'}"])


def _legend(board: Board) -> str:
    """What the picture shows."""
    leaked = " without the leaked top," if board.leaked_from is not None else ""
    return f" teams by score,{leaked} best on the right; worst quarter left out; G S B medals, M median"


def _can_print(text: str) -> bool:
    """Whether stdout's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
