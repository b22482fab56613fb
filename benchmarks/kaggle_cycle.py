"""A competition from its slug to its final leaderboard with Kaggle's real client, against a server on this machine.

Then a table: what each failure of a submission says, and how long that takes.

`python benchmarks/kaggle_cycle.py > benchmarks/results/kaggle_cycle.log`: the log of the cycle, then the table. Every
command is the real `medalist` in a process of its own; the server scores by the embedded competition's answers.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "agent"))

from command_line import call
from kaggle_server import SECRETS, KaggleServer, Refusal, Site, environment, silent_network

from medalist.competitions.demo.late_parcels import write_demo

SLUG = "autumn-parcels"
METADATA = {
    "evaluationMetric": "Area Under Receiver Operating Characteristic Curve", "userHasEntered": True,
    "maxDailySubmissions": 5, "maxTeamSize": 4, "deadline": "2031-01-07T23:59:00Z",
}  # fmt: skip
PUBLIC_SHARE = 0.3
RULES = "You must accept this competition's rules before you can submit."


class Judge:
    """Scores submissions of the embedded competition; the private part is given once it has `ended`."""

    def __init__(self, folder: Path):
        home = write_demo(folder)
        self.answers = pd.read_csv(home / "private" / "answers.csv").set_index("parcel_id")
        order = np.random.default_rng(0).permutation(len(self.answers))
        self.public = order[: int(PUBLIC_SHARE * len(order))]
        self.private = order[int(PUBLIC_SHARE * len(order)) :]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path in sorted((home / "public").iterdir()):
                archive.write(path, path.name)
        self.archive = buffer.getvalue()

    def score(self, data: bytes) -> tuple[str, str]:
        """The area under the ROC curve on both parts."""
        from sklearn.metrics import roc_auc_score

        given = pd.read_csv(io.BytesIO(data)).set_index("parcel_id").loc[self.answers.index]
        parts = (self.public, self.private)
        scores = [roc_auc_score(self.answers["late"].iloc[rows], given["late"].iloc[rows]) for rows in parts]
        return f"{scores[0]:.6f}", f"{scores[1]:.6f}"

    def field(self, teams: int = 400) -> list[tuple[str, str]]:
        """A board: teams whose scores lie around that of a fair model."""
        scores = np.sort(np.random.default_rng(1).normal(0.70, 0.02, teams))[::-1]
        return [(f"team {i}", f"{score:.5f}") for i, score in enumerate(scores, 1)]


class Medalist:
    """Runs commands in `place` and prints them with what they said."""

    def __init__(self, place: Path, env: dict[str, str]):
        self.place, self.env = place, env

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done, seconds = self.quietly(*arguments)
        print(f"$ medalist {' '.join(arguments)}")
        lines = (done.stderr + done.stdout).replace(str(self.place), "…").splitlines()
        shown = lines if len(lines) < 40 else [*lines[:6], f"  ({len(lines) - 24} lines)", *lines[-18:]]
        print("\n".join(line.rstrip() for line in shown))
        print(f"  [{seconds:.1f} s, exit {done.returncode}]\n", flush=True)
        return done

    def quietly(self, *arguments: str, **env: str) -> tuple[subprocess.CompletedProcess[str], float]:
        """Run a command; its output must not hold a credential."""
        began = time.monotonic()
        done = call(*arguments, env=self.env | env, cwd=self.place, seconds=600)
        seconds = time.monotonic() - began
        if any(secret in done.stdout + done.stderr for secret in SECRETS):
            raise AssertionError("a credential was printed")
        return done, seconds


def cycle(judge: Judge, place: Path, experiments: int) -> None:
    """Slug, download, run, submit, score, leaderboard, and the private part at the end."""
    ended = False
    site = Site(
        archive=judge.archive, metadata=METADATA, board=judge.field(), pending=2,
        score=lambda data: judge.score(data) if ended else (judge.score(data)[0], ""),
    )  # fmt: skip
    with KaggleServer(autumn_parcels=site) as server:
        medalist = Medalist(place, environment(place / "home", server.address, MEDALIST_REPORT="0"))
        medalist("run", SLUG, "--max-experiments", str(experiments), "--seed", "0", "--threads", "1")
        medalist("leaderboard", SLUG, "--download", "--metric", "auc")
        medalist("submit", "last", "-m", "first of the season")
        medalist("submit", "last")
        medalist("submit", "last", "--choose", "3")
        medalist("submissions", SLUG)
        medalist("leaderboard", SLUG, "--download", "--metric", "auc", "--run", "last")
        print("(the competition ends, and Kaggle gives the private scores)\n")
        ended = True
        files = list(server.uploads.values())
        for one, data in zip(site.submissions, files, strict=True):
            one["scores"] = judge.score(data)
        medalist("submissions", SLUG)


@contextmanager
def refusing(server: KaggleServer, **methods: Refusal) -> Iterator[None]:
    server.refusals = dict(methods)
    yield
    server.refusals = {}


@contextmanager
def silence(server: KaggleServer, silent: set[str], lost: set[str] | None = None) -> Iterator[None]:
    server.silent, server.lost = silent, lost or set()
    yield
    server.silent, server.lost = set(), set()


@contextmanager
def told(site: Site, **metadata: object) -> Iterator[None]:
    site.metadata = {**METADATA, **metadata}
    yield
    site.metadata = METADATA


def failures(judge: Judge, place: Path) -> None:
    """The table of failures, by the run of the cycle."""
    site = Site(archive=judge.archive, metadata=METADATA, pending=0, score=judge.score)
    send = ("submit", "last", "--again", "--no-wait")
    rows: list[tuple[str, str, float, int]] = []
    with KaggleServer(autumn_parcels=site) as server:
        medalist = Medalist(place, environment(place / "home", server.address))

        def row(what: str, *arguments: str, **env: str) -> None:
            site.submissions.clear()
            done, seconds = medalist.quietly(*(arguments or send), **env)
            said = done.stderr.strip().splitlines() or done.stdout.strip().splitlines()
            rows.append((what, said[0].removeprefix("medalist: "), seconds, done.returncode))

        named, medalist.env = medalist.env, environment(place / "home", server.address, account=False)
        row("no account")
        medalist.env = named
        row("a wrong key", KAGGLE_KEY="wrong")
        row("a token that has expired", KAGGLE_API_TOKEN="KGAT_of_another_time")
        with told(site, userHasEntered=False):
            row("not joined, by the metadata")
        with refusing(server, StartSubmissionUpload=Refusal(403, RULES)):
            row("rules not accepted (403)")
        with refusing(server, CreateSubmission=Refusal(403, "Verify your phone")):
            row("not verified (403)")
        with told(site, deadline="2020-01-07T23:59:00Z"):
            row("closed")
        with told(site, isKernelsSubmissionsOnly=True):
            row("a code competition")
        with told(site, submissionsDisabled=True):
            row("submissions disabled")
        row("misspelt (404)", *send, "--competition", "autumn-parcel")
        with refusing(server, ListSubmissions=Refusal(429, "", {"Retry-After": "40"})):
            row("rate limit (429)")
        with refusing(server, ListSubmissions=Refusal(503)):
            row("Kaggle fails (503)")
        site.daily = 0
        with refusing(server, GetSubmissionLimits=Refusal(404)):
            row("the day is used up, seen at the end (400)")
        site.daily = 5
        with refusing(server, upload=Refusal(403)):
            row("the upload is refused")
        with silence(server, {"upload"}):
            row("the upload stands still")
        with silence(server, {"CreateSubmission"}):
            row("no answer to the submission, and Kaggle does not list it")
        with silence(server, set(), {"CreateSubmission"}):
            row("the answer to the submission is lost")
        with silence(server, {"CreateSubmission"}):
            real = server.calls.append

            def then_silent(one: tuple[str, str]) -> None:
                real(one)
                if one[0] == "CreateSubmission":
                    server.silent = {"CreateSubmission", "ListSubmissions"}

            server.calls = Calls(then_silent)
            row("no answer to the submission, and the list does not come either")
            server.calls = []
        with refusing(server, ListSubmissions=Refusal(503)):
            row("submissions, while Kaggle fails", "submissions")
        with refusing(server, DownloadLeaderboard=Refusal(403)):
            row("leaderboard --download, refused", "leaderboard", SLUG, "--download")
    silent_rows(row_on(medalist, rows, send))
    print("| Failure | What is said | Seconds | Exit code |\n|---|---|---:|---:|")
    for what, said, seconds, code in rows:
        print(f"| {what} | {said} | {seconds:.1f} | {code} |")
    late = [what for what, _, seconds, _ in rows if seconds > 15]
    print(f"\n{len(rows)} failures, {len(late)} of them later than 15 s. No output held a credential.")


class Calls(list[tuple[str, str]]):
    """The server's list of calls, which does something at each."""

    def __init__(self, at_each: Callable[[tuple[str, str]], None]):
        super().__init__()
        self._at_each = at_each

    def append(self, one: tuple[str, str]) -> None:
        self._at_each(one)


def row_on(medalist: Medalist, rows: list[tuple[str, str, float, int]], send: tuple[str, ...]) -> Callable[..., None]:
    """A function that adds a row of a command with another network."""

    def row(what: str, proxy: str, *arguments: str) -> None:
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"), proxy)
        done, seconds = medalist.quietly(*(arguments or send), **proxies)
        said = done.stderr.strip().splitlines() or done.stdout.strip().splitlines()
        rows.append((what, said[0].removeprefix("medalist: "), seconds, done.returncode))

    return row


def silent_rows(row: Callable[..., None]) -> None:
    """Networks that never answer, that take no connections, and none."""
    for full, what in ((False, "nothing answers"), (True, "packets are swallowed")):
        with silent_network(full) as proxy:
            row(what, proxy)
            row(f"{what}: submissions", proxy, "submissions")
            row(f"{what}: leaderboard --download", proxy, "leaderboard", SLUG, "--download")
    row("no network", "http://127.0.0.1:9")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=8, help="of the run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        judge = Judge(place / "demo")
        cycle(judge, place, given.experiments)
        failures(judge, place)


if __name__ == "__main__":
    main()
