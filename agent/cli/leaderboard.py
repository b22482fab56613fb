"""`medalist leaderboard`: the human leaderboards that scores are compared with."""

from __future__ import annotations

import math
from shlex import quote
from typing import Annotated

import typer

from medalist.agent.cli.completing import board_words, run_words
from medalist.agent.cli.options import AsJson, OptionalText, RunsDir
from medalist.agent.cli.printing import print_json, print_next, print_text
from medalist.competitions.errors import LedgerError
from medalist.competitions.plural import count_text


def leaderboard(
    name: Annotated[
        OptionalText,
        typer.Argument(
            metavar="[NAME]",
            help="A leaderboard; without one all are listed.",
            autocompletion=board_words,
            show_default=False,
        ),
    ] = None,
    score: Annotated[
        float | None, typer.Option(metavar="SCORE", help="Say where this score would stand.", show_default=False)
    ] = None,
    se: Annotated[float | None, typer.Option(metavar="ERROR", help="Its standard error.", show_default=False)] = None,
    add: Annotated[
        OptionalText,
        typer.Option(
            metavar="FILE",
            help="A file to add under that name: Kaggle's download, or a list of scores.",
            show_default=False,
        ),
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
        OptionalText,
        typer.Option(
            metavar="NAME",
            help="What the scores are that are added, or the one that is given: rmsle, auc, map@3 …",
            show_default=False,
        ),
    ] = None,
    rename: Annotated[
        OptionalText, typer.Option(metavar="NAME", help="A new name for one of your own.", show_default=False)
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove one of your own.")] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a competition's present one from Kaggle, and keep it.")
    ] = False,
    run: Annotated[
        OptionalText,
        typer.Option(
            metavar="RUN",
            help="With --download: say where this run stands.",
            autocompletion=run_words,
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """List the human leaderboards that are known, show one, add, rename or remove one of your own, or fetch one."""
    given = {"--add": add is not None, "--rename": rename is not None, "--remove": remove, "--score": score is not None}
    given["--download"] = download
    chosen = [option for option, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise LedgerError(f"Give {chosen[0]} or {chosen[1]}, not both.")
    if run is not None and not download:
        raise LedgerError("--run says where a run stands on the present leaderboard: give --download with it.")
    if name is None:
        _refuse_without_name(chosen, metric, se)
        _list(json)
    elif download:
        from medalist.agent.cli.board_download import download_and_show

        download_and_show(name, run, _metric(metric), higher, runs_dir, json)
    elif add is not None:
        _add(name, add, higher, metric, json)
    elif rename is not None or remove:
        _rename_or_remove(name, rename, json)
    else:
        if se is not None and (score is None or not 0 <= se < math.inf):
            raise LedgerError(
                "--se is the standard error of --score: give both, and one that is a number and not negative."
            )
        from medalist.agent.cli.board_view import show_board

        show_board(name, score, se, _metric(metric), json)


def _refuse_without_name(chosen: list[str], metric: str | None, se: float | None) -> None:
    """LedgerError where options are given that need a leaderboard."""
    values = {"--add": " FILE", "--rename": " NEW", "--score": " 0.83"}
    if chosen:
        what = {"--add": "that is added", "--download": "to fetch"}.get(chosen[0], f"for {chosen[0]}")
        option = chosen[0] + values.get(chosen[0], "")
        raise LedgerError(f"Name the leaderboard {what}: medalist leaderboard NAME {option}.")
    if metric is not None or se is not None:
        option = "--metric" if se is None else "--se"
        raise LedgerError(f"Name the leaderboard that {option} is for: medalist leaderboard NAME {option} …")


def _list(json: bool) -> None:
    """Print all boards."""
    from medalist.agent.cli.board_view import list_all

    list_all(json)


def _add(name: str, path: str, higher: bool | None, metric: str | None, json: bool) -> None:
    """Add a board, and say what it is and which shipped one it stands in for."""
    from dataclasses import asdict

    from medalist.leaderboard.boards.lookup import find_board
    from medalist.leaderboard.boards.own import add_board, own_names

    canonical = _metric(metric)
    if canonical is not None and higher is None:
        higher = canonical[1]
    replaced = name.casefold() in (own.casefold() for own in own_names())
    added = add_board(path, name, higher, canonical[0] if canonical else "")
    board = find_board(name, added.greater_is_better) or added
    if json:
        print_json({"leaderboard": asdict(board)})
        return
    better = "higher" if board.greater_is_better else "lower"
    metric_known = f" of {board.metric}" if board.metric else ""
    word = "Replaced" if replaced else "Added"
    print_text(f"{word} {board.name}: {count_text(board.teams, 'team')}; {better} scores{metric_known} are better.")
    for fault in board.faults:
        print_text(fault)
    print_next((f"medalist leaderboard {quote(board.name)}", "all that is known of it, and a picture of its field"))


def _rename_or_remove(name: str, new: str | None, json: bool) -> None:
    """Rename one of the user's boards, or remove it."""
    from dataclasses import asdict

    from medalist.leaderboard.boards.lookup import find_board, unknown_board
    from medalist.leaderboard.boards.own import remove_board, rename_board

    if new is not None:
        board = rename_board(name, new)
        if json:
            print_json({"leaderboard": asdict(board)})
        else:
            print_text(f"Renamed {name} to {board.name}: {count_text(board.teams, 'team')}.")
        return
    removed = remove_board(name)
    board_left = find_board(name)
    if not removed:
        if board_left is None:
            raise LedgerError(unknown_board(name))
        raise LedgerError(f"The leaderboard {name} is shipped with medalist: only your own can be removed.")
    if json:
        print_json({"removed": [str(path) for path in removed]})
        return
    left = f"; the shipped one counts again ({count_text(board_left.teams, 'team')})" if board_left is not None else ""
    print_text(f"Removed {', '.join(map(str, removed))}{left}.")


def _metric(name: str | None) -> tuple[str, bool] | None:
    """The canonical name and direction of a metric; None for None. MetricError where there is none of that name."""
    if name is None:
        return None
    from medalist.competitions.metrics.names import targets_of
    from medalist.competitions.metrics.registry import get_metric

    scorer = get_metric(name, targets_of(name))
    return scorer.name, scorer.greater_is_better
