"""Where a comparison takes place: the competition, the task by which all are scored, the answers, the folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from medalist.agent.comparing.entrants import Entrant, metrics_of, refuse_other_data, runs_of
from medalist.agent.comparing.judged import answers_beside
from medalist.agent.comparing.out_of_fold import Splits, splits_of
from medalist.agent.grade_files import task_of_files
from medalist.agent.graded_tables import answers_for, table_of
from medalist.agent.lineage.find import Found
from medalist.agent.run.reading import locate_or_download, read
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.task.file import read_task
from medalist.competitions.task.task import Task


@dataclass(frozen=True)
class Scene:
    """What entrants are compared on.

    competition: None where only files and their answers are given. task: by which all are scored. runs: among the
    entrants. answers: the file of the test rows' targets; None to compare out of fold. tables: of the submission files,
    by name.
    """

    task: Task
    competition: Competition | None
    runs: Sequence[Found]
    answers: Path | None
    tables: Mapping[str, pd.DataFrame]

    def expected(self, truth: pd.DataFrame | None) -> pd.DataFrame:
        """A table with the ids that a submission must have."""
        if self.competition is not None and self.competition.sample is not None:
            return self.competition.sample
        if self.competition is not None:
            names = dict(zip(self.task.id, self.task.submission_id, strict=False))
            return self.competition.test.rename(columns=names)
        assert truth is not None
        return truth

    def splits(self, seed: int) -> Splits:
        """The folds of the first run's search; without one, those of the task, drawn with `seed`."""
        for run in self.runs:
            if run.folder is not None:
                return splits_of(run.folder)
        assert self.competition is not None
        train = self.competition.train
        return make_folds(self.task.folds, train, self.task.encode(train), seed=seed).splits

    def truth(self) -> pd.DataFrame | None:
        """The answers, as a table; None where there are none."""
        if self.answers is None:
            return None
        test = None if self.competition is None else self.competition.test
        return answers_for(table_of(self.answers, "answers"), self.answers, self.task, test)


def scene_of(
    entrants: Sequence[Entrant],
    data: str | None,
    answers: Path | None,
    metric: str | None,
    ignore_answers: bool,
    seed: int,
) -> Scene:
    """The scene of a comparison, for the arguments of `comparison.compare`.

    Raises InputError where the competition is not known, or the entrants are not of one competition, task and metric.
    """
    tables = {e.name: table_of(e.path, "submission") for e in entrants if e.path is not None}
    runs = runs_of(entrants)
    if data is None and not runs:
        fitted = any(e.kind == "baseline" for e in entrants)
        if fitted or answers is None or metric is None:
            raise InputError(
                "None of these is a run, so the competition is not known: say where it is with --data, or compare "
                "files alone by --answers and --metric."
            )
        first = next(iter(tables.values()))
        task = task_of_files(metric, first, table_of(answers, "answers"), answers.stem)
        return Scene(task, None, runs, answers, tables)
    metrics = metrics_of(runs)
    if metric is None and len(metrics) > 1:
        raise InputError(f"The runs were scored by {' and '.join(metrics)}: say with --metric which one counts.")
    competition, task = _read(data, runs, metric, seed)
    if answers is None and not ignore_answers:
        answers = answers_beside(competition.root)
    return Scene(task, competition, runs, answers, tables)


def _read(data: str | None, runs: Sequence[Found], metric: str | None, seed: int) -> tuple[Competition, Task]:
    """The competition at `data`, else of the first run, with the run's task."""
    if not runs:
        assert data is not None
        return read(data, {"metric": metric}, {}, None, seed)
    run = runs[0]
    config = run.row.config if run.row is not None else (run.document or {}).get("config", {})
    path = data or str(config.get("path", ""))
    if not Path(path).exists():
        raise InputError(f"The competition {path} of run {run.run} is gone: say where it is with --data.")
    assert run.folder is not None
    files = config.get("file_options") or {}
    competition = read_competition(locate_or_download(path), **files, need_sample=False)
    for one in runs:
        refuse_other_data(one, competition.name, competition.fingerprint)
    return competition, read_task(run.folder / "task.yaml", competition, metric)
