"""Screening finds what is there, and in noise nothing; nobody's name plays a part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.features.language.expression import MOST_DEPTH, feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.schema import schema_of
from medalist.pipelines.features.search.candidates import Candidates
from medalist.pipelines.features.search.choosing import pursue
from medalist.pipelines.features.search.column_families import Profile, families, profile_of
from medalist.pipelines.features.search.columns import Hints
from medalist.pipelines.features.search.sampling import Sample
from medalist.pipelines.features.search.scoring import COARSE, ScoredFeature, Scorer, binned, coarse
from medalist.pipelines.features.search.screening import Screener
from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult, columns_of, screen
from medalist.pipelines.features.search.templates import MAX_SPLIT_COLUMNS, single
from medalist.pipelines.features.search.tree_screening import Trees
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.features.typing import check

ROWS, TEST = 2400, 600


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = ROWS + TEST
    return pd.DataFrame(
        {
            "u": rng.lognormal(size=n),
            "v": rng.lognormal(size=n),
            "w": rng.integers(0, 1000, n),
            "shop": rng.choice([f"s{i}" for i in range(40)], n),
            "kind": rng.choice(["a", "b", "c", "d"], n),
            "when": pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90 * 86400, n), "s")).astype(
                str
            ),
        }
    )


def store_of(folder: Path, frame: pd.DataFrame) -> FeatureStore:
    return FeatureStore.create(folder, "f", frame[:ROWS], frame[ROWS:].reset_index(drop=True))


def candidates_of(store: FeatureStore, frame: pd.DataFrame, screener: Screener) -> Candidates:
    return Candidates(schema_of(frame, []), screener.sample.frame, Hints())


def found_in(folder: Path, frame: pd.DataFrame, y: np.ndarray, limit: int = 500) -> tuple[list[str], float]:
    store = store_of(folder, frame)
    centred = (y - y.mean())[:, None]
    screener = Screener(Sample(store, np.arange(ROWS), centred, centred))
    screening = screener.run(candidates_of(store, frame, screener).all(), limit=limit)
    return [p.text for p in screening.picks], screening.threshold


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        ("u / v", ("u", "v")),
        ("u - mean(u) by shop", ("u", "shop")),
        ("mod(w, 7)", ("w",)),
        ("hour(when)", ("when",)),
        ("rank(v) by kind", ("v", "kind")),
    ],
)
def test_what_was_planted_comes_first(tmp_path: Path, planted: str, expected: tuple[str, ...]) -> None:
    frame = table()
    store = store_of(tmp_path / "a", frame)
    values = store.block(planted)[:ROWS, 0]
    steps = pd.qcut(pd.Series(values).rank(method="first"), 6, labels=False).to_numpy()
    y = np.array([0.0, 2.0, 0.5, 2.5, 0.0, 3.0])[steps] + np.random.default_rng(1).normal(size=ROWS)
    picks, _ = found_in(tmp_path / "b", frame, y)
    assert picks, "nothing was found"
    assert set(parse(picks[0]).columns) == set(expected)


def test_in_noise_nothing_is_found(tmp_path: Path) -> None:
    frame = table()
    picks_of = [
        found_in(tmp_path / str(seed), frame, np.random.default_rng(seed).normal(size=ROWS), limit=300)[0]
        for seed in range(1, 5)
    ]
    assert sum(bool(picks) for picks in picks_of) <= 1  # a threshold that one screening in some lets a chance find pass


def test_a_key_of_one_row_each_explains_nothing() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2000, 1))
    gain, _ = Scorer(y, rng.integers(0, 2, 2000)).gain(np.arange(2000), 2000)
    assert gain <= 0


def test_gain_is_the_share_of_variance_explained() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, 50_000)
    y = (codes - 2.0 + rng.normal(size=50_000))[:, None]
    scorer = Scorer(y - y.mean(), rng.integers(0, 2, 50_000))
    gain, error = scorer.gain(codes, 5)
    assert gain == pytest.approx(2 / 3, abs=0.01)
    assert 0 < error < 0.01


def test_bins_keep_missing_apart_and_equal_values_together() -> None:
    values = np.array([1.0, 1.0, 2.0, np.nan, 3.0, np.nan, 1.0])
    codes, size = binned(values, 4)
    assert codes[3] == codes[5]
    assert codes[3] not in codes[[0, 1, 2, 4, 6]]
    assert len(set(codes[[0, 1, 6]])) == 1
    assert codes.max() < size


def test_what_is_rare_and_large_is_told_from_what_is_frequent_and_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = table().assign(flag=(rng.random(ROWS + TEST) < 0.01).astype(int))
    y = 3.0 * frame["flag"].to_numpy()[:ROWS] + rng.normal(size=ROWS)
    picks, _ = found_in(tmp_path, frame, y)
    assert any("flag" in text for text in picks)
    codes, size = binned(frame["flag"].to_numpy(float), 32)
    assert len(set(codes)) == 2
    assert codes.max() < size


@pytest.mark.parametrize("size", [3, 120])
def test_small_effects_are_seen_in_many_rows_and_chance_is_told_as_chance(size):
    rng = np.random.default_rng(4)
    n, zs = 60_000, []
    for _ in range(60):
        codes = rng.integers(0, size, n)
        gain, error = Scorer(rng.standard_t(5, size=(n, 2)), rng.integers(0, 2, n)).gain(codes, size)
        zs.append(gain / error)
    assert np.mean(zs) == pytest.approx(0, abs=0.6)
    assert np.std(zs) == pytest.approx(1, abs=0.3)
    codes = rng.integers(0, size, n)
    y = rng.normal(size=(n, 1)) + np.sqrt(0.003) * stats.zscore(np.arange(size))[codes][:, None]
    gain, error = Scorer(y, rng.integers(0, 2, n)).gain(codes, size)
    assert gain / error > 5
    assert gain < 0.008


@pytest.mark.parametrize("size", [2, 13])
@pytest.mark.parametrize("together", [0.0, 0.9])
def test_chance_is_told_as_chance_of_few_bins_and_of_targets_that_err_together_and_of_any_mean(size, together):
    rng = np.random.default_rng(5)
    n, zs = 3000, []
    for _ in range(1500):
        r = 0.3 + rng.normal(size=(n, 3)) * np.sqrt(1 - together) + rng.normal(size=(n, 1)) * np.sqrt(together)
        gain, error = Scorer(r, rng.integers(0, 2, n)).gain(rng.integers(0, size, n), size)
        zs.append(gain / error)
    assert max(zs) < 4.2
    assert np.mean(np.array(zs) > 2.5) < 0.02


@settings(deadline=None)
@given(st.integers(2, 200), st.integers(0, 999))
def test_coarser_bins_keep_the_order_and_what_is_missing(bins, seed):
    values = np.random.default_rng(seed).normal(size=3000)
    values[::11] = np.nan
    codes, size = binned(values, bins)
    merged = coarse(codes, size)
    if merged is None:
        assert size <= 2 * COARSE
        return
    assert merged[1] == COARSE + 1
    assert (merged[0][::11] == COARSE).all()
    order = np.argsort(codes, kind="stable")
    assert (np.diff(merged[0][order]) >= 0).all()
    assert len(np.unique(merged[0])) == COARSE + 1


def test_an_uncertain_candidate_does_not_end_the_pursuit_of_surer_ones() -> None:
    rng = np.random.default_rng(2)
    n = 20_000
    sure, rare = rng.integers(0, 2, n), (rng.random(n) < 0.001).astype(np.int64)
    residual = (0.3 * (sure - 0.5) + rng.normal(size=n) + rare * rng.choice([-25.0, 32.5], n))[:, None]
    scorer = Scorer(residual, rng.integers(0, 2, n))
    codes_of = {parse("number(rare)"): [(rare, 2)], parse("number(sure)"): [(sure, 2)]}
    scored = {f: ScoredFeature(str(f), *scorer.gain(*columns[0])) for f, columns in codes_of.items()}
    uncertain, certain = scored.values()
    assert uncertain.gain > certain.gain
    assert uncertain.z < 3 < certain.z
    picks, redundant = pursue(codes_of, scored, scorer, 3.0)
    assert [p.text for p in picks] == ["number(sure)"]
    assert [r.text for r in redundant] == ["number(rare)"]


def test_further_tables_are_joined_by_all_that_they_share(tmp_path: Path) -> None:
    frame = table()
    weather = pd.DataFrame({"shop": ["s1"], "kind": ["a"], "rain": [1.5]})
    store = FeatureStore.create(tmp_path, "w", frame[:ROWS], frame[ROWS:].reset_index(drop=True), {"weather": weather})
    screener = Screener(Sample(store, np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    candidates = Candidates(schema_of(frame, [], {"weather": weather}), screener.sample.frame, Hints())
    texts = {str(f) for f in candidates.all()}
    assert {f"value(weather.rain) by {keys}" for keys in ("kind, shop", "shop", "kind")} <= texts


def test_every_candidate_is_well_typed_and_comes_once(tmp_path: Path) -> None:
    frame = table()
    store = store_of(tmp_path, frame)
    screener = Screener(Sample(store, np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    candidates = candidates_of(store, frame, screener)
    texts = [str(f) for f in candidates.all()]
    assert len(texts) == len(set(texts)) > 500
    for text in texts:
        check(parse(text), candidates.schema)


def test_forbidden_columns_are_in_no_candidate(tmp_path: Path) -> None:
    frame = table()
    store = store_of(tmp_path, frame)
    screener = Screener(Sample(store, np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    candidates = Candidates(schema_of(frame, []), screener.sample.frame, Hints(), frozenset({"shop"}))
    assert not any("shop" in f.columns for f in candidates.all())


def test_what_earlier_competitions_kept_comes_first(tmp_path: Path) -> None:
    frame = table()
    store = store_of(tmp_path, frame)
    screener = Screener(Sample(store, np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    schema = schema_of(frame, [])
    plain = [str(f) for f in Candidates(schema, screener.sample.frame, Hints()).all()]
    hints = Hints(shapes={"number / number": (3, 3), "count(category)": (0, 4)})
    taught = [str(f) for f in Candidates(schema, screener.sample.frame, hints).all()]
    assert plain.index("u / v") > 50
    assert taught.index("u / v") < 10
    assert set(taught) == set(plain)


def test_names_do_not_matter(tmp_path: Path) -> None:
    frame = table()
    other = frame.rename(columns=dict(zip(frame.columns, ["hand", "price", "city", "x", "date", "zzz"], strict=True)))
    y = np.log(frame["u"] / frame["v"])[:ROWS].to_numpy() + np.random.default_rng(0).normal(size=ROWS)
    one, _ = found_in(tmp_path / "one", frame, y, limit=400)
    two, _ = found_in(tmp_path / "two", other, y, limit=400)
    back = dict(zip(other.columns, frame.columns, strict=True))
    assert {back[c] for c in parse(two[0]).columns} == set(parse(one[0]).columns)


def test_equal_screenings_are_equal(tmp_path: Path) -> None:
    frame = table()
    y = (frame["u"] / frame["v"])[:ROWS].rank().to_numpy()
    assert found_in(tmp_path / "a", frame, y, 300) == found_in(tmp_path / "b", frame, y, 300)


def test_families_of_like_columns() -> None:
    rng = np.random.default_rng(0)
    like = {name: profile_of(rng.integers(1, 14, 500).astype(float)) for name in ("p", "q", "r")}
    other = {"s": profile_of(rng.normal(size=500))}
    assert families({**like, **other}) == [("p", "q", "r")]
    assert families({f"m{i}": Profile(0, 10.0**i, 500, False, 0.0) for i in range(1, 4)}) == [("m1", "m2", "m3")]
    assert profile_of(np.full(5, np.nan)).distinct == 0


def test_trees_use_what_helps_only_in_company_and_not_noise(tmp_path: Path) -> None:
    frame = table()
    y = (np.sign(np.log(frame["u"])) * np.sign(np.log(frame["v"])))[:ROWS].to_numpy(copy=True)[:, None]
    y += np.random.default_rng(0).normal(scale=0.3, size=y.shape)
    store = store_of(tmp_path, frame)
    screener = Screener(Sample(store, np.arange(ROWS), y - y.mean(), y))
    trees = Trees(screener, ["number(w)", "code(kind)"], classes=0)
    used = trees.used(["log(u) * log(v)", "digit(u, 4)", "mod(w, 7)"], 5)
    assert used == ["log(u) * log(v)"]


def test_a_step_survives_json(tmp_path: Path) -> None:
    frame = table()
    store = store_of(tmp_path, frame)
    y = (frame["u"] / frame["v"])[:ROWS].rank().to_numpy()[:, None]
    np.savez(tmp_path / "m.npz", rows=np.arange(ROWS), residual=y - y.mean(), target=y)
    request = ScreenRequest(0, tmp_path / "m.npz", ("number(u)", "number(v)"), schema_of(frame, []), 0, limit=200)
    result = screen(store, request, 0.0, float("inf"))
    assert result.picks
    assert ScreenResult.from_dict(result.as_dict()) == result


def test_importance_is_shared_among_columns() -> None:
    assert columns_of({"u / v": 0.6, "number(u)": 0.3, "svd(tfidf(t), 2)[1]": 0.1}) == pytest.approx(
        {"u": 0.6, "v": 0.3, "t": 0.1}
    )


def test_past_targets_are_far_enough_back_to_be_known(tmp_path: Path) -> None:
    frame = table()
    store = store_of(tmp_path, frame)
    screener = Screener(Sample(store, np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    schema = schema_of(frame, [])
    assert not any(f.op == "target_lag" for f in Candidates(schema, screener.sample.frame, Hints()).all())
    candidates = [
        f
        for f in Candidates(schema, screener.sample.frame, Hints(), ahead=("when", 30.0)).all()
        if f.op == "target_lag"
    ]
    assert {str(k) for f in candidates for k in f.by} >= {"shop", "kind"}
    assert all(str(f.args[0]) == "when" and f.args[1] >= 30 for f in candidates)


def test_where_test_lies_ahead_nothing_is_told_of_later_rows(tmp_path: Path) -> None:
    frame = table()
    screener = Screener(Sample(store_of(tmp_path, frame), np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))

    def later(ahead: tuple[str, float] | None) -> set[str]:
        candidates = Candidates(schema_of(frame, []), screener.sample.frame, Hints(), ahead=ahead).all()
        return {f.op for f in candidates if f.op == "until_next" or (f.op == "lag" and f.args[2] < 0)}

    assert later(None) == {"until_next", "lag"}
    assert later(("when", 30.0)) == set()


def test_columns_that_trees_split_on_together_are_crossed_first(tmp_path: Path) -> None:
    frame = table()
    screener = Screener(Sample(store_of(tmp_path, frame), np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    hints = Hints(pairs=(("kind", "shop"),), triples=(("kind", "u", "shop"),))
    candidates = [str(f) for f in Candidates(schema_of(frame, []), screener.sample.frame, hints).all()]
    crosses = [t for t in candidates if t.startswith("target_mean(") and "×" in t and "hour" not in t]
    assert crosses[0] == "target_mean(kind × shop)"
    assert next(t for t in crosses if t.count("×") == 2) == "target_mean(bin(u, 16) × kind × shop)"


def test_rows_of_two_keys_are_ordered_where_each_alone_has_several_of_a_time(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=100)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame([(d, f"s{s}", f"p{p}") for d in days for s in range(6) for p in range(5)])
    frame.columns = ["when", "shop", "product"]
    frame["price"] = rng.normal(size=len(frame))
    store = store_of(tmp_path, frame)
    screener = Screener(Sample(store, np.arange(2000), np.ones((2000, 1)), np.ones((2000, 1))))
    candidates = [f for f in Candidates(schema_of(frame, []), screener.sample.frame, Hints()).all() if f.op == "lag"]
    assert {str(k) for k in candidates[0].by} == {"shop", "product"}


def test_what_was_adopted_is_built_upon(tmp_path: Path) -> None:
    frame = table()
    screener = Screener(Sample(store_of(tmp_path, frame), np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    given: list[str] = []

    def further(best):
        given.extend(map(str, best))
        return ()

    screener.run(
        [parse("number(v)")],
        ("number(u)", "u / v", "target_mean(shop)", "target_mean(kind × shop)"),
        further,
    )
    assert given[:2] == ["u / v", "target_mean(kind × shop)"]


def test_what_is_nested_as_deep_as_the_language_allows_is_not_built_upon(tmp_path: Path) -> None:
    """Compositions of such a feature of the model, which a person may force, were too deep and ended the step."""
    frame, deep = table(), "u + v"
    for _ in range(MOST_DEPTH - parse(deep).depth):
        deep = f"abs({deep})"
    assert parse(deep).depth == MOST_DEPTH
    screener = Screener(Sample(store_of(tmp_path, frame), np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    sources: list[str] = []

    def compose(features):
        sources.extend(map(str, features))
        return [feature("abs", f) for f in features]

    screener.run([parse("number(v)")], (deep, "u / v"), compose)
    assert sources[0] == "u / v"


def test_a_key_of_many_values_does_not_seem_to_go_with_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    n = 30_000
    levels = rng.integers(0, 2500, n)
    frame = pd.DataFrame({"key": levels.astype(str), "noise": rng.integers(0, 4, n).astype(str)})
    frame["a"], frame["b"] = rng.integers(0, 5, n).astype(str), rng.integers(0, 5, n).astype(str)
    y = rng.normal(size=2500)[levels] + rng.normal(size=25)[5 * frame["a"].astype(int) + frame["b"].astype(int)]
    y = (y + rng.normal(size=n))[:, None]
    store = FeatureStore.create(tmp_path, "f", frame[:-10], frame[-10:].reset_index(drop=True))
    screener = Screener(Sample(store, np.arange(n - 10), (y - y.mean())[:-10], y[:-10]))
    crosses = (screener.sample.score(parse(t)) for t in ("target_mean(key × noise)", "target_mean(a × b)"))
    noise, real = (scored.synergy for scored in crosses if scored is not None)
    assert noise < 0.02
    assert real > 0.1


def test_points_are_told_by_ranges_and_not_by_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = ROWS + TEST
    frame = pd.DataFrame(
        {"p": rng.normal(40.7, 0.05, n), "q": rng.normal(-73.9, 0.05, n), "size": rng.lognormal(size=n)}
    )
    frame["r"], frame["s"] = rng.normal(40.7, 0.05, n), rng.normal(-73.9, 0.05, n)
    screener = Screener(Sample(store_of(tmp_path, frame), np.arange(ROWS), np.ones((ROWS, 1)), np.ones((ROWS, 1))))
    candidates = [str(f) for f in Candidates(schema_of(frame, []), screener.sample.frame, Hints()).all()]
    assert {"haversine(p, q, r, s)", "haversine(q, p, s, r)", "hypotenuse(p - r, q - s)", "p - r"} <= set(candidates)
    assert not any("size" in text and "haversine" in text for text in candidates)


def test_digits_are_looked_at_of_the_most_important_columns_alone(tmp_path: Path) -> None:
    """Else a table of a thousand columns is through its time before any two of them are seen together."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": rng.normal(size=400) for i in range(150)})
    store = FeatureStore.create(tmp_path, "f", frame[:300], frame[300:])
    screener = Screener(Sample(store, np.arange(300), np.zeros((300, 1)), np.zeros((300, 1))))
    candidates = Candidates(
        schema_of(frame, []), screener.sample.frame, Hints(importance={f"x{i}": i for i in range(150)})
    ).columns
    texts = [str(f) for f in single(candidates)]
    spelt = {f"x{i}" for i in range(150) if f"fraction(x{i})" in texts}
    assert spelt == {f"x{i}" for i in range(150 - MAX_SPLIT_COLUMNS, 150)}
    assert all(f"count(x{i})" in texts for i in range(150))


@pytest.mark.parametrize(("words", "parted"), [(8, True), (200, False)])
def test_pages_of_text_have_no_parts(tmp_path: Path, words: int, parted: bool) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["apple", "pear", "plum", "cherry"], words)) for _ in range(300)]
    frame = pd.DataFrame({"t": [f"{i} {text}" for i, text in enumerate(texts)]})
    store = FeatureStore.create(tmp_path, "f", frame[:200], frame[200:])
    screener = Screener(Sample(store, np.arange(200), np.zeros((200, 1)), np.zeros((200, 1))))
    card = describe_columns(frame[:200], frame[200:])
    candidates = [str(f) for f in single(Candidates(schema_of(frame, card), screener.sample.frame, Hints()).columns)]
    assert {"words(t)", "target_linear(tfidf(t))"} <= set(candidates)
    assert any("part(t" in f for f in candidates) == parted
