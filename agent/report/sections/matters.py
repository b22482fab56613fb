"""What mattered: features in words, families, and what each part of the ensemble adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from medalist.agent.report.loader import RunContents
from medalist.agent.report.out_of_fold import OutOfFold, importance, out_of_fold
from medalist.agent.report.page import render
from medalist.competitions.errors import PipelineError
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow

TITLE = "What mattered"
MOST_FEATURES = 40  # features in the table of importance
MOST_TESTED = 60  # tested features that are listed
TESTED = ("kept", "dropped", "forced", "removed")


@dataclass(frozen=True)
class FamilyLine:
    """What an estimator family has brought: gain in standard errors of the run's first score; seconds of work."""

    name: str
    experiments: int
    kept: int
    best: ExperimentRow | None
    gain: float
    seconds: float
    weight: float


@dataclass(frozen=True)
class MemberLine:
    """A part of the ensemble; adds: by how much the loss of the rest is greater without it, None where not known."""

    row: ExperimentRow | None
    number: int
    weight: float
    adds: float | None


def section(contents: RunContents) -> Markup | None:
    """Features, families and members of the ensemble; None before the first experiment."""
    if not contents.experiments:
        return None
    fitted = out_of_fold(contents)
    weights = importance(contents)
    listed = list(weights.items())[:MOST_FEATURES]
    tested = _tested(contents)
    return render(
        "matters.html",
        members=_members(contents, fitted),
        families=_families(contents),
        features=[(text, in_words(text), share) for text, share in listed],
        top=max((share for _, share in listed), default=1.0),
        all_features=len(weights),
        tested=[(row, in_words(row.text)) for row in tested[:MOST_TESTED]],
        all_tested=len(tested),
        screened=sum(s.screened for s in contents.screenings),
        passed=sum(s.passed for s in contents.screenings),
        metric=contents.metric_title,
    )


def _members(contents: RunContents, fitted: OutOfFold | None) -> list[MemberLine]:
    adds: Mapping[int, float] = {} if fitted is None else fitted.added_by_member()
    return [MemberLine(contents.by_number.get(n), n, w, adds.get(n)) for n, w in contents.ensemble.items()]


def _families(contents: RunContents) -> list[FamilyLine]:
    """The families, the one with the largest gain first."""
    lines = []
    for name in dict.fromkeys(e.family for e in contents.experiments):
        rows = [e for e in contents.experiments if e.family == name]
        scored = [e for e in rows if e.score is not None]
        sign = 1 if contents.greater_is_better else -1
        best = max(scored, key=lambda e: sign * (e.score or 0.0), default=None)
        gain = sum(max(0.0, e.gain_in_noise or 0.0) for e in rows)
        weight = sum(contents.ensemble.get(e.number, 0.0) for e in rows)
        kept = sum(e.verdict == "keep" for e in rows)
        lines.append(FamilyLine(name, len(rows), kept, best, gain, sum(e.seconds for e in rows), weight))
    return sorted(lines, key=lambda line: (-line.gain, -line.weight, line.name))


def _tested(contents: RunContents) -> list[FeatureRow]:
    """The last row of each feature that was tested, the largest gain first."""
    last = {row.text: row for row in contents.features if row.status in TESTED}
    return sorted(last.values(), key=lambda r: (r.status != "kept", r.gain is None, -(r.gain or 0.0), r.number))


def in_words(text: str) -> str:
    """A feature in English; the expression where it cannot be parsed."""
    from medalist.pipelines.features.language.parser import parse
    from medalist.pipelines.features.language.words import in_words

    try:
        return in_words(parse(text))
    except PipelineError:  # written by a version of medalist with another language
        return text
