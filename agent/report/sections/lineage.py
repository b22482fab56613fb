"""What the present submission is made of, down to the hashes of its files."""

from __future__ import annotations

from markupsafe import Markup

from medalist.agent.lineage.tree import tree
from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render

TITLE = "Lineage"


def section(contents: RunContents) -> Markup | None:
    """The tree that `medalist why` prints; None before the first submission."""
    if not contents.submissions:
        return None
    return render("lineage.html", root=tree(contents.lineage), run=contents.run.id)
