"""Screening where rows are not independent: groups and spans of time count as units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.search.sampling import Sample
from medalist.pipelines.features.search.scoring import Scorer, binned
from medalist.pipelines.features.search.screening import Screener
from medalist.pipelines.features.search.tree_screening import Trees
from medalist.pipelines.features.search.units import Cells, covariance_norm, permuted_by_unit
from medalist.pipelines.features.store import FeatureStore

ROWS, GROUPS = 6000, 150
NOISE = [f"noise{j}" for j in range(20)]


def grouped(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """A table of ROWS rows in GROUPS groups, the residual and the groups: 20 columns constant within a group that mean
    nothing, `between` constant within a group and `within` that vary in it and mean something."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, GROUPS, ROWS)
    frame = pd.DataFrame({name: rng.normal(size=GROUPS)[groups] for name in NOISE})
    frame["between"], frame["within"] = rng.normal(size=GROUPS)[groups], rng.normal(size=ROWS)
    y = rng.normal(size=GROUPS)[groups] + rng.normal(size=ROWS) + 1.5 * frame["between"] + 0.3 * frame["within"]
    return frame, y.to_numpy()[:, None], groups


def sample_of(folder: Path, frame: pd.DataFrame, y: np.ndarray, groups: np.ndarray | None) -> Sample:
    store = FeatureStore.create(folder, "f", frame, frame[:100])
    return Sample(store, np.arange(len(frame)), y - y.mean(), y, units=groups)


def test_what_is_constant_within_a_group_is_no_finding_by_itself(tmp_path: Path) -> None:
    frame, y, groups = grouped()

    def z(of: Sample, name: str) -> float:
        scored = of.score(parse(f"number({name})"))
        return 0.0 if scored is None else scored.z

    rows, units = sample_of(tmp_path / "a", frame, y, None), sample_of(tmp_path / "b", frame, y, groups)
    assert min(z(rows, name) for name in NOISE) > 8  # taken for independent, all of them seem to be found
    assert max(z(units, name) for name in NOISE) < 3.5
    assert z(units, "between") > 5
    assert z(units, "within") > 6


def test_a_screening_and_its_trees_find_what_is_there_and_no_noise_of_groups(tmp_path: Path) -> None:
    frame, y, groups = grouped(1)
    frame = frame.drop(columns=NOISE[8:])
    screener = Screener(sample_of(tmp_path, frame, y, groups))
    candidates = [*NOISE[:8], "between", "within"]
    picks = screener.run(parse(f"number({name})") for name in candidates).picks
    assert {p.text for p in picks} == {"number(between)", "number(within)"}
    trees = Trees(screener, ["number(within)"], classes=0)
    assert trees.used([f"number({name})" for name in candidates], 30) == ["number(between)"]
    apart = Trees(Screener(sample_of(tmp_path / "rows", frame, y, None)), ["number(within)"], classes=0)
    assert len(apart.used([f"number({name})" for name in candidates], 30)) > 4


@pytest.mark.parametrize("units", [20, 500])
@pytest.mark.parametrize("within", [0.0, 0.3, 1.0])
def test_chance_is_told_as_chance(units: int, within: float) -> None:
    rng = np.random.default_rng(units)
    zs = []
    for _ in range(40):
        unit = np.unique(rng.integers(0, units, 3000), return_inverse=True)[1]
        r = rng.normal(size=units)[unit] + rng.normal(size=3000)
        values = np.sqrt(1 - within) * rng.normal(size=units)[unit] + np.sqrt(within) * rng.normal(size=3000)
        half = rng.permutation(np.arange(units) % 2)[unit]
        gain, error = Scorer(r[:, None], half, unit).gain(*binned(values, 12))
        zs.append(gain / error)
    assert np.mean(zs) == pytest.approx(0, abs=0.35)
    assert np.std(zs) == pytest.approx(1, abs=0.35)
    assert max(zs) < 4


def test_units_of_one_row_each_are_as_good_as_independent_rows() -> None:
    rng = np.random.default_rng(0)
    codes, half = rng.integers(0, 12, 4000), rng.integers(0, 2, 4000)
    y = (0.1 * codes + rng.normal(size=4000))[:, None]
    plain, by_unit = (Scorer(y, half, units).gain(codes, 12) for units in (None, np.arange(4000)))
    assert by_unit[0] == pytest.approx(plain[0], rel=0.02)
    assert by_unit[1] == pytest.approx(plain[1], rel=0.15)


@pytest.mark.parametrize(("count", "size"), [(30, 2000), (2000, 30), (400, 400), (5000, 300), (40, 40)])
def test_the_norm_of_a_covariance_is_that_of_the_whole_matrix(count: int, size: int) -> None:
    rng = np.random.default_rng(0)
    cells = Cells.of(rng.integers(0, count, 4000), count, rng.integers(0, size, 4000), size)
    entries, totals, shares = rng.normal(size=len(cells.unit)), rng.normal(size=count), rng.random(size) / size
    norm, eigenvalues = covariance_norm(cells, entries, totals, shares)
    matrix = -np.outer(totals, shares)
    matrix[cells.unit, cells.code] += entries
    gram = matrix @ matrix.T if count < size else matrix.T @ matrix
    assert norm == pytest.approx(np.sum(gram**2))
    if min(count, size) <= 100:
        assert np.sum(eigenvalues**2) == pytest.approx(norm)


def test_a_norm_too_large_to_compute_is_estimated() -> None:
    rng = np.random.default_rng(0)
    cells = Cells.of(rng.integers(0, 1500, 90_000), 1500, rng.integers(0, 1200, 90_000), 1200)
    entries = rng.normal(size=len(cells.unit))
    norm, _ = covariance_norm(cells, entries, np.zeros(1500), np.zeros(1200))
    matrix = np.zeros((1500, 1200))
    matrix[cells.unit, cells.code] = entries
    assert norm == pytest.approx(np.sum((matrix @ matrix.T) ** 2), rel=0.1)


def test_values_that_are_shuffled_between_units_stay_together() -> None:
    rng = np.random.default_rng(0)
    units = rng.integers(0, 40, 1000)
    of_unit = rng.normal(size=40)[units]
    shuffled = permuted_by_unit(of_unit, units, rng)
    assert all(len(set(shuffled[units == u])) == 1 for u in range(40))
    assert abs(np.corrcoef(shuffled, of_unit)[0, 1]) < 0.5
    assert set(shuffled) == set(of_unit)


@pytest.mark.parametrize("seed", range(12))
def test_a_single_bin_explains_nothing(seed: int) -> None:
    units = np.repeat(np.arange(20), 20)
    scorer = Scorer(np.random.default_rng(seed).normal(size=(400, 1)), units % 2, units)
    assert scorer.gain(np.zeros(400, dtype=np.int64), 1)[0] <= 0
    assert scorer.gain(np.ones(400, dtype=np.int64), 2)[0] <= 0
