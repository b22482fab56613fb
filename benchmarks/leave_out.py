"""What each part of the agent adds to the ensembles of finished runs: selected again without it, and graded.

    python benchmarks/holdout_scores.py FOLDER --budget 300s --keep RUNS
    python benchmarks/leave_out.py RUNS --competitions FOLDER --budget 300s
    python benchmarks/ablations.py --budget 300s --base nothing --results benchmarks/results/leave_out.jsonl

Of each run's experiments those that a part has made are left out, the ensemble is selected again from the rest as the
agent selects it, and what it predicts by the models of the search is graded: the same models on both sides, so that
the chance of another run is not in the difference, and nor is what else the time could have been used for. A stacked
model whose bases are left out is left out with them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd
from score_rows import RESULTS, Row

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.grading import grade
from medalist.agent.judging.champion import Champion, candidates
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.judging.referee import Referee
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run.replay import replay
from medalist.agent.run_data import RunData
from medalist.leaderboard.boards.lookup import board_for
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.rows import RunRow

NOTHING = "nothing"  # the name of the ensemble that all experiments make
POSTPROCESSING = "post-processing"


def parts(records: Sequence[Record]) -> Iterator[tuple[str, Callable[[Record], bool]]]:
    """Names of the parts that took part in these experiments, and whether an experiment was made by the part."""
    yield "stacking", lambda r: bool(r.pipeline.stacked)
    yield "pseudo-labels", lambda r: bool(r.pipeline.pseudo)
    adopted = adopted_features(records)
    yield "found features", lambda r: bool(adopted.intersection(r.pipeline.features))
    yield "target transformations", lambda r: bool(r.pipeline.target)
    for family in sorted({r.pipeline.family for r in records}):
        yield family, partial(_of_family, family)


def _of_family(family: str, record: Record) -> bool:
    return record.pipeline.family == family


def adopted_features(records: Sequence[Record]) -> set[str]:
    """What adopted experiments with groups of features have added to the pipelines that they change."""
    by_number = {r.number: r for r in records}
    adopted: set[str] = set()
    for record in records:
        if record.arm == ARM and record.adopted:
            parent = by_number.get(record.proposal.parent if record.proposal.parent is not None else -1)
            adopted |= set(record.pipeline.features) - set(parent.pipeline.features if parent else ())
    return adopted


def without(records: Sequence[Record], made: Callable[[Record], bool]) -> list[Record]:
    """The experiments that a part has not made, and that are not made from predictions of such."""
    gone = {r.pipeline.hash for r in records if made(r)}
    left = []
    for record in records:  # what is made from others comes after them
        if record.pipeline.hash in gone or gone.intersection(record.pipeline.bases):
            gone.add(record.pipeline.hash)
        else:
            left.append(record)
    return left


@dataclass(frozen=True)
class FinishedRun:
    """A finished run, read again: who judges it, its experiments, and the ensemble that all of them make."""

    referee: Referee
    records: Sequence[Record]
    champion: Champion


def read_again(run: RunRow, runs_dir: Path, scratch: Path) -> FinishedRun:
    """A finished run by its ledger and its predictions; what has to be computed anew is written to `scratch`."""
    folder = folder_of(run, str(runs_dir))
    competition, task = read(run.config["path"], {}, {}, str(folder / "task.yaml"), run.config["seed"])
    data = RunData.create(competition, task, cards_of(competition, task), scratch, scratch / "features")
    plan = run.task["folds"]
    folds = data.folds("search", task.folds.seed, plan["evaluated"], plan["repeats"])
    postprocessing = run.config.get("postprocessing", True)
    referee = Referee(data, folds, FeatureJudge(data, folds, run.config["seed"]), postprocessing)
    with open_ledger(str(runs_dir)) as ledger:
        journal = Journal(run.id, folder, ledger, Predictions(folder / "predictions"), data.schema, lambda _: None)
        leaders = replay(journal, referee, ledger.experiments(run.id), exactly=False)
    assert leaders.champion is not None, f"{folder} has no ensemble"
    return FinishedRun(referee, journal.records, leaders.champion)


def graded(run: FinishedRun, champion: Champion, answers: pd.DataFrame) -> Row:
    """What the champion's predictions, by the models of the search, score on the holdout."""
    data = run.referee.data
    evaluations = {n: run.records[n].evaluation for n in champion.ensemble.weights}
    tests = {n: e.test for n, e in evaluations.items() if e is not None}
    decided = champion.decision.apply(champion.ensemble.blend(tests))
    frame = data.task.submission(data.competition.test, decided, data.competition.sample)
    board = board_for(data.competition.name, data.task.metric, data.metric.greater_is_better)
    result = grade(data.task, frame, answers, board)
    standing = result.standing if isinstance(result.standing, Standing) else None
    return {
        "metric": result.metric,
        "score": result.score,
        "percentile": None if standing is None else standing.percentile,
        "medal": None if standing is None else standing.medal,
        "search_score": champion.score.value,
        "standard_error": champion.score.standard_error,
    }


def measure(kept: Path, competitions: Path) -> Iterator[Row]:
    """A row for each part that took part in the last run under `kept`, and for the whole."""
    with open_ledger(str(kept)) as ledger:
        row = ledger.runs()[0]
    folder = competitions / row.competition
    with tempfile.TemporaryDirectory() as scratch:
        run = read_again(row, kept, Path(scratch))
        answers = pd.read_csv(folder / "private" / "answers.csv", low_memory=False)
        budget = row.config["budget"]  # None where experiments were counted
        whole: Row = {"competition": folder.name, "budget": f"{budget or 0:g}s", "seed": row.config["seed"]}
        whole |= {"train_rows": len(run.referee.data.y), "test_rows": len(run.referee.data.competition.test)}
        yield whole | {"options": NOTHING, "status": "ok"} | graded(run, run.champion, answers)
        for name, made in parts(run.records):
            left = without(run.records, made)
            if len(left) == len(run.records):
                continue
            cut = whole | {"options": name, "experiments": len(left)}
            if pool := candidates(left):
                yield cut | {"status": "ok"} | graded(run, run.referee.select(pool), answers)
            else:
                yield cut | {"status": "no experiment is left"}
        plain = replace(run.referee, postprocessing=False).select(candidates(run.records))
        yield whole | {"options": POSTPROCESSING, "status": "ok"} | graded(run, plain, answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="where holdout_scores.py --keep has left its runs")
    parser.add_argument("--competitions", type=Path, required=True)
    parser.add_argument("--budget", default="300s", help="of the runs to take")
    parser.add_argument("--results", type=Path, default=RESULTS.parent / "leave_out.jsonl")
    options = parser.parse_args()
    folders = sorted(options.runs.glob(f"*-{options.budget}-*"))
    if not folders or not options.competitions.is_dir():
        print(f"Skipped: there is no run of {options.budget} in {options.runs}, or no folder {options.competitions}.")
        return
    for kept in folders:
        for row in measure(kept, options.competitions):
            with options.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
