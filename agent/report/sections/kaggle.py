"""What the run submitted to Kaggle, and what came of it."""

from __future__ import annotations

from markupsafe import Markup

from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render
from medalist.agent.submitting.copies import last_words
from medalist.agent.submitting.text import STATES, message_text, place_text

TITLE = "Kaggle"


def section(contents: RunContents) -> Markup | None:
    """Submissions with their scores beside what was predicted, and what was said of automatic ones at the end of the
    run; None where nothing was submitted or tried."""
    said = last_words(contents.folder) if contents.folder is not None else []
    if not contents.kaggle and not said:
        return None
    rows = [(row, STATES.get(row.state, row.state), message_text(row), place_text(row)) for row in contents.kaggle]
    return render("kaggle.html", rows=rows, said=said)
