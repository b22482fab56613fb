"""Kaggle's real client in this process, against a server on this machine: submissions, scores and boards."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KEY, SECRETS, TOKEN, KaggleServer, Refusal, Site, patch_endpoints
from requests.adapters import HTTPAdapter

from medalist.competitions.kaggle import account_client, client
from medalist.competitions.kaggle.account import Submitted, with_tag
from medalist.competitions.kaggle.account_refusals import account_sentence

RULES = "You must accept this competition's rules before you can submit."
USED = "Submission not allowed: your team has used its daily Submission allowance"
JOINED = {"userHasEntered": True, "maxDailySubmissions": 5, "deadline": "2031-01-07T23:59:00Z"}
OVER = {"deadline": "2020-01-07T23:59:00Z", "userHasEntered": True}
NAME = "some-prices"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function from a server and a task to what is said, and the client's document."""
    monkeypatch.setattr(account_client, "PAUSES", (0.01,))
    monkeypatch.setattr(client, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(account_client, "CALL_SECONDS", 0.3)
    path = tmp_path / "submission.csv"
    path.write_text("id,price\n4,1.5\n5,2.5\n")

    def perform(server: KaggleServer, task: str, **arguments: Any) -> tuple[str | None, dict[str, Any]]:
        with monkeypatch.context() as patches:  # the program changes these, and is a process of its own elsewhere
            patches.setattr(HTTPAdapter, "send", HTTPAdapter.send)
            patch_endpoints(monkeypatch, server, tmp_path)
            if task == "submit":
                arguments = {"path": str(path), "message": "the best [abcdef012345] 01", **arguments}
            document = account_client.perform(task, NAME, arguments)
        told = account_sentence(NAME, document)
        assert not any(secret in f"{told}{json.dumps(document)}" for secret in SECRETS)
        return told, document

    return perform


def test_a_file_is_uploaded_submitted_listed_and_scored(here: Any) -> None:
    site = Site(metadata=JOINED, score=lambda data: (str(len(data)), ""), pending=2)
    with KaggleServer(some_prices=site) as server:
        told, sent = here(server, "submit")
        assert (told, sent["ref"]) == (None, 1000)
        assert list(server.uploads.values()) == [b"id,price\n4,1.5\n5,2.5\n"]
        _, seen = here(server, "look")
        assert seen["limits"] == {"today": 1, "left": 4}
        assert seen["about"]["facts"]["max_daily_submissions"] == 5
        assert [Submitted.of(s).status for s in seen["submissions"]] == ["PENDING"]
        _, waited = here(server, "wait", ref=1000)
    scored = Submitted.of(waited["submission"])
    assert (scored.public, scored.private, scored.status) == (21.0, None, "COMPLETE")
    assert scored.date is not None
    assert with_tag((scored,), "[abcdef012345] 01") == scored
    assert with_tag((scored,), "[abcdef012346]") is None


@pytest.mark.parametrize(
    ("method", "refusal", "metadata", "said"),
    [
        ("CreateSubmission", Refusal(401, "Unauthenticated"), JOINED, "does not accept the account's token"),
        ("StartSubmissionUpload", Refusal(403, RULES), JOINED, "accept its rules at kaggle.com/competitions/some-pric"),
        ("CreateSubmission", Refusal(403, "Forbidden"), OVER, "any more: it ended on 2020-01-07"),
        ("CreateSubmission", Refusal(403, "Verify your phone"), JOINED, "an account that is not verified"),
        ("CreateSubmission", Refusal(400, USED), JOINED, "Today's submissions of 5 to some-prices are used up"),
        ("CreateSubmission", Refusal(400, "?"), {**JOINED, "isKernelsSubmissionsOnly": True}, "notebooks alone"),
        ("CreateSubmission", Refusal(400, "?"), {**JOINED, "submissionsDisabled": True}, "takes no submissions"),
        ("CreateSubmission", Refusal(400, "?"), JOINED, "refuses the submission to some-prices (status 400)"),
        ("CreateSubmission", Refusal(429, KEY, {"Retry-After": "40"}), JOINED, "try again in 40 s"),
        ("CreateSubmission", Refusal(503, KEY), JOINED, "status 503"),
        ("upload", Refusal(403, f"Expired {SECRETS[2]}"), JOINED, "broke off, and nothing was submitted"),
    ],
)
def test_refusals_are_one_sentence_that_says_what_to_do(
    here: Any, method: str, refusal: Refusal, metadata: dict[str, Any], said: str
) -> None:
    with KaggleServer(some_prices=Site(metadata=metadata)) as server:
        server.refusals[method] = refusal
        told, document = here(server, "submit")
        assert server.sites[NAME].submissions == []
    assert said in told
    assert "\n" not in told
    assert document.get("submissions", []) == []


def test_a_misspelt_name_and_wrong_credentials(here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with KaggleServer(some_price=Site()) as server:
        assert "Did you mean some-price?" in here(server, "look")[0]
    with KaggleServer(some_prices=Site()) as server:
        patch_endpoints(monkeypatch, server, tmp_path)
        for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setattr(HTTPAdapter, "send", HTTPAdapter.send)
        document = account_client.perform("list", NAME, {})
        assert "There is no Kaggle account here" in str(account_sentence(NAME, document))
        monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_of_another_time")
        assert account_client.perform("list", NAME, {})["error"] == "token"
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        assert account_client.perform("list", NAME, {}) == {"error": None, "submissions": []}


def test_a_submission_whose_answer_is_lost_is_found_in_the_list(here: Any) -> None:
    with KaggleServer(some_prices=Site(metadata=JOINED)) as server:
        server.lost = {"CreateSubmission"}
        told, document = here(server, "submit")
        assert "no answer" in told
        assert document["created"]
        assert [Submitted.of(s).ref for s in document["submissions"]] == [1000]


def test_nothing_is_retried_where_kaggle_may_have_it(here: Any) -> None:
    with KaggleServer(some_prices=Site(metadata=JOINED)) as server:
        server.silent = {"CreateSubmission", "ListSubmissions"}
        began = time.monotonic()
        told, document = here(server, "submit")
        assert [method for method, _ in server.calls].count("CreateSubmission") == 1
    assert time.monotonic() - began < 10
    assert "no answer" in told
    assert document["created"]
    assert "submissions" not in document


def test_a_board_is_downloaded(here: Any, tmp_path: Path) -> None:
    from medalist.leaderboard.boards.files import read_leaderboard_file

    with KaggleServer(some_prices=Site(board=[("a", "0.1"), ("b", "0.2"), ("c", "0.4")])) as server:
        assert here(server, "board", folder=str(tmp_path))[0] is None
    board = read_leaderboard_file(tmp_path / f"{NAME}.zip", NAME)
    assert (board.teams, board.greater_is_better, board.median) == (3, False, 0.2)


def test_texts_of_kaggle_are_passed_on_without_what_may_be_a_credential() -> None:
    text = f"Row 3:\n wrong value for run 20261201-005217-6f9c245a, {KEY} and Bearer {TOKEN}"
    assert account_client.scrubbed(text) == "Row 3: wrong value for run 20261201-005217-6f9c245a, … and Bearer …"
    assert account_client.scrubbed(None) == ""
