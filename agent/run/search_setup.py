"""What a search is made of, by the options of a run: its families, its policy, and what it may try."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.config import RunConfig
from medalist.agent.folds import FoldSet
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.proposals.column_views import ColumnViews
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.proposals.policy import Policy
from medalist.agent.proposals.variations import Variations, other_losses
from medalist.agent.run.row_setup import row_arms
from medalist.agent.run_data import RunData
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.pool import WorkerPool
from medalist.competitions.audit.rows import rows_repeat
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.errors import PipelineError
from medalist.competitions.folds.by_time import forecast_horizon
from medalist.pipelines.estimators.registry import FAMILIES, installed
from medalist.pipelines.features.base_sets import (
    MOST_ENCODED,
    Encoding,
    base_features,
    encodings,
    joined_features,
    room_for_encodings,
    values_recur,
    with_codes,
)
from medalist.pipelines.features.language.expression import Column, feature
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.nominal import nominal_numbers
from medalist.pipelines.features.table_keys import own_keys
from medalist.pipelines.targets.candidates import candidates
from medalist.pipelines.targets.class_view import class_views

MANY_LEVELS = 24  # distinct values, beyond which a column is of high cardinality
ROWS_OF_SEASON = 60  # mean rows per value of a key, below which a season of its own cannot be told
MOST_SEASONED = 3  # keys whose seasons are tried together
LIKELY_CODES = 0.6  # prior gain of whole numbers as categories where two columns or more look like codes
UNLIKELY_CODES = 0.05  # the same elsewhere
REPEATED = 0.003  # share of the rows that repeat others in all inputs, from which on it is worth a test


def families_of(config: RunConfig) -> list[str]:
    """The families to use. PipelineError for one that is unknown or not installed, or where none is left."""
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


def suited(families: list[str], data: RunData, names: Collection[str]) -> list[str]:
    """The families that the columns suit; all where none is left. names: columns of whole numbers that may be names."""
    kinds = (Kind.CATEGORY, Kind.ORDINAL)
    categories = len({c.name for c in data.cards if c.kind in kinds and not c.numeric}.union(names))
    return [f for f in families if FAMILIES[f].least_categories <= categories] or families


def names_of(data: RunData) -> dict[str, bool]:
    """Columns of whole numbers that may be names, and whether each looks like codes: see `nominal_numbers`."""
    classes = data.problem.n_classes if data.problem.problem_type == "multiclass" else 0
    return nominal_numbers(data.cards, data.competition.train, data.y, classes)


def policy_of(
    config: RunConfig,
    families: list[str],
    data: RunData,
    costs: Costs,
    workers: WorkerPool,
    names: tuple[str, ...] = (),
) -> Policy:
    """The policy of a run, without what it may vary and without a search for features. names: columns of whole numbers
    that may be names."""
    return Policy(
        cards=data.cards,
        families=families,
        costs=costs,
        n_rows=len(data.y),
        n_folds=data.task.folds.n_splits,
        workers=workers.count,
        seed=config.seed,
        names=names,
    )


def feature_search(
    config: RunConfig,
    data: RunData,
    judge: FeatureJudge,
    steering: Steering,
    budget: Budget,
    shapes: Mapping[str, tuple[int, int]],
    names: Collection[str] = (),
) -> FeatureSearch:
    """The search for features: which columns it may use, and what a person wants of it; shapes: see `Ledger.shapes`;
    names: columns of whole numbers that may be names."""
    train, test, task = data.competition.train, data.competition.test, data.task
    forbidden = set(steering.forbidden_columns)
    inputs = [n for n in task.features(train, test) if str(Column(n)) not in steering.forbid]
    repeated = config.feature_search and rows_repeat(train, test, inputs, REPEATED)
    horizon = forecast_horizon(task.folds, train, test)
    return FeatureSearch(
        judge=judge,
        schema=data.schema,
        columns=frozenset(inputs),
        join_keys=own_keys(data.schema.joins, task.id) - set(inputs),
        steering=steering,
        high_cardinality=_high_cardinality(data.cards, len(data.y), names),
        repeated=tuple(inputs) if repeated else (),
        joined=joined_features(data.schema, {*inputs, *task.id} - forbidden),
        seasons=()
        if horizon is None
        else _seasons(data.cards, task.folds.column, len(data.y), set(inputs) - forbidden),
        horizon=None if horizon is None or task.folds.column is None else (task.folds.column, horizon),
        enabled=config.feature_search,
        seconds=budget.seconds if budget.limited and not config.counted else float("inf"),
        seed=config.seed,
        shapes=shapes,
    )


def variations(
    config: RunConfig,
    data: RunData,
    folds: FoldSet,
    families: Sequence[str],
    steering: Steering,
    names: Mapping[str, bool] | None = None,
) -> Variations:
    """What may be varied: targets, losses, stacks, encodings. names: columns of whole numbers that may be names, and
    whether each looks like codes."""
    names = names or {}
    train, test, task = data.competition.train, data.competition.test, data.task
    codes = with_codes(base_features(data.cards, "trees", len(data.y)), names)
    gaps = bool(np.isnan(data.y).any())
    return Variations(
        seed=config.seed,
        families=families,
        transformations=candidates(
            data.problem, data.y, task.folds, data.cards, train, forecast_horizon(task.folds, train, test)
        ),
        losses=other_losses(data.problem, data.y),
        views=class_views(data.problem, data.y),
        multi_target=task.n_targets > 1 and not gaps,
        pseudo=not gaps and not task.levels,
        stackable=len(folds.rows) == len(data.y) and not data.refit,
        stacking=config.stacking,
        test_share=len(test) / len(data.y),
        rows=row_arms(data),
        columns=ColumnViews(
            *(_encodings(data, steering) if config.feature_search else ((), 0, ())),
            codes=tuple(dict.fromkeys((*steering.allowed(codes), *steering.force))) if names else (),
            codes_prior=LIKELY_CODES if sum(names.values()) > 1 else UNLIKELY_CODES,
            forced=steering.force,
        ),
    )


def _encodings(data: RunData, steering: Steering) -> tuple[tuple[Encoding, ...], int, tuple[str, ...]]:
    """The allowed encodings of the columns, of how many a model takes them and, where that is fewer than there are, the
    frequencies of all."""
    made = encodings(data.cards, len(data.y))
    room = room_for_encodings(data.problem.width)
    counts = steering.allowed(e.features[1] for e in made) if len(made) > room else ()
    allowed = (replace(e, features=steering.allowed(e.features)) for e in made)
    return tuple(e for e in allowed if e.features), room, counts[:MOST_ENCODED]


def _seasons(cards: Sequence[ColumnCard], time: str | None, n_rows: int, columns: Collection[str]) -> tuple[str, ...]:
    """Seasons by weekday and month of the categories of most values, as texts; none where the time is no date."""
    if not any(c.name == time and c.kind is Kind.DATE and c.name in columns for c in cards):
        return ()
    keys = [c for c in cards if c.kind in (Kind.CATEGORY, Kind.ORDINAL) and c.name in columns]
    keys = sorted((c for c in keys if c.distinct <= n_rows / ROWS_OF_SEASON), key=lambda c: -c.distinct)
    parts = [feature(op, time) for op in ("month", "weekday")] if time is not None else []
    return tuple(str(feature("target_season", c.name, part)) for c in keys[:MOST_SEASONED] for part in parts)


def _high_cardinality(cards: Sequence[ColumnCard], n_rows: int, names: Collection[str]) -> tuple[str, ...]:
    """Columns of many values that recur, in test too: categories, and numbers that are names."""
    kinds = (Kind.CATEGORY, Kind.KEY, Kind.ORDINAL)
    return tuple(
        c.name
        for c in cards
        if (c.kind in kinds or c.name in names) and c.distinct > MANY_LEVELS and values_recur(c, n_rows)
    )
