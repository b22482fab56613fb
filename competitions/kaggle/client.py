"""A separate program that downloads one competition with Kaggle's client: the only file that imports `kaggle`.

`child.py` starts it as `python client.py NAME FOLDER` and can end it at any moment. Importing the client signs in at
once, prints help and may call `exit`; here that does no harm. It prints lines of JSON: `{"stage": "asking"}` before the
network is used, `{"stage": "receiving", "bytes": …}` with the size of what comes, and at last a document with "error",
None for success. Nothing that the client or Kaggle says is passed on as it is, since it may hold credentials. It exits
when the parent process does.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import sys
import threading
import time
from datetime import datetime
from typing import Any

ABOUT_SECONDS = 6.0  # to wait for what Kaggle says of the competition once its files are here
REFUSED_SECONDS = 3.0  # the same where Kaggle refuses them
CONNECT_SECONDS, CALL_SECONDS, FILE_SECONDS = 5.0, 6.0, 3.5  # for a connection, for an answer, between parts of a file
PAUSE_SECONDS = 2.0  # the longest wait of the client between two attempts
MANY_ATTEMPTS = 10_000  # of a file: the parent ends what does not grow
CHUNK = 1 << 16  # bytes; as many as are lost where a transfer breaks
FIELDS = (  # of Kaggle's metadata, which are passed on
    "title", "evaluation_metric", "deadline", "new_entrant_deadline", "max_daily_submissions", "max_team_size",
    "user_has_entered", "is_kernels_submissions_only", "submissions_disabled", "team_count",
)  # fmt: skip


class NoArchiveError(Exception):
    """A page came in place of the files."""


def tell(document: dict[str, Any]) -> None:
    """Print a line for the parent, whatever standard output is now."""
    stream = sys.__stdout__ or sys.stdout
    stream.write(json.dumps(document) + "\n")
    stream.flush()


def download(name: str, folder: str) -> dict[str, Any]:
    """Download all files of a competition into `folder`; returns the last document to print, `error` None for success.

    Meanwhile Kaggle is asked about the competition ("about", see `ask`): its answer is waited for only a little.
    """
    answers: dict[str, Any] = {}
    asking: threading.Thread | None = None
    try:
        import requests

        bound_requests()
        tell({"stage": "asking"})
        from kaggle.api.kaggle_api_extended import KaggleApi

        api = KaggleApi()
        api.authenticate()
        asking = threading.Thread(target=ask, args=(api, name, answers), daemon=True)
        asking.start()
        watch_file(api)
        api.competition_download_files(name, path=folder, quiet=True)
        asking.join(ABOUT_SECONDS)
    except ImportError as error:
        return {"error": "import", "text": str(error.name or "a part of it")}
    except SystemExit:
        return {"error": "token" if has_token() else "account"}
    except NoArchiveError:
        return {"error": "page"}
    except requests.exceptions.HTTPError as error:
        if asking is not None:
            asking.join(REFUSED_SECONDS)
        return {**refusal(error), "about": dict(answers), "near": near(api, name) if _status(error) == 404 else []}
    except requests.exceptions.RequestException as error:
        return {"error": "network", "text": type(error).__name__}
    except OSError as error:
        return {"error": "disk", "text": error.strerror or type(error).__name__}
    except ValueError as error:
        return {"error": "size" if "file size" in str(error) else "sign-in files"}
    return {"error": None, "about": dict(answers)}


def bound_requests() -> None:
    """Give every request of this process time limits, which the client does not set, and let no refusal pass for a
    file: the client would write its text into the zip and lose what was there."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def bounded(self: Any, request: Any, **options: Any) -> Any:
        file = request.method == "GET"
        limits = (CONNECT_SECONDS, FILE_SECONDS if file else CALL_SECONDS)
        response = send(self, request, **{**options, "timeout": limits})
        if file and response.status_code >= 400 and response.status_code != 416:  # 416: there is no such part
            response.raise_for_status()
        return response

    HTTPAdapter.send = bounded  # type: ignore[method-assign, assignment]


def watch_file(api: Any) -> None:
    """Let the client say how large the file is, write it in small parts, and try again as often as is needed."""
    receive, sleep = api.download_file, time.sleep
    known = inspect.signature(receive).parameters
    wishes = {name: value for name, value in (("chunk_size", CHUNK), ("max_retries", MANY_ATTEMPTS)) if name in known}

    def receiving(response: Any, *args: Any, **more: Any) -> Any:
        if "html" in response.headers.get("Content-Type", ""):
            raise NoArchiveError
        length = response.headers.get("Content-Length", "")
        tell({"stage": "receiving", "bytes": int(length) if length.isdigit() else None})
        return receive(response, *args, **{**more, **wishes})

    api.download_file = receiving
    time.sleep = lambda seconds: sleep(min(float(seconds), PAUSE_SECONDS))


def has_token() -> bool:
    """Whether there is a token, so that it is this token that Kaggle does not accept."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        from kagglesdk.kaggle_env import get_access_token_from_env

        return bool(get_access_token_from_env()[0])
    return False


def _status(error: Any) -> int:
    return int(error.response.status_code) if error.response is not None else 0


def refusal(error: Any) -> dict[str, Any]:
    """The document for a refusal: its status, whether the file itself was refused, and what the sentence is about."""
    response = error.response
    if response is None:
        return {"error": "status", "status": 0}
    said = str(error).lower()
    about = [word for word in ("rules", "verif", "not allowed") if word in said]
    wait = response.headers.get("Retry-After", "")
    file = response.request is not None and response.request.method == "GET"
    document = {"error": "status", "status": response.status_code, "file": file, "said": about}
    return document | ({"wait": int(wait)} if wait.isdigit() else {})


def ask(api: Any, name: str, answers: dict[str, Any]) -> None:
    """Enter into `answers` what Kaggle's metadata say of the competition ("facts") and its pages of text ("pages").

    What this version of the client cannot ask, or Kaggle does not answer, stays away: the files do without it.
    """
    import requests
    from kagglesdk.competitions.types import competition_api_service as types

    expected = (requests.exceptions.RequestException, OSError, ValueError, TypeError, KeyError, AttributeError)
    with contextlib.suppress(*expected), api.build_kaggle_client() as kaggle:
        request = types.ApiGetCompetitionRequest()
        request.competition_name = name
        found = kaggle.competitions.competition_api_client.get_competition(request)
        values = {field: getattr(found, field, None) for field in FIELDS}
        answers["facts"] = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}
    with contextlib.suppress(*expected), api.build_kaggle_client() as kaggle:
        request = types.ApiListCompetitionPagesRequest()
        request.competition_name = name
        pages = kaggle.competitions.competition_api_client.list_competition_pages(request).pages
        answers["pages"] = [{"name": page.name, "content": page.content} for page in pages]


def near(api: Any, name: str) -> list[str]:
    """Competitions that Kaggle finds by the words of the name; [] where it does not answer in time."""
    found: list[str] = []

    def search() -> None:
        with contextlib.suppress(Exception), api.build_kaggle_client() as kaggle:
            from kagglesdk.competitions.types import competition_api_service as types

            request = types.ApiListCompetitionsRequest()
            request.search = name.replace("-", " ")
            answer = kaggle.competitions.competition_api_client.list_competitions(request)
            found.extend(str(one.ref or "").rstrip("/").rpartition("/")[2] for one in answer.competitions)

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(REFUSED_SECONDS)
    return list(found)


def exit_with_parent(pipe: int) -> None:
    """Wait for the end of `pipe`, a file descriptor whose other end the parent holds open while it lives; then exit."""
    os.read(pipe, 1)
    os._exit(1)


if __name__ == "__main__":
    pipe = os.dup(0)  # `exit` closes standard input, and would wait for its reader
    threading.Thread(target=exit_with_parent, args=(pipe,), daemon=True).start()
    with contextlib.redirect_stdout(io.StringIO()):
        document = download(sys.argv[1], sys.argv[2])
    tell(document)
    os._exit(0)  # not held up by threads of the client
