"""Tells a command or an address of the end of a night, of failures and of medals."""

from __future__ import annotations

import json
import queue
import shlex
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from medalist.agent.nights.child import end_process

SECONDS = 10.0  # longest time that telling one of them takes
GRACE = 2.0  # seconds for ending a command that takes longer
TITLES = {"end": "medalist: the night has ended", "failure": "medalist: a failure", "medal": "medalist: a medal"}


@dataclass(frozen=True)
class Notifier:
    """Those who want to be told: commands, which get a JSON document on standard input, and http(s) addresses, which
    get a POST of a readable text."""

    targets: Sequence[str] = ()
    seconds: float = SECONDS

    def tell(self, document: Mapping[str, Any], text: str) -> Iterator[str]:
        """Tell all of them; yields a sentence for each that could not be told."""
        for target in self.targets:
            said: queue.Queue[str] = queue.Queue()
            thread = threading.Thread(target=self._tell, args=(target, document, text, said), daemon=True)
            thread.start()  # an address that sends a byte a second, or a name server that is away, holds nobody up
            thread.join(self.seconds + GRACE)
            if thread.is_alive():
                yield f"{shown(target)} could not be told within {self.seconds:g} s."
            elif not said.empty():
                yield said.get()

    def _tell(self, target: str, document: Mapping[str, Any], text: str, said: queue.Queue[str]) -> None:
        """Tell one of them; puts a sentence where that was not possible."""
        try:
            if target.startswith(("http://", "https://")):
                self._post(target, document, text)
            else:
                self._call(target, document)
        except subprocess.TimeoutExpired:
            said.put(f"{shown(target)} did not end within {self.seconds:g} s and was ended.")
        except urllib.error.HTTPError as error:
            said.put(f"{shown(target)} answered {error.code} {error.reason}.")
        except (OSError, HTTPException, ValueError, subprocess.SubprocessError) as error:
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            said.put(f"{shown(target)} could not be told: {why}.")

    def _post(self, url: str, document: Mapping[str, Any], text: str) -> None:
        """POST the text, with a title in the header Title, which ntfy shows; Slack takes JSON only: {"text": …}."""
        json_only = "hooks.slack.com" in url
        body = json.dumps({"text": text}) if json_only else text
        request = urllib.request.Request(
            url,
            data=body.encode(),
            headers={
                "Content-Type": "application/json" if json_only else "text/plain; charset=utf-8",
                "Title": TITLES.get(str(document.get("event")), "medalist"),
                "User-Agent": "medalist",
            },
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=self.seconds) as answer:
            answer.read(1024)

    def _call(self, command: str, document: Mapping[str, Any]) -> None:
        """Run the command with the document on its standard input; ValueError where it fails."""
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            _, said = process.communicate(json.dumps(dict(document), default=str) + "\n", timeout=self.seconds)
        except subprocess.TimeoutExpired:
            end_process(process.pid)
            raise
        if process.returncode:
            last = said.strip().splitlines()[-1:]
            raise ValueError(": ".join([f"it ended with exit code {process.returncode}", *last]))


def shown(target: str) -> str:
    """How a target is called where others may read it: of an address the host alone, since what follows may be
    secret."""
    if not target.startswith(("http://", "https://")):
        return target
    return f"the address at {urllib.parse.urlsplit(target).hostname}"
