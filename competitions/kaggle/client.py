"""A separate program that downloads one competition with Kaggle's client: the only file that imports `kaggle`.

`download.py` starts it as `python client.py NAME FOLDER` and can end it at any moment, since the client sets no time
limits. Importing the client signs in at once, prints help and may call `exit`; here that does no harm. It prints one
line of JSON, `{"error": null}` or what failed, and exits when the parent process does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
from typing import Any


def download(name: str, folder: str) -> dict[str, Any]:
    """Download all files of a competition into `folder`; returns the document to print, `error` None for success."""
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
        api.competition_download_files(name, path=folder, quiet=True)
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
    return {"error": None}


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
