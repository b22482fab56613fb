"""What is said where a command is interrupted (Ctrl-C, SIGTERM): how to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medalist.agent.run.display import Display, Progress

GOING_ON = {
    "run": "no run had begun, and the same command starts one",
    "demo": "the same command starts it again",
    "submit": "medalist submissions says what Kaggle has by now",
    "submissions": "what was fetched is kept, and the same command goes on",
    "night run": "medalist night run --until HH:MM starts another night, which goes on with the same runs",
    "clean": "what was removed is gone, and the same command goes on",
}
OTHERWISE = "the same command starts again"


def interrupted_text(words: Sequence[str]) -> str:
    """A sentence on how to go on after the command with these words was interrupted."""
    named = [word for word in words if not word.startswith("-")]
    keys = (" ".join(named[:2]), named[0] if named else "")
    return f"Interrupted; {next((GOING_ON[key] for key in keys if key in GOING_ON), OTHERWISE)}."


class RunNoting:
    """A display that shows what another one shows, and keeps the id of the run once it has begun (None before)."""

    def __init__(self, display: Display, run: str | None = None):
        self.run = run
        self._display = display

    def event(self, event: Mapping[str, Any]) -> None:
        """Show an event."""
        if event["event"] == "start":
            self.run = str(event["run"])
        self._display.event(event)

    def tick(self, progress: Progress) -> None:
        """Show the state."""
        self._display.tick(progress)

    def close(self) -> None:
        """Restore the terminal."""
        self._display.close()
