"""Compares runs, submission files and baselines: scores on the same rows, paired differences, places among humans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from medalist.agent.comparing.baselines import BASELINES, PREFIX, FittedBaseline, fit_baselines
from medalist.agent.comparing.entrants import Entrant, entrants_of
from medalist.agent.comparing.judged import Judged, on_answers, out_of_fold_rows
from medalist.agent.comparing.out_of_fold import OutOfFold, out_of_fold
from medalist.agent.comparing.paired import Paired, ScoreOf, paired_differences
from medalist.agent.comparing.result import Comparison, Entry, Pair
from medalist.agent.comparing.scene import Scene, scene_of
from medalist.agent.comparing.submitted import agreement, named, predictions_by_row, refuse_other_rows
from medalist.agent.grade_files import board_of_task
from medalist.agent.graded_tables import submission_for
from medalist.agent.lineage.find import Found
from medalist.competitions.errors import InputError, SubmissionError
from medalist.competitions.plural import count_text
from medalist.competitions.task.task import Task
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing, standing_on_board


def compare(
    given: Sequence[str],
    runs_dir: str,
    *,
    data: str | None = None,
    answers: Path | None = None,
    metric: str | None = None,
    leaderboard: str | None = None,
    ignore_answers: bool = False,
    seed: int = 0,
    threads: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare what the arguments name (see `entrants_of`) on answers where there are any, else out of fold.

    data: the competition; None for that of the first run. answers: None for those beside the competition's public part.
    ignore_answers: whether to compare out of fold all the same. seed: of baselines and of rows that are drawn. tell: is
    called with a sentence before each longer step. Nothing is written.

    Raises a MedalistError, which says what to do, for what cannot be compared.
    """
    entrants = entrants_of(given, runs_dir)
    scene = scene_of(entrants, data, answers, metric, ignore_answers, seed)
    truth = scene.truth()
    expected = scene.expected(truth)
    submissions = {}
    for entrant in entrants:
        if entrant.path is not None:
            submissions[entrant.name] = submission_for(scene.tables[entrant.name], entrant.path, scene.task)
            refuse_other_rows(entrant.name, submissions[entrant.name], expected, scene.task, scene.task.name)
    fitted = _baselines(entrants, scene, seed, threads, tell)
    submissions |= {name: one.submission for name, one in fitted.items()}
    submissions = {e.name: submissions[e.name] for e in entrants}
    notes: dict[str, str] = {}
    judged = (
        on_answers(submissions, truth, scene.task, scene.competition)
        if truth is not None
        else _out_of_fold(entrants, fitted, scene, notes)
    )
    metric_of = judged.task.scorer()
    names = list(judged.predicted)
    paired = paired_differences(metric_of, list(judged.predicted.values()), judged.weights, judged.groups, seed)
    board = board_of_task(scene.task, leaderboard)
    scores = dict(zip(names, paired.scores, strict=True))
    entries = []
    for entrant in entrants:
        score = scores.get(entrant.name, ScoreOf(None, None, notes.get(entrant.name, "")))
        standing: Standing | NoStanding = NoStanding(score.reason)
        if score.value is not None:
            rows = len(judged.predicted[entrant.name].y)
            test_rows = len(expected) if truth is None else None
            standing = standing_on_board(
                score.value, board, judged.basis, score.standard_error, rows=rows, test_rows=test_rows
            )
        entries.append(Entry(entrant.name, entrant.kind, score, standing, notes.get(entrant.name, "")))
    return Comparison(
        competition=scene.task.name,
        metric=scene.task.metric,
        title=metric_of.title,
        greater_is_better=metric_of.greater_is_better,
        agreement_of="equal labels" if metric_of.needs == "label" else "rank correlation",
        basis=judged.basis,
        rows=len(next(iter(judged.predicted.values())).y),
        units=paired.units,
        method=paired.method,
        seed=seed,
        entries=tuple(entries),
        pairs=tuple(_pairs(entrants, names, paired, submissions, expected, scene.task)),
        notes=judged.notes,
    )


def _baselines(
    entrants: Sequence[Entrant], scene: Scene, seed: int, threads: int, tell: Callable[[str], None]
) -> dict[str, FittedBaseline]:
    names = list(dict.fromkeys(e.name for e in entrants if e.kind == "baseline"))
    if not names or scene.competition is None:
        return {}
    titles = ", ".join(BASELINES[name.removeprefix(PREFIX)].title for name in names)
    splits = scene.splits(seed)
    tell(f"Fitting {titles} on {count_text(len(splits), 'fold')} …")
    return fit_baselines(names, scene.competition, scene.task, splits, seed=seed, threads=threads)


def _out_of_fold(
    entrants: Sequence[Entrant], fitted: dict[str, FittedBaseline], scene: Scene, notes: dict[str, str]
) -> Judged:
    """The entrants that have out-of-fold predictions, on the rows that these share; `notes` gets, by name, why others
    have none, and what a run's score here is worth."""
    if scene.competition is None:
        raise InputError("Submission files have no out-of-fold predictions: give the --answers.")
    made: dict[str, OutOfFold] = {name: one.out_of_fold for name, one in fitted.items()}
    for entrant in entrants:
        if entrant.found is not None:
            try:
                made[entrant.name] = out_of_fold(entrant.found, scene.task, scene.competition)
            except InputError as error:
                notes[entrant.name] = str(error)
                continue
            notes[entrant.name] = _own_estimate(entrant.found)
        elif entrant.kind == "file":
            notes[entrant.name] = (
                "A file has no out-of-fold predictions, so only how far it agrees with the others can be told; with "
                "answers (--answers) it is scored."
            )
    if not made:
        raise InputError(
            "None of these has out-of-fold predictions, and no answers are known: give --answers, or a run or baseline."
        )
    ordered = {e.name: made[e.name] for e in entrants if e.name in made}
    return out_of_fold_rows(ordered, scene.task, scene.competition)


def _own_estimate(run: Found) -> str:
    """What a run reports of itself, since the folds of its search chose what it submitted."""
    summary = {} if run.row is None else run.row.summary
    flatter = "The folds of the search chose what it submitted, which flatters its score here a little"
    if not summary.get("confirmed_on_fresh_folds") or summary.get("score") is None:
        return flatter + "."
    error = summary.get("standard_error")
    return f"{flatter}: on fresh folds it is {summary['score']:.6g}" + (f" ± {error:.2g}." if error else ".")


def _pairs(
    entrants: Sequence[Entrant],
    names: Sequence[str],
    paired: Paired,
    submissions: dict[str, pd.DataFrame],
    expected: pd.DataFrame,
    task: Task,
) -> list[Pair]:
    differences = {(names[d.first], names[d.second]): d for d in paired.differences}
    predictions = {}
    for name, frame in submissions.items():
        try:
            predictions[name] = predictions_by_row(frame, expected, task)
        except SubmissionError as error:
            raise named(name, error) from None
    shown = [e.name for e in entrants]
    pairs = []
    for i, first in enumerate(shown):
        for second in shown[i + 1 :]:
            found = differences.get((first, second))
            pairs.append(Pair(first, second, found, agreement(task, predictions[first], predictions[second])))
    return pairs
