"""A run and an inspection as a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from medalist.agent.report.loader import RunContents

BEST = 8  # experiments that are shown


def run_html(contents: RunContents, standing: str | None) -> str:
    """A run as a few lines and a table of the experiments that its submission is made of."""
    run = contents.run
    score = "no score yet"
    if contents.score is not None:
        error = "" if contents.standard_error is None else f" ± {contents.standard_error:.2g}"
        score = f"{contents.score:.6g}{error}"
    facts = [
        ("run", f"{run.id} ({run.state})"),
        ("competition", run.competition),
        (contents.metric_title or "score", score),
        *([] if standing is None else [("standing", standing)]),
        ("experiments", f"{len(contents.experiments):,}"),
        ("folder", str(contents.folder or run.folder)),
    ]
    members = [
        (f"{weight:.0%}", f"#{number}", row.family, "" if row.score is None else f"{row.score:.6g}", row.reason)
        for number, weight in list(contents.ensemble.items())[:BEST]
        if (row := contents.by_number.get(number)) is not None
    ]
    made = html_table(("weight", "experiment", "family", "score", "why"), members) if members else ""
    return facts_html(facts) + made


def facts_html(facts: Sequence[tuple[str, str]]) -> str:
    """Names and values, one pair a line."""
    rows = "".join(f"<tr><th style='text-align:left'>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in facts)
    return f"<table>{rows}</table>"


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts, escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
