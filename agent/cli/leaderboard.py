"""`medalist leaderboard`: the human leaderboards that scores are compared with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, OptionalText
from medalist.agent.cli.printing import number_text, print_json, print_table, print_text
from medalist.competitions.errors import LedgerError


def leaderboard(
    name: Annotated[
        OptionalText, typer.Argument(help="A leaderboard; without one all are listed.", show_default=False)
    ] = None,
    add: Annotated[
        OptionalText,
        typer.Option(help="A file to add under that name: Kaggle's download, or a list of scores.", show_default=False),
    ] = None,
    higher: Annotated[
        bool | None,
        typer.Option(
            "--higher-is-better/--lower-is-better",
            help="For a list of scores in no order.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        OptionalText, typer.Option(help="What the scores are that are added: rmsle, auc, map@3 …", show_default=False)
    ] = None,
    json: AsJson = False,
) -> None:
    """List the human leaderboards that are known, show one, or add one of your own."""
    from medalist.leaderboard.boards.lookup import add_board, find_board, list_boards

    if add is not None:
        if name is None:
            raise LedgerError("Name the leaderboard that is added: medalist leaderboard NAME --add FILE.")
        if metric is not None:
            from medalist.competitions.metrics.names import targets_of
            from medalist.competitions.metrics.registry import get_metric

            scorer = get_metric(metric, targets_of(metric))
            metric, higher = scorer.name, scorer.greater_is_better if higher is None else higher
        board = add_board(add, name, higher, metric or "")
        if json:
            print_json(asdict(board))
            return
        better = "higher" if board.greater_is_better else "lower"
        print_text(f"Added {board.name}: {board.teams:,} teams; {better} scores are better.")
        return
    boards = list_boards() if name is None else [find_board(name)]
    if boards == [None]:
        raise LedgerError(f"No leaderboard named {name} is known: medalist leaderboard lists those that are.")
    shown = [b for b in boards if b is not None]
    if json:
        print_json([asdict(b) for b in shown])
        return
    lines = [
        (
            b.name,
            f"{b.teams:,}",
            "higher" if b.greater_is_better else "lower",
            b.metric or "not known",
            *map(number_text, (b.gold, b.silver, b.bronze, b.median)),
        )
        for b in shown
    ]
    header = ("leaderboard", "teams", "better", "metric", "gold", "silver", "bronze", "median")
    print_table(header, lines, right=(1, 4, 5, 6, 7))
