"""benchmarks/understanding.py and inspect_speed.py: what they call right, how they score, what they print."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import inspect_speed
import understanding
from case import CASES
from make_cases import as_table

from medalist.agent.cli.main import main


def call(module, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()
    return capsys.readouterr().out


def in_process(*arguments):
    """What `holdout_scores.medalist` returns, without a process of its own, which takes seconds."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code, out.getvalue(), err.getvalue()


@pytest.fixture
def plain_case(tmp_path):
    """A folder of one case, and what is right of it."""
    expected = CASES["quoted-ids"].make(tmp_path / "cases" / "one")
    return tmp_path / "cases", as_table(expected)


def expect(folder, right):
    (folder / "expectations.yaml").write_text(yaml.safe_dump({"one": right}))


def test_what_is_right_is_called_right_and_each_difference_is_told(plain_case, monkeypatch, capsys, tmp_path):
    folder, right = plain_case
    monkeypatch.setattr(understanding, "medalist", in_process)
    document, refusal = understanding.inspect(folder / "one" / "public")
    assert refusal == ""
    assert understanding.differences(document, right) == []
    others = {
        "train": 1,
        "test": 1,
        "id": ["x"],
        "targets": ["x"],
        "columns": ["x"],
        "positive": "x",
        "classes": ["x"],
        "fold_column": "x",
        "transform": "log",
        "metric": ["auc"],
        "problem": ["binary"],
        "folds": ["time"],
        "kinds": {"size": ["text"]},
        "distinct": {"size": 1},
        "features": ["x"],
        "extra": ["x.csv"],
        "horizon": [1, 2],
    }
    for name, value in others.items():
        assert len(understanding.differences(document, right | {name: value})) == 1, name
    results = tmp_path / "rows.jsonl"
    arguments = [folder, "--inspect-only", "--results", results]
    expect(folder, right | {"metric": ["auc"]})
    assert "0 of 1 are understood" in call(understanding, monkeypatch, capsys, *arguments)
    expect(folder, right)
    assert "1 of 1 are understood" in call(understanding, monkeypatch, capsys, *arguments, "--again")
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["verdict"] for row in rows] == ["wrong", "right"]
    assert "1 of 1" in call(understanding, monkeypatch, capsys, *arguments, "--table")  # the last row counts
    assert len(results.read_text().splitlines()) == 2


def test_a_refusal_is_right_where_its_words_are(tmp_path, monkeypatch):
    monkeypatch.setattr(understanding, "medalist", in_process)
    (tmp_path / "train.csv").write_text("a,b\n")
    assert understanding.look(tmp_path, {})["verdict"] == "refused"
    assert understanding.look(tmp_path, {"refusal": "train"})["verdict"] == "refused, rightly"
    assert understanding.look(tmp_path, {"refusal": "something else"})["verdict"] == "refused"


def test_a_submission_is_scored_in_the_form_of_its_sample(tmp_path):
    answers, submission = tmp_path / "answers.csv", tmp_path / "submission.csv"
    answers.write_text("Nr,Preis\n7,1.5\n8,2.5\n")
    right = {"columns": ["Nr", "Preis"], "score": "mae", "form": {"sep": ";", "decimal": ",", "encoding": "cp1252"}}
    submission.write_bytes("Nr;Preis\n8;2,0\n7;2,5\n".encode("cp1252"))
    assert understanding.score_of(submission, answers, right) == pytest.approx(0.75)
    for wrong in ("Nr;Preis\n8;2.0\n7;2.5\n", "Nr,Preis\n8,2\n7,2\n", "Nr;Preis\n8;2,0\n", "Nr;Preis\n8;2\n9;2\n"):
        submission.write_bytes(wrong.encode("cp1252"))
        with pytest.raises(ValueError, match="the submission has"):
            understanding.score_of(submission, answers, right)


def test_scores_of_labels_probabilities_and_intervals(tmp_path):
    answers, submission = tmp_path / "answers.csv", tmp_path / "submission.csv"
    answers.write_text("id,y\n1,2\n2,1\n3,2\n")
    submission.write_text("id,p\n1,0.1\n2,0.9\n3,0.3\n")
    right = {"columns": ["id", "p"], "score": "auc", "positive": 1}
    assert understanding.score_of(submission, answers, right) == 1.0
    assert understanding.score_of(submission, answers, right | {"positive": "2"}) == 0.0
    submission.write_text("id,y\n1,2\n2,2\n3,2\n")
    right = {"columns": ["id", "y"], "score": "accuracy"}
    assert understanding.score_of(submission, answers, right) == pytest.approx(2 / 3)
    assert understanding.score_of(submission, answers, right | {"score": "f1", "score_positive": "2"}) == 0.8
    assert understanding.score_of(submission, answers, right | {"score": "macro_f1"}) == 0.4
    submission.write_text("id,low,high\n1,1,3\n2,2,4\n3,0,1\n")
    right = {"columns": ["id", "low", "high"], "score": "winkler"}  # widths 2, 2, 1; outside by 0, 1, 1 at 20 each
    assert understanding.score_of(submission, answers, right) == pytest.approx((2 + 22 + 21) / 3)
    assert understanding.winkler(np.array([5.0]), np.array([4.0]), np.array([6.0])) == 2


def test_what_is_not_there_is_skipped_in_a_sentence(tmp_path, monkeypatch, capsys):
    nowhere = tmp_path / "nowhere"
    assert call(understanding, monkeypatch, capsys, nowhere).startswith("Skipped: there is no folder")
    both = ["--before", tmp_path, "--after", tmp_path]
    assert call(inspect_speed, monkeypatch, capsys, nowhere, *both).startswith("Skipped: there is no folder")


def test_two_checkouts_are_compared_by_what_they_print(plain_case, monkeypatch, capsys, tmp_path):
    folder, _ = plain_case
    old, new = tmp_path / "old", tmp_path / "new"
    told = {old: (b'{\n "a": 1\n}\n', 1.0), new: (b'{\n "a": 1\n}\n', 1.5)}
    monkeypatch.setattr(inspect_speed, "inspect", lambda checkout, _: told[checkout])
    arguments = [folder, "--before", old, "--after", new, "--repetitions", "2"]
    out = call(inspect_speed, monkeypatch, capsys, *arguments)
    assert "|one|yes|1.00|1.50|1.500|" in out
    assert "same bytes on 1 of 1" in out
    told[new] = (b'{\n "a": 2\n}\n', 1.0)
    out = call(inspect_speed, monkeypatch, capsys, *arguments)
    assert "|one|NO|" in out
    assert '- "a": 1\n+ "a": 2' in out
    (tmp_path / "one.json").write_bytes(told[new][0])
    assert "same bytes on 1 of 1" in call(inspect_speed, monkeypatch, capsys, *arguments, "--saved", tmp_path)


@pytest.mark.slow
def test_a_checkout_prints_the_same_as_itself(plain_case, monkeypatch, capsys):
    folder, _ = plain_case
    checkout = Path(__file__).parents[2]
    both = ["--before", checkout, "--after", checkout, "--repetitions", "1"]
    assert "same bytes on 1 of 1" in call(inspect_speed, monkeypatch, capsys, folder, *both)


def test_the_table_of_what_is_right_fits_the_script():
    table = yaml.safe_load((Path(understanding.__file__).parent / "understanding.yaml").read_text(encoding="utf-8"))
    scored = {*understanding.NUMBERS, "auc", "f1", "accuracy", "macro_f1"}
    for name, right in table.items():
        assert right.get("score", "mae") in scored, name
        assert right["columns"], name
        assert right["targets"], name
        assert pd.Series(right.get("baselines", {}), dtype=float).notna().all(), name
