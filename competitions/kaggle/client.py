"""A separate program that downloads one competition with Kaggle's client: the only file that imports `kaggle`.

`download.py` starts it as `python client.py NAME FOLDER` and can end it at any moment, since the client sets no time
limits. Importing the client signs in at once, prints help and may call `exit`; here that does no harm. It prints one
line of JSON, `{"error": null, "about": …}` or what failed, and exits when the parent process does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
from typing import Any

ABOUT_SECONDS = 8.0  # to wait for what Kaggle says of the competition once its files are here


def download(name: str, folder: str) -> dict[str, Any]:
    """Download all files of a competition into `folder`; returns the document to print, `error` None for success.

    Meanwhile Kaggle is asked about the competition ("about", see `about`): its answer is waited for only a little.
    """
    try:
        import requests
        from kaggle.api.kaggle_api_extended import KaggleApi
    except ImportError as error:
        return {"error": "import", "text": str(error)}
    except SystemExit:
        return {"error": "account"}
    try:
        api = KaggleApi()
        api.authenticate()
        answers: dict[str, Any] = {}
        asking = threading.Thread(target=about, args=(api, name, answers), daemon=True)
        asking.start()
        api.competition_download_files(name, path=folder, quiet=True)
        asking.join(ABOUT_SECONDS)
    except SystemExit:
        return {"error": "account"}
    except requests.exceptions.HTTPError as error:
        return {"error": "status", "status": error.response.status_code if error.response is not None else 0}
    except requests.exceptions.RequestException as error:
        return {"error": "network", "text": type(error).__name__}
    except OSError as error:
        return {"error": "network", "text": error.strerror or str(error)}
    except ValueError:
        return {"error": "sign-in files"}
    return {"error": None, "about": dict(answers)}


def about(api: Any, name: str, answers: dict[str, Any]) -> None:
    """Enter into `answers` what Kaggle calls the competition's metric ("metric") and its pages of text ("pages").

    What this version of the client cannot ask, or Kaggle does not answer, stays away: the files do without it.
    """
    import requests
    from kagglesdk.competitions.types import competition_api_service as types

    expected = (requests.exceptions.RequestException, OSError, ValueError, TypeError, KeyError, AttributeError)
    with contextlib.suppress(*expected), api.build_kaggle_client() as kaggle:
        request = types.ApiGetCompetitionRequest()
        request.competition_name = name
        found = kaggle.competitions.competition_api_client.get_competition(request)
        answers["metric"] = found.evaluation_metric
    with contextlib.suppress(*expected), api.build_kaggle_client() as kaggle:
        request = types.ApiListCompetitionPagesRequest()
        request.competition_name = name
        pages = kaggle.competitions.competition_api_client.list_competition_pages(request).pages
        answers["pages"] = [{"name": page.name, "content": page.content} for page in pages]


def exit_with_parent(pipe: int) -> None:
    """Wait for the end of `pipe`, a file descriptor whose other end the parent holds open while it lives; then exit."""
    os.read(pipe, 1)
    os._exit(1)


if __name__ == "__main__":
    pipe = os.dup(0)  # `exit` closes standard input, and would wait for its reader
    threading.Thread(target=exit_with_parent, args=(pipe,), daemon=True).start()
    with contextlib.redirect_stdout(io.StringIO()):
        document = download(sys.argv[1], sys.argv[2])
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
    os._exit(0)  # not held up by threads of the client
