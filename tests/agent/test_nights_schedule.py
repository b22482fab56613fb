"""Nights that begin by themselves: what is written for systemd, launchd and cron, by the systems' own checks."""

from __future__ import annotations

import datetime as dt
import json
import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.cli.main import main
from medalist.agent.nights.cron import MARK, cron_line
from medalist.agent.nights.launchd import plist_text
from medalist.agent.nights.schedule import Job, Schedule, parse_days
from medalist.agent.nights.systemd import unit_texts
from medalist.competitions.errors import InputError

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed: unit files are not verified"
)
CRONTAB = """#!/bin/sh
# the table of one user in a file, as crontab(1) keeps it
if [ "$1" = -l ]; then cat "$HOME/table" 2>/dev/null || { echo "no crontab" >&2; exit 1; }
else cat > "$HOME/table"; fi
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home folder, which is the current one, with a crontab of its own first on the path."""
    home = tmp_path / "at home"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "crontab").write_text(CRONTAB, encoding="utf-8")
    (home / "bin" / "crontab").chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "nowhere"))  # no session: nothing of this machine is changed
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home}/nowhere/bus")
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    monkeypatch.chdir(home)
    return home


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    out, error = capsys.readouterr()
    return int(end.value.code or 0), out, error


def a_job(folder: Path, days: str = "mon-fri") -> Job:
    schedule = Schedule.of("22:00", "07:00", days)
    command = (
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1:])",
        "100%",
        "$HOME",
        'a "quoted" one',
        "back\\slash",
    )
    return Job(schedule, command, str(folder), {"MEDALIST_LEDGER": "postgresql://u:p%40$x@h/d"}, str(folder / "log"))


# the schedule


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("Sat,Sun", (5, 6)),
        ("friday-monday", (0, 4, 5, 6)),
        ("wed", (2,)),
        ("daily", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_days(text: str, days: tuple[int, ...]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize(
    ("start", "until", "days"),
    [("25:00", "07:00", None), ("22:00", "7", None), ("22:00", "07:00", "moon"), ("7:00", "07:00", None)],
)
def test_what_cannot_be_read_is_refused(start: str, until: str, days: str | None) -> None:
    with pytest.raises(InputError, match=r"--(from|until|days)"):
        Schedule.of(start, until, days)


@given(
    st.integers(0, 1439),
    st.sets(st.integers(0, 6), min_size=1),
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1)),
)
def test_the_next_and_the_last_start_are_neighbours(minutes: int, days: set[int], now: dt.datetime) -> None:
    start = f"{minutes // 60:02d}:{minutes % 60:02d}"
    schedule = Schedule(start, "07:00" if start != "07:00" else "08:00", tuple(sorted(days)))
    following, last = schedule.next_start(now), schedule.last_start(now)
    assert last <= now < following
    assert {following.weekday(), last.weekday()} <= days
    assert f"{following:%H:%M}" == f"{last:%H:%M}" == start
    assert following - last <= dt.timedelta(days=7)
    assert 0 < schedule.seconds <= 24 * 3600


# systemd


@needs_systemd
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    folder = tmp_path / "50% of it"
    folder.mkdir()
    for name, text in unit_texts(a_job(folder)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            "systemd-analyze",
            "--user",
            "verify",
            *(str(tmp_path / f"medalist-night.{kind}") for kind in ("service", "timer")),
        ],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        timeout=60,
    )
    complaints = [line for line in done.stderr.splitlines() if "medalist-night" in line]
    assert (done.returncode, complaints) == (0, [])


@needs_systemd
@pytest.mark.parametrize(("days", "evenings"), [("mon-fri", {0, 1, 2, 3, 4}), ("daily", set(range(7))), ("sun", {6})])
def test_systemd_reads_the_days_and_the_hour(tmp_path: Path, days: str, evenings: set[int]) -> None:
    timer = unit_texts(a_job(tmp_path, days))["medalist-night.timer"]
    (when,) = [line.partition("=")[2] for line in timer.splitlines() if line.startswith("OnCalendar=")]
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=8", when], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = [
        line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if "Next elapse" in line or "Iter. #" in line
    ]
    starts = [dt.datetime.strptime(" ".join(line.split()[1:3]), "%Y-%m-%d %H:%M:%S") for line in lines]
    assert len(starts) == 8
    assert {s.weekday() for s in starts} == evenings
    assert {f"{s:%H:%M}" for s in starts} == {"22:00"}
    assert starts[0] == Schedule.of("22:00", "07:00", days).next_start(dt.datetime.now())
    assert "Persistent=true" in timer


def test_installed_by_systemd_shown_and_taken_away(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, error = say(
        capsys, "night", "install", "--from", "21:30", "--until", "06:00", "--days", "mon-fri", "--with", "systemd"
    )
    assert (code, error) == (0, "")
    units = home / ".config" / "systemd" / "user"
    service = (units / "medalist-night.service").read_text(encoding="utf-8")
    assert '"--until" "06:00" "--budget" "510m"' in service
    assert f'"{home / "nights.yaml"}"' in service
    assert (units / "medalist-night.timer").stat().st_mode & 0o077 == 0
    assert "not active" in out  # there is no session of systemd here
    assert "systemctl --user enable --now medalist-night.timer" in out
    assert "journalctl --user -u medalist-night" in out
    assert "loginctl enable-linger" in out or "Lingering is on" in out
    code, out, _ = say(capsys, "night", "status", "--json")
    schedule = json.loads(out)["schedule"]
    assert (schedule["by"], schedule["from"], schedule["days"], schedule["lacking"]) == (
        "systemd",
        "21:30",
        "mon-fri",
        [],
    )
    assert schedule["next"].endswith("T21:30")
    (units / "medalist-night.timer").unlink()
    assert "medalist-night.timer is gone" in say(capsys, "night", "status")[1]
    assert "Removed: " in say(capsys, "night", "uninstall")[1]
    assert list(units.iterdir()) == []
    assert "nothing to take away" in say(capsys, "night", "uninstall")[1]


# launchd and cron


def test_launchd_gets_a_property_list(tmp_path: Path) -> None:
    job = a_job(tmp_path, "fri-sun")
    read = plistlib.loads(plist_text(job).encode())
    assert read["ProgramArguments"] == list(job.command)
    assert read["StartCalendarInterval"] == [{"Weekday": day, "Hour": 22, "Minute": 0} for day in (5, 6, 7)]
    assert read["EnvironmentVariables"] == job.environment
    assert (read["StandardOutPath"], read["WorkingDirectory"]) == (job.log, str(tmp_path))


def test_cron_starts_exactly_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100% mine"
    folder.mkdir()
    job = a_job(folder, "mon,sun")
    line = cron_line(job)
    assert line.startswith("0 22 * * 1,0 ")
    assert line.endswith(MARK)
    command = line.split(" ", 5)[5]
    assert "%" not in command.replace("\\%", "")  # a bare one is a line end in crontab(5)
    subprocess.run(["/bin/sh", "-c", command.replace("\\%", "%")], check=True, timeout=60, cwd="/")
    assert (folder / "log").read_text(encoding="utf-8").strip() == str(list(job.command[3:]))


@pytest.mark.skipif(
    shutil.which("crontab") is None, reason="cron is not installed: its own check of entries is not made"
)
@pytest.mark.parametrize("days", ["daily", "mon-fri", "sun"])
def test_the_real_cron_takes_the_entry(tmp_path: Path, days: str) -> None:
    check = subprocess.run(["crontab", "-h"], capture_output=True, text=True, timeout=60)
    if "dry run" not in check.stdout + check.stderr:
        pytest.skip("this cron has no dry run, and the table of whoever tests is not touched")
    table = tmp_path / "table"
    table.write_text(cron_line(a_job(tmp_path, days)) + "\n", encoding="utf-8")
    done = subprocess.run(["crontab", "-n", str(table)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_installed_by_cron_beside_other_entries(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "table").write_text("# mine\n5 4 * * * backup\n", encoding="utf-8")
    assert say(capsys, "night", "install", "--with", "cron")[0] == 0
    code, out, _ = say(capsys, "night", "install", "--with", "cron", "--from", "23:15", "--days", "sat")
    assert code == 0
    assert "does not catch up" in out
    lines = (home / "table").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["# mine", "5 4 * * * backup"]
    (entry,) = lines[2:]
    assert entry.startswith("15 23 * * 6 cd ")
    words = shlex.split(entry.replace("\\%", "%"), comments=False)
    assert words[words.index("--runs-dir") + 1] == str(home / "runs")
    assert say(capsys, "night", "uninstall")[0] == 0
    assert (home / "table").read_text(encoding="utf-8").splitlines() == lines[:2]


def test_where_there_is_nothing_to_install_with_the_command_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    code, _, error = say(capsys, "night", "install", "--with", "cron")
    assert code == 2
    assert "start this yourself every evening" in error
    assert say(capsys, "night", "install", "--with", "anacron")[0] == 2
    assert "No nights are scheduled" in say(capsys, "night", "status")[1]


def test_a_missed_evening_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(capsys, "night", "install", "--with", "cron", "--from", "00:00", "--until", "00:01")[0] == 0
    record = home / ".config" / "medalist" / "night.json"
    document = json.loads(record.read_text(encoding="utf-8"))
    assert "did not begin" not in say(capsys, "night", "status")[1]  # it was installed after the last start
    document["since"] = "2020-01-01T12:00:00+00:00"
    record.write_text(json.dumps(document), encoding="utf-8")
    if dt.datetime.now().hour or dt.datetime.now().minute > 15:
        assert "did not begin" in say(capsys, "night", "status")[1]
