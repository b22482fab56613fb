"""From a path to a run that is ready to search: competition, task, folds, ledger, folder and policy."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.config import RunConfig
from medalist.agent.folds import FoldSet
from medalist.agent.judging.champion import Leaders
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.judging.referee import Referee
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals.features import FeatureSearch, Step
from medalist.agent.proposals.policy import Policy
from medalist.agent.records.eviction import predictions_limit
from medalist.agent.records.feature_rows import forced_rows
from medalist.agent.records.journal import Journal
from medalist.agent.records.ledger_queue import PATIENCE
from medalist.agent.records.lineage import Lineage
from medalist.agent.records.predictions import Predictions, cannot_write
from medalist.agent.records.standings import Standings
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.agent.records.submissions import Submissions
from medalist.agent.run.affordable import (
    TRAIN_SHARE,
    affordable_folds,
    affordable_repeats,
    footprints_of,
    own_bytes,
    refuse_too_little,
    refuse_unreadable,
    usual_bytes,
)
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run.replay import replay
from medalist.agent.run.search_setup import families_of, feature_search, names_of, policy_of, suited, variations
from medalist.agent.run.steering import read_run_steering
from medalist.agent.run.task_record import refuse_changes, task_document
from medalist.agent.run_data import RunData
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.footprints import Footprints
from medalist.agent.workers.machine import available_memory
from medalist.agent.workers.meter import give_back
from medalist.agent.workers.pool import WorkerPool
from medalist.competitions.columns.cards import ColumnCard
from medalist.competitions.competition import Competition
from medalist.competitions.errors import BudgetError, InputError, LedgerError, MedalistError, TaskError
from medalist.competitions.plural import count_text
from medalist.competitions.task.file import write_task
from medalist.competitions.task.task import Task
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import board_for, named_board
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.memory import Gain
from medalist.leaderboard.ledger.rows import ExperimentRow, RunRow
from medalist.leaderboard.ledger.runs import new_run_id


@dataclass(frozen=True)
class Prepared:
    """A run that can begin, with what to tell people about it: `headline` in one sentence, `notes` in further ones."""

    referee: Referee
    journal: Journal
    submissions: Submissions
    features: FeatureSearch
    policy: Policy
    costs: Costs
    footprints: Footprints
    leaders: Leaders
    headline: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """A competition with its task, and the row and the folder of the run that goes on, if one does."""

    competition: Competition
    task: Task
    cards: tuple[ColumnCard, ...]
    row: RunRow | None
    folder: Path | None
    task_file: Path | None


def prepare(config: RunConfig, budget: Budget, workers: WorkerPool, resume: str | None) -> Prepared:
    """Everything up to the first experiment; `resume`: the id of a run that goes on.

    Raises a MedalistError where the competition, the task or the folder does not allow a run.
    """
    families = families_of(config)
    ledger = open_ledger(config.runs_dir, PATIENCE, may_be_away=resume is None)
    given = _read(config, ledger, budget, resume)
    competition, task, cards, row = given.competition, given.task, given.cards, given.row
    board = _board(config, task)
    home = Path(config.runs_dir) / competition.name
    run_id = row.id if row else _new_run(home)
    folder = given.folder or home / run_id
    predictions = Predictions.create(folder, None if config.counted else predictions_limit())
    try:
        data = RunData.create(competition, task, cards, folder, home / "features")
        steering = read_run_steering(config, data, fresh=row is None)
    except MedalistError:
        if row is None:  # a run that did not begin leaves no folder
            shutil.rmtree(folder, ignore_errors=True)
        raise
    costs = Costs(int(len(data.y) * TRAIN_SHARE), data.problem.width, len(competition.test), data.problem.n_targets)
    costs.additional_rows = data.n_additional
    give_back()
    footprints, own = footprints_of(data), own_bytes(data)
    costs.classes = footprints.classes
    workers.fit_to_memory(usual_bytes(data, footprints), own, exact=config.counted)
    names = names_of(data)
    families = suited(families, data, names)
    policy = policy_of(config, families, data, costs, workers, tuple(names))
    try:
        refuse_too_little(footprints, policy.first().pipeline, own, own + workers.room)
    except BudgetError:
        if row is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    folds, repeats = _folds(config, data, policy, costs, budget, row)
    footprints.rows, footprints.valid_rows = int(folds.fit_rows), len(folds.positions[0])
    document = task_document(task, policy.n_folds, repeats, data.table_hashes)
    policy.n_folds = folds.count
    early_events: list[Mapping[str, Any]] = []  # before there is a display
    journal = Journal(run_id, folder, ledger, predictions, data.schema, early_events.append, began=budget.began)
    journal.flush(insist=True)  # what an earlier part of the run has left
    experiments = ledger.experiments(run_id) if row else []
    kept = _kept_config(config, competition, experiments)
    if row is None:
        write_task(task, folder / "task.yaml")
        try:
            journal.begin(competition.name, kept, document, competition.fingerprint)
        except LedgerError:
            journal.queue.outbox.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
    else:
        refuse_changes(row, document, str(given.task_file))
        journal.go_on(kept)
    judge = FeatureJudge(data, folds, config.seed)
    referee = Referee(data, folds, judge, config.postprocessing)
    shapes: dict[str, tuple[int, int]] = {}
    gains: list[Gain] = []
    if not config.counted:  # what earlier runs of other competitions teach
        shapes = journal.queue.ask(lambda: ledger.shapes(run_id), shapes)
        gains = journal.queue.ask(lambda: ledger.gains(run_id), gains)
    features = feature_search(config, data, judge, steering, budget, shapes, names)
    policy.features = features
    features.workers = workers.count
    policy.experience = Experience.of(gains)
    policy.variations = variations(config, data, folds, families, steering, names)
    leaders = Leaders()
    forced = forced_rows(steering, data.schema)
    if forced and (row is None or not any(f.status == "forced" for f in ledger.features(run_id))):  # or it was killed
        journal.add_features(forced)
    if row is not None:
        leaders = replay(journal, referee, experiments, exactly=config.counted)
        features.steps += [Step(parent, result) for parent, result in journal.screenings()]
    lineage = Lineage(folder, run_id)
    lineage.begin(config, data, folds, (folder / "task.yaml").read_text(encoding="utf-8"))
    by_clock = budget.limited and not config.counted
    standings = Standings(board, rows=len(folds.rows), test_rows=len(data.competition.test))
    submissions = Submissions(data, journal, standings, lineage=lineage, keeps_confirmed=by_clock)
    offered: tuple[str, ...] = ()
    if row is None and not config.counted:
        offered = journal.queue.ask(lambda: _earlier_run(ledger, competition, run_id), offered)
    notes = (
        *too_many_threads(config),
        *_notes(data, board),
        *offered,
        *(str(e["text"]) for e in early_events if e["event"] == "note"),
    )
    headline = _headline(data, folds.count, repeats)
    return Prepared(referee, journal, submissions, features, policy, costs, footprints, leaders, headline, notes)


def _read(config: RunConfig, ledger: Ledger, budget: Budget, resume: str | None) -> _Read:
    """Read the competition and its task, and check that a run is possible."""
    row = ledger.run(resume) if resume else None
    folder = folder_of(row, config.runs_dir) if row else None
    task_file = folder / "task.yaml" if folder else Path(config.task_file) if config.task_file else None
    if row is not None and not Path(config.path).exists():
        raise InputError(
            f"The data of run {row.id} is gone from {config.path}: say where it is now with medalist resume {row.id} "
            "--data PATH."
        )
    refuse_unreadable(config.path, config.memory or available_memory())
    competition, task = read(
        config.path,
        {} if row else config.task_options or {},  # the run's task.yaml has them
        config.file_options or {},
        str(task_file) if task_file else None,
        config.seed,
        budget.left if budget.limited else None,
    )
    if row is not None and row.fingerprint != competition.fingerprint:
        raise TaskError(f"The data of {config.path} has changed since run {row.id}: start a new run instead.")
    if not len(competition.test):
        target = ",".join(task.targets)
        raise InputError(
            f"{config.path} has no test table to predict: cut one off with medalist holdout {config.path} --target "
            f"{target} --out FOLDER and run FOLDER, or name one with --test FILE."
        )
    cards = cards_of(competition, task)
    if not cards:
        raise TaskError("No column is left to predict from: train and test must share at least one that is not the id.")
    _check_metric(competition, task)
    return _Read(competition, task, cards, row, folder, task_file)


def _new_run(home: Path) -> str:
    """The id of a new run, whose folder within `home` nobody else has; InputError where it cannot be made."""
    while True:
        run_id = new_run_id()
        try:
            (home / run_id).mkdir(parents=True)
        except FileExistsError:
            if home.is_dir():
                continue  # of another run that began in the same second
            raise cannot_write(home, "a file is in the way") from None
        except OSError as error:
            raise cannot_write(home / run_id, error.strerror or str(error)) from None
        return run_id


def _kept_config(
    config: RunConfig, competition: Competition, experiments: Sequence[ExperimentRow] = ()
) -> dict[str, Any]:
    """The options that the ledger keeps for `medalist resume`, which may be called from another folder. The budget is
    that of the whole run: what the earlier `experiments` took is added."""
    kept = config.model_dump(mode="json") | {"path": str(competition.root.resolve())}
    if config.budget is not None:
        kept["budget"] = config.budget + max((e.run_seconds for e in experiments), default=0.0)
    return kept


def _check_metric(competition: Competition, task: Task) -> None:
    """MetricError where the metric does not admit the targets, such as a logarithm of a negative."""
    metric = task.scorer()
    if metric.needs == "value":
        y = task.encode(competition.train)
        metric.score(y, np.tile(metric.best_constant(y), (len(y), 1)), task.metric_rows(competition.train))


def _board(config: RunConfig, task: Task) -> Board | NoStanding:
    """The leaderboard that scores of the task are placed on, or why there is none."""
    greater, assumed = task.scorer().greater_is_better, task.metric_source == "assumed"
    if config.leaderboard:
        return named_board(config.leaderboard, greater, task.metric, assumed)
    return board_for(task.name, task.metric, greater, assumed)


def _folds(
    config: RunConfig, data: RunData, policy: Policy, costs: Costs, budget: Budget, row: RunRow | None
) -> tuple[FoldSet, int]:
    """The folds of the search and how often they are drawn: as the budget affords; in a resumed run as it began. The
    folds of one draw become `policy.n_folds`."""
    plan = data.task.folds
    limited = Budget(budget.began, float("inf")) if config.counted else budget
    if limited.limited and config.planned is not None:
        limited = Budget(budget.began, max(budget.seconds, config.planned))
    began_with = {} if row is None else row.task["folds"]
    affordable = affordable_folds(policy, costs, limited, plan.n_splits)
    policy.n_folds = affordable if row is None else began_with.get("evaluated", plan.n_splits)
    repeats = began_with.get("repeats", affordable_repeats(policy, costs, limited, plan.scheme))
    return data.folds("search", plan.seed, policy.n_folds, repeats), repeats


def _earlier_run(ledger: Ledger, competition: Competition, run_id: str) -> tuple[str, ...]:
    """A note on the last run of the same data, that a new one might have gone on with; () where there is none."""
    for row in ledger.runs(competition.name):
        if row.id != run_id and row.fingerprint == competition.fingerprint and row.n_experiments:
            done = f"{count_text(row.n_experiments, 'experiment')}"
            return (f"This is a new run; run {row.id} has done {done} on the same data: --continue goes on with it.",)
    return ()


def too_many_threads(config: RunConfig) -> tuple[str, ...]:
    """A note where more cores are asked for than this machine has; () elsewhere."""
    from joblib import cpu_count

    cores = int(cpu_count())
    if config.threads is None or config.threads <= cores or config.cluster is not None:
        return ()
    has = f"{cores} cores" if cores > 1 else "one core"
    return (
        f"--threads {config.threads} is more than this machine has, which is {has}: experiments take more memory and "
        "end no earlier. Was that meant? Without --threads all cores are used.",
    )


def _headline(data: RunData, folds: int, repeats: int) -> str:
    """The task in one sentence."""
    competition, task = data.competition, data.task
    rows = count_text(len(competition.train), "training row"), count_text(len(competition.test), "test row")
    shape = f"{', '.join(rows)}, {count_text(len(data.cards), 'column')}"
    targets = ", ".join(task.targets[:4]) + (" …" if task.n_targets > 4 else "")
    targets += f" (submitted: {task.transform})" if task.transform else ""
    return (
        f"{competition.name}: {task.problem_type} of {targets}, scored by {task.metric} ({task.metric_source}); "
        f"{shape}; {folds // repeats} {task.folds.scheme} folds" + (f", drawn {repeats} times" if repeats > 1 else "")
    )


def _notes(data: RunData, board: Board | NoStanding) -> tuple[str, ...]:
    """What was assumed, and why the folds are as they are."""
    notes = [*data.competition.notes, *data.task.notes, *data.notes, data.task.folds.reason]
    if isinstance(board, NoStanding):
        notes.append(board.reason)
    return tuple(n for n in notes if n)
