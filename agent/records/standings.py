"""What scores of a run would be worth among humans."""

from __future__ import annotations

from dataclasses import dataclass

from medalist.agent.score import Score
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing, standing_on_board


@dataclass(frozen=True)
class Standings:
    """Places cross-validated scores on a human leaderboard by the same metric, or says why there is none."""

    board: Board | NoStanding

    def of(self, score: Score) -> Standing | NoStanding:
        """The standing of a score with its standard error, or why it has none."""
        return standing_on_board(score.value, self.board, "cross-validation", score.standard_error or None)
