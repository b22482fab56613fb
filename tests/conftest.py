"""Shared by all tests: nothing is read from or written to a person's own folders, and no deadline ends pytest."""

import os

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=20, derandomize=True, database=None)  # the same examples everywhere
settings.register_profile("thorough", max_examples=150)  # `make test-all`
settings.load_profile(os.environ.get("MEDALIST_TEST_EXAMPLES", "quick"))


@pytest.fixture(autouse=True)
def _no_supervisor(monkeypatch):
    """A command that is called in pytest's process must not fork it, nor ever end it."""

    def refuse():
        raise AssertionError("pytest's own process was to be supervised")

    monkeypatch.setattr("medalist.agent.cli.process.supervise", refuse)


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory):
    """Before any fixture of a module runs a competition: its ledger is not to be listed among a person's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    home = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("MEDALIST_CACHE", str(home / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(home / "leaderboards"))
    monkeypatch.setenv("MEDALIST_REPORT", "0")  # a second for each run of a test; tests of reports set it
    monkeypatch.delenv("MEDALIST_LEDGER", raising=False)
    monkeypatch.delenv("MEDALIST_RUNS", raising=False)
