"""Runs for calibration.py: re-cut competitions, what the agent expects of itself there, and what many holdouts say.

    python benchmarks/calibration_runs.py FOLDER … --budget 60s --cuts 0 1 2

Each FOLDER holds competitions as holdout_scores.py takes them. Cut 0 is the competition as it is; the others draw train
and test anew from all rows with answers, at random, where its own cut is at random (not ORDERED). Per cut: one
run of the agent on one thread, a field of reference models (calibration_fields.py), and the scores of all of them on
HOLDOUTS: all test rows, and pairs of disjoint halves and of small samples, drawn without replacement. (A bootstrap
sample has the realised test set for its population and would count its noise twice.) A line per cut is appended to the
results: scores alone, no data of the competition; a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from calibration_cases import ORDERED, RESULTS
from calibration_fields import make_field
from holdout_scores import medalist

from medalist.agent.grading import submitted_predictions
from medalist.agent.holdout_error import holdout_error
from medalist.competitions.competition import read_competition
from medalist.competitions.errors import MedalistError, MetricError
from medalist.competitions.task.file import read_task

PAIRS = 6  # of disjoint holdouts of each size
SMALL = 150  # rows of a small holdout
MOST_TEST_ROWS = 6_000  # that the halves are drawn from


def recut(folder: Path, number: int, place: Path) -> Path:
    """The folder of another cut of a competition, with the sizes of train and test that it has."""
    if number == 0:
        return folder
    told = json.loads((folder / "task.json").read_text())
    key, targets = told["id_col"], told["targets"]
    train, test, sample = (pd.read_csv(folder / "public" / f"{n}.csv") for n in ("train", "test", "sample_submission"))
    answers = pd.read_csv(folder / "private" / "answers.csv")
    everything = pd.concat([train, test.merge(answers[[key, *targets]], on=key)], ignore_index=True)[train.columns]
    rows = np.random.default_rng(1000 + number).permutation(len(everything))
    asked, kept = everything.iloc[rows[: len(test)]], everything.iloc[np.sort(rows[len(test) :])]
    out = place / folder.name
    shutil.copytree(folder / "public", out / "public")
    (out / "private").mkdir()
    kept.to_csv(out / "public" / "train.csv", index=False)
    asked[test.columns].to_csv(out / "public" / "test.csv", index=False)
    sample.assign(**{key: asked[key].to_numpy()}).to_csv(out / "public" / "sample_submission.csv", index=False)
    asked[[key, *targets]].to_csv(out / "private" / "answers.csv", index=False)
    return out


def measure(folder: Path, number: int, budget: str, seed: int) -> dict[str, Any]:
    """One cut, run and scored."""
    row: dict[str, Any] = {"competition": folder.name, "cut": number, "budget": budget, "seed": seed}
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        cut = recut(folder, number, Path(place))
        where = ["--runs-dir", str(Path(place) / "runs"), "--json"]
        options = ["--budget", budget, "--seed", str(seed), "--threads", "1", "--no-report"]
        code, out, err = medalist("run", str(cut / "public"), *options, *where)
        if code:
            return row | {"status": f"exit {code}: {err.strip()[-200:]}"}
        events = [json.loads(line) for line in out.splitlines()]
        finish, home = events[-1], Path(events[0]["folder"])
        competition = read_competition(cut / "public")
        task = read_task(home / "task.yaml", competition)
        metric, key = task.scorer(), task.submission_id[0] if task.submission_id else task.id[0]
        answers = pd.read_csv(cut / "private" / "answers.csv").set_index(key)
        submission = pd.read_csv(home / "submission.csv").set_index(key)
        ids = competition.test[task.id[0]]
        y = task.encode(answers.loc[ids].reset_index())
        predictions = [submitted_predictions(task, submission.loc[ids].reset_index())]
        row |= {
            "status": "ok",
            "metric": task.metric,
            "greater_is_better": metric.greater_is_better,
            "train_rows": len(competition.train),
            "test_rows": len(y),
            "estimated": finish["score"],
            "standard_error": finish["standard_error"],
            "scored_rows": finish["scored_rows"],
            "confirmed": finish["confirmed_on_fresh_folds"],
            "experiments": finish["experiments"],
            "members": [],
            "run_wall": round(time.monotonic() - began, 1),
        }
        if task.n_targets == 1:
            field = make_field(task, competition.train, competition.test, seed)
            predictions += field.test
            row["members"] = [
                {"model": n, **({"estimated": e[0], "standard_error": e[1]} if (e := field.estimates.get(i)) else {})}
                for i, n in enumerate(field.names)
            ]
            row["member_rows"] = field.rows
        row["holdouts"] = list(holdouts(metric, y, predictions, seed))
        row["wall"] = round(time.monotonic() - began, 1)
    return row


def holdouts(metric: Any, y: np.ndarray, predictions: list[np.ndarray], seed: int) -> list[dict[str, Any]]:
    """Scores of all predictions, the agent's first, on each holdout; `error`: of the agent's by a bootstrap."""
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(y))[:MOST_TEST_ROWS]
    draws = [("all", np.arange(len(y)))]
    for kind, size in (("half", len(some) // 2), ("small", SMALL)):
        if kind == "small" and len(some) < 3 * SMALL:
            continue
        for _ in range(PAIRS):
            order = rng.permutation(some)
            draws += [(kind, order[:size]), (kind, order[size : 2 * size])]
    out = []
    for kind, rows in draws:
        try:
            scores = [float(metric.score(y[rows], p[rows], None)) for p in predictions]
        except MetricError:  # a small sample without one of the classes
            scores = []
        error = holdout_error(metric, y[rows], predictions[0][rows]) if scores else None
        rounded = [float(f"{s:.6g}") for s in scores]
        out.append({"kind": kind, "rows": len(rows), "scores": rounded, "error": error})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--cuts", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", help="names of competitions")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.results.read_text().splitlines()] if options.results.exists() else []
    done = {(r["competition"], r["cut"]) for r in rows if r["status"] == "ok"}
    for number in options.cuts:
        for folder in options.folders:
            if not folder.is_dir():
                print(f"Skipped: there is no folder {folder} with competitions.")
                continue
            for public in sorted(folder.glob("*/public")):
                name = public.parent.name
                if options.only and name not in options.only:
                    continue
                if (name, number) in done or (number and name in ORDERED):
                    continue
                try:
                    row = measure(public.parent, number, options.budget, number)
                except (MedalistError, ValueError, KeyError) as error:
                    row = {"competition": name, "cut": number, "status": f"{type(error).__name__}: {error}"[:300]}
                with options.results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(name, number, row["status"], row.get("run_wall"), row.get("wall"), flush=True)


if __name__ == "__main__":
    main()
