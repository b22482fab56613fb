"""The summary of a run: numbers for machines, sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medalist.agent.budget import Budget
from medalist.agent.experiment import Record, noise_unit
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import features_added
from medalist.agent.judging.champion import Leaders
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.records.journal import Journal
from medalist.agent.records.submissions import Submissions
from medalist.agent.run.display import duration
from medalist.agent.search.closing import Final
from medalist.agent.workers.pool import WorkerPool
from medalist.competitions.audit.finding import Finding
from medalist.competitions.plural import count_text
from medalist.leaderboard.boards.standing import Standing, sentence

MOST_FEATURES = 6  # most adopted features that the text names


@dataclass(frozen=True)
class RunOutcome:
    """The results of a run that is closed.

    final: the ensemble and its scores; None where no model was finished. findings: of the audit. interrupted: whether a
    person asked for an early end. error: the message of an unexpected exception that ended the search or the close.
    next: what would be tried next, if the run went on; None where that is not known.
    """

    journal: Journal
    submissions: Submissions
    leaders: Leaders
    features: FeatureSearch
    final: Final | None
    findings: Sequence[Finding]
    interrupted: bool
    error: str | None = None
    next: str | None = None

    @property
    def records(self) -> list[Record]:
        """The finished experiments."""
        return self.journal.records

    @property
    def status(self) -> str:
        """finished, interrupted, or failed (an error ended the search or the close, or no experiment gave a model)."""
        if self.error is not None or (self.final is None and any(r.error for r in self.records)):
            return "failed"
        return "interrupted" if self.interrupted else "finished"


def summarise(outcome: RunOutcome, workers: WorkerPool, budget: Budget) -> dict[str, Any]:
    """The content of `summary.json`; its `text` is what the terminal shows."""
    records, final, constant = outcome.records, outcome.final, outcome.submissions.constant_score
    verdicts = Counter(r.verdict for r in records)
    score = final.score if final is not None else constant
    standing = None if score is None else outcome.submissions.standings.of(score)
    weights = {} if final is None else {str(n): round(w, 4) for n, w in final.ensemble.weights.items()}
    best = None if outcome.leaders.best is None else records[outcome.leaders.best].score
    data = outcome.submissions.data
    wall = budget.used
    seconds = outcome.journal.earlier_seconds + wall
    document: dict[str, Any] = {
        "run": outcome.journal.run_id,
        "competition": data.competition.name,
        "status": outcome.status,
        "metric": data.task.metric,
        "score": None if score is None else score.value,
        "standard_error": None if score is None else score.standard_error,
        "scored_rows": None if score is None else score.rows or None,
        "confirmed_on_fresh_folds": final is not None and final.confirmed,
        "search_score": None if final is None else final.search.value,
        "constant_score": None if constant is None else constant.value,
        "best_single": None if best is None else best.value,
        "experiments": len(records),
        "verdicts": dict(verdicts),
        "ensemble": weights,
        "standing": asdict(standing) if isinstance(standing, Standing) else None,
        "submission": str(outcome.submissions.path),
        "seconds": round(seconds, 2),
        "cores": workers.cores,
        "workers": workers.count,
        "threads": workers.threads,
        "noise_floor": outcome.leaders.noise_floor,
        "noise_unit": noise_unit(records) or None,
        "next": outcome.next,
        "busy_seconds": round(workers.busy_seconds, 2),
        "fit_seconds": round(workers.fit_seconds, 2),
        "fit_share": round(workers.fit_seconds / (wall * workers.cores), 4),
        "features": features_added(records),
        "error": outcome.error,
        "audit": [asdict(f) for f in outcome.findings],
    }
    fresh = " on fresh folds" if document["confirmed_on_fresh_folds"] else " on the folds of the search (not confirmed)"
    value = "not defined on these folds" if score is None else f"{score.value:.6g} ± {score.standard_error:.2g}"
    lines = [
        *([] if outcome.error is None else [f"The run was ended by an error (see log.txt): {outcome.error}"]),
        f"{data.metric.title}: {value}"
        + (fresh if score is not None else "")
        + (f"; the best constant scores {constant.value:.6g}" if constant else ""),
        sentence(standing) if standing is not None else "There is no score to compare with humans.",
        f"{count_text(len(records), 'experiment')} in {duration(seconds)}: "
        + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
        *_feature_lines(outcome),
        *_ensemble_lines(outcome),
        f"Submission: {outcome.submissions.path}",
    ]
    document["text"] = "\n".join(lines)
    return document


def _feature_lines(outcome: RunOutcome) -> list[str]:
    """A line on the search for features; [] where nothing was screened."""
    if not outcome.features.steps:
        return []
    screened = sum(s.result.screened for s in outcome.features.steps)
    kept = features_added(outcome.records)
    tests = sum(r.arm == ARM for r in outcome.records)
    looked = f"{count_text(screened, 'candidate')} screened, {count_text(tests, 'group')} tested"
    if not kept:
        return [f"Features: {looked}; none was kept: nothing gained beyond the noise."]
    shown = "; ".join(kept[:MOST_FEATURES])
    shown += f"; and {len(kept) - MOST_FEATURES} more" if len(kept) > MOST_FEATURES else ""
    run = outcome.journal.run_id
    return [f"Features: {looked}, {len(kept)} kept: {shown}. `medalist features {run}` says more."]


def _ensemble_lines(outcome: RunOutcome) -> list[str]:
    """Lines on what the submission is made of."""
    final, records = outcome.final, outcome.records
    if final is None:
        if "experiment" in outcome.submissions.made_from:
            return ["The submission is of the first fold of experiment 0, which has no score: that is a constant's."]
        error = next((r.verdict_reason for r in records if r.error), None)
        why = "no model was finished" if error is None else f"every experiment failed ({error}; see log.txt)"
        return [f"The submission is a constant: {why}."]
    if not final.ensemble.weights:
        return ["The submission is the best constant: on fresh folds the ensemble of the search did no better."]
    members = sorted(final.ensemble.weights.items(), key=lambda item: -item[1])
    return [
        "Made from:",
        *(f"  {w:4.0%} of #{n} {records[n].pipeline.family}: {records[n].proposal.reason}" for n, w in members),
    ]
