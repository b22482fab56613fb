"""What the agent understands of a folder of cases, beside what is right: a table, and the scores of short runs.

    python benchmarks/understanding.py ../shared/cases --inspect-only
    python benchmarks/understanding.py ../shared/cases --budget 30s

A case is a folder with public/ and, where it can be run, private/answers.csv; a folder of files alone is looked at by
`medalist inspect`. What is right stands in a table (YAML) beside this script, or in FOLDER/expectations.yaml. Each
finished case appends a line to the results; a second call on the same code goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from holdout_scores import medalist, runs_dir
from score_rows import latest
from sklearn.metrics import f1_score, roc_auc_score

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "understanding.jsonl"
Right = Mapping[str, Any]


def code_version() -> str:
    """The commit of the code, with a + where files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", "*.py") else "")


# understanding


def inspect(public: Path) -> tuple[dict[str, Any] | None, str]:
    """(the document of `medalist inspect --json`, ""), or (None, the message of the refusal)."""
    code, out, err = medalist("inspect", str(public), "--json")
    return (
        (json.loads(out), "") if code == 0 else (None, err.strip().splitlines()[-1] if err.strip() else f"exit {code}")
    )


def differences(document: Mapping[str, Any], right: Right) -> list[str]:
    """In which points a document is not as the table says; what the table leaves out or null is open."""
    seen, task = document["competition"], document["task"]
    kinds = {card["name"]: card["kind"] for card in document["columns"]}
    distinct = {card["name"]: card["distinct"] for card in document["columns"]}
    found: dict[str, Any] = {
        "train": seen["train"][0],
        "test": seen["test"][0],
        "id": task["id"],
        "targets": task["targets"],
        "columns": task["submission_columns"],
        "positive": str(task["classes"][-1]) if task["classes"] else None,
        "classes": sorted(map(str, task["classes"])),
        "fold_column": task["folds"]["column"],
        "transform": task.get("transform", ""),
    }
    wrong = [
        f"{name} {value!r} instead of {right[name]!r}"
        for name, value in found.items()
        if right.get(name) is not None and value != (sorted(right[name]) if name == "classes" else right[name])
    ]
    choices = {"metric": task["metric"], "problem": task["problem_type"], "folds": task["folds"]["scheme"]}
    wrong += [
        f"{name} {value!r} instead of {' or '.join(right[name])}"
        for name, value in choices.items()
        if right.get(name) is not None and value not in right[name]
    ]
    wrong += [f"{c} is {kinds.get(c)}" for c, of in (right.get("kinds") or {}).items() if kinds.get(c) not in of]
    expected = (right.get("distinct") or {}).items()
    wrong += [f"{c} has {distinct.get(c)} values instead of {n}" for c, n in expected if distinct.get(c) != n]
    wrong += [f"no input {c}" for c in right.get("features") or () if c not in kinds]
    extras = [file["path"] for file in seen["files"] if file["role"] == "extra"]
    wrong += [f"{path} is no further table" for path in right.get("extra") or () if path not in extras]
    if right.get("horizon"):
        low, high = right["horizon"]
        horizon = task["folds"]["horizon"]
        if horizon is None or not low <= horizon <= high:
            wrong.append(f"horizon {horizon} instead of {low} to {high}")
    return wrong


def look(public: Path, right: Right) -> dict[str, Any]:
    """A row on what is understood: its `verdict` is right, wrong, refused (rightly or not)."""
    document, refusal = inspect(public)
    if document is None:
        allowed = right.get("refusal") and re.search(right["refusal"], refusal)
        return {"verdict": "refused, rightly" if allowed else "refused", "differences": [refusal]}
    wrong = differences(document, right)
    notes = [*document["competition"]["notes"], *document["task"]["notes"]]
    return {"verdict": "wrong" if wrong else "right", "differences": wrong, "notes": notes}


# scores


def winkler(y: np.ndarray, low: np.ndarray, high: np.ndarray, alpha: float = 0.1) -> float:
    """The mean interval score at coverage 1 - alpha (Gneiting and Raftery 2007, JASA 102(477))."""
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return float(np.mean(high - low + 2 / alpha * outside))


def _root(y: np.ndarray, p: np.ndarray) -> float:
    return float(np.sqrt(np.mean((y - p) ** 2)))


NUMBERS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {  # of (n, T) answers and predictions
    "rmse": _root,
    "mae": lambda y, p: float(np.mean(np.abs(y - p))),
    "mean_rmse": lambda y, p: float(np.mean([_root(y[:, i], p[:, i]) for i in range(y.shape[1])])),
    "mean_auc": lambda y, p: float(np.mean([roc_auc_score(y[:, i], p[:, i]) for i in range(y.shape[1])])),
    "winkler": lambda y, p: winkler(y[:, 0], p[:, 0], p[:, 1]),
}


def score_of(submission: Path, answers: Path, right: Right) -> float:
    """The score of a submission, read as the case's sample is written. Raises ValueError where it has another form."""
    truth = pd.read_csv(answers, dtype=str, keep_default_na=False)
    told = _read(submission, right.get("form") or {})
    if list(told.columns) != list(right["columns"]):
        raise ValueError(f"the submission has the columns {list(told.columns)} instead of {right['columns']}")
    keys = right.get("keys") or [told.columns[0]]
    if len(told) != len(truth) or set(map(tuple, told[keys].to_numpy())) != set(map(tuple, truth[keys].to_numpy())):
        raise ValueError(f"the submission has {len(told)} rows, and not the ids of the {len(truth)} answers")
    both = truth.merge(told, on=keys, suffixes=("", " "), validate="one_to_one")
    answered = [name for name in truth.columns if name not in keys]
    y = both[answered]
    p = both[[name + " " if name in answered else name for name in told.columns if name not in keys]]
    kind = right["score"]
    if kind in NUMBERS:
        return NUMBERS[kind](y.to_numpy(dtype=float), _numbers(p, right))
    labels, given = y.iloc[:, 0].to_numpy(), p.iloc[:, 0].to_numpy()
    if kind == "auc":
        return float(roc_auc_score(labels == str(right["positive"]), _numbers(p, right)[:, 0]))
    if kind == "f1":
        return float(f1_score(labels == right["score_positive"], given == right["score_positive"]))
    return float(f1_score(labels, given, average="macro")) if kind == "macro_f1" else float(np.mean(labels == given))


def _read(submission: Path, form: Mapping[str, Any]) -> pd.DataFrame:
    """A submission as texts, in the first of the encodings of its form that decodes it."""
    encodings = form.get("encoding", "utf-8")
    data = submission.read_bytes()
    for encoding in [encodings] if isinstance(encodings, str) else encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=form.get("sep", ","))
    raise ValueError(f"the submission is not written in {encodings}")


def _numbers(frame: pd.DataFrame, right: Right) -> np.ndarray:
    """The predictions, (n, T), with the decimal sign of the form."""
    sign = (right.get("form") or {}).get("decimal", ".")
    texts = frame.to_numpy(dtype=str)
    if sign != "." and any("." in text for text in texts.ravel()):
        raise ValueError(f"the submission has decimal points where the sample has {sign!r}")
    return np.char.replace(texts, sign, ".").astype(float)


def run(case: Path, right: Right, *limits: str) -> dict[str, Any]:
    """A run with options such as --budget and --seed, its score here, and the one by `medalist grade`."""
    with runs_dir(None, case.name) as runs:
        began = time.monotonic()
        code, out, err = medalist("run", str(case / "public"), *limits, "--json", "--runs-dir", runs)
        row: dict[str, Any] = {"wall": round(time.monotonic() - began, 2)}
        if code:
            return row | {"status": f"exit {code}: {err.strip()[-300:]}"}
        events = [json.loads(line) for line in out.splitlines()]
        row |= {"status": "ok", "estimated": events[-1]["score"], "standard_error": events[-1]["standard_error"]}
        submission = Path(events[0]["folder"]) / "submission.csv"
        answers = case / "private" / "answers.csv"
        try:
            row["score"] = score_of(submission, answers, right) if right.get("score") else None
        except (ValueError, KeyError, pd.errors.ParserError) as error:
            row |= {"score": None, "status": f"invalid: {error}"}
        code, out, err = medalist("grade", str(submission), "--answers", str(answers), "--json", "--runs-dir", runs)
        return row | ({"graded": json.loads(out)["score"]} if code == 0 else {"grade": err.strip()[-300:]})


# the table


def table(rows: list[dict[str, Any]], expectations: Mapping[str, Right]) -> str:
    """A Markdown table: a case a line."""
    out = io.StringIO()
    write = csv.writer(out, delimiter="|", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
    head = ["", "case", "understood", "in detail", "score", "graded", "oracle", "baselines", "estimated", ""]
    write.writerow(head)
    write.writerow(["", *["---"] * (len(head) - 2), ""])
    for row in rows:
        right = expectations[row["case"]]
        status = row.get("status", "ok")
        detail = "; ".join([*row["differences"], *([] if status == "ok" else [status])])
        baselines = ", ".join(f"{name} {value:.4g}" for name, value in (right.get("baselines") or {}).items())
        numbers = [row.get("score"), row.get("graded"), right.get("oracle"), row.get("estimated")]
        score, graded, oracle, estimated = ("" if number is None else f"{number:.4g}" for number in numbers)
        shown = " ".join(detail.split())
        write.writerow(["", row["case"], row["verdict"], shown, score, graded, oracle, baselines, estimated, ""])
    good = sum(row["verdict"] in ("right", "refused, rightly") for row in rows)
    return out.getvalue() + f"\n{good} of {len(rows)} are understood, or refused rightly.\n"


def expectations_of(folder: Path, given: Path | None) -> dict[str, Right]:
    """What is right, by the case's path in the folder."""
    beside = folder / "expectations.yaml"
    path = given or (beside if beside.exists() else HERE / "understanding.yaml")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--inspect-only", action="store_true", help="no runs")
    parser.add_argument("--budget", default="30s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="names of cases")
    parser.add_argument("--expectations", type=Path, help="the table of what is right")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--again", action="store_true", help="also what was measured on this code")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    options = parser.parse_args()
    if not options.cases.is_dir():
        print(f"Skipped: there is no folder {options.cases} with cases.")
        return
    expectations = expectations_of(options.cases, options.expectations)
    names = options.only or [name for name in expectations if (options.cases / name).is_dir()]
    lines = options.results.read_text(encoding="utf-8").splitlines() if options.results.exists() else []
    rows = [json.loads(line) for line in lines if line.strip()]
    budget = None if options.inspect_only else options.budget
    version = code_version()

    def mine() -> list[dict[str, Any]]:
        same = [r for r in rows if r["case"] in names and (r["budget"], r["seed"]) == (budget, options.seed)]
        return latest((r for r in same if options.table or r["code"] == version), "case")

    done = set() if options.again or version.endswith("+") else {row["case"] for row in mine()}
    for name in names:
        if options.table or name in done:
            continue
        case = options.cases / name
        public = case / "public" if (case / "public").is_dir() else case
        row = {
            "case": name,
            "code": version,
            "budget": budget,
            "seed": options.seed,
            **look(public, expectations[name]),
        }
        if budget and row["verdict"] in ("right", "wrong") and (case / "private" / "answers.csv").exists():
            row |= run(case, expectations[name], "--budget", budget, "--seed", str(options.seed))
        rows.append(row)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(json.dumps({k: v for k, v in row.items() if k != "notes"}, ensure_ascii=False), flush=True)
    print(table(mine(), expectations))


if __name__ == "__main__":
    main()
