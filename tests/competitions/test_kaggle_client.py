"""Kaggle's real client in this process, against a server on this machine: what is said where Kaggle refuses."""

from __future__ import annotations

import io
import json
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import SECRETS, TOKEN, KaggleServer, Refusal, Site, Transfer, patch_endpoints, price_zip
from requests.adapters import HTTPAdapter

from medalist.competitions.kaggle import client
from medalist.competitions.kaggle.about import Facts, facts_of
from medalist.competitions.kaggle.refusals import sentence

RULES = "You must accept this competition's rules before you'll be able to download files."
OVER = {"deadline": "2020-01-07T23:59:00Z", "userHasEntered": False}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function from a server to what the client says, as a sentence, and its document."""
    monkeypatch.setattr(HTTPAdapter, "send", HTTPAdapter.send)  # both are changed by the program,
    monkeypatch.setattr(time, "sleep", time.sleep)  # which is a process of its own elsewhere
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.01)

    def ask(server: KaggleServer, slug: str = "some-prices", **variables: str) -> tuple[str | None, dict[str, Any]]:
        patch_endpoints(monkeypatch, server, tmp_path)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        document = client.download(slug, str(tmp_path))
        told = sentence(slug, document)
        assert not any(secret in f"{told}{json.dumps(document)}" for secret in SECRETS)
        return told, document

    return ask


@pytest.mark.parametrize(
    ("method", "refusal", "metadata", "said"),
    [
        ("DownloadDataFiles", Refusal(401, "Unauthenticated"), {}, "token for some-prices: make an API token"),
        ("DownloadDataFiles", Refusal(403, RULES), {}, "accept its rules at kaggle.com/competitions/some-prices/rules"),
        (
            "DownloadDataFiles",
            Refusal(403, "Forbidden"),
            OVER,
            "which ended on 2020-01-07: where it still can",
        ),
        ("DownloadDataFiles", Refusal(403, "Forbidden"), {"userHasEntered": True}, "to nobody, or not to this account"),
        ("DownloadDataFiles", Refusal(403, "Verify your phone"), {}, "an account that is not verified"),
        ("DownloadDataFiles", Refusal(429, "", {"Retry-After": "40"}), {}, "try again in 40 s"),
        ("DownloadDataFiles", Refusal(429, ""), {}, "try again in a few minutes"),
        ("DownloadDataFiles", Refusal(503, ""), {}, "status 503"),
        ("file", Refusal(403, f"Expired {SECRETS[0]}"), {}, "storage refuses the files of some-prices (status 403)"),
    ],
)
def test_refusals_are_one_sentence_that_says_what_to_do(
    here: Any, method: str, refusal: Refusal, metadata: dict[str, Any], said: str
) -> None:
    with KaggleServer(some_prices=Site(metadata=metadata)) as server:
        server.refusals[method] = refusal
        told, _ = here(server)
    assert said in told
    assert "\n" not in told


def test_a_misspelt_name_is_met_with_those_that_kaggle_has(here: Any) -> None:
    with KaggleServer(some_prices=Site(), other=Site()) as server:
        assert here(server, "some-price")[0].endswith("Did you mean some-prices?")
        assert "Did you mean" not in here(server, "nothing-like-it")[0]


def test_credentials_that_are_wrong_or_missing(here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with KaggleServer(some_prices=Site()) as server:
        assert "does not accept the account's token" in here(server, KAGGLE_KEY="wrong")[0]
        patch_endpoints(monkeypatch, server, tmp_path)
        for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_of_another_time")
        assert client.download("some-prices", str(tmp_path))["error"] == "token"
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        assert client.download("some-prices", str(tmp_path))["error"] is None
        monkeypatch.delenv("KAGGLE_API_TOKEN")
        document = client.download("some-prices", str(tmp_path))
    assert "without an account: make an API token" in str(sentence("some-prices", document))


def test_a_page_of_the_network_is_no_competition(here: Any, tmp_path: Path) -> None:
    with KaggleServer(some_prices=Site(transfer=Transfer(page=True))) as server:
        assert "sign in to this network" in here(server)[0]
    assert not list(tmp_path.glob("some-prices*"))


def test_a_transfer_that_breaks_goes_on_where_it_ended(here: Any, tmp_path: Path) -> None:
    site = Site(archive=price_zip(padding=1 << 20), transfer=Transfer(cuts=1))
    with KaggleServer(some_prices=site) as server:
        assert here(server)[0] is None
        ranges = [what for method, what in server.calls if method == "file"]
    assert ranges[0] == ""
    assert ranges[1].startswith("bytes=5")  # half of a megabyte
    assert (tmp_path / "some-prices.zip").read_bytes() == site.archive


def test_a_refusal_in_the_middle_of_a_transfer_never_becomes_the_file(here: Any, tmp_path: Path) -> None:
    site = Site(archive=price_zip(padding=1 << 20), transfer=Transfer(cuts=1))

    class Expiring(KaggleServer):
        """Refuses the second request for the file, as where the signature of its address has expired."""

        @property
        def refusals(self) -> dict[str, Refusal]:
            count = sum(method == "file" for method, _ in self.calls)
            return {"file": Refusal(403, "Expired")} if count == 2 else {}

        @refusals.setter
        def refusals(self, value: dict[str, Refusal]) -> None:
            pass

    with Expiring(some_prices=site) as server:
        assert here(server)[0] is None
    assert (tmp_path / "some-prices.zip").read_bytes() == site.archive


def test_what_kaggle_says_of_the_competition(here: Any) -> None:
    metadata = {
        "evaluationMetric": "Root Mean Squared Error", "deadline": "2031-01-07T23:59:00Z", "maxDailySubmissions": 10,
        "maxTeamSize": 3, "isKernelsSubmissionsOnly": True, "userHasEntered": True,
    }  # fmt: skip
    with KaggleServer(some_prices=Site(metadata=metadata)) as server:
        _, document = here(server)
    facts = facts_of(document["about"])
    assert facts == Facts("2031-01-07T23:59:00", 10, 3, True, True, False)
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert facts.notes(now)[0] == (
        "On Kaggle: submissions until 2031-01-07 23:59 UTC, at most 10 submissions a day, teams of at most 3."
    )
    assert "cannot be uploaded" in facts.notes(now)[1]
    assert facts.notes(datetime(2032, 1, 1, tzinfo=UTC))[0].startswith("On Kaggle it ended on 2031-01-07")


def test_limits_that_only_the_rules_name() -> None:
    text = "<p>You may submit a <b>maximum of five (5) entries per day</b>.</p><p>The maximum Team size is 4.</p>"
    facts = facts_of({"facts": {"max_daily_submissions": 0}, "pages": [{"name": "rules", "content": text}]})
    assert (facts.daily, facts.team, facts.deadline) == (5, 4, None)
    assert Facts(deadline="someday", daily=5, team=4).notes() == (
        "On Kaggle: at most 5 submissions a day, teams of at most 4.",
    )
    assert Facts(entered=True).notes()[-1] == (
        "Neither Kaggle's metadata nor its pages name the deadline and the daily limit of submissions and the size of "
        "teams."
    )
    assert Facts().notes() == ()  # Kaggle said nothing at all


@pytest.mark.parametrize(
    "text",
    [
        "<li><strong>Final Submission Deadline -</strong> January 31, 2024</li>",
        "* __January 31, 2024__ - Final submission deadline.",
        "The final submission deadline is 2024-01-31.",
    ],
)
def test_a_deadline_that_only_a_page_names(text: str) -> None:
    facts = facts_of({"facts": {}, "pages": [{"name": "timeline", "content": text}]})
    assert facts.deadline == "2024-01-31T23:59:00"
    assert facts_of({"pages": [{"name": "x", "content": "Submission deadline: Smarch 31, 2024"}]}).deadline is None


def test_a_hostile_zip_is_downloaded_but_never_unpacked(here: Any, tmp_path: Path) -> None:
    from medalist.competitions.competition import read_competition
    from medalist.competitions.errors import InputError

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../evil.csv", "a,b\n1,2\n")
    with KaggleServer(some_prices=Site(archive=buffer.getvalue())) as server:
        assert here(server)[0] is None
    with pytest.raises(InputError, match="leads out of its folder"):
        read_competition(tmp_path / "some-prices.zip")
    assert not (tmp_path.parent / "evil.csv").exists()
