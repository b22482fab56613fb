"""The frame of a report: templates that show everything from data as text, and the page that holds the sections."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from medalist.agent.run.display import duration
from medalist.agent.run.printable import printable
from medalist.leaderboard.boards.standing import percentage, whole_percent

TEMPLATES = Path(__file__).parent / "templates"


def number(value: float | None, digits: int = 6) -> str:
    """A number with so many significant digits; a dash for None."""
    return "–" if value is None else f"{value:.{digits}g}".replace("-", "\u2212")


def signed(value: float | None, digits: int = 3) -> str:
    """A difference with its sign; a dash for None."""
    return "–" if value is None else f"{value:+.{digits}g}".replace("-", "\u2212")


def _shown(value: Any) -> Any:
    """Control characters of text from data are shown as escapes; what is markup already stays as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "percentage": percentage,
        "duration": duration,
        "whole_percent": whole_percent,
    }
    return environment


def render(template: str, **values: Any) -> Markup:
    """A template filled in; values are escaped unless they are markup."""
    return Markup(_environment().get_template(template).render(**values))


def page(title: str, lead: Markup, sections: Sequence[tuple[str, str, Markup]], *, refresh: int | None = None) -> str:
    """The whole page.

    lead: what stands above the sections. sections: (id, title, HTML) of each. refresh: seconds after which a browser
    loads it again; None for a page that stays. Scripts other than the page's own do not run, and nothing is loaded from
    anywhere, whatever a browser finds in the text.
    """
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    return str(
        render(
            "page.html",
            title=title,
            lead=lead,
            sections=sections,
            style=Markup(style),
            script=Markup(script),
            policy=Markup(policy),
            refresh=refresh,
            written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        )
    )
