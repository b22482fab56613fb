"""From a path to a run that is ready to search: competition, task, folds, ledger, folder and policy."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.ground import Ground
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.proposals.policy import Policy
from medalist.agent.proposals.variations import Derived, other_losses
from medalist.agent.records.feature_rows import forced_rows
from medalist.agent.records.outputs import Outputs
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run.replay import replay
from medalist.agent.run.steering import FILE, steering_for
from medalist.agent.run.task_record import refuse_changes, task_document
from medalist.agent.search.session import Session
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.local import Workers
from medalist.agent.workers.widths import width_of
from medalist.competitions.audit.rows import rows_repeat
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.competition import Competition
from medalist.competitions.errors import MedalistError, PipelineError, TaskError
from medalist.competitions.folds.by_time import reach
from medalist.competitions.task.file import write_task
from medalist.competitions.task.task import Task
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.known import board_for, named_board
from medalist.leaderboard.ledger.runs import new_run_id
from medalist.pipelines.estimators.registry import FAMILIES, baseline, installed
from medalist.pipelines.features.base_sets import comes_again, encoded_features
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Column
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.steering import Steering, read_steering, write_steering
from medalist.pipelines.features.typing import check
from medalist.pipelines.targets.candidates import candidates

if TYPE_CHECKING:
    from medalist.agent.run.run import RunConfig

COPIES = 3
MANY_LEVELS = 24
FEW_ROWS = 3000
REPEATED = 0.003  # of the rows, from which on it is worth a test what is known of rows that repeat others
MOST_REPEATS, REPEATS_SHARE = 3, 0.05  # of the folds, and of the budget for a usual model on all of them
FIRST_SHARE = 0.12  # of the budget, for the cross-validation of the first model


@dataclass(frozen=True)
class Prepared:
    """A run that can begin, with what is to be said about it."""

    session: Session
    policy: Policy
    costs: Costs
    headline: str
    notes: tuple[str, ...]


def prepare(config: RunConfig, budget: Budget, workers: Workers, resume: str | None) -> Prepared:
    """Everything up to the first experiment.

    Raises a MedalistError where the competition, the task or the folder does not allow a run.
    """
    families = _families(config)
    ledger = open_ledger(config.runs_dir)
    row = ledger.run(resume) if resume else None
    folder = folder_of(row, config.runs_dir) if row else None
    task_file = folder / "task.yaml" if folder else Path(config.task_file) if config.task_file else None
    competition, task = read(
        config.path,
        config.task_options or {},
        config.file_options or {},
        str(task_file) if task_file else None,
        config.seed,
        budget.left if budget.limited else None,
    )
    if row is not None and row.fingerprint != competition.fingerprint:
        raise TaskError(f"The data of {config.path} has changed since run {row.id}: start a new run instead.")
    cards = cards_of(competition, task)
    if not cards:
        raise TaskError("No column is left to predict from: train and test must share at least one that is not the id.")
    _check_metric(competition, task)
    board = _board(config, task)
    run_id = row.id if row else new_run_id()
    home = Path(config.runs_dir) / competition.name
    outputs = Outputs.create(folder or home / run_id)
    ground = Ground.lay(competition, task, cards, outputs.folder, home / "features")
    try:
        steering = _steering(config, ground, outputs.folder, fresh=row is None)
    except MedalistError:
        if row is None:  # a run that did not begin leaves no folder
            shutil.rmtree(outputs.folder, ignore_errors=True)
        raise
    costs = Costs(int(len(ground.y) * 0.8), ground.problem.width, len(competition.test), ground.problem.n_targets)
    workers.make_room(_job_bytes(ground))
    policy = _policy(config, families, ground, costs, workers)
    counted = config.max_experiments is not None  # repeatable: nothing may depend on the clock or on other runs
    paying = Budget(budget.began, float("inf")) if counted else budget
    affordable = _affordable_folds(policy, costs, paying, task.folds.n_splits)
    began_with = {} if row is None else row.task["folds"]  # what an earlier budget could afford
    policy.n_folds = affordable if row is None else began_with.get("evaluated", task.folds.n_splits)
    usual = _repeats(policy, costs, paying, task.folds.scheme)
    repeats = began_with.get("repeats", usual)
    document = task_document(task, policy.n_folds, repeats, ground.tables)
    folds = ground.folds("search", task.folds.seed, policy.n_folds, repeats)
    policy.n_folds = folds.count
    if row is None:
        write_task(task, outputs.folder / "task.yaml")
        told = config.as_dict() | {"path": str(competition.root.resolve())}  # wherever the next command is typed
        place = outputs.folder.resolve()
        ledger.start_run(competition.name, told, document, competition.fingerprint, config.seed, place, run_id)
    else:
        refuse_changes(row, document, str(task_file))
    heard: list[Mapping[str, Any]] = []  # what is said before there is a display
    session = Session(run_id, ground, folds, outputs, ledger, board, emit=heard.append, began=budget.began)
    session.postprocessing = config.postprocessing
    inputs = [n for n in task.features(competition.train, competition.test) if str(Column(n)) not in steering.forbid]
    repeated = config.feature_search and rows_repeat(competition.train, competition.test, inputs, REPEATED)
    ahead = reach(task.folds, competition.train, competition.test)
    search = FeatureSearch(
        ground=ground,
        folds=folds,
        schema=ground.schema,
        columns=frozenset(inputs),
        steering=steering,
        many=_many_valued(cards, len(ground.y)),
        repeated=tuple(inputs) if repeated else (),
        ahead=None if ahead is None or task.folds.column is None else (task.folds.column, ahead),
        enabled=config.feature_search,
        seconds=budget.seconds if budget.limited and config.max_experiments is None else float("inf"),
        seed=config.seed,
        shapes={} if counted else ledger.shapes(run_id),
    )
    session.features = policy.features = search
    policy.experience = Experience() if counted else Experience.of(ledger.gains(run_id))
    policy.derived = Derived(
        seed=config.seed,
        families=families,
        transformations=candidates(ground.problem, ground.y, task.folds, cards, competition.train, ahead),
        losses=other_losses(ground.problem, ground.y),
        several=task.n_targets > 1,
        stackable=len(folds.rows) == len(ground.y) and not ground.refit,
        stacking=config.stacking,
        test_share=len(competition.test) / len(ground.y),
        encodings=steering.allowed(_encodings(ground)) if config.feature_search else (),
        forced=steering.force,
    )
    if row is None:
        ledger.add_features(run_id, forced_rows(search.steering, search.schema))
    if row is not None:
        ledger.resume_run(run_id, outputs.folder.resolve())
        replay(session, ledger.experiments(run_id), exactly=counted)
        session.recall_steps()
    notes = (*_notes(ground, board), *(str(e["text"]) for e in heard if e["event"] == "note"))
    return Prepared(session, policy, costs, _headline(ground, folds.count, repeats), notes)


def _steering(config: RunConfig, ground: Ground, folder: Path, *, fresh: bool) -> Steering:
    """What a person wants of the features, kept beside the run's task.yaml; a resumed run obeys what it began with."""
    kept = folder / FILE
    if not fresh:
        return read_steering(kept) if kept.exists() else Steering()
    steering = steering_for(config, ground.competition.root)
    everything = Target(np.arange(len(ground.y)), ground.fitted_y, ground.classes, config.seed)
    for text in (*steering.force, *steering.add):
        check(parse(text), ground.schema)
        try:
            ground.store.block(text, everything)  # whether its literals make sense is known when it is computed
        except (ValueError, IndexError, OverflowError) as error:
            raise PipelineError(f"The feature {text} of {FILE} cannot be computed: {error}") from error
    unknown = [name for name in steering.forbidden_columns if name not in ground.schema.columns]
    if unknown:
        raise PipelineError(
            f"forbid in {FILE} names the column {unknown[0]}, which there is not: mend its name or leave it out; the "
            f"columns are {', '.join(ground.schema.columns)}."
        )
    if steering:
        write_steering(kept, steering)
    return steering


def _many_valued(cards: Sequence[ColumnCard], n_rows: int) -> tuple[str, ...]:
    """Columns of many values that come again, and in test too: categories, and numbers that are names."""
    kinds = (Kind.CATEGORY, Kind.KEY, Kind.ORDINAL)
    return tuple(c.name for c in cards if c.kind in kinds and c.distinct > MANY_LEVELS and comes_again(c, n_rows))


def _job_bytes(ground: Ground) -> float:
    """Memory that one fold's job needs, roughly: its matrices, the estimator's copy of them and its work space."""
    rows = len(ground.competition.train) + len(ground.competition.test)
    more = max(len(ground.cards), width_of(_encodings(ground), ground.problem.width))
    return COPIES * 4.0 * rows * (len(ground.cards) + more + 2 * ground.problem.width)


def _encodings(ground: Ground) -> tuple[str, ...]:
    """Target means and frequencies of the columns' values."""
    return encoded_features(ground.cards, len(ground.y), ground.problem.width)


def _check_metric(competition: Competition, task: Task) -> None:
    """MetricError where the metric does not admit the targets, such as a logarithm of a negative."""
    metric = task.scorer()
    if metric.needs == "value":
        y = task.encode(competition.train)
        metric.score(y, np.tile(metric.best_constant(y), (len(y), 1)), task.row_weights(competition.train))


def _families(config: RunConfig) -> list[str]:
    """The families to use. PipelineError for one that there is not or that is not installed, or where none is left."""
    unknown = sorted({*config.families, *config.without} - set(FAMILIES))
    if unknown:
        raise PipelineError(f"Unknown estimator family {unknown[0]!r}: use {', '.join(FAMILIES)}.")
    missing = sorted(set(config.families) - set(installed()))
    if missing:
        extra = FAMILIES[missing[0]].extra
        how = f" (with pip install '.[{extra}]' where medalist is)" if extra else ""
        raise PipelineError(
            f"The package of the family {missing[0]!r} is not installed: leave it out, or install it{how}."
        )
    wanted = [f for f in installed() if (not config.families or f in config.families) and f not in config.without]
    if not wanted:
        raise PipelineError("No estimator family is left: name fewer with --without.")
    return wanted


def _policy(config: RunConfig, families: list[str], ground: Ground, costs: Costs, workers: Workers) -> Policy:
    return Policy(
        cards=ground.cards,
        families=families,
        costs=costs,
        n_rows=len(ground.y),
        n_folds=ground.task.folds.n_splits,
        workers=workers.count,
        seed=config.seed,
    )


def _affordable_folds(policy: Policy, costs: Costs, budget: Budget, wanted: int) -> int:
    """How many folds every experiment of the run is evaluated on, so that a first model leaves time for others."""
    if not budget.limited:
        return wanted
    usual = baseline()
    columns = width_of(policy.base(usual.name), costs.outputs)
    quick = usual.portfolio[0] if usual.fast is None else usual.fast(costs.outputs)
    one = costs.guess(usual, columns, quick) / policy.workers
    return max(1, min(wanted, int(FIRST_SHARE * budget.seconds / one)))


def _repeats(policy: Policy, costs: Costs, budget: Budget, scheme: str) -> int:
    """How often folds are drawn anew: on few rows noise decides, and fits are cheap. By the clock, as long as they are:
    `policy.n_folds` folds of a usual model take a small part of the budget."""
    if scheme in ("time", "blocks") or policy.n_rows >= FEW_ROWS:
        return 1
    if not budget.limited:
        return MOST_REPEATS
    usual = baseline()
    columns = width_of(policy.base(usual.name), costs.outputs)
    one = costs.guess(usual, columns, usual.portfolio[0]) * policy.n_folds / policy.workers
    return max(1, min(MOST_REPEATS, int(REPEATS_SHARE * budget.seconds / one)))


def _headline(ground: Ground, folds: int, repeats: int) -> str:
    competition, task = ground.competition, ground.task
    shape = (
        f"{len(competition.train):,} training rows, {len(competition.test):,} test rows, {len(ground.cards)} columns"
    )
    targets = ", ".join(task.targets[:4]) + (" …" if task.n_targets > 4 else "")
    return (
        f"{competition.name}: {task.problem_type} of {targets}, scored by {task.metric} ({task.metric_source}); "
        f"{shape}; {folds // repeats} {task.folds.scheme} folds" + (f", drawn {repeats} times" if repeats > 1 else "")
    )


def _board(config: RunConfig, task: Task) -> Board | NoStanding:
    """The leaderboard that scores of the task are placed on, or why there is none."""
    greater, assumed = task.scorer().greater_is_better, task.metric_source == "assumed"
    if config.leaderboard:
        return named_board(config.leaderboard, greater, task.metric, assumed)
    return board_for(task.name, task.metric, greater, assumed)


def _notes(ground: Ground, board: Board | NoStanding) -> tuple[str, ...]:
    notes = [*ground.competition.notes, *ground.task.notes, ground.task.folds.reason]
    if isinstance(board, NoStanding):
        notes.append(board.reason)
    return tuple(n for n in notes if n)
