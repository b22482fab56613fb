"""The benchmark of stated places: planted noise is found again, and is held to be what it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import calibration
import calibration_cases

from medalist.leaderboard.boards.board import board_from_scores
from medalist.leaderboard.boards.places import Constants, score_noise

PLANTED = Constants(shift=0.5, core=1.5, wide=12.0, wide_share=0.1, paired=0.6)
BOARD = board_from_scores("field", [float(k) for k in range(-100, 101)], True)


def planted(count: int) -> list[calibration_cases.Case]:
    """Cases of so many competitions, whose scores have the planted noise."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        known = rng.uniform(20.0, 100.0)
        for size, test_rows in (("all", 1_000), ("small", 100)):
            wide = rng.random() < PLANTED.wide_share
            spread = np.sqrt((PLANTED.wide if wide else PLANTED.core) ** 2 + 4_000 / test_rows)
            gap = rng.normal(PLANTED.shift, spread)
            made.append(
                calibration_cases.Case(
                    *(f"c{number}", "agent, humans", size, "cross-validation", known, 2.0, 4_000, test_rows),
                    *(known + 2.0 * gap, BOARD),
                )
            )
    return made


def test_planted_noise_is_found_again() -> None:
    found = calibration.fit(planted(1_000))
    assert found.shift == pytest.approx(PLANTED.shift, abs=0.2)
    assert found.core == pytest.approx(PLANTED.core, rel=0.2)
    assert found.wide == pytest.approx(PLANTED.wide, rel=0.25)
    assert found.wide_share == pytest.approx(PLANTED.wide_share, abs=0.04)


def test_intervals_by_the_planted_noise_hold_and_those_of_the_estimate_alone_do_not() -> None:
    cases = planted(400)
    now = calibration.held(cases, lambda c: score_noise(c.basis, c.error, c.rows, c.test_rows, constants=PLANTED))
    was = calibration.held(cases, calibration.before)
    assert now.score == pytest.approx(0.8, abs=0.03)
    assert was.score < 0.5
    assert all(a < b for a, b in zip(now.brier, was.brier, strict=True))
    assert all(a < b for a, b in zip(now.brier, calibration.base_rates(cases), strict=True))


def test_cases_are_made_from_a_recorded_line(tmp_path: Path) -> None:
    models = [{"model": str(k)} for k in range(30)]
    models[3] |= {"estimated": 0.6, "standard_error": 0.01}
    scores = [0.9, *(0.5 + 0.01 * k for k in range(30))]
    holdouts = [{"kind": kind, "rows": 100, "scores": scores, "error": 0.02} for kind in ("all", "half", "half")]
    line: dict[str, Any] = {"competition": "none-such", "cut": 0, "status": "ok", "metric": "auc"}
    line |= {"greater_is_better": True, "estimated": 0.8, "standard_error": 0.01, "scored_rows": 400}
    line |= {"members": models, "member_rows": 300, "holdouts": holdouts}
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps(line | {"status": "exit 2"}) + "\n" + json.dumps(line) + "\n")
    made = list(calibration_cases.cases(calibration_cases.read_lines(path)))
    counts = {kind: sum(c.kind == kind for c in made) for kind in calibration_cases.KINDS}
    assert counts == {
        "agent, humans": 0, "agent, models": 3, "model, models": 3, "holdout": 1, "public board": 2, "ranked anew": 1,
    }  # fmt: skip
    first = next(c for c in made if c.kind == "agent, models")
    assert (first.gap, first.reached, first.place) == (pytest.approx(10.0), [True] * 4, 1.0)
    assert calibration_cases.shake_up(calibration_cases.read_lines(path)) == {}  # nothing moved
