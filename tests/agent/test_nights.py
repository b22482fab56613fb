"""Nights with real child processes: continuation, failures, kills, and the report in the morning.

The quick ones start a little program in place of medalist, which writes the ledger and prints the events that
`medalist run` does; the slow ones start medalist itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from command_line import assert_valid, call, columns, ledger_of, start, write

from medalist.agent.cli.main import main
from medalist.agent.nights.continuing import child_seconds, identity
from medalist.agent.nights.display import NightJson
from medalist.agent.nights.file import read_nights
from medalist.agent.nights.report_text import as_markdown, as_text
from medalist.agent.nights.start import run_night, state_of
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import BudgetError, LedgerError, LedgerUnavailable

WORKER = '''
"""Does as `medalist run` and `resume` do, with experiments that take no time. The name of the competition's folder says
how it behaves."""
import json, os, sys, time
from pathlib import Path
from medalist.agent.records.stores import open_ledger
from medalist.leaderboard.ledger.rows import ExperimentRow

command, target = sys.argv[1:3]
if command == "submit":
    print(json.dumps([{"competition": "c", "state": "pending", "message": f"{target} {sys.argv[3:]} [ab] 1"}]))
    sys.exit("medalist: No further file was submitted: Kaggle is away.")
given = dict(zip(sys.argv[3::1], sys.argv[4::1]))
runs = given["--runs-dir"]
ledger = open_ledger(runs)
row = ledger.run(target) if command == "resume" else None
path = Path(row.config["path"] if row else target)
name = path.name
if name == "broken":
    sys.exit("medalist: no train table was found: give --train FILE.")
if name == "killed":
    os.kill(os.getpid(), 9)
if row is not None and (path / "changed").exists():
    (path / "changed").unlink()
    sys.exit(f"medalist: The data of {path} has changed since run {row.id}: start a new run instead.")
config = {"path": str(path.resolve())}
if row is None:
    folder = Path(runs) / name
    run = ledger.start_run(name, config, {"metric": "rmse"}, "f", 0, folder)
else:
    run = row.id
    ledger.resume_run(run)
print(json.dumps({"event": "start", "run": run, "text": f"{name}: regression"}), flush=True)
done = ledger.experiments(run)
worked = max((e.run_seconds for e in done), default=0.0)
at = 36000.0 if name.startswith("flat") else worked + float(given["--budget"].rstrip("s"))
gain = 0.0 if name.startswith("flat") else 0.3
for number in range(len(done), len(done) + (40 if name.startswith("flat") else 1)):
    ledger.record_experiment(run, ExperimentRow(
        number=number, pipeline={"n": number}, pipeline_hash=str(number), family="lightgbm", reason=f"idea {number}",
        verdict="keep", verdict_reason="", score=1.0, gain_in_noise=gain, run_seconds=at))
if name == "stuck":
    time.sleep(60)
time.sleep(0.2 if name != "slow" else 3.0)
summary = {"event": "finish", "status": "finished", "score": 1.0 / (number + 1), "standard_error": 0.1,
           "confirmed_on_fresh_folds": True, "experiments": number + 1, "metric": "rmse", "seconds": at,
           "noise_unit": 1.0, "next": "lightgbm: more",
           "standing": {"medal": "bronze" if number or name == "good" else None, "percentile": 0.5, "teams": 100,
                        "percentile_within": [0.4, 0.6], "percentile_interval": [0.2, 0.9], "board": "b"}}
ledger.finish_run(run, "finished", summary)
print(json.dumps(summary), flush=True)
'''


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("medalist.agent.nights.start.LEAST_WINDOW", 12.5)
    monkeypatch.setattr("medalist.agent.nights.tonight.RETRY_SECONDS", (0.1,))
    (tmp_path / "worker.py").write_text(WORKER, encoding="utf-8")
    return tmp_path


def competitions(place: Path, *names: str, **fields: Any) -> Path:
    """nights.yaml with competitions of these names."""
    for name in names:
        (place / name).mkdir(exist_ok=True)
    file = place / "nights.yaml"
    entries = [{"path": name, **fields} for name in names]
    file.write_text(yaml.safe_dump({"competitions": entries}), encoding="utf-8")
    return file


def a_night(place: Path, file: Path, seconds: float | None = 12.7, **options: Any) -> dict[str, Any]:
    """The report on a night whose slices take no time: it ends when none of 12 s fits in, after 0.7 s of 12.7."""
    given: dict[str, Any] = {"length": 12.0, "command": (sys.executable, str(place / "worker.py"))} | options
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        return run_night(file, str(place / "runs"), seconds, None, NightJson(nowhere), **given)


def of(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [c for c in document["competitions"] if c["competition"] == name]
    return dict(found)


@pytest.mark.parametrize("seconds", [1.0, None])
def test_a_night_needs_a_window(place: Path, seconds: float | None) -> None:
    with pytest.raises(BudgetError, match=r"--budget|too short"):
        a_night(place, competitions(place, "a"), seconds)


def test_plateaus_end_the_night_early_and_failures_stop_nobody(place: Path) -> None:
    file = competitions(place, "flat-one", "broken", "flat-two", "killed", "flat-three")
    document = a_night(place, file, 60.0)
    one = of(document, "flat-one")
    assert (one["slices"], one["experiments"], len(one["runs"])) == (1, 40, 1)
    assert "nothing left to try" in " ".join(n["text"] for n in one["notes"])
    assert [of(document, n)["slices"] for n in ("flat-two", "flat-three")] == [1, 1]
    broken = of(document, "broken")
    assert broken["failures"] == ["no train table was found: give --train FILE."] * broken["slices"]
    assert "SIGKILL" in of(document, "killed")["failures"][0]
    assert document["state"] == "finished"
    text = as_text(document)
    assert "no train table was found" in text
    assert "It would try next: lightgbm: more" in text
    assert one["place_within"] == [41, 61]
    assert one["place_interval"] == [11, 81]
    assert "place 51 of 100 (within one standard error 41 to 61, 80 % interval 11 to 81)" in text
    folder = place / "runs" / "nights" / document["night"]
    assert json.loads((folder / "report.json").read_text())["night"] == document["night"]
    assert "| flat-one |" in (folder / "report.md").read_text()
    assert as_markdown(document).count("## ") == 5


def test_work_is_continued_night_after_night(place: Path) -> None:
    file = competitions(place, "a")
    first = of(a_night(place, file, keep_going=True), "a")
    second = of(a_night(place, file, keep_going=True), "a")
    assert first["runs"] == second["runs"]
    with ledger_of(place / "runs") as ledger:
        (run,) = ledger.runs()
        numbers = [e.number for e in ledger.experiments(run.id)]
    assert numbers == list(range(first["experiments"] + second["experiments"]))
    assert second["before"] == first["after"]
    assert second["after"]["score"] < second["before"]["score"]
    assert second["gain"] == pytest.approx(0.3 * second["experiments"])
    medals = [n for c in (first, second) for n in c["notes"] if n["kind"] == "medal"]
    assert len(medals) == 1
    assert "bronze medal-equivalent (estimated" in medals[0]["text"]


def test_a_run_that_stopped_gaining_gives_its_time_away(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = competitions(place, "flat")
    a_night(place, file)
    second = a_night(place, file)
    flat = of(second, "flat")
    assert flat["slices"] == 0
    assert "chance that another hour gains more than the noise" in flat["notes"][0]["text"]
    assert "All competitions have stopped gaining" in second["reason"]
    assert of(a_night(place, file, keep_going=True), "flat")["slices"] >= 1
    at = ("--file", str(file), "--runs-dir", str(place / "runs"))
    competitions(place, "flat", "new")
    before = sorted((place / "runs").rglob("*"))
    with pytest.raises(SystemExit):
        main(["night", "run", "--dry-run", "--budget", "1h", "--json", *at])
    new, old = sorted(json.loads(capsys.readouterr().out)["competitions"], key=lambda p: p["name"] == "flat")
    assert (new["run"], old["seconds"], old["slices"]) == (None, 0.0, 0)
    assert new["seconds"] == pytest.approx(3600, abs=130)
    assert "stopped gaining" in old["why"]
    assert sorted((place / "runs").rglob("*")) == before


def test_a_run_by_hand_is_continued_also_where_the_ledger_was_away_for_a_while(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = competitions(place, "a")
    with ledger_of(place / "runs") as ledger:
        config = {"path": str(place / "a")}
        run = ledger.start_run("a", config, {}, "f", 0, place / "runs" / "a", "20260101-000000-aaaaaaaa")
        ledger.finish_run(run, "finished", {})
        ledger.start_run("a", config | {"families": ["linear"]}, {}, "f", 0, place / "runs" / "a")
    away = iter(range(3))

    def ledger_at_last(runs_dir: str) -> Any:
        if next(away, None) is not None:
            raise LedgerUnavailable("away")
        return open_ledger(runs_dir)

    monkeypatch.setattr("medalist.agent.nights.roster.open_ledger", ledger_at_last)
    monkeypatch.setattr("medalist.agent.nights.night.LEAST_ROOM", 1 << 60)  # a full disk gives it a moment to come back
    monkeypatch.setattr("medalist.agent.nights.night.WAIT_SECONDS", 0.1)
    waits = iter(range(3))
    usage = type("usage", (), {})

    def disk_usage(_: object) -> Any:
        usage.free = 0 if next(waits, None) is not None else 1 << 61  # type: ignore[attr-defined]
        return usage

    monkeypatch.setattr("medalist.agent.nights.night.shutil.disk_usage", disk_usage)
    assert of(a_night(place, file), "a")["runs"] == ["20260101-000000-aaaaaaaa"]


@pytest.mark.slow
def test_options_of_their_own_make_a_run_of_their_own_and_changed_data_a_new_one(place: Path) -> None:
    file = competitions(place, "a")
    one = of(a_night(place, file), "a")
    file = competitions(place, "a", families="linear")
    other = of(a_night(place, file), "a")
    assert set(one["runs"]).isdisjoint(other["runs"])
    (place / "a" / "changed").touch()
    third = of(a_night(place, file, 15.0, keep_going=True), "a")
    assert third["runs"][:1] == other["runs"]
    assert len(third["runs"]) == 2
    assert any("A new run begins" in n["text"] for n in third["notes"])


@pytest.mark.slow
def test_a_file_that_breaks_in_the_night_counts_as_before(place: Path) -> None:
    file = competitions(place, "a")
    worker = (place / "worker.py").read_text(encoding="utf-8")
    broken = worker.replace("time.sleep(0.2", f"Path({str(file)!r}).write_text('competitions: 3')\ntime.sleep(0.2")
    (place / "worker.py").write_text(broken, encoding="utf-8")
    document = a_night(place, file, 15.0, keep_going=True)
    assert of(document, "a")["slices"] >= 2
    assert "The night goes on with the file as it was" in document["notes"][0]["text"]


def test_a_full_disk_is_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([0, 0])
    usage = type("usage", (), {})

    def disk_usage(_: object) -> Any:
        usage.free = next(free, 1 << 40)  # type: ignore[attr-defined]
        return usage

    monkeypatch.setattr("medalist.agent.nights.night.shutil.disk_usage", disk_usage)
    monkeypatch.setattr("medalist.agent.nights.night.WAIT_SECONDS", 0.1)
    document = a_night(place, competitions(place, "a"))
    assert of(document, "a")["slices"] == 1
    assert [n["kind"] for n in document["notes"]] == ["failure"]
    assert "until there is room" in document["notes"][0]["text"]


def night_process(place: Path, file: Path, seconds: float | None) -> subprocess.Popen[str]:
    """A night in a process of its own, with the little program in place of medalist."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom medalist.agent.nights.display import NightJson\n"
        "from medalist.agent.nights.start import run_night\n"
        f"run_night(Path({str(file)!r}), {str(place / 'runs')!r}, {seconds}, None, NightJson(), length=30.0, "
        f"command=(sys.executable, {str(place / 'worker.py')!r}))"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def wait_for(what: Any, seconds: float = 20.0) -> Any:
    """What a function returns as soon as that is something."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def test_the_night_after_a_kill_goes_on(place: Path) -> None:
    file = competitions(place, "stuck")
    state = state_of(str(place / "runs"))
    night = night_process(place, file, 120.0)
    try:
        running = wait_for(lambda: [s for s in state.slices() if s.run])
        child = psutil.Process(running[0].pid)
        with pytest.raises(LedgerError, match="Another night works"):
            a_night(place, file)
        night.kill()
        night.wait()
        assert state.night("last").state == "killed"
        assert child.is_running()
        competitions(place, "flat")
        document = a_night(place, file, None)  # without a window: that of the night that was killed
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    finally:
        night.kill()
    (row,) = state.nights()
    assert (row.id, row.state) == (document["night"], "finished")
    assert "process was killed" in of(document, "stuck")["failures"][0]
    assert "A slice did not come to its end: The night's process was killed." in as_text(document)
    assert of(document, "flat")["slices"] == 1


def test_a_run_whose_night_was_killed_before_it_was_known_is_continued(place: Path) -> None:
    """The slice had begun a run, of an entry with options, and its night was killed before it recorded which."""
    file, runs = competitions(place, "flat", seed=1), str(place / "runs")
    entry = read_nights(file).competitions[0]
    state = state_of(runs)
    night = state.begin_night(time.time() + 60, 60.0, str(file))
    values = {"competition": "flat", "path": entry.path, "options": identity(entry), "why": "", "budget": 30.0}
    state.begin_slice(night.id, values)
    begun = {"path": str((place / "flat").resolve()), "metric": "rmse"}
    with open_ledger(runs) as ledger:
        ledger.start_run("flat", begun | {"budget": 600.0}, {}, "f", 0, place)  # by a person, meanwhile
        run = ledger.start_run("flat", begun | {"budget": child_seconds(30.0)}, {}, "f", 0, place)
        ledger.finish_run(run, "failed", {})
    a_night(place, file)
    assert [s.run for s in state.slices()] == [run, run]
    with open_ledger(runs) as ledger:
        assert len(ledger.runs()) == 2


def test_one_request_ends_a_night_in_order(place: Path) -> None:
    file = competitions(place, "stuck")
    state = state_of(str(place / "runs"))
    night = night_process(place, file, 120.0)
    try:
        wait_for(lambda: [s for s in state.slices() if s.run])
        night.send_signal(signal.SIGINT)
        assert night.wait(20) == 0
    finally:
        night.kill()
    row = state.night("last")
    assert (row.state, row.reason) == ("interrupted", "A person ended the night.")
    assert (place / "runs" / "nights" / row.id / "report.md").exists()


def test_who_wants_to_be_told_is_told_of_failures_medals_and_the_end(place: Path) -> None:
    told = place / "told.jsonl"
    script = place / "tell.py"
    script.write_text("import sys\nopen(sys.argv[1], 'a').write(sys.stdin.read())\n", encoding="utf-8")
    file = competitions(place, "broken", "good")
    text = file.read_text(encoding="utf-8") + f"notify: {sys.executable} {script} {told}\n"
    file.write_text(text, encoding="utf-8")
    document = a_night(place, file, 18.0, notify=["no-such-program-here"])
    events = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    kinds = [e["event"] for e in events]
    assert {"failure", "medal"} <= set(kinds)
    assert kinds[-1] == "end"
    assert kinds.count("medal") == 1
    assert events[-1]["competitions"][0]["competition"] in ("good", "broken")
    assert any("no-such-program-here could not be told" in n["text"] for n in document["notes"])


# with medalist itself


def competition(folder: Path, seed: int, rows: int = 240) -> Path:
    """A little regression, of which some is noise."""
    frame = columns(rows, seed)
    frame["price"] = (3 * frame["size"] + frame["weight"] + np.random.default_rng(seed).normal(size=rows)).round(3)
    cut = rows * 2 // 3
    sample = frame[cut:][["row"]].assign(price=0)
    return write(folder, frame[:cut], frame[cut:].drop(columns="price"), sample, "Scored by RMSE.")


@pytest.mark.slow
def test_two_nights_of_medalist_with_a_kill_in_the_middle(tmp_path: Path) -> None:
    """Two competitions and a broken one: the first night is killed and goes on, the second continues its runs."""
    runs, file = tmp_path / "runs", tmp_path / "nights.yaml"
    paths = [competition(tmp_path / name, k) for k, name in enumerate(("tides", "quakes"))]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "notes.csv").write_text("a\n1\n", encoding="utf-8")
    for path in (*paths, tmp_path / "broken"):
        assert call("night", "add", path, "--file", file, "--runs-dir", runs).returncode == 0
    options = ("--file", file, "--runs-dir", runs, "--json")
    night = start("night", "run", "--budget", "150s", "--slice", "25s", *options)
    try:
        state = state_of(str(runs))
        wait_for(lambda: [s for s in state.slices() if s.status == "finished"], 60)
        running = wait_for(lambda: [s for s in state.slices() if s.status == "running" and s.pid], 60)
        children = psutil.Process(running[-1].pid).children(recursive=True)
        night.kill()
        night.wait()
    finally:
        night.kill()
    done = call("night", "run", *options, seconds=300)
    assert done.returncode == 0, done.stderr
    assert not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]
    first = json.loads(done.stdout.splitlines()[-1])
    assert len(state.nights()) == 1
    assert {c["competition"] for c in first["competitions"]} == {"tides", "quakes", "broken"}
    assert all(of(first, name)["after"]["confirmed"] for name in ("tides", "quakes"))
    assert "no train table" in of(first, "broken")["failures"][0]
    done = call("night", "run", "--budget", "70s", "--slice", "25s", "--keep-going", *options, seconds=300)
    assert done.returncode == 0, done.stderr
    second = json.loads(done.stdout.splitlines()[-1])
    with ledger_of(runs) as ledger:
        for name, path in zip(("tides", "quakes"), paths, strict=True):
            now, before = of(second, name), of(first, name)
            assert now["runs"] == before["runs"]
            experiments = ledger.experiments(now["runs"][0])
            tried = [e.pipeline_hash for e in experiments if e.verdict != "timeout"]
            assert len(set(tried)) == len(tried)
            assert [e.number for e in experiments] == list(range(len(experiments)))
            assert now["after"]["score"] <= before["after"]["score"]
            assert_valid(Path(now["submission"]), path / "sample_submission.csv")
    shown = call("night", "report", "--markdown", "--runs-dir", runs).stdout
    assert "| tides |" in shown


@pytest.mark.slow
def test_at_the_end_submissions_are_made_where_they_are_allowed(place: Path) -> None:
    file = place / "nights.yaml"
    for name in ("a", "b", "c"):
        (place / name).mkdir()
    entries = [{"path": "a", "auto_submit": 2, "kaggle": "some-prices"}, {"path": "b"}, {"path": "c", "auto_submit": 0}]
    file.write_text(yaml.safe_dump({"competitions": entries}), encoding="utf-8")
    document = a_night(place, file, 43.0)
    assert document["state"] == "finished"
    told = {name: [n["text"] for n in of(document, name)["notes"] if n["kind"] == "kaggle"] for name in ("a", "b")}
    assert told["b"] == []
    assert len(told["a"]) == 2
    assert "'--competition', 'some-prices', '--choose', '2', '--no-wait'" in told["a"][0]
    assert told["a"][1] == "No further file was submitted: Kaggle is away."
    assert told["a"][1] in (place / "runs" / "nights" / document["night"] / "report.md").read_text()
    again = a_night(place, file, 43.0, auto_submit=1)
    kinds = {name: {n["kind"] for n in of(again, name)["notes"]} for name in ("a", "b", "c")}
    assert "kaggle" in kinds["a"] & kinds["b"]
    assert "kaggle" not in kinds["c"]
