"""What is installed, and under which names."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "competitions", "leaderboard", "pipelines")


def test_every_package_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = config["options"]["packages"].split()
    folders = [f.parent.relative_to(ROOT) for name in PACKAGES for f in (ROOT / name).rglob("__init__.py")]
    assert sorted(listed) == sorted(["medalist", *(f"medalist.{'.'.join(folder.parts)}" for folder in folders)])


@pytest.mark.parametrize("name", PACKAGES)
def test_links_lead_to_the_folders_at_the_root(name: str) -> None:
    assert (ROOT / "medalist" / name).resolve() == ROOT / name


def test_folders_of_the_same_names_are_in_nobodys_way(tmp_path: Path) -> None:
    """A user's own agent/, in the folder in which medalist is started, was imported in place of ours."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('a package of the user')\n", encoding="utf-8")
    code = "from medalist.agent.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "leaderboard", "titanic"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "titanic" in done.stdout


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "benchmarks", "docs"])
def test_nothing_imports_by_the_folders_names(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not {name.partition(".")[0] for name in names} & set(PACKAGES), path
