"""The page on a run: its numbers are the ledger's, what comes from data is text, nothing is locked or loaded."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medalist.agent.cli.main import main
from medalist.agent.records.outbox import Outbox
from medalist.agent.report.run_report import write_report
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.lookup import board_for
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.boards.standing import Standing, percentage, standing_on_board
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import Operation
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x1b[31m=cmd()\u202eabc{{ 7*7 }}$x^2$"
ROWS = 200


class Page(HTMLParser):
    """Elements and text of a page; scripts and styles are not text."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - as the base class has it
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.words.append(data)


def recorded_run(
    runs: Path, name: str = "made", problem_type: str = "binary", hostile: str = "", experiments: int = 3
) -> str:
    """A finished run in a ledger of its own, with predictions in its folder; returns its id. hostile: stands in every
    text that may come from data."""
    rng = np.random.default_rng(0)
    runs.mkdir(parents=True, exist_ok=True)
    metric = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}[problem_type]
    classes = {"binary": ["0", "1"], "multiclass": ["a", "b", "c"], "regression": []}[problem_type]
    classes = [c + hostile for c in classes]
    column = f"number(`{hostile or 'x'}`)" if hostile else "number(x)"
    pipeline = {"features": [column], "family": "lightgbm", "params": {"rounds": 10, "note": hostile}, "seed": 0}
    task = {
        "targets": ["y" + hostile],
        "problem_type": problem_type,
        "metric": metric,
        "classes": classes,
        "id": ["id"],
    }
    with Ledger(runs / "ledger.sqlite") as ledger:
        run = ledger.unused_run_id()
        folder = runs / name / run
        (folder / "predictions").mkdir(parents=True)
        (folder / "work").mkdir()
        ledger.start_run(name, {"runs_dir": str(runs)}, task | {"folds": {}}, "f", 0, folder, run)
        y = {
            "binary": rng.integers(0, 2, (ROWS, 1)),
            "multiclass": rng.integers(0, 3, (ROWS, 1)),
            "regression": rng.normal(size=(ROWS, 1)),
        }[problem_type].astype(float)
        np.save(folder / "work" / "targets.npy", y)
        np.savez(folder / "work" / "folds_search.npz", valid_0=np.arange(0, ROWS, 2), valid_1=np.arange(1, ROWS, 2))
        for number in range(experiments):
            ledger.record_experiment(
                run,
                ExperimentRow(
                    number=number,
                    pipeline=pipeline,
                    pipeline_hash=f"h{number}",
                    family="lightgbm",
                    reason=f"idea {number} {hostile}",
                    verdict="crash" if number == 2 else "keep",
                    verdict_reason=f"because {hostile}",
                    score=None if number == 2 else 0.7 + number / 1000,
                    standard_error=None if number == 2 else 0.0125,
                    error=f"Error {hostile}" if number == 2 else None,
                    gain_in_noise=0.5,
                    run_seconds=10.0 * (number + 1),
                ),
            )
            if number < 2:
                p = rng.uniform(size=(ROWS, 3 if problem_type == "multiclass" else 1)) * 0.5 + 0.25
                p = p / p.sum(axis=1, keepdims=True) if problem_type == "multiclass" else (p + y) / 2
                np.save(folder / "predictions" / f"{number}.oof.npy", p)
                names, values = np.array([column]), np.array([1.0])
                np.savez(folder / "predictions" / f"{number}.npz", names=names, importance=values)
        ledger.add_features(run, [FeatureRow(text=column, shape="s", step=0, status="kept", gain=0.01, reason=hostile)])
        made = {"ensemble": {"0": 0.75, "1": 0.25}, "space": "mean"}
        ledger.add_submission(run, {"constant": 1}, folder / "submission.csv", "a" * 64, 0.5, None, "a constant")
        ledger.add_submission(run, made, folder / "submission.csv", "b" * 64, 0.71234, 0.0125, f"blend {hostile}")
        finding = {"kind": "drift", "severity": "warning", "columns": [hostile or "x"], "message": f"Drifts {hostile}"}
        ledger.finish_run(
            run,
            "finished",
            {
                "run": run,
                "score": 0.71234,
                "standard_error": 0.0125,
                "confirmed_on_fresh_folds": True,
                "constant_score": 0.5,
                "seconds": 61.0,
                "audit": [finding],
                "next": f"more of {hostile or 'the same'}",
                "standing": None,
                "text": "done",
            },
        )
    return run


def written(runs: Path, run: str) -> tuple[str, Page]:
    """The HTML of the report on a run, and its elements."""
    html = write_report(run, str(runs)).read_text(encoding="utf-8")
    return html, Page(html)


@pytest.mark.parametrize("problem_type", ["binary", "multiclass", "regression"])
def test_numbers_are_those_of_the_ledger(tmp_path: Path, problem_type: str) -> None:
    run = recorded_run(tmp_path, problem_type=problem_type)
    html, page = written(tmp_path, run)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        experiments, submissions = ledger.experiments(run), ledger.submissions(run)
    for e in experiments:
        assert e.score is None or f"{e.score:.6g}" in page.text
        assert e.reason.strip() in page.text
    assert f"{submissions[-1].score:.6g} ± {submissions[-1].standard_error:.2g}" in page.text
    assert "confirmed on fresh folds" in page.text
    assert [tag for tag, _ in page.elements].count("svg") >= 2
    if problem_type != "regression":  # every evaluated row is in the table of confusion once
        table = html[html.index('<table class="confusion">') :].partition("</table>")[0]
        counts = re.findall(r'class="n (?:right|wrong)"[^>]*>([\d,]+)<', table)
        assert sum(int(c.replace(",", "")) for c in counts) == ROWS


def test_a_page_loads_nothing_and_stays_small(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, experiments=60)
    html, page = written(tmp_path, run)
    assert len(html.encode()) < 3_000_000
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "img", "base")
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_without_matplotlib_the_page_is_written_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_run(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it is not installed
    html, page = written(tmp_path, run)
    assert "pip install matplotlib" in page.text
    assert html.count("<figcaption>") >= 2
    assert "svg" not in [tag for tag, _ in page.elements]


def test_every_picture_has_a_text_alternative_and_ids_are_unique(tmp_path: Path) -> None:
    _, page = written(tmp_path, recorded_run(tmp_path))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in (e for e in page.elements if e[0] == "svg"):
        assert attributes["role"] == "img"
        assert set((attributes["aria-labelledby"] or "").split()) <= set(ids)
    for _, attributes in (e for e in page.elements if (e[1].get("href") or "").startswith("#")):
        assert (attributes["href"] or "")[1:] in ids


@pytest.mark.parametrize("problem_type", ["binary", "multiclass", "regression"])
def test_hostile_names_are_text(tmp_path: Path, problem_type: str) -> None:
    run = recorded_run(tmp_path, problem_type=problem_type, hostile=EVIL)
    html, page = written(tmp_path, run)
    plain = recorded_run(tmp_path / "plain", problem_type=problem_type)
    _, harmless = written(tmp_path / "plain", plain)
    kinds = sorted({tag for tag, _ in harmless.elements})
    assert sorted({tag for tag, _ in page.elements}) == kinds
    assert [t for t, _ in page.elements].count("script") == 1
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "{{ 7*7 }}" in page.text
    assert "$x^2$" in page.text


def test_looking_writes_nothing_but_the_page(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    writer = sqlite3.connect(tmp_path / "ledger.sqlite")  # as a run that is in the middle of a transaction
    writer.execute("BEGIN IMMEDIATE")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file() and "ledger" not in p.name}
    out = tmp_path / "elsewhere.html"
    write_report(run, str(tmp_path), out)
    writer.rollback()
    writer.close()
    after = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file() and "ledger" not in p.name}
    assert after == before | {out: out.stat().st_mtime_ns}


def test_what_is_gone_is_left_out(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    for path in (tmp_path / "made" / run / "work").glob("*"):
        path.unlink()
    _, page = written(tmp_path, run)
    assert "How the predictions miss" not in page.text
    assert "0.71234" in page.text
    broken = tmp_path / "made" / run / "predictions" / "0.npz"
    broken.write_bytes(broken.read_bytes()[:40])
    assert "0.71234" in written(tmp_path, run)[1].text


def test_the_command_writes_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded_run(tmp_path)
    assert _exit_code("report", run[:12], "--runs-dir", str(tmp_path), "--json") == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert Path(said["report"]) == (tmp_path / "made" / run / "report.html").resolve()
    assert _exit_code("report", "nothing-of-that-name", "--runs-dir", str(tmp_path)) == 2
    assert "nothing-of-that-name" in capsys.readouterr().err
    with pytest.raises(LedgerError):
        write_report("nothing", str(tmp_path))


def _exit_code(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code


def test_a_run_that_has_just_begun_has_a_page(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        task = {"targets": ["y"], "problem_type": "binary", "metric": "auc", "classes": ["0", "1"]}
        run = ledger.start_run("new", {"runs_dir": str(tmp_path)}, task, "f", 0, tmp_path / "new" / "run")
    place = write_report(run, str(tmp_path), tmp_path / "page.html")  # its folder is not there yet
    page = Page(place.read_text(encoding="utf-8"))
    assert "no score yet" in page.text
    assert "still at work" in page.text


def test_the_standing_comes_with_its_interval_and_the_field(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, name="titanic", problem_type="multiclass")  # scored by accuracy, as its leaderboard is
    assert 'id="figure-field-' not in written(tmp_path, run)[0]
    standing = standing_on_board(0.79, board_for("titanic", "accuracy", True), "cross-validation", 0.0125)
    assert isinstance(standing, Standing)
    assert standing.percentile_interval is not None
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        summary = ledger.run(run).summary | {"score": 0.79, "standing": asdict(standing)}
        ledger.finish_run(run, "finished", summary)
    html, page = written(tmp_path, run)
    low, high = standing.percentile_interval
    assert percentage(standing.percentile) in page.text
    assert f"between {percentage(low)} and {percentage(high)}" in page.text
    assert f'id="figure-field-{run}-' in html
    board = board_for("titanic", "accuracy", True)
    assert isinstance(board, Board)
    leaked = [medal for medal in MEDALS if board.leaked(board.threshold(medal))]
    assert leaked  # scores that only leaked answers have
    for medal, chance in (standing.probabilities or {}).items():
        shown = re.search(f"{medal} [\\d.]+ {re.escape(percentage(chance))}", page.text)
        assert bool(shown) == (medal not in leaked), medal
    assert f"No zone is drawn for {', '.join(leaked)}" in page.text


def test_while_a_run_goes_on_its_present_score_has_a_standing(tmp_path: Path) -> None:
    task = {"targets": ["Survived"], "problem_type": "binary", "metric": "accuracy", "classes": ["0", "1"]}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run = ledger.start_run("titanic", {"runs_dir": str(tmp_path)}, task, "f", 0, tmp_path / "titanic" / "run")
        made = {"ensemble": {"0": 1.0}, "space": "mean"}
        ledger.add_submission(run, made, tmp_path / "submission.csv", "b" * 64, 0.79, 0.0125, "a blend")
    html = write_report(run, str(tmp_path), tmp_path / "page.html").read_text(encoding="utf-8")
    board = board_for("titanic", "accuracy", True)
    assert isinstance(board, Board)
    assert "The estimate so far, on the folds of the search, beats or ties" in Page(html).text
    assert percentage(board.percentile(0.79)) in Page(html).text
    assert f'id="figure-field-{run}' in html


def test_rows_that_wait_for_the_ledger_are_counted(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    assert "for the ledger" not in written(tmp_path, run)[1].text
    outbox = Outbox(tmp_path / "made" / run, None)
    outbox.open()
    for number in (7, 8):
        row = ExperimentRow(
            number=number,
            pipeline={},
            pipeline_hash="h",
            family="linear",
            reason="r",
            verdict="keep",
            verdict_reason="",
        )
        outbox.append(Operation.of("record_experiment", run, row=row))
    outbox.close()
    assert "2 rows wait in the run's folder for the ledger" in written(tmp_path, run)[1].text
