"""docs/python.md: its examples run, one after another, with counts of experiments in place of budgets."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

import medalist
from medalist.competitions.demo.late_parcels import write_demo

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"
BLOCKS = re.compile(r"^```py\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def quickly(text: str) -> str:
    """An example with one experiment of the fastest family in place of each budget."""
    said = re.sub(r'"budget": "\d+m"', '"max_experiments": 1, "families": "linear", "threads": 1', text)
    return re.sub(r'budget="\d+m"|max_experiments=3', 'max_experiments=1, families="linear", threads=1', said)


def test_every_argument_that_the_page_names_is_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"\bmedalist\.(\w+)", text):
        assert name in (*medalist.__all__, "open"), name
    for name in re.findall(r"^\|(`.*?`)\|", text, re.MULTILINE):
        for attribute in re.findall(r"`(\w+)", name):
            assert hasattr(medalist.Run, attribute), attribute


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    public = write_demo(tmp_path / "demo") / "public"
    (tmp_path / "titanic").mkdir()
    for file in public.iterdir():
        if file.suffix == ".csv":
            rows = 400 if file.stem == "train" else 150
            pd.read_csv(file)[:rows].to_csv(tmp_path / "titanic" / file.name, index=False)
        else:
            (tmp_path / "titanic" / file.name).write_bytes(file.read_bytes())
    space: dict[str, object] = {}
    examples = BLOCKS.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) == 8
    keeps_models = importlib.util.find_spec("medalist.agent.using") is not None
    for example in examples:
        if ".predict(new)" in example and not keeps_models:
            with pytest.raises(medalist.MedalistError, match="keeps no models"):
                exec(compile(quickly(example), str(PAGE), "exec"), space)
        else:
            exec(compile(quickly(example), str(PAGE), "exec"), space)
