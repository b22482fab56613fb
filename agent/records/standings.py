"""Standings of a run's scores on a human leaderboard."""

from __future__ import annotations

from dataclasses import dataclass

from medalist.agent.score import Score
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing, standing_on_board


@dataclass(frozen=True)
class Standings:
    """Ranks cross-validated scores on a human leaderboard with the same metric; `board` is the reason where there is
    none."""

    board: Board | NoStanding

    def of(self, score: Score) -> Standing | NoStanding:
        """The estimated standing of a score (percentile, medal), or the reason why there is none."""
        return standing_on_board(score.value, self.board, "cross-validation", score.standard_error or None)
