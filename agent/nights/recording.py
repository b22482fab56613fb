"""What happens in a night, said everywhere at once: recorded in its state, shown, and told to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from medalist.agent.nights.display import NightDisplay
from medalist.agent.nights.notify import Notifier
from medalist.agent.nights.state import NightRow, NightState
from medalist.competitions.errors import LedgerError


@dataclass
class Recorder:
    """Records, shows and tells what happens in a night (`row`, in `state`). Nothing of it stops the night.

    said: what was said once already, as (competition, kind); "" is the night itself.
    """

    row: NightRow
    state: NightState
    display: NightDisplay
    notifier: Notifier
    said: set[tuple[str, str]] = field(default_factory=set)

    def record(self, call: Callable[[], Any]) -> Any:
        """Write into the state of nights and return what `call` returns; None where that is not possible (a full disk),
        which is shown once."""
        try:
            return call()
        except LedgerError as error:
            if ("", "state") not in self.said:
                self.said.add(("", "state"))
                self.display.note(None, str(error))
            return None

    def say(self, competition: str | None, kind: str, text: str, details: str | None = None) -> None:
        """Record and show something that happened, to a competition or (None) to the night; details are recorded
        only."""
        long = text if details is None else f"{text}\n{details}"
        self.record(lambda: self.state.note(self.row.id, kind, long, competition))
        self.display.note(competition, text)

    def say_once(self, competition: str | None, kind: str, text: str) -> None:
        """`say`, unless something of this kind was said of the competition before."""
        key = (competition or "", kind)
        if key not in self.said:
            self.said.add(key)
            self.say(competition, kind, text)

    def spoke_of(self, competition: str) -> bool:
        """Whether `say_once` said anything of a competition."""
        return any(name == competition for name, _ in self.said)

    def notify(self, kind: str, text: str, competition: str | None) -> None:
        """Tell whoever wants to be told; that this failed is recorded, and stops nothing."""
        document = {"event": kind, "night": self.row.id, "competition": competition, "text": text}
        for failure in self.notifier.tell(document, text):
            self.say(competition, "notify", failure)
