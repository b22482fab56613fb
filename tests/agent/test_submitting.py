"""Submissions to Kaggle with the real client against a server on this machine: checks, failures, scores."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import call
from kaggle_server import KaggleServer, Refusal, Site, environment

from medalist.agent.records.stores import open_ledger
from medalist.agent.submitting import automatic
from medalist.agent.submitting.automatic import submit_automatically
from medalist.agent.submitting.candidate import best_of, slug_of_run
from medalist.agent.submitting.checks import left_today, refuse_closed
from medalist.agent.submitting.scores import refresh
from medalist.agent.submitting.sending import Desk
from medalist.agent.submitting.several import most_different, room_today, submit_several
from medalist.competitions.errors import InputError, LedgerUnavailable, MedalistError
from medalist.competitions.kaggle import account as kaggle
from medalist.competitions.kaggle.about import Facts
from medalist.competitions.kaggle.account import Account, Submitted, Undecided, Unsent
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger

SLUG, METADATA = "some-prices", {"userHasEntered": True, "maxDailySubmissions": 5, "deadline": "2031-01-07T00:00:00Z"}
FILE = b"id,price\n4,1.5\n5,2.5\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith("KAGGLE_") or n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    site = Site(
        metadata=METADATA,
        score=lambda _: ("0.55", ""),
        pending=0,
        board=[(f"t{i}", f"{i / 10}") for i in range(1, 200)],
    )
    with KaggleServer(some_prices=site) as server:
        for name, value in environment(place / "home", server.address).items():
            monkeypatch.setenv(name, value)
        yield server


def a_run(place: Path, data: bytes = FILE, run: str = "20261201-010000-aaaaaaaa", score: float = 0.5) -> str:
    """A finished run of the competition as it was downloaded, with one submission; its id."""
    folder = place / "runs" / SLUG / run
    folder.mkdir(parents=True)
    (place / "cache" / "competitions" / "about").mkdir(parents=True, exist_ok=True)
    (folder / "submission.csv").write_bytes(data)
    config = {"path": str(place / "cache" / "competitions" / f"{SLUG}.zip")}
    with open_ledger(str(place / "runs")) as ledger:
        ledger.start_run(SLUG, config, {"metric": "mae", "targets": ["price"], "id": ["id"]}, "f", 0, folder, run)
        sha256 = hashlib.sha256(data).hexdigest()
        ledger.add_submission(run, {"ensemble": {"0": 1.0}}, folder / "submission.csv", sha256, score, 0.05)
        summary = {"score": score, "standard_error": 0.05, "confirmed_on_fresh_folds": True}
        ledger.finish_run(run, "finished", summary)
    return run


@pytest.fixture
def desk(place: Path, server: KaggleServer) -> Iterator[Desk]:
    a_run(place)
    with open_ledger(str(place / "runs")) as ledger:
        yield Desk(SLUG, ledger, str(place / "runs"), lambda _: None)


def best(desk: Desk) -> Any:
    return best_of(desk.ledger.run("last"), desk.runs_dir, desk.ledger)


def states(desk: Desk) -> list[str]:
    return [row.state for row in desk.rows()]


def test_a_submission_is_made_scored_and_placed_beside_what_was_predicted(desk: Desk, server: KaggleServer) -> None:
    from medalist.leaderboard.boards.own import add_board

    Path("board.csv").write_text("Rank,TeamName,Score\n" + "".join(f"{i},t{i},{i / 10}\n" for i in range(1, 200)))
    add_board("board.csv", SLUG)
    row = desk.submit(best(desk), "my message")
    assert (row.state, row.ref, row.score) == ("pending", 1000, 0.5)
    row = desk.await_score(best(desk), row, 20.0, lambda: None)
    assert (row.state, row.public_score, row.private_score, row.place, row.teams) == ("complete", 0.55, None, 6, 199)
    assert row.medal == "gold"
    assert row.public_noise > row.standard_error
    assert [replace(r, recorded=None) for r in desk.rows()] == [
        replace(row, number=1, run_id=desk.ledger.run("last").id)
    ]
    (listed,) = server.sites[SLUG].submissions
    assert listed["description"].startswith("my message [")
    with pytest.raises(MedalistError, match=r"has this file for some-prices already, .* \(public score 0.55\)"):
        desk.submit(best(desk), None)
    server.sites[SLUG].submissions[0]["scores"] = ("0.55", "9.5")  # the competition has ended
    found = refresh(desk.ledger, desk.rows(), desk.runs_dir)
    assert [(r.private_score, r.place, r.medal) for r in found.rows] == [(9.5, 95, None)]
    assert desk.rows()[0].private_score == 9.5


@pytest.mark.slow
def test_what_kaggle_has_is_known_after_a_failure_in_the_middle(
    desk: Desk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.refusals["upload"] = Refusal(403)
    with pytest.raises(Unsent, match="nothing was submitted"):
        desk.submit(best(desk), None)
    server.refusals = {"CreateSubmission": Refusal(503)}
    server.silent = {"nothing"}
    with pytest.raises(Unsent, match="status 503"):
        desk.submit(best(desk), None)
    assert states(desk) == ["failed", "failed"]
    server.refusals = {}
    monkeypatch.setattr(kaggle, "ANSWER_SECONDS", 1.0)  # so that the program is killed in the middle
    monkeypatch.setattr(kaggle, "LOOK_SECONDS", 0.3)
    server.lost, server.silent = {"CreateSubmission"}, set()
    send = Desk.send

    def then_silent(self: Desk, *arguments: Any) -> Any:
        server.silent = {"ListSubmissions"}
        return send(self, *arguments)

    monkeypatch.setattr(Desk, "send", then_silent)
    with pytest.raises(Undecided, match="Whether Kaggle has the file is not known: medalist submissions some-prices"):
        desk.submit(best(desk), None)
    assert states(desk)[-1] == "unknown"
    server.silent = server.lost = set()
    with pytest.raises(MedalistError, match="Kaggle has this file"):  # by its list; it is not sent again
        desk.submit(best(desk), None)
    assert states(desk) == ["failed", "failed", "pending"]
    assert len(server.sites[SLUG].submissions) == 1


def test_a_process_that_was_killed_while_it_sent_leaves_nothing_open(desk: Desk, server: KaggleServer) -> None:
    run = desk.ledger.run("last").id
    for name in ("gone", "there"):
        row = KaggleSubmissionRow(id=name, competition=SLUG, sha256=name * 5, message="m", state="sending")
        desk.ledger.record_kaggle_submission(run, row)
    made = {"ref": 7, "date": "2026-12-01T00:00:00.000Z", "description": "m [therethereth] there", "asked": 0}
    server.sites[SLUG].submissions.append({**made, "scores": ("1.0", "")})
    desk.ask()
    assert [(r.id, r.state, r.ref) for r in desk.rows()] == [("gone", "failed", None), ("there", "pending", 7)]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(entered=False), "join it and accept its rules"),
        (Facts("2020-01-07T00:00:00Z", entered=True), "ended on 2020-01-07: .* add --late"),
        (Facts(entered=True, code_only=True), "notebooks alone"),
        (Facts(entered=True, disabled=True), "takes no submissions"),
    ],
)
def test_what_kaggle_says_of_the_competition_decides_whether_it_takes_a_file(facts: Facts, said: str) -> None:
    with pytest.raises(MedalistError, match=said):
        refuse_closed(SLUG, facts, late=False)


def test_before_an_upload_kaggle_is_asked(desk: Desk, server: KaggleServer) -> None:
    server.sites[SLUG].metadata = {**METADATA, "deadline": "2020-01-07T00:00:00Z"}
    with pytest.raises(MedalistError, match="add --late"):
        desk.submit(best(desk), None)
    assert not server.uploads
    assert states(desk) == []
    refuse_closed(SLUG, Facts("2020-01-07T00:00:00Z", entered=True), late=True)


def test_the_days_limit_counts_what_kaggle_lists_and_what_the_ledger_knows() -> None:
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)

    def one(hours: float, status: str = "COMPLETE") -> Submitted:
        return Submitted(1, now - timedelta(hours=hours), "", "", None, None, status)

    def row(hours: float, state: str) -> KaggleSubmissionRow:
        when = now - timedelta(hours=hours)
        return KaggleSubmissionRow(id="a", competition=SLUG, sha256="", message="", state=state, submitted=when)

    listed = (one(1), one(2), one(3, "ERROR"), one(13))
    assert left_today(Account(Facts(daily=5), None, None, listed), [], now) == 3
    assert left_today(Account(Facts(daily=5), 4, None, listed), [], now) == 1
    assert left_today(Account(Facts(daily=5), 4, 0, listed), [], now) == 0
    assert left_today(Account(Facts(daily=5), 0, 0, ()), [], now) == 5  # no team yet
    rows = [row(1, "pending"), row(2, "complete"), row(3, "complete"), row(4, "failed"), row(13, "complete")]
    assert left_today(Account(Facts(daily=5), None, None, listed), rows, now) == 2
    assert left_today(Account(Facts(), None, None, ()), rows, now) is None
    assert left_today(Account(Facts(), 3, 2, ()), rows, now) == 2


@pytest.mark.slow
def test_where_the_day_is_used_up_nothing_is_sent(desk: Desk, server: KaggleServer) -> None:
    server.sites[SLUG].daily = 0
    server.sites[SLUG].metadata = {**METADATA, "maxDailySubmissions": 0}
    server.refusals["GetSubmissionLimits"] = Refusal(404)  # as of an older API
    with pytest.raises(Unsent, match="are used up: try again after midnight UTC"):
        desk.submit(best(desk), None)
    server.refusals.clear()
    server.sites[SLUG].submissions.append({"ref": 1, "asked": 9, "scores": ("1", "1"), "date": "2020-01-01T00:00:00Z"})
    with pytest.raises(MedalistError, match="are used up"):
        desk.submit(best(desk), None)
    assert room_today(desk.ask(), [], 3) == 0
    assert states(desk) == ["failed"]


@pytest.mark.slow
def test_the_best_and_the_most_different_within_the_limit(desk: Desk, place: Path, server: KaggleServer) -> None:
    def other(name: str, prices: list[float]) -> bytes:
        return ("id,price\n" + "".join(f"{i},{p}\n" for i, p in enumerate(prices))).encode()

    run = a_run(place, other("b", [1, 2, 3, 4, 5]), "20261201-010001-bbbbbbbb")
    a_run(place, other("c", [1, 2, 3, 5, 4]), "20261130-010002-cccccccc")
    far = a_run(place, other("d", [5, 3, 4, 1, 2]), "20261130-010003-dddddddd")
    candidate = best_of(desk.ledger.run(run), desk.runs_dir, desk.ledger)
    rows = submit_several(desk, candidate, 2, None, 0.0)
    sent = [r.message.split(":")[0].split()[1] for r in rows]
    assert sent == [run, far]
    assert [r.state for r in rows] == ["pending", "pending"]
    notes: list[str] = []
    desk.note = notes.append
    assert submit_several(desk, candidate, 2, None, 0.0) == []
    assert "are made" in notes[0]
    assert len(server.sites[SLUG].submissions) == 2


def test_files_of_labels_and_of_several_columns_are_compared(desk: Desk) -> None:
    candidate = best(desk)

    def of(text: str) -> Any:
        return replace(candidate, data=text.encode())

    known = [b"id,a,b\n1,x,0.1\n2,y,0.2\n3,x,0.3\n"]
    same, near, far = (
        "id,a,b\n1,x,1\n2,y,2\n3,x,3\n",
        "id,a,b\n1,x,0.1\n2,x,0.2\n3,x,0.3\n",
        "id,a,b\n1,y,3\n2,x,2\n3,y,1\n",
    )
    assert most_different([of(same)], known, ("id",)) is None  # of equal ranks and labels
    assert most_different([of(same), of(near), of(far)], known, ("id",)) == of(far)
    assert most_different([of("id,other\n1,2\n")], known, ("id",)) is None


@pytest.mark.slow
def test_what_the_command_has_sent_is_said_at_the_end_of_a_run(
    place: Path, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(place)
    for name, value in environment(place / "home", server.address).items():
        monkeypatch.setenv(name, value)
    made = automatic.submit_automatically(run, 1, SLUG, str(place / "runs"), 120.0)
    assert [row["competition"] for row in made.rows] == [SLUG]
    assert made.sentences[0].startswith(f"Submitted to {SLUG} on Kaggle (")


def test_a_run_of_a_folder_needs_the_competitions_name(desk: Desk) -> None:
    run = desk.ledger.run("last")
    folder = replace(run, config={"path": "/data/titanic"})
    assert slug_of_run(run, None) == SLUG
    assert slug_of_run(folder, "https://www.kaggle.com/competitions/titanic") == "titanic"
    assert slug_of_run(folder, None, "titanic") == "titanic"
    with pytest.raises(InputError, match="name it with --competition SLUG"):
        slug_of_run(folder, None)


def test_a_file_that_the_run_did_not_write_is_refused(desk: Desk, place: Path) -> None:
    path = next(place.glob("runs/*/*/submission.csv"))
    path.write_text("id,price\n4,9\n5,9\n")
    with pytest.raises(MedalistError, match=r"is not as run .* wrote it"):
        best(desk)


@pytest.mark.slow
def test_while_the_ledger_is_away_the_outcome_waits_in_the_outbox(
    desk: Desk, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, notes = best(desk), []
    desk.note = notes.append
    record = Ledger.record_kaggle_submission

    def away(self: Ledger, run_id: str, row: KaggleSubmissionRow, **more: Any) -> None:
        if row.state == "pending":
            raise LedgerUnavailable("The ledger is away.")
        record(self, run_id, row, **more)

    with monkeypatch.context() as patches:
        patches.setattr(Ledger, "record_kaggle_submission", away)
        assert desk.submit(candidate, None).state == "pending"
    assert states(desk) == ["sending"]
    assert "waits in" in notes[0]
    from medalist.agent.records.delivery import deliver_waiting

    assert deliver_waiting(desk.ledger, desk.runs_dir) == []
    assert states(desk) == ["pending"]


def test_automatic_submissions_fail_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "LEAST_SECONDS", 0.5)

    def with_program(text: str, seconds: float = 30.0) -> Any:
        return submit_automatically("r1", 2, None, str(tmp_path), seconds, (sys.executable, "-c", text))

    assert with_program("", 0.4).sentences[0].startswith("Nothing was submitted to Kaggle, since no time was left")
    program = "import sys; print('medalist: Kaggle is away.', file=sys.stderr); sys.exit(2)"
    assert with_program(program).sentences == ("Kaggle is away.",)
    assert "medalist submit r1 does it" in with_program("import sys; sys.exit(9)").sentences[0]
    row = {"competition": "c", "state": "pending", "message": "the best [ab] 1"}
    made = with_program(f"print({json.dumps(json.dumps({'schema': 1, 'submissions': [row]}))})")
    assert made.rows == (row,)
    assert made.sentences == ("Submitted to c on Kaggle (waits for its score): the best.",)
    for text in ("print('[]')", "print('{}')", ""):
        assert "medalist submissions says what Kaggle has" in with_program(text).sentences[0]
    began = time.monotonic()
    made = with_program("import time; time.sleep(60)", 1.0)
    assert time.monotonic() - began < 20
    assert "took more than 1 s and was ended" in made.sentences[0]


@pytest.mark.slow
def test_the_commands(place: Path, server: KaggleServer) -> None:
    run = a_run(place)
    env = environment(place / "home", server.address)
    done = call("submit", "last", "--json", "-m", "by hand", env=env, cwd=place)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["submissions"]
    assert (row["state"], row["public_score"], row["score"]) == ("complete", 0.55, 0.5)
    done = call("leaderboard", SLUG, "--download", "--run", run, "--metric", "mae", env=env, cwd=place)
    assert "Kaggle's public leaderboard of" in done.stdout
    assert "Its public score on Kaggle: 0.55" in done.stdout
    done = call("report", "last", env=env, cwd=place)
    page = next(place.glob("runs/*/*/report.html")).read_text()
    assert "Submissions to Kaggle" in page
    assert "by hand" in page
    server.refusals["ListSubmissions"] = Refusal(429)
    done = call("submissions", env=env, cwd=place)
    assert done.returncode == 0, done.stderr
    assert "What is known so far is shown." in done.stderr
    assert "by hand" in done.stdout
