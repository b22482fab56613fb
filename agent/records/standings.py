"""Standings of a run's scores on a human leaderboard."""

from __future__ import annotations

from dataclasses import dataclass

from medalist.agent.score import Score
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing, standing_on_board


@dataclass(frozen=True)
class Standings:
    """Ranks cross-validated scores on a human leaderboard with the same metric.

    board: the reason where there is none. rows, test_rows: on which scores are cross-validated, where they do
    not say themselves, and that are to be predicted; None for not known.
    """

    board: Board | NoStanding
    rows: int | None = None
    test_rows: int | None = None

    def of(self, score: Score) -> Standing | NoStanding:
        """The estimated standing of a score (percentile, medal), or the reason why there is none."""
        error = score.standard_error or None
        return standing_on_board(
            score.value, self.board, "cross-validation", error, rows=score.rows or self.rows, test_rows=self.test_rows
        )
