"""Write the cases into a folder, for `medalist inspect` and for benchmarks/understanding.py.

PYTHONPATH=. python tests/understanding/make_cases.py /tmp/cases
python benchmarks/understanding.py /tmp/cases --inspect-only
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from case import CASES, SCORES, Expected
from test_cases import MODULES

SCORED = (*SCORES, "mean_auc")


def as_table(expected: Expected) -> dict[str, Any]:
    """What is right, as benchmarks/understanding.py reads it."""
    told = {
        name: value for name, value in asdict(expected).items() if name not in ("ids", "check") and value not in ("", 0)
    }
    right = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
    right |= {name: [right[name]] for name in ("metric", "problem") if name in right}
    right["keys"] = [name for name in expected.columns if name in (expected.id or ("id",))]
    if expected.oracle is not None:
        right["score"] = expected.metric
        right["baselines"] = {"constant": right.pop("baseline")}
    return {name: value for name, value in right.items() if value is not None}


def make(folder: Path) -> None:
    """Write all cases, each with an expect.md, and expectations.yaml."""
    table = {}
    for name, case in CASES.items():
        expected = case.make(folder / name)
        table[name] = as_table(expected)
        right = yaml.safe_dump(table[name], allow_unicode=True, sort_keys=False)
        text = f"# {name}\n\nSource: {case.source}\n\nReported there: {case.reported}\n\nRight:\n\n{right}"
        (folder / name / "expect.md").write_text(text, encoding="utf-8")
    text = yaml.safe_dump(table, allow_unicode=True, sort_keys=False)
    (folder / "expectations.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
    print(f"{len(CASES)} cases of {len(MODULES)} modules are in {sys.argv[1]}.")
