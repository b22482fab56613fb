"""Submissions: the only writer of a run's submission.csv, from the first constant to the last ensemble."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.experiment import Record
from medalist.agent.folds import FoldSet
from medalist.agent.judging.champion import Champion
from medalist.agent.judging.referee import Referee
from medalist.agent.records.confirmed import Confirmed, confirmed_in, keep_confirmed
from medalist.agent.records.contents import best_constant, contents_of
from medalist.agent.records.journal import Journal
from medalist.agent.records.lineage import Lineage
from medalist.agent.records.standings import Standings
from medalist.agent.run_data import RunData
from medalist.agent.score import Score
from medalist.agent.workers.jobs import Job
from medalist.competitions.clock import awake
from medalist.competitions.errors import MetricError
from medalist.competitions.submission import write_atomically
from medalist.leaderboard.boards.standing import Standing
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.hashing import array_hash

FIRST_FOLD = "the first fold of experiment 0"  # reason of a submission from the first model that is fitted


@dataclass
class Submissions:
    """Writes submissions, checked against the sample submission, and records what each was made from.

    Attributes
    ----------
    constant_score: of the best constant prediction, on the folds of the search; None where the metric is undefined.
    made_from: what the last submission was made from: {"constant": True}, {"experiment": 0, "folds": 1} or
        {"ensemble": weights by number, ...}; empty where there is none.
    write_seconds: the longest time that deciding on and writing a submission took.
    keeps_confirmed: whether a submission that was confirmed on fresh folds only gives way to another one that was, and
        is better; what the search of a resumed run finds is then submitted by its close. In a counted run not: it
        comes to the same as one that was not interrupted.
    confirmed: the confirmed submission; None where there is none, or it is not kept.
    lineage: in which each submission is written down before it is written; None for none.
    """

    data: RunData
    journal: Journal
    standings: Standings
    constant_score: Score | None = None
    made_from: Mapping[str, Any] = field(default_factory=dict)
    write_seconds: float = 0.0
    keeps_confirmed: bool = False
    confirmed: Confirmed | None = None
    _recorded: str = ""  # SHA-256 of the last submission that was recorded
    lineage: Lineage | None = None
    _best_constant: np.ndarray = field(init=False)
    _decision: Decision = field(init=False)

    def __post_init__(self) -> None:
        self._best_constant, self._decision = best_constant(self.data)

    @property
    def path(self) -> Path:
        """The submission file."""
        return self.journal.folder / "submission.csv"

    # constants

    def score_constant(self, referee: Referee, folds: FoldSet) -> Score | None:
        """The score of the best constant prediction on the evaluated rows of these folds; None where the metric is
        undefined there, since a class does not occur, or since it is undefined for constants, as a correlation is.

        Its `loss` is that of predicting the class shares or the mean targets of train.
        """
        n = len(folds.y)
        decided = self._decision.apply(np.tile(self._best_constant, (n, 1)))
        y, problem = self.data.y, self.data.problem
        prior = self._best_constant if problem.levels else np.nanmean(y, axis=0)
        if problem.problem_type == "multiclass":
            prior = np.bincount(y[:, 0].astype(int), minlength=problem.n_classes) / len(y)
        try:
            return referee.score(np.tile(prior, (n, 1)), decided, folds)
        except MetricError:
            return None

    def begin(self, referee: Referee, champion: Champion | None) -> None:
        """Write the first valid submission, the best constant. In a resumed run that had got further the old file
        stays; and where an ensemble was selected, or a submission confirmed, but not yet written when it was killed, it
        is written now.

        champion: of a resumed run; None where there is none yet.
        """
        began = awake()
        self.constant_score = self.score_constant(referee, referee.folds)
        rows = self.journal.submissions()
        made_from = [s.made_from for s in rows]
        if rows:
            self.made_from, self._recorded = rows[-1].made_from, rows[-1].sha256
        found = confirmed_in(self.journal.folder) if self.keeps_confirmed else None
        if found is not None:
            self.restore(*found, "confirmed on fresh folds by an earlier part of the run")
        elif champion is None:
            if not (self.path.exists() and any("experiment" in m for m in made_from)):
                self.submit_constant(self.constant_score, "the best constant, the first valid submission")
        elif self._is_behind(champion, made_from) or not self.path.exists():
            self.submit_champion(champion, self.journal.records)
        self.write_seconds = max(self.write_seconds, awake() - began)

    def _is_behind(self, champion: Champion, made_from: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a run was killed between an experiment's rows and the submission of the champion that it makes: the
        newest member is of a later experiment than all that a submission was made from."""
        submitted = {int(n) for m in made_from for n in m.get("ensemble", ())}
        return max(champion.ensemble.weights) > max(submitted, default=-1)

    def submit_constant(self, score: Score | None, reason: str, *, confirmed: bool = False) -> None:
        """Write the best constant as the submission; `score` is its score, where it is known."""
        answer = np.tile(self._best_constant, (len(self.data.competition.test), 1))
        self._write(
            answer, self._decision, score, {"constant": True}, reason, {"kind": "constant"}, confirmed=confirmed
        )
        self.journal.emit(
            {"event": "submission", "made_from": "constant", "score": None if score is None else score.value}
        )

    # models

    def submit_first_fold(self, result: FoldResult, job: Job) -> None:
        """Write the submission from the test predictions of the first model that is fitted, on a fold of experiment 0,
        with the plain decision; nothing where there is a confirmed one. job: of that fold."""
        if self.confirmed is not None:
            return
        decision = plain_decision(self.data.metric, self.data.problem, self.data.y)
        fit = {"pipeline": job.pipeline.as_dict(), "fold": job.fold, "fit": result.record.as_dict()}
        made = {"kind": "first fold", **fit, "prediction": array_hash(result.test)}
        made_from = {"experiment": 0, "folds": 1}
        self._write(result.test, decision, None, made_from, FIRST_FOLD, made, confirmed=False)
        self.journal.emit({"event": "submission", "made_from": FIRST_FOLD, "score": None})

    def submit_champion(self, champion: Champion, records: Sequence[Record]) -> None:
        """Write the submission of the search's champion, from its members' stored test predictions; nothing where there
        is a confirmed one, which gives way at the close."""
        if self.confirmed is not None:
            return
        evaluations = {n: records[n].evaluation for n in champion.ensemble.weights}
        prediction = champion.ensemble.blend({n: e.test for n, e in evaluations.items() if e is not None})
        self.submit(prediction, champion.decision, champion.score, champion.ensemble, "a better ensemble")

    def submit(
        self,
        prediction: np.ndarray,
        decision: Decision,
        score: Score,
        ensemble: Ensemble,
        reason: str,
        fits: Mapping[str, Any] | None = None,
        *,
        confirmed: bool = False,
    ) -> None:
        """Write the submission from an ensemble's blended test predictions (m, W), turned into what the metric takes by
        `decision`. score: the ensemble's, to be recorded with it. fits: what the close fitted for it, as the lineage
        records it; None where the predictions are those of the search. confirmed: whether the score is from fresh
        folds."""
        weights = {str(n): round(w, 6) for n, w in ensemble.weights.items()}
        decided = {"kind": decision.kind, "numbers": list(decision.numbers)}
        made_from = {"ensemble": weights, "space": ensemble.space, "decision": decided}
        made = {
            "kind": "search" if fits is None else "close",
            "ensemble": list(ensemble.weights.items()),
            "space": ensemble.space,
            "decision": decided,
            "prediction": array_hash(prediction),
            **(fits or {}),
        }
        self._write(prediction, decision, score, made_from, reason, made, confirmed=confirmed)
        among = self.standings.of(score)
        standing = among if isinstance(among, Standing) else None
        self.journal.emit(
            {
                "event": "submission",
                "made_from": weights,
                "score": score.value,
                "standard_error": score.standard_error,
                "percentile": standing.percentile if standing else None,
                "percentile_interval": standing.percentile_interval if standing else None,
                "medal": standing.medal if standing else None,
            }
        )

    def restore(self, kept: Confirmed, contents: bytes, reason: str) -> None:
        """Put back a submission that was confirmed by an earlier part of the run. It is written where the file differs,
        and recorded where it is not the last one that was."""
        self.confirmed, self.made_from = kept, kept.made_from
        if not (self.path.is_file() and self.path.read_bytes() == contents):
            write_atomically(self.path, contents)
        if self._recorded == kept.sha256:
            return
        self._recorded = kept.sha256
        self.journal.add_submission(
            made_from=kept.made_from,
            path=str(self.path),
            sha256=kept.sha256,
            score=kept.score,
            standard_error=kept.standard_error,
            reason=reason,
        )
        made = kept.made_from.get("ensemble", "constant")
        self.journal.emit({"event": "submission", "made_from": made, "score": kept.score})

    def _write(
        self,
        prediction: np.ndarray,
        decision: Decision,
        score: Score | None,
        made_from: Mapping[str, Any],
        reason: str,
        made: Mapping[str, Any],
        *,
        confirmed: bool,
    ) -> None:
        """Write the submission from canonical test predictions (m, W), and record it; one with a `confirmed` score is
        kept as such before. made: for the lineage.

        Raises SubmissionError, and leaves the old file as it is, where it does not have the sample submission's form.
        """
        began = awake()
        contents = contents_of(self.data, prediction, decision)
        digest = hashlib.sha256(contents).hexdigest()
        if self.lineage is not None:
            score_of = {} if score is None else {"score": score.value, "standard_error": score.standard_error}
            self.lineage.add_submission(digest, {**made, "reason": reason, **score_of}, self.journal.records)
        if confirmed and self.keeps_confirmed and score is not None:
            with contextlib.suppress(OSError):  # a full disk: the next part of the run compares with the one before
                folder, value, error = self.journal.folder, score.value, score.standard_error
                self.confirmed = keep_confirmed(folder, contents, value, error, made_from)
        write_atomically(self.path, contents)
        self.write_seconds = max(self.write_seconds, awake() - began)
        self.made_from, self._recorded = made_from, digest
        self.journal.add_submission(
            made_from=made_from,
            path=str(self.path),
            sha256=self._recorded,
            score=None if score is None else score.value,
            standard_error=None if score is None else score.standard_error,
            reason=reason,
        )
