"""What scores of a run would be worth among humans."""

from __future__ import annotations

from dataclasses import dataclass

from medalist.agent.score import Score
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.standing import Standing, stand


@dataclass(frozen=True)
class Standings:
    """Compares cross-validated scores with a human leaderboard; `board` is None where none is known."""

    board: Board | None

    def of(self, score: Score) -> Standing | None:
        """The standing of a score with its standard error; None without a leaderboard."""
        if self.board is None:
            return None
        return stand(score.value, self.board, "cross-validation", score.standard_error or None)
