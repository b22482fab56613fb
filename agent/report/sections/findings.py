"""Drift and audit findings, and what happened on the way."""

from __future__ import annotations

from markupsafe import Markup

from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render

TITLE = "Audit"
ORDER = ("danger", "warning", "info")


def section(contents: RunContents) -> Markup | None:
    """Findings of the audit, the gravest first; None while it has not ended."""
    if "audit" not in contents.summary:
        return None
    findings = sorted(contents.summary["audit"] or (), key=lambda f: ORDER.index(f.get("severity", "info")))
    return render("findings.html", findings=findings)
