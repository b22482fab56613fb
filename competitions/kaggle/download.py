"""Downloads a competition from Kaggle by its slug, with Kaggle's own client. The only module that imports `kaggle`.

Importing the client signs in at once, prints help and may call `exit`; so it is imported within the function, with its
output held back and SystemExit caught.
"""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from pathlib import Path

from medalist.competitions.errors import InputError

_SLUG = re.compile(r"(?:https?://(?:www\.)?kaggle\.com/(?:competitions|c)/)?([a-z0-9]+(?:-[a-z0-9]+)*)(?:/.*)?")
_ACCOUNT = "put an API token of your Kaggle account into ~/.kaggle, or download the zip in a browser"


def slug_of(text: str) -> str | None:
    """The slug in "titanic" or "https://www.kaggle.com/competitions/titanic/data"; None for anything else."""
    found = _SLUG.fullmatch(text.strip())
    return found[1] if found and ("/" not in text or "kaggle.com/" in text) else None


def download(slug: str, folder: Path) -> Path:
    """Downloads all files of a competition; returns the path of its zip in `folder`, for `read_competition`.

    A whole zip that is there already is taken as it is; a part of one is continued. Raises InputError when there is no
    account, the competition's rules are not accepted, there is no such competition, or the network fails.
    """
    name = slug_of(slug)
    if name is None:
        raise InputError(f"{slug!r} is no competition of Kaggle: give its short name, as in its address.")
    path = folder / f"{name}.zip"
    if zipfile.is_zipfile(path):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}): give another folder.") from error
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        _download(name, folder)
    if not zipfile.is_zipfile(path):
        others = sorted(p for p in folder.glob(f"{name}.*") if not p.name.endswith(".kaggle-partial"))
        if others and path not in others:
            return others[0]
        raise InputError(f"the download of {name} is not complete: try again, it continues where it ended.")
    return path


def _download(name: str, folder: Path) -> None:
    """Calls the client, with its failures as InputError."""
    try:
        import requests
        from kaggle.api.kaggle_api_extended import KaggleApi

        api = KaggleApi()
        api.authenticate()
        api.competition_download_files(name, path=str(folder), quiet=True)
    except ImportError as error:
        raise InputError(f"Kaggle's client cannot be imported ({error}): install `kaggle` and `six`.") from error
    except SystemExit as error:
        raise InputError(f"{name} cannot be downloaded without an account: {_ACCOUNT}.") from error
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise InputError(_said(name, status)) from error
    except (requests.exceptions.RequestException, OSError) as error:
        reason = type(error).__name__ if isinstance(error, requests.exceptions.RequestException) else error.strerror
        raise InputError(f"{name} cannot be downloaded ({reason}): check the network and the disk.") from error
    except ValueError as error:
        raise InputError(f"{name} cannot be downloaded, the sign-in files cannot be read: {_ACCOUNT}.") from error


def _said(name: str, status: int) -> str:
    if status == 401:
        return f"Kaggle does not accept the account's token for {name}: {_ACCOUNT}."
    if status == 403:
        return f"Kaggle refuses {name}: join it and accept its rules at kaggle.com/competitions/{name}/rules."
    if status == 404:
        return f"Kaggle has no competition {name}: give its short name, as in its address."
    return f"Kaggle answers with status {status} for {name}: try again later, or give a folder."
