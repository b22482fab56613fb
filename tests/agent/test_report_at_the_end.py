"""The page is written at the end of a run and of a night where there is time; a run is not worth less without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from medalist.agent.cli.main import main
from medalist.agent.nights.state import STATE, NightState
from medalist.agent.report.in_time import report_in_time
from medalist.agent.report.night_report import write_night_report
from medalist.competitions.errors import LedgerError
from tests.agent.test_report import EVIL, Page, recorded_run


@pytest.mark.slow
def test_a_run_writes_it_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDALIST_REPORT", "1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["run", _demo(tmp_path), "--max-experiments", "2"])
    assert end.value.code == 0
    (page,) = tmp_path.glob("runs/*/*/report.html")
    assert f"Report: {page}" in capsys.readouterr().out
    assert "Experiments" in Page(page.read_text(encoding="utf-8")).text


def _demo(folder: Path) -> str:
    from medalist.competitions.demo.late_parcels import write_demo

    return str(write_demo(folder / "demo") / "public")


def test_it_is_left_out_where_there_is_no_time_or_no_way(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    path, problem = report_in_time("run", run, str(tmp_path), 0.5)
    assert path is None
    assert f"medalist report {run}" in problem
    path, problem = report_in_time("run", "no-such-run", str(tmp_path), 30.0)
    assert path is None
    assert "no-such-run" in problem
    path, problem = report_in_time("run", run, str(tmp_path), float("inf"))
    assert problem == ""
    assert path == tmp_path / "made" / run / "report.html"


@pytest.mark.parametrize("hostile", ["", EVIL])
def test_the_page_on_a_night(tmp_path: Path, hostile: str) -> None:
    state = NightState(tmp_path / STATE)
    night = state.begin_night(2e9, 3600.0, "nights.yaml")
    run = recorded_run(tmp_path, name="one")
    scored = {"status": "finished", "score": 0.71234, "standard_error": 0.0225, "confirmed": 1}
    failed = {"status": "failed", "reason": "No such folder" + hostile}
    for name, of_run, ended in (("one", run, scored), ("two" + hostile, None, failed)):
        number = state.begin_slice(
            night.id,
            {"competition": name, "path": name, "options": "", "why": "first" + hostile, "budget": 60.0, "run": of_run},
        )
        state.update_slice(night.id, number, {"seconds": 60.0, **ended})
    state.note(night.id, "note", "All is well" + hostile)
    state.end_night(night.id, "finished", "The window is over.")
    place = write_night_report("last", str(tmp_path))
    html = place.read_text(encoding="utf-8")
    page = Page(html)
    assert place.parent.name == night.id
    assert f"0.71234 ± {0.0225:.2g}" in page.text
    assert "No such folder" in page.text
    assert "All is well" in page.text
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "\x1b" not in html
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    with pytest.raises(LedgerError, match="no night"):
        write_night_report("1999", str(tmp_path))
