"""StandingLog: the part of the ledger that holds the standings of scores on human leaderboards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.boards.comparing import board_metric, same_metric
from medalist.leaderboard.ledger.base import Delivery, LedgerBase, insert, recorded_at
from medalist.leaderboard.ledger.encoding import finite, text, to_json
from medalist.leaderboard.ledger.rows import StandingRow
from medalist.leaderboard.ledger.schema import Execute

if TYPE_CHECKING:
    from medalist.leaderboard.boards.standing import Basis, Standing


class StandingLog(LedgerBase):
    """Standings, of runs and of submissions that were graded without one."""

    def add_standing(
        self,
        run_id: str | None,
        competition: str,
        standing: Standing,
        submission: str | Path | None = None,
        metric: str = "",
        *,
        delivery: Delivery | None = None,
    ) -> str:
        """Record a standing and return its id, 16 hexadecimal digits; the same one is not recorded twice."""
        return self._add(
            run_id,
            competition,
            {
                "basis": standing.basis,
                "metric": text(metric),
                "greater_is_better": int(standing.greater_is_better),
                "score": float(standing.score),
                "standard_error": finite(standing.standard_error),
                "board": text(standing.board),
                "teams": int(standing.teams),
                "who": text(standing.who),
                "percentile": float(standing.percentile),
                "medal": standing.medal,
                "next_medal": standing.next_medal,
                "to_next": finite(standing.to_next),
                "probabilities": to_json(standing.probabilities or {}),
                "submission": None if submission is None else text(submission),
            },
            delivery,
        )

    def add_score(
        self,
        run_id: str | None,
        competition: str,
        score: float,
        basis: Basis,
        greater_is_better: bool,
        standard_error: float | None = None,
        submission: str | Path | None = None,
        metric: str = "",
        *,
        delivery: Delivery | None = None,
    ) -> str:
        """Record the score of a competition that has no board and return its id; the same one is not recorded twice."""
        value = finite(score)
        if value is None:
            raise LedgerError(f"A score of {score} cannot be recorded: check the predictions.")
        return self._add(
            run_id,
            competition,
            {
                "basis": basis,
                "metric": text(metric),
                "greater_is_better": int(greater_is_better),
                "score": value,
                "standard_error": finite(standard_error),
                "probabilities": "{}",
                "submission": None if submission is None else text(submission),
            },
            delivery,
        )

    def standings(self, competition: str | None = None) -> list[StandingRow]:
        """Standings, of one competition or all, the newest first.

        A row whose metric is known to differ from that of its board, as earlier versions recorded, has no board.
        """
        where = "" if competition is None else "WHERE competition = :competition"
        query = f"SELECT * FROM standings {where} ORDER BY recorded DESC, id"
        rows = self._rows(StandingRow, query, {"competition": competition})
        rows.sort(key=lambda row: -row.number)  # which a ledger of version 3 does not have
        return [_comparable(row) for row in rows]

    def best_standings(self, basis: Basis | None = None) -> list[StandingRow]:
        """The best standing of each competition, by name; of one basis where it is given.

        A score by the competition's metric, where that is known, goes before one by another. A holdout goes before an
        estimate, as it was measured; then, among scores by one metric, the share of teams beaten decides (a score
        without a board comes last), then the score, then the newest.
        """
        best: dict[str, StandingRow] = {}
        for row in self.standings():  # newest first: among equals the first stays
            if basis not in (None, row.basis):
                continue
            before = best.get(row.competition)
            if before is None or _better(row, before):
                best[row.competition] = row
        return [best[competition] for competition in sorted(best, key=str.casefold)]

    def _add(self, run_id: str | None, competition: str, values: dict[str, Any], delivery: Delivery | None) -> str:
        import hashlib

        row = {"run_id": run_id, "competition": text(competition), **values}
        row["id"] = hashlib.sha256(to_json(row).encode()).hexdigest()[:16]
        row["recorded"] = recorded_at(delivery)

        def work(execute: Execute) -> None:
            last = execute("SELECT max(number) AS number FROM standings", {})[0]["number"]
            insert(execute, "standings", {**row, "number": int(last or 0) + 1})

        if run_id is None:
            self._database.write(work)
        else:
            self._write(run_id, work, delivery)
        return str(row["id"])


def _comparable(row: StandingRow) -> StandingRow:
    """The row, without its board where the board's scores are known to be by another metric."""
    board_counts = "" if row.board is None else board_metric(row.board)
    if not board_counts or not row.metric or same_metric(row.metric, board_counts):
        return row
    nothing: dict[str, Any] = dict.fromkeys(("board", "teams", "who", "percentile", "medal", "next_medal", "to_next"))
    return replace(row, **nothing, probabilities={})


def _better(row: StandingRow, other: StandingRow) -> bool:
    """Whether a row of the same competition is the better one; scores by different metrics do not compare."""
    right = _by_board_metric(row), _by_board_metric(other)
    if right[0] != right[1]:
        return right[0]
    if row.metric != other.metric:
        return (row.basis == "holdout", row.board is not None) > (other.basis == "holdout", other.board is not None)
    return _sort_key(row) > _sort_key(other)


def _by_board_metric(row: StandingRow) -> bool:
    """Whether a score is by the metric of its competition's leaderboard, where that is known."""
    board_counts = board_metric(row.competition) or board_metric(row.board or "")
    return bool(board_counts) and same_metric(row.metric, board_counts)


def _sort_key(row: StandingRow) -> tuple[bool, float, float]:
    """Larger for the better of two rows by one metric."""
    percentile = -1.0 if row.percentile is None else row.percentile
    return row.basis == "holdout", percentile, row.score if row.greater_is_better else -row.score
