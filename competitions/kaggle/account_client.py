"""A separate program for what an account does on Kaggle beside downloads of data: submit, list, wait, fetch a board.

`account.py` starts it as `python -m … TASK NAME ARGUMENTS` and can end it at any moment. It prints lines of JSON as
`client.py` does: stages, and at last a document with "error", None for success. What Kaggle or the client says is not
passed on, but for what belongs to submissions, without what may be a credential (see `scrubbed`).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from medalist.competitions.kaggle.client import (
    CALL_SECONDS,
    REFUSED_SECONDS,
    ask,
    bound_requests,
    exit_with_parent,
    has_token,
    near,
    refusal,
    tell,
)

PAGE = 100  # submissions that are listed, the newest ones: more than any competition allows in a week
ATTEMPTS = 2  # of an upload, which submits nothing yet
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between two questions whether there is a score
LISTED_SECONDS = 3.0  # to find out, after a failure in the middle, whether Kaggle has the file
LONGEST_TEXT = 300  # characters of a text that is passed on
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{28,}")  # as credentials are; no word and no id of a run is as long

Document = dict[str, Any]


class UploadError(Exception):
    """The file did not arrive."""


def perform(task: str, name: str, arguments: Mapping[str, Any]) -> Document:
    """Carry out one of TASKS for the competition `name`; returns the last document to print."""
    api: Any = None
    stages: set[str] = set()
    try:
        import requests

        bound_requests()
        watch_requests(stages)
        tell({"stage": "asking"})
        from kaggle.api.kaggle_api_extended import KaggleApi

        api = KaggleApi()
        api.authenticate()
        found = TASKS[task](api, name, **arguments)
    except ImportError as error:
        return {"error": "import", "text": str(error.name or "a part of it")}
    except SystemExit:
        return {"error": "token" if has_token() else "account"}
    except UploadError:
        return {"error": "upload"}
    except requests.exceptions.HTTPError as error:
        return {**_refused(error, api, name), **_sent(api, name, stages, _status(error))}
    except requests.exceptions.RequestException as error:
        return {"error": "network", "text": type(error).__name__, **_sent(api, name, stages, 0)}
    except OSError as error:
        return {"error": "disk", "text": error.strerror or type(error).__name__}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        return {"error": "client", "text": type(error).__name__, **_sent(api, name, stages, 0)}
    return {"error": None, **found}


def watch_requests(stages: set[str]) -> None:
    """Tell of the bytes of an upload, and when the submission itself is made; no retries but our own."""
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    send = HTTPAdapter.send

    def watched(self: Any, request: Any, **options: Any) -> Any:
        if request.method == "PUT":
            self.max_retries = Retry(0, read=False)
            if hasattr(request.body, "read"):
                request.body = Counted(request.body)
        elif str(request.url).endswith("/CreateSubmission"):
            stages.add("creating")
            tell({"stage": "creating"})
        return send(self, request, **options)

    HTTPAdapter.send = watched  # type: ignore[method-assign, assignment]


class Counted:
    """A file that tells how much of it was read, at most a few times a second."""

    def __init__(self, file: Any):
        self._file, self._read, self._told = file, 0, 0.0

    def read(self, size: int = -1) -> Any:
        data = self._file.read(size)
        self._read += len(data)
        if (now := time.monotonic()) - self._told > 0.2:
            self._told = now
            tell({"stage": "uploading", "bytes": self._read})
        return data

    def __iter__(self) -> Any:
        return iter(lambda: self.read(1 << 14), b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


# tasks: each takes the client and the competition's name, and returns what is added to the last document


def look(api: Any, name: str) -> Document:
    """What Kaggle says of the competition, its limits for the account, and the account's submissions."""
    about: Document = {}
    limits: Document = {}
    threads = [
        threading.Thread(target=work, args=(api, name, into), daemon=True)
        for work, into in ((ask, about), (_limits, limits))
    ]
    for thread in threads:
        thread.start()
    found = listed(api, name)
    end = time.monotonic() + CALL_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {"about": dict(about), "limits": dict(limits), **found}


def _limits(api: Any, name: str, into: Document) -> None:
    """How many submissions the account has made today and may still make; nothing where the client cannot ask."""
    with contextlib.suppress(Exception):
        answer = api.competition_get_submission_limits(name)
        into.update(today=answer.num_today, left=answer.num_allowed_now)


def listed(api: Any, name: str) -> Document:
    """The account's submissions, the newest first."""
    return {"submissions": [submission(one) for one in api.competition_submissions(name, page_size=PAGE) or ()]}


def submit(api: Any, name: str, path: str, message: str) -> Document:
    """Upload a file and submit it."""
    for attempt in range(1, ATTEMPTS + 1):
        began = time.monotonic()
        answer = api.competition_submit(path, message, name, quiet=True)
        if answer.message != getattr(api, "COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE", None):
            return {"ref": getattr(answer, "ref", None) or None}
        if attempt == ATTEMPTS or time.monotonic() - began > 2.0:
            raise UploadError
    raise UploadError


def wait(api: Any, name: str, ref: int) -> Document:
    """Ask for one submission, at longer and longer intervals, until it is scored or refused."""
    for attempt in range(10_000):
        found = next((s for s in listed(api, name)["submissions"] if s["ref"] == ref), None)
        tell({"stage": "waiting", "submission": found})
        if found is not None and found["status"] != "PENDING":
            return {"submission": found}
        time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
    return {"submission": None}


def board(api: Any, name: str, folder: str) -> Document:
    """Download the present public leaderboard into a folder as NAME.zip."""
    api.competition_leaderboard_download(name, folder, quiet=True)
    return {}


TASKS: dict[str, Callable[..., Document]] = {
    "look": look, "list": listed, "submit": submit, "wait": wait, "board": board,
}  # fmt: skip


def submission(one: Any) -> Document:
    """What is passed on of a submission that Kaggle lists."""
    date = one.date
    if isinstance(date, datetime):
        date = (date if date.tzinfo else date.replace(tzinfo=UTC)).isoformat()
    return {
        "ref": one.ref,
        "date": date,
        "description": scrubbed(one.description),
        "error": scrubbed(one.error_description),
        "public": one.public_score or None,
        "private": one.private_score or None,
        "status": getattr(one.status, "name", str(one.status)),
    }


def scrubbed(text: str | None) -> str:
    """A text in one line, without anything that is as long and mixed as a credential."""
    return _LONG.sub("…", " ".join(str(text or "").split()))[:LONGEST_TEXT]


def _status(error: Any) -> int:
    return int(error.response.status_code) if error.response is not None else 0


def _refused(error: Any, api: Any, name: str) -> Document:
    """The document for a refusal, with what decides on its sentence."""
    document, said = refusal(error), str(error).lower()
    if error.response is not None:
        with contextlib.suppress(ValueError, AttributeError):
            said += str(error.response.json().get("message", "")).lower()
    words = ("rules", "verif", "allowance", "deadline", "ended", "notebook", "kernel", "disabled", "not uploaded")
    document["said"] = [word for word in words if word in said]
    if _status(error) == 404:
        document["near"] = near(api, name)
    if _status(error) in (400, 403):
        about: Document = {}
        thread = threading.Thread(target=ask, args=(api, name, about), daemon=True)
        thread.start()
        thread.join(REFUSED_SECONDS)
        document["about"] = dict(about)
    return document


def _sent(api: Any, name: str, stages: set[str], status: int) -> Document:
    """What is known, after a failure, of whether the submission was made: nothing where it had not come so far, or was
    refused; else the account's submissions, where Kaggle lists them in time."""
    if "creating" not in stages or 400 <= status < 500:
        return {}
    found: Document = {}

    def search() -> None:
        with contextlib.suppress(Exception):
            found.update(listed(api, name))

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(LISTED_SECONDS)
    return {"created": True, **dict(found)}


if __name__ == "__main__":
    pipe = os.dup(0)  # `exit` closes standard input, and would wait for its reader
    threading.Thread(target=exit_with_parent, args=(pipe,), daemon=True).start()
    with contextlib.redirect_stdout(io.StringIO()):
        last = perform(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    tell(last)
    os._exit(0)  # not held up by threads of the client
