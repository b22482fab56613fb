"""Cases: small competitions made by a seeded function, with what a correct reading of each is.

To add one, write a function in the module of its kind: `cases_of_files` (bytes), `cases_of_tables` (which file is
what), `cases_of_values`, `cases_of_questions` (what is asked for), or `cases_of_look_alikes` (plain competitions that
resemble one of those). The function takes a folder, writes public/ and private/ there (`draw` makes tables with a
known law, `put` writes them), and returns an `Expected`; the decorator `case` says where it was reported and what went
wrong. Its name, with hyphens, is that of the case: pytest tests/understanding -k NAME. `make_cases.py DIR` writes all.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import metrics

from medalist.agent.run.reading import cards_of, read
from medalist.competitions.competition import Competition
from medalist.competitions.errors import MedalistError
from medalist.competitions.inspection import inspection_document
from medalist.competitions.task.task import Task

Check = Callable[[Competition, Task, pd.DataFrame], Iterable[str]]
File = pd.DataFrame | str | bytes


@dataclass(frozen=True)
class Expected:
    """What a correct reading of a case finds. An empty text (or 0, or no ids) is open.

    ids: of the submission, in its order, as the sample file writes them; for several id columns joined by a blank.
    folds: schemes, of which one is right; fold_column: the column that they must go by, None where that is open.
    positive, classes: as text. refusal: where a refusal is right too, a pattern that its message must match.
    check: complaints about (competition, task, submission of the best constant), where more has to hold.
    oracle, baseline: scores on the answers of the best possible predictions and of the best constant.
    """

    targets: tuple[str, ...]
    metric: str
    problem: str
    columns: tuple[str, ...]
    ids: Sequence[str]
    train: int
    test: int
    id: tuple[str, ...] | str = ("id",)
    folds: tuple[str, ...] = ("random",)
    fold_column: str | None = None
    positive: str | None = None
    classes: tuple[str, ...] | None = None
    refusal: str = ""
    check: Check | None = None
    oracle: float | None = None
    baseline: float | None = None


@dataclass(frozen=True)
class Case:
    """A kind of competition that people hand in; `source`: where it was reported, `reported`: what went wrong there."""

    name: str
    source: str
    reported: str
    make: Callable[[Path], Expected] = field(repr=False)


CASES: dict[str, Case] = {}


def case(source: str, reported: str) -> Callable[[Callable[[Path], Expected]], Callable[[Path], Expected]]:
    """A decorator that registers a function, which writes public/ and private/ into a folder, as a case."""

    def register(make: Callable[[Path], Expected]) -> Callable[[Path], Expected]:
        name = make.__name__.replace("_", "-")
        CASES[name] = Case(name, source, " ".join(reported.split()), make)
        return make

    return register


# what is drawn


@dataclass(frozen=True)
class Draw:
    """Rows with a known law: `train` has the target `y`, `test` lacks it; `truth` of test, and its `best` prediction:
    the mean of a value, the probability of class 1, or the most probable class.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    truth: np.ndarray
    best: np.ndarray


TOWNS = {"Ulm": -3.0, "Bonn": 0.0, "Jena": 2.0, "Kiel": 4.0}


def draw(name: str, n: int = 240, m: int = 80, kind: str = "regression") -> Draw:
    """n rows of train and m of test with the columns id, size, rooms and town; the name is the seed."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    total = n + m
    frame = pd.DataFrame(
        {
            "id": np.arange(1001, 1001 + total),
            "size": rng.normal(0, 2, total).round(2),
            "rooms": rng.integers(1, 7, total),
            "town": rng.choice(list(TOWNS), total),
        }
    )
    mean = 20 + 3 * frame["size"] + 2 * frame["rooms"] + frame["town"].map(TOWNS)
    if kind == "regression":
        best, truth = mean, (mean + rng.normal(0, 1.5, total)).round(3)
    elif kind == "binary":
        best = 1 / (1 + np.exp(-(mean - mean.mean()) / 2))
        truth = (rng.random(total) < best).astype(int)
    else:  # three classes
        best = pd.cut(mean, [-np.inf, 23, 31, np.inf], labels=False)
        flipped = rng.random(total) < 0.08
        truth = pd.Series(np.where(flipped, rng.integers(0, 3, total), best))
    truth, best = np.asarray(truth), np.asarray(best)
    return Draw(frame[:n].assign(y=truth[:n]), frame[n:].reset_index(drop=True), truth[n:], best[n:])


SCORES: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "rmse": lambda y, p: float(np.sqrt(np.mean((np.asarray(y, float) - np.asarray(p, float)) ** 2))),
    "mae": lambda y, p: float(np.mean(np.abs(np.asarray(y, float) - np.asarray(p, float)))),
    "auc": lambda y, p: float(metrics.roc_auc_score(y, p)),
    "accuracy": lambda y, p: float(np.mean(np.asarray(y) == np.asarray(p))),
    "macro_f1": lambda y, p: float(metrics.f1_score(y, p, average="macro")),
    "logloss": lambda y, p: float(metrics.log_loss(y, p)),
}


def constant(metric: str, y: np.ndarray, n: int) -> np.ndarray:
    """The best constant by the targets of train, for n rows."""
    y = np.asarray(y)
    if metric == "rmse":
        return np.full(n, y.mean())
    if metric == "mae":
        return np.full(n, np.median(y))
    if metric == "auc":
        return np.full(n, 0.5)
    values, counts = np.unique(y, return_counts=True)
    return np.full(n, values[counts.argmax()])


def scores(metric: str, drawn: Draw) -> dict[str, float]:
    """{"oracle": …, "baseline": …} on the drawn answers."""
    score = SCORES[metric]
    plain = constant(metric, drawn.train["y"], len(drawn.truth))
    return {"oracle": score(drawn.truth, drawn.best), "baseline": score(drawn.truth, plain)}


# what is written


def csv_text(frame: pd.DataFrame, **how: object) -> str:
    """A frame as csv, without the index."""
    return frame.to_csv(index=False, lineterminator="\n", **how)  # type: ignore[call-overload]


def put(folder: Path, description: str, files: Mapping[str, File], answers: pd.DataFrame) -> None:
    """Write public/ with a description and files, and private/answers.csv."""
    if description:
        files = {"description.md": description, **files}
    for name, content in files.items():
        path = folder / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = csv_text(content) if isinstance(content, pd.DataFrame) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "private").mkdir(exist_ok=True)
    answers.to_csv(folder / "private" / "answers.csv", index=False)


def about(task: str, metric: str) -> str:
    """A description: what is to be predicted, and the metric."""
    return f"# A task\n\n{task}\n\n## Evaluation\n\n{metric}\n"


def texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


# what is understood


def differences(public: Path, expected: Expected) -> list[str]:
    """In which points `medalist inspect --json`, and the submission of the best constant, are not as expected."""
    try:
        competition, task = read(str(public), {}, {}, None, 0)
        told = inspection_document(competition, task, cards_of(competition, task), ())
    except MedalistError as error:
        right = bool(expected.refusal) and re.search(expected.refusal, str(error))
        return [] if right else [f"refused: {error}"]
    seen, told = told["competition"], told["task"]
    found = [
        ("rows of train", seen["train"][0], expected.train or ""),
        ("rows of test", seen["test"][0], expected.test),
        ("id", tuple(told["id"]), expected.id),
        ("targets", tuple(told["targets"]), expected.targets),
        ("metric", told["metric"], expected.metric),
        ("problem type", told["problem_type"], expected.problem),
        ("columns of the submission", tuple(told["submission_columns"]), expected.columns),
    ]
    if expected.positive is not None:
        found.append(("positive class", str(told["classes"][-1]) if told["classes"] else None, expected.positive))
    if expected.classes is not None:
        found.append(("classes", tuple(sorted(texts(told["classes"]))), tuple(sorted(expected.classes))))
    if expected.fold_column is not None:
        found.append(("column of the folds", told["folds"]["column"], expected.fold_column))
    wrong = [f"{what} {is_!r} instead of {right!r}" for what, is_, right in found if right not in ("", is_)]
    if told["folds"]["scheme"] not in expected.folds:
        wrong.append(f"folds {told['folds']['scheme']!r} ({told['folds']['reason']}) instead of {expected.folds}")
    return wrong or _submitted(competition, task, expected)


def _submitted(competition: Competition, task: Task, expected: Expected) -> list[str]:
    """What is wrong with the submission of the best constant."""
    metric = task.scorer()
    y = task.encode(competition.train)
    best = metric.best_constant(y, task.n_classes, task.metric_rows(competition.train))
    frame = task.submission(competition.test, np.tile(best, (len(competition.test), 1)), competition.sample)
    wrong = []
    if tuple(frame.columns) != expected.columns:
        wrong.append(f"the submission has the columns {tuple(frame.columns)!r}")
    keys = [column for column in expected.columns if column in task.submission_id]
    ids = [" ".join(texts(row)) for row in frame[keys].to_numpy(dtype=object)] if keys else []
    if expected.ids and ids != list(expected.ids):
        wrong.append(f"ids of the submission: {len(ids)} such as {ids[:3]} instead of {list(expected.ids)[:3]}")
    if expected.check is not None:
        wrong += expected.check(competition, task, frame)
    return wrong


def sample_ids(folder: Path, columns: Sequence[str]) -> tuple[str, ...]:
    """The ids that public/sample_submission.csv has as text, several columns joined by a blank."""
    with (folder / "public" / "sample_submission.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(" ".join(row[column] for column in columns) for row in rows)


def regression(folder: Path, drawn: Draw, target: str = "y", metric: str = "rmse", **more: object) -> Expected:
    """What is right for a plain regression whose files are written: id, target and a metric."""
    told = {"columns": ("id", target), "targets": (target,), "metric": metric, "problem": "regression"}
    told |= {"train": len(drawn.train), "test": len(drawn.test), **scores(metric, drawn), **more}
    return Expected(ids=told.pop("ids", None) or sample_ids(folder, told["columns"][:1]), **told)  # type: ignore[arg-type]


def classes(folder: Path, drawn: Draw, target: str, metric: str, **more: object) -> Expected:
    """What is right for a plain classification whose files are written."""
    told = {"columns": ("id", target), "targets": (target,), "metric": metric, "folds": ("stratified",)}
    told |= {"problem": "binary" if len(np.unique(drawn.truth)) == 2 else "multiclass"}
    told |= {"train": len(drawn.train), "test": len(drawn.test), **more}
    return Expected(ids=told.pop("ids", None) or sample_ids(folder, told["columns"][:1]), **told)  # type: ignore[arg-type]
