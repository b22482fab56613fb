"""What is said where Kaggle does not take a submission, or does not answer: one sentence with what the user can do."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from medalist.competitions.kaggle.about import Facts, facts_of

_TOKEN = "make an API token at kaggle.com/settings and put it into ~/.kaggle"


def account_sentence(name: str, document: Mapping[str, Any]) -> str | None:
    """The error message for the client's `document`; None where it succeeded."""
    error, text = document["error"], document.get("text", "")
    if error is None:
        return None
    if error == "status":
        return _refusal(name, document)
    if error == "network":
        return _network(name, text)
    known = {
        "import": f"Kaggle's client cannot be imported ({text} is missing): pip install kaggle six.",
        "account": f"There is no Kaggle account here, which {name} needs: {_TOKEN}.",
        "token": f"Kaggle does not accept the account's token for {name}: {_TOKEN}.",
        "upload": f"The upload to {name} broke off, and nothing was submitted: check the network and try again.",
        "disk": f"A file for {name} cannot be read or written ({text}): check the disk.",
    }
    return known.get(error) or f"Kaggle's client failed for {name} ({text}): submit in a browser, or try again later."


def no_answer(name: str, seconds: float) -> str:
    """What is said where nothing comes from Kaggle."""
    return f"Kaggle gave no answer for {name} within {seconds:.0f} s: check the network and try again."


def closed(name: str, facts: Facts) -> str:
    """What is said of a competition that has ended."""
    return (
        f"{name} ended on {facts.day()}: a late submission gets a score at most, but no place; add --late to send it "
        f"all the same."
    )


def code_only(name: str) -> str:
    """What is said of a competition that takes notebooks."""
    return (
        f"{name} takes notebooks alone (a code competition), so no file can be submitted: write submission.csv from a "
        f"notebook at kaggle.com/competitions/{name}/code."
    )


def disabled(name: str) -> str:
    """What is said of a competition that takes nothing."""
    return f"Kaggle takes no submissions for {name}: see kaggle.com/competitions/{name}."


def used_up(name: str, daily: int | None) -> str:
    """What is said where no submission is left for today."""
    of = "" if daily is None else f" of {daily}"
    return f"Today's submissions{of} to {name} are used up: try again after midnight UTC."


def join(name: str) -> str:
    """What is said where the account has not joined."""
    rules = f"kaggle.com/competitions/{name}/rules"
    return f"Kaggle refuses {name} to this account: join it and accept its rules at {rules}, then try again."


def _network(name: str, kind: str) -> str:
    if kind == "SSLError":
        return (
            f"Kaggle's certificate is not accepted here, so {name} was not reached: where a proxy reads all traffic, "
            f"name its certificate with REQUESTS_CA_BUNDLE."
        )
    if kind == "ProxyError":
        return f"The proxy does not lead to Kaggle, so {name} was not reached: check HTTPS_PROXY."
    if "Timeout" in kind:
        return f"Kaggle gave no answer for {name}: check the network and try again."
    return f"Kaggle cannot be reached for {name}: check the network and try again."


def _refusal(name: str, document: Mapping[str, Any]) -> str:
    status, said = document["status"], document.get("said", ())
    facts = facts_of(document.get("about") or {})
    if status == 401:
        return f"Kaggle does not accept the account's token for {name}: {_TOKEN}."
    if status == 404:
        near = get_close_matches(name, document.get("near", ()), 2, 0.6)
        perhaps = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"Kaggle has no competition {name}: give its short name with --competition.{perhaps}"
    if status == 429:
        wait = document.get("wait")
        when = "in a few minutes" if wait is None else f"in {wait} s"
        return f"Kaggle limits how often this account may ask: try again {when}."
    if status in (400, 403):
        return _reason(name, status, said, facts)
    return f"Kaggle answers with status {status} for {name}: try again later."


def _reason(name: str, status: int, said: list[str], facts: Facts) -> str:
    """Why Kaggle refuses: by what it said, and what it says of the competition."""
    if "allowance" in said:
        return used_up(name, facts.daily)
    if "verif" in said:
        return f"Kaggle refuses {name} to an account that is not verified: see kaggle.com/settings, then try again."
    if facts.code_only or "notebook" in said or "kernel" in said:
        return code_only(name)
    if facts.disabled or "disabled" in said:
        return disabled(name)
    if "rules" in said:
        return join(name)
    if facts.is_over():
        return f"Kaggle takes nothing for {name} any more: it ended on {facts.day()}."
    if "not uploaded" in said:
        return f"The upload to {name} did not arrive, and nothing was submitted: try again."
    if status == 403:
        return join(name)
    return f"Kaggle refuses the submission to {name} (status 400): see kaggle.com/competitions/{name}/submissions."
