"""`medalist leaderboard SLUG --download`: a competition's present public leaderboard, and where a run stands in it."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from medalist.agent.cli.printing import print_json, print_next, print_text
from medalist.agent.cli.to_show import ledger_to_show, where_run_is
from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding, board_metric, comparable
from medalist.leaderboard.boards.lookup import find_board
from medalist.leaderboard.boards.own import add_board
from medalist.leaderboard.boards.standing import Standing, sentence, standing_on_board
from medalist.leaderboard.boards.table import shipped_board

if TYPE_CHECKING:
    from medalist.agent.submitting.candidate import Metric


@dataclass(frozen=True)
class Estimate:
    """The honest estimate of a run with its standard error, its metric, its scores by Kaggle (by "public" and
    "private"), and the number of rows that the estimate is on."""

    run: str
    score: float
    error: float | None
    metric: Metric
    scores: dict[str, float]
    rows: int | None = None


def download_and_show(
    name: str, run: str | None, metric: tuple[str, bool] | None, higher: bool | None, runs_dir: str, json: bool
) -> None:
    """Download the leaderboard, keep it among the user's boards, and print it and where `run` stands in it.

    metric: canonical name and direction of what the scores are, where a person says it. Raises a MedalistError where
    Kaggle does not give it, or there is no such run.
    """
    from medalist.competitions.kaggle.download import slug_of

    slug = slug_of(name)
    if slug is None:
        raise InputError(f"{name!r} is no competition of Kaggle: give its short name, as in its address.")
    estimate = None if run is None else _estimate(run, runs_dir)
    board = _downloaded(slug, estimate, metric, higher)
    standing = None if estimate is None else _standing(estimate, board)
    if json:
        document = {
            "leaderboard": asdict(board),
            "standing": asdict(standing) if isinstance(standing, Standing) else None,
            "no_standing": standing.reason if isinstance(standing, NoStanding) else None,
        }
        print_json(document, indent=None)
        return
    from medalist.agent.cli.board_view import show_board

    show_board(board.name, None, None, None, json=False, following=False)
    if board.name != slug:
        print_text(
            f"Kept as {board.name}, since a final leaderboard of {slug} ships with medalist, which counts as before."
        )
    if standing is not None and estimate is not None:
        print_text(f"\nRun {estimate.run}, by its estimate: {_said(standing, board)}")
        for part, score in estimate.scores.items():
            print_text(f"Its {part} score on Kaggle: {_said(_standing(estimate, board, score), board)}")
    else:
        print_next(
            (f"medalist leaderboard {slug} --download --run last", "where your newest run stands in it"),
            (f"medalist leaderboard {board.name} --score SCORE", "where a score would stand"),
        )


def _said(standing: Standing | NoStanding, board: Board) -> str:
    """A standing in a sentence, without what was said of the board already."""
    if isinstance(standing, Standing) and standing.caution and board.caution:
        left = standing.caution.removeprefix(board.caution).strip()
        standing = replace(standing, caution=left or None)
    return sentence(standing)


def _downloaded(slug: str, estimate: Estimate | None, metric: tuple[str, bool] | None, higher: bool | None) -> Board:
    """The present board, kept among the user's under a name that no shipped board has."""
    from medalist.competitions.kaggle.account import download_board

    name = f"{slug}-public" if shipped_board(slug) is not None else slug
    known = metric[0] if metric else board_metric(slug)
    if not known and estimate is not None and not estimate.metric.assumed:
        known = estimate.metric.name
    better = metric[1] if metric and higher is None else higher
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    with tempfile.TemporaryDirectory() as folder:
        file = download_board(slug, Path(folder))
        origin = f"Kaggle's public leaderboard of {today}, of a part of the test rows"
        added = add_board(file, name, better, known, origin)
    return find_board(name, added.greater_is_better) or added


def _estimate(run: str, runs_dir: str) -> Estimate:
    """The honest estimate of a run, and the scores of its submission by Kaggle. InputError where it has none."""
    from medalist.agent.records.stores import folder_of
    from medalist.agent.submitting.candidate import metric_of

    runs_dir = where_run_is(run, runs_dir)
    with ledger_to_show(runs_dir) as ledger:
        row = ledger.run(run)
        submitted = [s for s in ledger.kaggle_submissions() if s.run_id == row.id and s.public_score is not None]
    score = row.summary.get("score")
    metric = metric_of(row, folder_of(row, runs_dir))
    if score is None or metric is None:
        raise InputError(f"Run {row.id} has no score to place: go on with medalist resume {row.id}.")
    of_it = [s for s in submitted if s.score == score] or submitted  # the best file rather than a further one
    measured = {} if not of_it else {"public": of_it[-1].public_score, "private": of_it[-1].private_score}
    scores = {part: value for part, value in measured.items() if value is not None}
    return Estimate(
        row.id, float(score), row.summary.get("standard_error"), metric, scores, row.summary.get("scored_rows")
    )


def _standing(estimate: Estimate, board: Board, measured: float | None = None) -> Standing | NoStanding:
    """Where the estimate of a run, or a `measured` score of it, stands on the board, or why nowhere."""
    metric = estimate.metric
    compared = comparable(board, metric.name, metric.greater_is_better, metric.assumed and measured is None)
    if measured is not None:
        return standing_on_board(measured, compared, "given", public=True)
    return standing_on_board(
        estimate.score, compared, "cross-validation", estimate.error, rows=estimate.rows, public=True
    )
