"""What README and docs tell people to type is right: commands parse, Python runs, and the tutorial works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from kaggle_server import KaggleServer, Site, environment, price_zip
from parsing import parsed

from medalist.agent.cli.start import refusal
from medalist.agent.nights.file import read_nights
from medalist.pipelines.features.language.steering import read_steering

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(p for p in (ROOT / "docs").glob("*.md"))])
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
MEDALIST = [sys.executable, "-c", "from medalist.agent.cli.start import main; main()"]
MOST_WORDS = 1200  # of the README


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages, without their indentation."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, kind, text in found if kind in languages]


def commands(page: Path, *languages: str) -> list[list[str]]:
    """The arguments of every `medalist …` in the page's shell blocks."""
    lines = [line for text in blocks(page, *languages) for line in text.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("medalist ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_the_documentation_are_commands(page: Path) -> None:
    for arguments in commands(page, "sh", "bash"):
        assert parsed(arguments), arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_within_sentences_and_logs_are_commands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`medalist ([^`]+)`", FENCE.sub("", text))
    spans += re.findall(r"&& \S*/medalist (.+?) >>", "\n".join(blocks(page, "text")))  # in a crontab
    for span in spans:
        arguments = ["3" if a == "N" else a for a in shlex.split(span)]
        if arguments in (["--version"], ["--help"], ["-h"], ["night"]):
            continue
        try:
            assert parsed(arguments), span
        except typer.BadParameter as error:
            if type(error).__name__ != "MissingParameter":  # a command that is named rather than given
                raise


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_in_the_documentation_are_read(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "yaml"):
        file = tmp_path / "file.yaml"
        file.write_text(text, encoding="utf-8")
        if "force" in text:
            assert read_steering(file)
        else:
            nights = read_nights(file)
            assert nights.competitions or nights.notify


def test_a_wrong_command_would_be_noticed() -> None:
    with pytest.raises(Exception, match=r"[Nn]o such option"):
        parsed(["run", "./titanic", "--bugdet", "10m"])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_in_the_documentation_runs(page: Path) -> None:
    for text in blocks(page, "python"):
        space: dict[str, object] = {}
        exec(compile(text, str(page), "exec"), space)
        if callable(score := space.get("score")):
            import numpy as np

            assert score(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert sum(any(c.isalnum() for c in word) for word in text.split()) < MOST_WORDS


def test_windows_is_refused_with_what_to_do() -> None:
    assert refusal("posix") is None
    assert "WSL" in (refusal("nt") or "")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_can_be_worked_through(tmp_path: Path) -> None:
    for arguments in commands(ROOT / "docs" / "tutorial.md", "sh"):
        done = subprocess.run([*MEDALIST, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_s_way_to_kaggle_can_be_gone(tmp_path: Path) -> None:
    """With Kaggle's client against a server on this machine; shorter by a smaller budget alone."""
    steps = commands(ROOT / "docs" / "tutorial.md", "bash")
    assert [step[0] for step in steps] == ["run", "submit", "submissions"]
    entered = {"userHasEntered": True, "maxDailySubmissions": 5, "evaluationMetric": "Mean Absolute Error"}
    site = Site(archive=price_zip(rows=300), metadata=entered, score=lambda _: ("0.5125", ""), pending=0)
    with KaggleServer(titanic=site) as server:
        env = environment(tmp_path / "home", server.address)
        said = ""
        for arguments in (["20s" if a == "10m" else a for a in step] for step in steps):
            done = subprocess.run(
                [*MEDALIST, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
            said = done.stdout
    assert len(site.submissions) == 1
    assert "0.5125" in said


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_works_without_catboost_and_plotly(tmp_path: Path) -> None:
    hidden = "import sys, importlib.util as u; f = u.find_spec\n"
    hidden += (
        "u.find_spec = lambda n, *a: None if n.split('.')[0] in ('catboost', 'plotly', 'graphviz') else f(n, *a)\n"
    )
    hidden += "sys.modules.update(catboost=None, plotly=None, graphviz=None)\n"
    call = [sys.executable, "-c", hidden + "from medalist.agent.cli.start import main; main()"]
    done = subprocess.run([*call, "demo", "--budget", "20s"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "catboost" not in done.stdout.lower()
    assert "equivalent" in done.stdout or "beats or ties" in done.stdout
