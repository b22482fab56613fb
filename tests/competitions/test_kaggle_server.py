"""The server that plays Kaggle in other tests, asked by Kaggle's real client for what those tests rest on."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KaggleServer, Site, patch_endpoints
from requests.exceptions import HTTPError


def scored(data: bytes) -> tuple[str, str] | str:
    return ("0.25", "0.75") if data.startswith(b"id,price\n") else "Submission must have columns id, price"


@pytest.fixture
def site() -> Site:
    return Site(board=[("First <b>team</b>", "0.1"), ("Second", "0.2")], daily=2, score=scored, pending=1)


@pytest.fixture
def api(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with KaggleServer(some_prices=site) as server:
        patch_endpoints(monkeypatch, server, tmp_path)
        from kaggle.api.kaggle_api_extended import KaggleApi

        api = KaggleApi()
        api.authenticate()
        yield api


def test_a_submission_in_three_steps_until_the_days_are_used(api: Any, tmp_path: Path) -> None:
    file = tmp_path / "submission.csv"
    file.write_text("id,price\n4,1\n5,2\n")
    assert api.competition_submit(str(file), "first", "some-prices", quiet=True).ref == 1000
    states = [api.competition_submissions("some-prices")[0] for _ in range(2)]
    assert [state.status.name for state in states] == ["PENDING", "COMPLETE"]
    assert (states[1].public_score, states[1].private_score, states[1].description) == ("0.25", "0.75", "first")
    file.write_text("nonsense\n")
    api.competition_submit(str(file), "second", "some-prices", quiet=True)
    latest = [api.competition_submissions("some-prices")[0] for _ in range(2)][1]
    assert (latest.status.name, latest.error_description) == ("ERROR", "Submission must have columns id, price")
    limits = api.competition_get_submission_limits("some-prices")
    assert (limits.num_today, limits.num_allowed_now) == (2, 0)
    with pytest.raises(HTTPError, match="daily Submission allowance"):
        api.competition_submit(str(file), "third", "some-prices", quiet=True)


def test_files_and_the_leaderboard(api: Any, tmp_path: Path) -> None:
    names = [file.name for file in api.competition_list_files("some-prices").files]
    assert names == ["train.csv", "test.csv", "sample_submission.csv"]
    board = api.competition_leaderboard_view("some-prices")
    assert [(row.team_name, row.score) for row in board] == [("First <b>team</b>", "0.1"), ("Second", "0.2")]
    api.competition_leaderboard_download("some-prices", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "some-prices.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read(archive.namelist()[0]).decode())))
    assert [row["Score"] for row in rows] == ["0.1", "0.2"]
