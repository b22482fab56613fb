"""Generated competitions with one planted pattern each: how far from a raw model to the best possible score a run gets.

    python benchmarks/planted_patterns.py --budget 180s --seed 0 --set issue
    python benchmarks/planted_patterns.py --check      # no runs: the patterns are hidden from a raw model and learnable

`raw` is a plain LightGBM on the raw columns or the best constant, whichever is better; `oracle` the score of the true
expectation; `way` = (agent - raw) / (oracle - raw). Every finished run appends a line to the results file; a second
call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from category_patterns import CATEGORIES
from holdout_scores import medalist
from lightgbm import LGBMClassifier, LGBMRegressor
from ordinal_patterns import ORDINAL
from other_patterns import OTHER
from patterns import ID, ISSUE, TARGET, TRAIN_ROWS, Pattern, make
from relational_patterns import RELATIONAL
from sklearn.preprocessing import TargetEncoder
from time_patterns import TIMES

from medalist.competitions.metrics.registry import get_metric

SETS = {
    "issue": ISSUE,
    "other": OTHER,
    "relational": RELATIONAL,
    "categories": CATEGORIES,
    "ordinal": ORDINAL,
    "times": TIMES,
}
SETS["all"] = {name: pattern for one in tuple(SETS.values()) for name, pattern in one.items()}
TITLES = {
    "auc": "area under the ROC curve (AUC)",
    "logloss": "log loss",
    "accuracy": "accuracy",
    "rmse": "root mean squared error (RMSE)",
    "mae": "mean absolute error (MAE)",
    "rmsle": "root mean squared logarithmic error (RMSLE)",
    "qwk": "quadratic weighted kappa",
}
MOST_RAW, LEAST_HINTED = 0.25, 0.95  # of the way from the best constant, from raw to oracle


def write_competition(pattern: Pattern, folder: Path) -> None:
    """public/ as Kaggle lays it out, private/answers.csv beside it."""
    public, private = folder / "public", folder / "private"
    public.mkdir(parents=True)
    private.mkdir()
    pattern.train.to_csv(public / "train.csv", index=False)
    pattern.test.to_csv(public / "test.csv", index=False)
    needs = get_metric(pattern.metric).needs
    sample = pattern.answers[[ID]].assign(**{TARGET: {"value": 0.0, "label": 0}.get(needs, 0.5)})
    sample.to_csv(public / "sample_submission.csv", index=False)
    for name, table in pattern.extra.items():
        table.to_csv(public / f"{name}.csv", index=False)
    pattern.answers.to_csv(private / "answers.csv", index=False)
    wanted = {"value": "the value", "label": "the class, 0 or 1,"}.get(needs, "the probability of 1")
    wanted = "the grade, a whole number," if get_metric(pattern.metric).shape == "ordinal" else wanted
    further = "".join(f", {name}.csv (further facts)" for name in pattern.extra)
    (public / "description.md").write_text(
        f"# {folder.name}\n\nPredict {wanted} of `{TARGET}` for each `{ID}` of test.csv.\n\n## Evaluation\n\n"
        f"Submissions are evaluated on {TITLES[pattern.metric]}.\n\n"
        f"## Files\n\ntrain.csv, test.csv, sample_submission.csv (the form of a submission){further}.\n"
    )


def scored(pattern: Pattern, prediction: np.ndarray) -> float:
    """The metric on the answers, of values or probabilities (TEST,)."""
    metric, answers = get_metric(pattern.metric), pattern.answers[TARGET].to_numpy()
    if metric.shape == "ordinal":
        prediction = np.clip(np.rint(prediction), answers.min(), answers.max())
    elif metric.needs == "label":
        prediction = (prediction > 0.5).astype(int)
    elif metric.name == "rmsle":
        prediction = np.maximum(prediction, 0)
    return metric.score(answers, prediction)


def classifies(pattern: Pattern) -> bool:
    """Whether the target is of two classes, and not of values or ordered labels."""
    metric = get_metric(pattern.metric)
    return metric.needs != "value" and metric.shape != "ordinal"


def raw_columns(pattern: Pattern) -> pd.DataFrame:
    """Raw columns of train and test rows: numbers as they are, text as categories."""
    frame = pd.concat([pattern.train.drop(columns=TARGET), pattern.test], ignore_index=True)
    texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.drop(columns=ID).astype(dict.fromkeys(texts, "category"))


def plain_score(pattern: Pattern, columns: pd.DataFrame, seed: int, rounds: int = 300) -> float:
    """The score of LightGBM with sensible parameters on these columns."""
    y, classify = pattern.train[TARGET], classifies(pattern)
    estimator = (LGBMClassifier if classify else LGBMRegressor)(
        n_estimators=rounds, learning_rate=0.05, colsample_bytree=0.8, random_state=seed, n_jobs=1, verbose=-1
    )
    estimator.fit(columns[:TRAIN_ROWS], y)
    test = columns[TRAIN_ROWS:]
    return scored(pattern, estimator.predict_proba(test)[:, 1] if classify else estimator.predict(test))


def constant_score(pattern: Pattern) -> float:
    """The score of the best constant."""
    y, metric = pattern.train[TARGET].to_numpy(), get_metric(pattern.metric)
    return metric.score(pattern.answers[TARGET].to_numpy(), np.full(len(pattern.test), metric.best_constant(y)[0]))


def hinted_score(pattern: Pattern, seed: int) -> float:
    """The score with the true feature beside the raw columns; categories as means of the target, out of fold."""
    hint = pattern.hint
    if hint.dtype == object:
        y, kind = pattern.train[TARGET], "binary" if classifies(pattern) else "continuous"
        encoder = TargetEncoder(target_type=kind, smooth=1.0)
        train = encoder.fit_transform(hint[:TRAIN_ROWS, None], y)
        hint = np.concatenate([train, encoder.transform(hint[TRAIN_ROWS:, None])])[:, 0]
    return plain_score(pattern, raw_columns(pattern).assign(hint=hint), seed, rounds=100)


def reference(name: str, seed: int) -> tuple[Pattern, dict[str, Any]]:
    """A pattern, and what its constant, raw model and oracle score."""
    pattern = make(name, SETS["all"][name], seed)
    constant, model = constant_score(pattern), plain_score(pattern, raw_columns(pattern), seed)
    raw = model if get_metric(pattern.metric).better(model, constant) else constant
    oracle = scored(pattern, pattern.oracle)
    return pattern, {
        "pattern": name,
        "seed": seed,
        "metric": pattern.metric,
        "constant": round(constant, 6),
        "raw": round(raw, 6),
        "oracle": round(oracle, 6),
        "raw_way": round((raw - constant) / (oracle - constant), 4),
    }


def measure(name: str, budget: str, seed: int) -> dict[str, Any]:
    """One run of the agent on a pattern, graded."""
    pattern, row = reference(name, seed)
    row["budget"] = budget
    with tempfile.TemporaryDirectory() as scratch:
        folder, where = Path(scratch) / "competition", ["--runs-dir", str(Path(scratch) / "runs")]
        write_competition(pattern, folder)
        began = time.monotonic()
        code, out, err = medalist(
            "run", str(folder / "public"), "--budget", budget, "--seed", str(seed), "--json", *where
        )
        row["wall"] = round(time.monotonic() - began, 2)
        if code:
            return row | {"status": f"exit {code}: {err.strip()[-300:]}"}
        events = [json.loads(line) for line in out.splitlines()]
        submission = str(Path(events[0]["folder"]) / "submission.csv")
        code, out, err = medalist(
            "grade", submission, "--answers", str(folder / "private" / "answers.csv"), "--json", *where
        )
        if code:
            return row | {"status": f"invalid: {err.strip()[-300:]}"}
        agent = json.loads(out)["score"]
        kept = features_kept(events[0]["run"], where)
    way = (agent - row["raw"]) / (row["oracle"] - row["raw"])
    return row | {"status": "ok", "agent": round(agent, 6), "way": round(way, 4), "features": kept}


def features_kept(run: str, where: list[str]) -> list[str] | None:
    """The features that a run's search kept; None where `medalist features` cannot tell."""
    code, out, _ = medalist("features", run, "--json", *where)
    if code:
        return None
    kept = [f["text"] for f in json.loads(out)["features"] if f["status"] == "kept"]
    return list(dict.fromkeys(kept))


def check(name: str, seed: int) -> dict[str, Any]:
    """A pattern without a run: what a raw model and one with the true feature score."""
    pattern, row = reference(name, seed)
    hinted = hinted_score(pattern, seed)
    way = (hinted - row["raw"]) / (row["oracle"] - row["raw"])
    good = row["raw_way"] <= MOST_RAW and way >= LEAST_HINTED and clear(pattern, row)
    return row | {"hinted": round(hinted, 6), "way": round(way, 4), "status": "ok" if good else "CHECK FAILED"}


def clear(pattern: Pattern, row: dict[str, Any]) -> bool:
    """Whether the oracle is clearly above chance."""
    least = {"auc": row["oracle"] > 0.8, "accuracy": row["oracle"] > row["constant"] + 0.2}
    return least.get(pattern.metric, row["oracle"] < 0.75 * row["constant"])


def table(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns)]
    for row in rows:
        cells = [row.get(c, "") for c in columns]
        lines.append([f"{c:.4g}" if isinstance(c, float) else str(c)[:60] for c in cells])
    return "\n".join(f"|{'|'.join(line)}|" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="180s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", choices=list(SETS), default="issue")
    parser.add_argument("--only", nargs="+", choices=list(SETS["all"]), help="names of patterns, of any set")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "planted_patterns.jsonl")
    parser.add_argument("--raw-only", action="store_true", help="no runs: constant, raw model and oracle")
    parser.add_argument("--check", action="store_true", help="no runs: also a model that is given the true feature")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="no runs: write the competitions there")
    options = parser.parse_args()
    names = options.only or list(SETS[options.set])
    if options.write:
        for name in names:
            write_competition(make(name, SETS["all"][name], options.seed), options.write / name)
    elif options.raw_only or options.check:
        rows = [(check if options.check else lambda n, s: reference(n, s)[1])(n, options.seed) for n in names]
        print(table(rows, ["pattern", "metric", "constant", "raw", "hinted", "oracle", "raw_way", "way", "status"]))
        if any(r.get("status", "ok") != "ok" for r in rows):
            raise SystemExit(1)
    else:
        run_all(names, options)


def run_all(names: list[str], options: argparse.Namespace) -> None:
    """Run the agent on every pattern not run yet, and print the table."""
    lines = options.results.read_text().splitlines() if options.results.exists() else []
    rows = [json.loads(line) for line in lines]

    def mine() -> list[dict[str, Any]]:
        same = (options.budget, options.seed)
        return [r for r in rows if r["pattern"] in names and (r["budget"], r["seed"]) == same]

    done = {r["pattern"] for r in mine() if r["status"] == "ok"}
    for name in names:
        if options.table or name in done:
            continue
        rows.append(measure(name, options.budget, options.seed))
        with options.results.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    latest = {r["pattern"]: r for r in mine()}
    columns = ["pattern", "metric", "raw", "agent", "oracle", "way", "wall", "status"]
    print(table([latest[n] for n in names if n in latest], columns))


if __name__ == "__main__":
    main()
