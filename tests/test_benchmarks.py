"""The tables of the benchmarks, from small made-up results: what is better, by how much noise, and what is counted."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import ablations
import compare_options
import deadlines
import estimate_gap
import holdout_scores
import leave_out
import peers_table
import run_peers
import score_rows

from medalist.agent.experiment import Proposal, Record
from medalist.leaderboard.boards.own import add_board
from medalist.pipelines.pipeline import Pipeline

FINITE = st.floats(-1e3, 1e3)
METRICS = st.sampled_from(["auc", "rmse", "accuracy", "smape", "mean_auc"])


def own(competition, score, **more):
    """A row as holdout_scores.py writes it."""
    row = {"competition": competition, "budget": "300s", "seed": 0, "options": "", "status": "ok", "metric": "auc"}
    row |= {"score": score, "percentile": None, "medal": None, "estimated": score, "search_score": score}
    return row | {"standard_error": 0.01, "confirmed": True, "wall": 290.0, "fit_share": 0.9, "late": False} | more


def peer(name, competition, score, **more):
    """A row as a driver of other tools writes it."""
    row = {"peer": name, "comp": competition, "budget": 300.0, "seed": 0, "status": "ok", "fit_s": 290.0}
    return row | {"score": score} | more


def write(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def call(module, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()
    return capsys.readouterr().out


def cells(out, first):
    """The cells of the table's line that begins with `first`, by the column's name."""
    lines = [line[1:-1].split("|") for line in out.splitlines() if line.startswith("|")]
    return dict(zip(lines[0], next(line for line in lines if line[0] == first), strict=True))


# score_rows


@settings(deadline=None)
@given(FINITE, FINITE, METRICS)
def test_a_gain_is_positive_where_the_second_is_better_and_turns_with_the_order(a, b, metric):
    assert score_rows.gain(a, b, metric) == -score_rows.gain(b, a, metric)
    higher = metric not in ("rmse", "smape")
    assert (score_rows.gain(a, b, metric) > 0) == (b > a if higher else b < a)


def test_the_noise_of_a_holdout_score_follows_from_the_row_counts_and_is_twice_the_estimates_without():
    assert score_rows.holdout_error(own("a", 0.8)) == pytest.approx(0.02)
    assert score_rows.holdout_error(own("a", 0.8, train_rows=900, test_rows=100)) == pytest.approx(0.03)
    for unknown in (None, 0.0, math.nan):
        assert math.isnan(score_rows.holdout_error(own("a", 0.8, standard_error=unknown)))
    rows = [own("a", 0.8), own("a", 0.8, standard_error=0.03), own("a", 0.8, standard_error=None)]
    assert score_rows.noise_of(rows) == pytest.approx(0.04)


def test_the_last_row_of_a_run_counts(tmp_path):
    path = write(tmp_path / "rows.jsonl", [own("a", 0.7), own("b", 0.6), own("a", 0.8), own("a", 0.9, seed=1)])
    rows = score_rows.latest(score_rows.read_rows(path), "competition", "seed")
    assert [(r["competition"], r["seed"], r["score"]) for r in rows] == [("a", 0, 0.8), ("b", 0, 0.6), ("a", 1, 0.9)]


# peers_table


@settings(deadline=None)  # the first example imports SciPy
@given(st.lists(st.none() | FINITE, min_size=1, max_size=8), st.booleans())
def test_ranks_are_those_of_the_scores_with_failures_last(scores, greater_is_better):
    found = peers_table.ranks(scores, greater_is_better)
    assert sum(found) == pytest.approx(len(scores) * (len(scores) + 1) / 2)
    for a, rank_a in zip(scores, found, strict=True):
        for b, rank_b in zip(scores, found, strict=True):
            if a == b:
                assert rank_a == rank_b
            elif b is None or (a is not None and (a > b) == greater_is_better):
                assert rank_a < rank_b
            else:
                assert rank_a > rank_b


def test_average_ranks_are_over_the_competitions_where_every_tool_was_run():
    rows = [own("a", 0.8), own("b", 0.3, metric="rmse"), own("c", 0.9)]
    peers = [peer("x", "a", 0.7), peer("y", "a", 0.75), peer("x", "b", 0.2), peer("y", "b", None, status="failed")]
    found = peers_table.contests(rows, [*peers, peer("x", "c", 0.95)], {"a": "auc", "b": "rmse", "c": "auc"})
    means, count = peers_table.average_ranks(found, ["medalist", "x", "y"])
    assert count == 2
    assert means == [1.5, 2.0, 2.5]  # ranks 1, 3, 2 on a; 2, 1, 3 on b, where less is better and y failed


def test_bars_count_who_is_ahead_and_by_more_than_the_noise():
    rows = [own(c, 0.8) for c in "abcdef"]  # a noise of 0.02 each
    scores = {"a": 0.79, "b": 0.7, "c": 0.81, "d": 0.9, "e": 0.8}
    peers = [peer("x", c, s, fit_s=316.0 if c == "a" else 314.0) for c, s in scores.items()]
    found = peers_table.contests(rows, [*peers, peer("x", "f", None, status="timeout")], dict.fromkeys("abcdef", "auc"))
    assert peers_table.bars(found, "x") == peers_table.Bars(
        compared=5, ahead=2, ahead_beyond=1, behind=2, behind_beyond=1, failed=1, late=1
    )
    assert [peers_table.winner(c) for c in found] == ["medalist", "**medalist**", "x", "**x**", "medalist, x", ""]


def test_a_failure_of_the_agents_own_is_counted_not_dropped():
    rows = [own("a", 0.8, seed=1), {"competition": "b", "budget": "300s", "seed": 0, "status": "exit 1: broken"}]
    found = peers_table.contests(rows, [peer("x", "b", 0.6)], {"a": "auc", "b": "auc"})
    assert [peers_table.cell(c, "medalist") for c in found] == ["0.8", "failed"]
    counts = peers_table.bars(found, "x")
    assert (counts.compared, counts.own_failed) == (0, 1)
    assert peers_table.average_ranks(found, ["medalist", "x"]) == ([2.0, 1.0], 1)


@pytest.mark.parametrize(("metric", "best"), [("auc", 0.7), ("rmse", 0.6)])
def test_the_best_preset_stands_for_its_family(metric, best):
    peers = [peer("x:fast", "a", 0.6), peer("x:slow", "a", 0.7), peer("x:broken", "a", None, status="failed")]
    [found] = peers_table.contests([own("a", 0.65, metric=metric)], [*peers, peer("y", "a", None)], {"a": metric})
    chosen = peers_table.best_presets(found)
    assert list(chosen.entries) == ["medalist", "x", "y"]
    assert chosen.entries["x"].score == best
    assert chosen.entries["y"].score is None


def test_peers_are_placed_among_humans_and_late_ones_marked(tmp_path, monkeypatch, capsys):
    board = tmp_path / "board.csv"
    board.write_text("\n".join(str(0.5 + i / 200) for i in range(101)))
    add_board(board, "made-up", True)
    results = write(
        tmp_path / "own.jsonl",
        [
            own("made-up", 0.66, percentile=0.8, medal="bronze"),
            own("made-up", 0.68, percentile=0.9, medal="silver", seed=1),
            own("made-up", 0.1, budget="60s"),
            own("made-up", 0.1, options="--no-stacking"),
            own("no-board", 0.7),
        ],
    )
    peers = [
        peer("x:fast", "made-up", 0.6, fit_s=320.0),
        peer("x:slow", "made-up", 0.99),
        peer("x:slow", "made-up", 0.1, budget=60.0),
        peer("x:fast", "not-ours", 0.5),
    ]
    arguments = ["--results", results, "--peers", write(tmp_path / "peers.jsonl", peers), "--budget", "5m"]
    out = call(peers_table, monkeypatch, capsys, *arguments)
    line = cells(out, "made-up")
    assert line["medalist"] == "0.67 ± 0.01; 85.0% bronze, silver"
    assert line["x:fast"] == "0.6† (-3.5); 20.8%"
    assert line["x:slow"] == "0.99 (+16.0); 98.0% gold"
    assert line["best"] == "**x:slow**"
    assert cells(out, "no-board")["x:fast"] == cells(out, "no-board")["x:slow"] == ""
    assert cells(out, "average rank (1)")["medalist"] == "2.00"
    assert cells(out, "beats, mean (1)")["x:fast"] == "20.8%"
    assert "not-ours" not in out
    fast, slow = (line for line in out.splitlines() if line.startswith("- "))
    assert fast.startswith("- ahead of x:fast on 1 of 1 (beyond noise on 1); behind on 0, beyond noise on 0")
    assert fast.endswith("x:fast was late on 1.")
    assert slow == "- ahead of x:slow on 0 of 1 (beyond noise on 0); behind on 1, beyond noise on 1."
    assert cells(call(peers_table, monkeypatch, capsys, *arguments, "--best-preset"), "made-up")["x"] == line["x:slow"]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [(peers_table, ["--peers", "none.jsonl"]), (estimate_gap, ["--results", "none.jsonl"]),
     (ablations, ["--results", "none.jsonl"]), (holdout_scores, ["none"]),
     (leave_out, ["none", "--competitions", "none"]), (run_peers, ["none", "--driver", "none", "--peers", "flaml"])],
)  # fmt: skip
def test_what_is_not_there_is_skipped(module, arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(module, monkeypatch, capsys, *arguments).startswith("Skipped: there is no")


# estimate_gap


@settings(deadline=None)
@given(METRICS, FINITE, st.floats(-5, 5), st.integers(100, 10_000), st.integers(100, 10_000))
def test_a_gap_is_positive_where_the_estimate_was_too_good_and_in_the_noise_of_both(metric, score, z, train, test):
    noise = 0.01 * math.sqrt(1 + train / test)
    better = 1 if score_rows.gain(0.0, 1.0, metric) > 0 else -1
    row = own("a", score, metric=metric, train_rows=train, test_rows=test)
    assert estimate_gap.gap(row, score + better * z * noise) == pytest.approx(z, abs=1e-6)


@settings(deadline=None)  # the first example imports SciPy
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=12, unique_by=abs))
def test_a_summary_turns_with_the_sign_of_the_gaps(gaps):
    one, other = estimate_gap.summary(gaps), estimate_gap.summary([-g for g in gaps])
    assert one.mean == pytest.approx(-other.mean)
    assert one.median == pytest.approx(-other.median)
    assert one.spread == pytest.approx(other.spread, nan_ok=True)
    assert one.chance == pytest.approx(other.chance)
    assert 0 <= one.chance <= 1
    assert one.optimistic + other.optimistic == sum(g != 0 for g in gaps)
    assert one.beyond_two <= one.optimistic


def test_a_competition_counts_once_however_often_it_was_run():
    rows = [own("a", 0.8, estimated=0.8 + 0.01 * math.sqrt(5), seed=s) for s in range(9)]
    rows += [own("b", 0.8, estimated=0.8 - 0.01 * math.sqrt(5))]
    found = estimate_gap.by_competition(rows)
    assert [(g.label, g.runs) for g in found] == [("a", 9), ("b", 1)]
    assert [g.fresh_gap for g in found] == pytest.approx([1, -1])
    assert estimate_gap.summary([g.fresh_gap for g in found]).mean == pytest.approx(0)
    assert len(estimate_gap.by_run(rows)) == 10


def test_only_what_was_confirmed_has_a_gap_on_fresh_folds_and_only_what_has_a_noise_any(tmp_path, monkeypatch, capsys):
    rows = [
        own("a", 0.3, metric="rmse", search_score=0.2, estimated=0.25),
        own("b", 0.8, search_score=0.9, estimated=0.9, confirmed=False),
        own("c", 0.8, standard_error=None),
        own("d", 0.8, search_score=None),
        {"competition": "e", "budget": "300s", "options": "", "seed": 0, "status": "exit 1"},
    ]
    found = {g.label: g for g in estimate_gap.by_competition(rows)}
    assert list(found) == ["a", "b"]
    assert found["a"].search_gap > found["a"].fresh_gap > 0
    assert found["b"].search_gap > 0
    assert found["b"].fresh_gap is None
    out = call(estimate_gap, monkeypatch, capsys, "--results", write(tmp_path / "own.jsonl", rows), "--runs")
    assert cells(out, "b")["fresh folds"] == cells(out, "b")["gap of fresh"] == ""
    assert cells(out, "a 300s seed 0")["gap of search"] == f"{0.1 / math.sqrt(0.0005):+.2f}"
    told = [line.partition(": mean")[0] for line in out.splitlines() if line.startswith("- ")]
    assert told == [
        "- score of the search",
        "- score of the search, where there is one on fresh folds",
        "- score on fresh folds",
    ]
    assert "optimistic on 2 of 2" in out


def competition_folder(folder):
    """A competition as the benchmarks take it, of 6 rows of train and 3 of test."""
    public = folder / "public"
    public.mkdir(parents=True)
    (public / "train.csv").write_text("id,x,y\n" + "".join(f"{i},{i * 7 % 5},{i % 2}\n" for i in range(6)))
    (public / "test.csv").write_text("id,x\n" + "".join(f"{i},{i * 7 % 5}\n" for i in range(6, 9)))
    (public / "sample_submission.csv").write_text("id,y\n" + "".join(f"{i},0\n" for i in range(6, 9)))


def test_row_counts_are_read_where_a_row_does_not_tell(tmp_path):
    competition_folder(tmp_path / "a")
    rows = [own("a", 0.8), own("a", 0.8, train_rows=10, test_rows=5), own("b", 0.8)]
    counted = estimate_gap.counted(rows, tmp_path)
    assert [(r.get("train_rows"), r.get("test_rows")) for r in counted] == [(6, 3), (10, 5), (None, None)]


# ablations and compare_options


def test_an_ablation_is_paired_by_seed_and_in_the_noise_of_the_base(tmp_path, monkeypatch, capsys):
    cut = {"options": "--no-stacking"}
    rows = [
        own("a", 0.8, percentile=0.5),
        own("a", 0.9, percentile=0.7, seed=1),
        own("a", 0.1, seed=2),  # has no counterpart
        own("a", 0.76, **cut, percentile=0.3, standard_error=1.0),
        own("a", 0.9, **cut, percentile=0.5, seed=1, standard_error=1.0),
        own("b", 0.3, metric="rmse"),
        own("b", 0.2, metric="rmse", **cut),
        own("c", 0.8),
        {"competition": "c", "budget": "300s", "seed": 0, "status": "exit 1", **cut},
        own("a", 0.0, budget="60s", **cut),
    ]
    found = ablations.ablation("--no-stacking", [r for r in rows if r["budget"] == "300s"])
    assert found.changes == pytest.approx({"a": -0.02 / 0.02, "b": 0.1 / 0.02})
    assert (found.better, found.worse, found.failed) == (1, 1, ("c",))
    assert (found.beats, found.base_beats) == pytest.approx((0.4, 0.6))
    assert found.mean == found.median == pytest.approx(2)
    out = call(ablations, monkeypatch, capsys, "--results", write(tmp_path / "own.jsonl", rows))
    line = cells(out, "`--no-stacking`")
    assert (line["a"], line["b"], line["c"]) == ("-1.00", "+5.00", "failed")
    assert line["better / worse"] == "1 / 1, 1 failed"
    assert line["beats (of the base)"] == "40.0% (60.0%)"


@settings(deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=6), METRICS)
def test_an_ablation_turns_with_what_is_taken_as_the_base(scores, metric):
    rows = []
    for i, (a, b) in enumerate(scores):
        rows += [own(f"c{i}", a, metric=metric), own(f"c{i}", b, metric=metric, options="--x")]
    there, back = ablations.ablation("--x", rows), ablations.ablation("", rows, base="--x")
    assert (there.better, there.worse) == (back.worse, back.better)
    assert there.changes == pytest.approx({n: -c for n, c in back.changes.items()})


def test_options_are_compared_on_the_seeds_that_both_have(tmp_path, monkeypatch, capsys):
    rows = [own("a", 0.8), own("a", 0.7, seed=1), own("b", 0.3, metric="rmse")]
    rows += [own("a", 0.78, options="--x"), own("b", 0.2, metric="rmse", options="--x")]
    arguments = ["--results", write(tmp_path / "own.jsonl", rows), "--budget", "300s", "--without=--x"]
    out = call(compare_options, monkeypatch, capsys, *arguments)
    assert (cells(out, "a")["gain"], cells(out, "b")["gain"]) == ("+0.02", "-0.1")
    assert cells(out, "a")["noise of one score"] == "0.02"
    assert "Better on 1 of 2." in out


# leave_out


@pytest.mark.slow
def test_a_part_is_left_out_with_what_is_made_from_it(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)).round(3)
    table = pd.DataFrame(x, columns=list("abc")).assign(
        id=range(400), y=x[:, 0] ** 2 + x[:, 1] + rng.normal(0, 0.1, 400)
    )
    public, private = tmp_path / "ones" / "public", tmp_path / "ones" / "private"
    public.mkdir(parents=True)
    private.mkdir()
    table[:300].to_csv(public / "train.csv", index=False)
    table[300:].drop(columns="y").to_csv(public / "test.csv", index=False)
    table.loc[300:, ["id", "y"]].assign(y=0).to_csv(public / "sample_submission.csv", index=False)
    table.loc[300:, ["id", "y"]].to_csv(private / "answers.csv", index=False)
    kept = tmp_path / "kept"
    arguments = ["--max-experiments", "8", "--threads", "1", "--metric", "rmse", "--no-feature-search"]
    families = ["--families", "linear,lightgbm"]
    code, _, err = holdout_scores.medalist("run", str(public), *arguments, *families, "--runs-dir", str(kept))
    assert code == 0, err
    rows = {r["options"]: r for r in leave_out.measure(kept, tmp_path)}
    assert {"nothing", "linear", "lightgbm", "post-processing"} <= set(rows)
    good = [r for r in rows.values() if r["status"] == "ok"]
    assert all(np.isfinite(r["score"]) and (r["train_rows"], r["test_rows"]) == (300, 100) for r in good)
    assert rows["lightgbm"]["score"] > 1.1 * rows["nothing"]["score"]  # a linear model sees no square
    assert rows["lightgbm"]["experiments"] + rows["linear"]["experiments"] <= 8


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=8), st.data())
def test_nothing_is_left_that_is_made_from_what_is_gone(families, data):
    records: list[Record] = []
    for number, family in enumerate(families):
        some = st.sets(st.sampled_from([r.pipeline.hash for r in records])) if records else st.just(set())
        pipeline = Pipeline.of(("x",), family, {"number": number}, stacked=sorted(data.draw(some)))
        records.append(Record(number, Proposal(pipeline, "", None, "portfolio"), "keep", ""))
    left = leave_out.without(records, lambda r: r.pipeline.family == "a")
    hashes = {r.pipeline.hash for r in left}
    assert all(r.pipeline.family == "b" and set(r.pipeline.bases) <= hashes for r in left)
    gone = [r for r in records if r.pipeline.hash not in hashes]
    assert all(r.pipeline.family == "a" or not set(r.pipeline.bases) <= hashes for r in gone)


# run_peers


def test_a_peer_gets_one_target_and_no_column_that_test_lacks(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "all" / "two"
    competition_folder(folder)
    train = pd.read_csv(folder / "public" / "train.csv").assign(z=1, leak="0.10")
    train.to_csv(folder / "public" / "train.csv", index=False)
    sample = pd.read_csv(folder / "public" / "sample_submission.csv").assign(z=0)
    sample.to_csv(folder / "public" / "sample_submission.csv", index=False)
    (folder / "private").mkdir()
    sample.to_csv(folder / "private" / "answers.csv", index=False)
    task = {"id_col": "id", "target": "y", "targets": ["y", "z"], "metric": "mean_auc", "problem_type": "binary"}
    (folder / "task.json").write_text(json.dumps(task))
    driver = tmp_path / "driver"
    driver.mkdir()
    (driver / "bench.py").write_text(DRIVER)
    monkeypatch.setattr(run_peers, "PEERS_HOME", tmp_path / "peers")
    python = tmp_path / "peers" / "lgbm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    results = tmp_path / "peers.jsonl"
    arguments = ["--driver", driver, "--peers", "one", "--results", results, "--budget", "30"]
    call(run_peers, monkeypatch, capsys, tmp_path / "all", *arguments)
    call(run_peers, monkeypatch, capsys, tmp_path / "all", *arguments)  # what is there is not run again
    (row,) = score_rows.read_rows(results)
    assert (row["peer"], row["comp"], row["budget"], row["targets"], row["status"]) == ("one", "two", 30.0, 2, "ok")
    assert (row["score"], row["fit_s"]) == (pytest.approx((1 + 2) / 2), 20.0)
    assert row["seen"] == [["id", "x", "y"], ["id", "y"], "auc", 15.0]


DRIVER = """
import json, sys
from pathlib import Path
told = dict(zip(sys.argv[1::2], sys.argv[2::2]))
folder = Path(told["--comp"])
task = json.loads((folder / "task.json").read_text())
heads = [(folder / p).read_text().split()[0].split(",") for p in ("public/train.csv", "private/answers.csv")]
row = {"peer": told["--peer"], "comp": folder.name, "budget": float(told["--budget"]), "seed": int(told["--seed"])}
row |= {"status": "ok", "score": 1.0 if task["target"] == "y" else 2.0, "fit_s": 10.0}
row["seen"] = [*heads, task["metric"], float(told["--budget"])]
Path(told["--log"]).write_text(json.dumps(row))
"""


# holdout_scores


def test_a_kept_run_loses_only_what_was_computed(tmp_path):
    with holdout_scores.runs_dir(tmp_path, "one") as runs:
        for name in ("one/features/x", "one/run/predictions"):
            (Path(runs) / name).mkdir(parents=True)
    assert sorted(p.name for p in (tmp_path / "one" / "one").iterdir()) == ["run"]
    with holdout_scores.runs_dir(None, "one") as runs:
        assert Path(runs).is_dir()
    assert not Path(runs).exists()


def test_the_share_of_busy_cores_is_shown_where_rows_tell_it(tmp_path, monkeypatch, capsys):
    rows = [
        own("new", 0.8, wall=100.0, workers=2, busy_seconds=150.0),
        own("old", 0.8),
        {"competition": "broken", "budget": "300s", "seed": 0, "options": "", "status": "exit 1: one\n  two"},
    ]
    results = write(tmp_path / "own.jsonl", rows)
    only = ["--only", "new", "old", "broken"]
    out = call(
        holdout_scores, monkeypatch, capsys, tmp_path, "--results", results, "--budget", "300s", "--table", *only
    )
    assert [cells(out, c)["busy"] for c in ("new", "old", "broken")] == ["75%", "", ""]
    assert cells(out, "broken")["metric"] == "exit 1: one two"


# deadlines


def deadline_row(condition="plain", **more):
    """A row as deadlines.py writes it."""
    row = {"condition": condition, "data": "tiny", "budget": 20.0, "seconds": 19.6, "asleep": 0.0, "allowed": 20.0}
    row |= {"late": False, "exit_code": 0, "said": "", "traceback": False, "orphans": 0, "valid": True}
    row |= {"made_from": "ensemble", "resume": 0, "resume_seconds": 19.7, "resume_valid": True}
    return row | more


@pytest.mark.parametrize(
    ("flaw", "shown"),
    [
        ({"late": True}, "LATE"),
        ({"orphans": 2}, "2 LEFT"),
        ({"traceback": True}, "TRACEBACK"),
        ({"valid": False}, "NONE"),
        ({"resume_seconds": 25.0}, "25.0 s"),
        ({"resume": "late", "resume_seconds": 80.0}, "late"),
    ],
)
def test_a_flaw_of_a_deadline_is_shown_and_counted(flaw, shown):
    rows = [deadline_row(), deadline_row("a fit hangs", **flaw)]
    out = deadlines.table(rows)
    (line,) = (line for line in out.splitlines() if "a fit hangs" in line)
    assert shown in line
    assert out.endswith(f"2 rows: {int('late' in flaw)} late, 1 with any flaw.")


def test_of_a_deadline_that_was_run_twice_the_last_row_counts():
    out = deadlines.table([deadline_row(late=True), deadline_row()])
    assert out.endswith("1 rows: 0 late, 0 with any flaw.")
