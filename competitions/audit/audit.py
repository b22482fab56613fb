"""Runs the checks of the audit within a time limit; the check of drift is in this module, the others beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np

from medalist.competitions.audit.adversarial import adversarial_validation
from medalist.competitions.audit.finding import Finding, Severity
from medalist.competitions.audit.rows import duplicate_rows, row_order, train_only_columns
from medalist.competitions.audit.target import target_copies
from medalist.competitions.clock import awake
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.columns.date_parts import parts_of_dates
from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task

__all__ = ["Finding", "audit", "drifting_columns"]
_RANK = {"danger": 0, "warning": 1, "info": 2}


def audit(
    competition: Competition,
    task: Task,
    cards: Sequence[ColumnCard],
    seed: int = 0,
    seconds: float = 10.0,
    threads: int = 1,
) -> tuple[Finding, ...]:
    """The findings about leaks and drift, the most severe first.

    `cards`: the columns, as `describe_columns` gives them. Checks are made in order of cost; none is begun once
    `seconds` have passed, and the last finding then names those that were left out. `threads`: of the model that
    separates test from train. Findings are the same for equal input and seed unless the time runs out.
    """
    deadline = awake() + seconds
    train, test = competition.train, competition.test
    y = task.encode(train)
    inputs = [card for card in cards if card.name in set(task.features(train, test))]
    timed = task.folds.scheme in ("time", "blocks")
    parts = parts_of_dates(train, [card.name for card in inputs], task.folds.column) if timed else frozenset()
    others = [card for card in inputs if card.name not in parts]
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "drift": lambda: drifting_columns(inputs, task, parts),
        "train only": lambda: train_only_columns(train, task, y),
        "id order": lambda: row_order(train, task, y),
        "target copy": lambda: target_copies(train, task, y, inputs, np.random.default_rng(seed), deadline),
        "duplicates": lambda: duplicate_rows(train, test, [c.name for c in inputs], y),
        "adversarial": lambda: adversarial_validation(train, test, task, others, seed, threads),
    }
    if not len(test):  # a single table
        checks = {name: check for name, check in checks.items() if name not in ("drift", "adversarial")}
    findings: list[Finding] = []
    skipped = []
    for name, check in checks.items():
        if awake() >= deadline:
            skipped.append(name)
        else:
            findings += check()
    if skipped:
        findings.append(Finding("unfinished", "info", (), f"Time ran out before these checks: {', '.join(skipped)}."))
    return tuple(sorted(findings, key=lambda finding: _RANK[finding.severity]))


def drifting_columns(
    cards: Sequence[ColumnCard], task: Task, parts: Collection[str] = (), most: int = 10
) -> Iterable[Finding]:
    """Findings on columns whose distribution differs in test, and on columns with values that never occur in train.

    At most `most` columns are reported one by one. `parts`: columns that hold parts of the dates of the fold plan.
    """
    drifting = sorted((card for card in cards if card.drift >= 0.1), key=lambda card: -card.drift)
    for card in drifting[:most]:
        expected = card.name == task.folds.column or card.name in parts
        severity: Severity = "info" if expected or card.drift < 0.3 else "warning"
        why = ", which is how test was separated" if expected else ""
        why = f", as a part of {task.folds.column}, by which test was separated" if card.name in parts else why
        yield Finding(
            "drift",
            severity,
            (card.name,),
            f"{card.name} is distributed otherwise in test than in train (distance {card.drift:.2f} of 1){why}.",
            card.drift,
        )
    if len(drifting) > most:
        names = tuple(card.name for card in drifting[most:])
        yield Finding("drift", "info", names, f"{len(names)} more columns drift by at least 0.1.", drifting[most].drift)
    for card in cards:
        if card.kind in (Kind.CATEGORY, Kind.ORDINAL, Kind.BOOLEAN) and card.unseen > 0.02:
            yield Finding(
                "drift",
                "info" if card.unseen < 0.2 else "warning",
                (card.name,),
                f"{card.unseen:.0%} of the test rows have a value of {card.name} that never occurs in train.",
                card.unseen,
            )
