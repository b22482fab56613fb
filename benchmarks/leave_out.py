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
from functools import partial
from pathlib import Path

import pandas as pd
from score_rows import RESULTS, Row

from medalist.agent.experiment import Record
from medalist.agent.grading import grade
from medalist.agent.ground import Ground
from medalist.agent.judging.ensemble import Champion, pool_of
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.records.outputs import Outputs
from medalist.agent.records.stores import open_ledger
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run.replay import replay
from medalist.agent.search.session import Session
from medalist.leaderboard.boards.known import board_for
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.rows import RunRow

NOTHING = "nothing"  # the name of the ensemble that all experiments make
POSTPROCESSING = "post-processing"


def parts(records: Sequence[Record]) -> Iterator[tuple[str, Callable[[Record], bool]]]:
    """Names of the parts that took part in these experiments, and whether an experiment was made by the part."""
    yield "stacking", lambda r: bool(r.pipeline.stacked)
    yield "pseudo-labels", lambda r: bool(r.pipeline.pseudo)
    found = found_features(records)
    yield "found features", lambda r: bool(found.intersection(r.pipeline.features))
    yield "target transformations", lambda r: bool(r.pipeline.target)
    for family in sorted({r.pipeline.family for r in records}):
        yield family, partial(_of_family, family)


def _of_family(family: str, record: Record) -> bool:
    return record.pipeline.family == family


def found_features(records: Sequence[Record]) -> set[str]:
    """What experiments with groups of features have added to the pipelines that they change, where it was adopted."""
    by_number = {r.number: r for r in records}
    found: set[str] = set()
    for record in records:
        if record.arm == ARM and record.adopted:
            parent = by_number.get(record.proposal.parent if record.proposal.parent is not None else -1)
            found |= set(record.pipeline.features) - set(parent.pipeline.features if parent else ())
    return found


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


def restored(run: RunRow, ledger_folder: Path, scratch: Path) -> Session:
    """The session of a finished run, with its experiments."""
    competition, task = read(run.config["path"], {}, {}, str(Path(run.folder) / "task.yaml"), run.config["seed"])
    ground = Ground.lay(competition, task, cards_of(competition, task), scratch, scratch / "features")
    told = run.task["folds"]
    folds = ground.folds("search", task.folds.seed, told["evaluated"], told["repeats"])
    ledger = open_ledger(str(ledger_folder))
    session = Session(run.id, ground, folds, Outputs(Path(run.folder)), ledger, None, emit=lambda _: None)
    replay(session, ledger.experiments(run.id), exactly=False)
    return session


def graded(session: Session, champion: Champion, answers: pd.DataFrame) -> Row:
    """What the champion's predictions, by the models of the search, score on the holdout."""
    ground = session.ground
    evaluations = {n: session.records[n].evaluation for n in champion.ensemble.weights}
    tests = {n: e.test for n, e in evaluations.items() if e is not None}
    decided = champion.decision.apply(champion.ensemble.blend(tests))
    frame = ground.task.submission(ground.competition.test, decided, ground.competition.sample)
    board = board_for(ground.competition.name, ground.task.metric, ground.metric.greater_is_better)
    result = grade(ground.task, frame, answers, board)
    standing = result.standing
    return {
        "metric": result.metric,
        "score": result.score,
        "percentile": standing.percentile if isinstance(standing, Standing) else None,
        "medal": standing.medal if isinstance(standing, Standing) else None,
        "search_score": champion.score.value,
        "standard_error": champion.score.standard_error,
    }


def measure(kept: Path, competitions: Path) -> Iterator[Row]:
    """A row for each part that took part in the last run under `kept`, and for the whole."""
    with open_ledger(str(kept)) as ledger:
        run = ledger.runs()[0]
    folder = competitions / run.competition
    with tempfile.TemporaryDirectory() as scratch:
        session = restored(run, kept, Path(scratch))
        answers = pd.read_csv(folder / "private" / "answers.csv", low_memory=False)
        budget = run.config["budget"]  # None where experiments were counted
        whole: Row = {"competition": folder.name, "budget": f"{budget or 0:g}s", "seed": run.config["seed"]}
        whole |= {"train_rows": len(session.ground.y), "test_rows": len(session.ground.competition.test)}
        assert session.champion is not None, f"{kept} has no ensemble"
        yield whole | {"options": NOTHING, "status": "ok"} | graded(session, session.champion, answers)
        for name, made in parts(session.records):
            left = without(session.records, made)
            if len(left) == len(session.records):
                continue
            pool = pool_of(left)
            row = whole | {"options": name, "experiments": len(left)}
            if not pool:
                yield row | {"status": "no experiment is left"}
                continue
            yield row | {"status": "ok"} | graded(session, session.select(pool), answers)
        session.postprocessing = False
        plain = session.select(pool_of(session.records))
        yield whole | {"options": POSTPROCESSING, "status": "ok"} | graded(session, plain, answers)


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
