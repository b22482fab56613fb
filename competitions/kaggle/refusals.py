"""What is said where a download from Kaggle fails: one sentence with what the user can do."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from medalist.competitions.kaggle.about import Facts, facts_of

_TOKEN = "make an API token at kaggle.com/settings and put it into ~/.kaggle, or download the zip in a browser"
_BROWSER = "download the zip in a browser and give its path"
INSTEAD = f"check the network, or {_BROWSER}"
DISK = "check the disk and the folder that MEDALIST_CACHE names"


def sentence(name: str, document: dict[str, Any]) -> str | None:
    """The error message for the client's `document`; None where the download succeeded."""
    error, text = document["error"], document.get("text", "")
    if error is None:
        return None
    if error == "status":
        return _refusal(name, document)
    if error == "network":
        return _network(name, text)
    known = {
        "import": f"Kaggle's client cannot be imported ({text} is missing): pip install kaggle six.",
        "account": f"{name} cannot be downloaded without an account: {_TOKEN}.",
        "token": f"Kaggle does not accept the account's token for {name}: {_TOKEN}.",
        "sign-in files": f"{name} cannot be downloaded, the sign-in files cannot be read: {_TOKEN}.",
        "page": f"a web page came in place of {name}: sign in to this network in a browser, then try again.",
        "size": f"the zip of {name} arrived with another size than Kaggle said: try again.",
        "disk": f"{name} cannot be downloaded ({text}): {DISK}.",
    }
    return known.get(error) or (
        f"{name} cannot be downloaded, since Kaggle's client failed ({text}): download the zip in a browser."
    )


def disk_sentence(name: str, needed: int, free: int, folder: Path) -> str:
    """What is said where the disk has no room for the download."""
    return (
        f"{name} has {needed / 1e6:,.1f} MB, but {folder} has room for {free / 1e6:,.1f} MB: free some (medalist "
        "clean), or name another folder with MEDALIST_CACHE."
    )


def _network(name: str, kind: str) -> str:
    if kind == "SSLError":
        return (
            f"Kaggle's certificate is not accepted here, so {name} was not downloaded: where a proxy reads all "
            "traffic, name its certificate with REQUESTS_CA_BUNDLE."
        )
    if kind == "ProxyError":
        return f"the proxy does not lead to Kaggle, so {name} was not downloaded: check HTTPS_PROXY, or {_BROWSER}."
    if "Timeout" in kind:
        return f"Kaggle gave no answer for {name}: {INSTEAD}."
    return f"Kaggle cannot be reached, so {name} was not downloaded: {INSTEAD}."


def _refusal(name: str, document: dict[str, Any]) -> str:
    status = document["status"]
    if status == 401:
        return f"Kaggle does not accept the account's token for {name}: {_TOKEN}."
    if status == 404 and not document.get("file"):
        near = get_close_matches(name, document.get("near", ()), 2, 0.6)
        perhaps = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"Kaggle has no competition {name}: give its short name, as in its address.{perhaps}"
    if status == 429:
        wait = document.get("wait")
        when = "in a few minutes" if wait is None else f"in {wait} s"
        return f"Kaggle limits how often this account may ask: try again {when}."
    if document.get("file"):
        return f"Kaggle's storage refuses the files of {name} (status {status}): try again, or {_BROWSER}."
    if status == 403:
        about = document.get("about") or {}
        return _forbidden(name, document.get("said", ()), facts_of(about))
    return f"Kaggle answers with status {status} for {name}: try again later, or give a folder."


def _forbidden(name: str, said: list[str], facts: Facts) -> str:
    """Kaggle does not say reliably why: what it said, and what it says of the competition, decide."""
    rules = f"kaggle.com/competitions/{name}/rules"
    if "verif" in said:
        return f"Kaggle refuses {name} to an account that is not verified: see kaggle.com/settings, then try again."
    if facts.is_over() and not facts.entered:
        return (
            f"Kaggle refuses {name}, which ended on {facts.day()}: where it still can be joined, accept its rules at "
            f"{rules}; else give a folder with its files."
        )
    if facts.entered and "rules" not in said:
        return f"Kaggle gives the files of {name} to nobody, or not to this account: see {rules}, or give a folder."
    return f"Kaggle refuses {name}: join it and accept its rules at {rules}, then try again."
