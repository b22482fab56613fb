"""What is shown while a competition is downloaded."""

from __future__ import annotations

import os
import pty
import select
import sys

import pytest

from medalist.agent.run import transfer
from medalist.agent.run.transfer import Transfer


def test_lines_now_and_then_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Transfer("titanic") as shown:
        shown.announce("Asking Kaggle for titanic …")
        shown.progress(0, 2_500_000)
        shown.progress(1_000_000, 2_500_000)  # too soon for another line
        monkeypatch.setattr(transfer, "LINE_SECONDS", 0.0)
        shown.progress(1_250_000, 2_500_000)
        shown.progress(1_500_000, None)
        shown.progress(2_500_000, 2_500_000)  # all is here: nothing to wait for
    out, errors = capsys.readouterr()
    assert out == ""
    lines = errors.splitlines()
    assert lines[0] == "Asking Kaggle for titanic …"
    assert lines[1].startswith("titanic: 1.2 of 2.5 MB, ")
    assert lines[2].startswith("titanic: 1.5 MB, ")
    assert len(lines) == 3


def test_a_bar_on_a_terminal_that_is_gone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with Transfer("titanic") as shown:
            for done in (500_000, 1_000_000, 2_500_000):
                shown.progress(done, 2_500_000)
        monkeypatch.undo()
        terminal.flush()
        drawn = b"".join(
            iter(lambda: os.read(reader, 1 << 16) if select.select([reader], [], [], 0.2)[0] else b"", b"")
        )
    os.close(reader)
    assert "2.5/2.5 MB" in drawn.decode()
    assert b"\x1b[2K" in drawn.rpartition(b"titanic")[2]  # the line is erased


def test_a_standard_error_that_is_closed_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with Transfer("titanic") as shown:
        shown.announce("Asking …")
        shown.progress(1, 2)
