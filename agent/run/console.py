"""A rich console for text that comes from data."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from medalist.agent.run.printable import printable


class DataConsole(Console):
    """A console that shows text from data as it is: no markup in square brackets, no names of emoji between colons, and
    control characters are escaped (see `printable`)."""

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)
