"""The report on a night: what became of each competition, as one document for machines; `report_text` writes it out."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from medalist.agent.nights.belief import PLATEAU, Prior
from medalist.agent.nights.continuing import History
from medalist.agent.nights.state import NightRow, NightState, SliceRow
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.boards.comparing import board_metric, same_metric
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow, RunRow

MOST_HELPED = 5  # most experiments that are named of those that helped
MOST_FAILED = 5  # most reasons of failed experiments that are named
FAILED = ("crash", "timeout", "memory")


def night_document(state: NightState, night: NightRow, runs_dir: str, prior: Prior | None = None) -> dict[str, Any]:
    """The report on a night as plain values.

    Of each competition (`competitions`): seconds and slices; `before` and `after`, its honest estimates (score,
    standard_error, confirmed, place among so many teams, medal); `place_within` and `place_interval`, the places
    within one standard error of the last one, and those of its 80 % interval; `gain`, the sum of its experiments' gains
    in standard errors of the run's first score; what helped and what failed; `chance`, that another hour gains more
    than the noise; what it would try next. A ledger that cannot be read leaves out what it holds.
    """
    slices, notes = state.slices(night.id), state.notes(night.id)
    earlier = [s for s in state.slices() if s.began < night.began]
    names = list(dict.fromkeys([*(s.competition for s in slices), *(n.competition for n in notes if n.competition)]))
    competitions = []
    for name in names:
        mine = [s for s in slices if s.competition == name]
        document: dict[str, Any] = {
            "competition": name,
            "path": mine[-1].path if mine else None,
            "seconds": round(sum(s.seconds or 0.0 for s in mine), 1),
            "slices": len(mine),
            "runs": list(dict.fromkeys(s.run for s in mine if s.run)),
            "before": _before(mine, earlier),
            "after": _estimate(next((s for s in reversed(mine) if s.score is not None), None)),
            "notes": [{"kind": n.kind, "text": n.text.split("\n")[0]} for n in notes if n.competition == name],
            "failures": [s.reason for s in mine if s.status in ("failed", "killed")],
        }
        document |= _from_ledger(document["runs"], night, runs_dir, prior)
        _add_range(document)
        competitions.append(document)
    return {
        "night": night.id,
        "began": _time(night.began),
        "ended": None if night.ended is None else _time(night.ended),
        "window_ends": _time(night.ends),
        "state": night.state,
        "reason": night.reason,
        "seconds_worked": round(sum(c["seconds"] for c in competitions), 1),
        "competitions": competitions,
        "notes": [{"kind": n.kind, "text": n.text.split("\n")[0]} for n in notes if n.competition is None],
    }


def _time(instant: float) -> str:
    return dt.datetime.fromtimestamp(instant).astimezone().isoformat(timespec="seconds")


def _before(mine: Sequence[SliceRow], earlier: Iterable[SliceRow]) -> dict[str, Any] | None:
    """The last estimate of the same data and options before the night; None where there is none."""
    if not mine:
        return None
    same = [s for s in earlier if (s.path, s.options) == (mine[0].path, mine[0].options) and s.score is not None]
    return _estimate(same[-1] if same else None)


def _estimate(row: SliceRow | None) -> dict[str, Any] | None:
    """The honest estimate at the end of a slice, with its place among the teams of its board."""
    if row is None or row.score is None:
        return None
    place = None
    if row.percentile is not None and row.teams:
        place = _place_of(row.percentile, row.teams)
    return {
        "score": row.score,
        "standard_error": row.standard_error,
        "confirmed": bool(row.confirmed),
        "percentile": row.percentile,
        "place": place,
        "teams": row.teams,
        "medal": row.medal,
    }


def _add_range(document: dict[str, Any]) -> None:
    """Add `place_within`, the places within one standard error of the estimate after the night, and `place_interval`,
    those of the 80 % interval, better one first.

    They are of the last run's standing, where that is the estimate's own; else None.
    """
    document["place_within"] = document["place_interval"] = None
    after, standing = document["after"], document.pop("standing", None) or {}
    if after is None or after["place"] is None or standing.get("percentile") != after["percentile"]:
        return
    for name in ("within", "interval"):
        shares = standing.get(f"percentile_{name}")
        if shares is not None:
            document[f"place_{name}"] = [_place_of(share, after["teams"]) for share in reversed(shares)]


def _place_of(percentile: float, teams: int) -> int:
    """The place of a score that beats or ties that share of so many teams."""
    return min(max(1, round((1 - percentile) * teams) + 1), teams)


def _from_ledger(runs: Sequence[str], night: NightRow, runs_dir: str, prior: Prior | None) -> dict[str, Any]:
    """What the ledger holds of the runs of a competition in a night."""
    found: dict[str, Any] = {
        "metric": None,
        "experiments": 0,
        "gain": 0.0,
        "helped": [],
        "failed": [],
        "verdicts": {},
        "chance": None,
        "next": None,
        "submission": None,
    }
    with contextlib.suppress(LedgerError), open_ledger(runs_dir) as ledger:
        rows = [(ledger.run(run), ledger.experiments(run)) for run in runs]
        tonight = [e for _, experiments in rows for e in experiments if _within(e, night)]
        found["experiments"] = len(tonight)
        found["verdicts"] = dict(Counter(e.verdict for e in tonight))
        found["gain"] = round(sum(max(0.0, e.gain_in_noise or 0.0) for e in tonight), 4)
        helped = sorted((e for e in tonight if e.gain_in_noise), key=lambda e: -(e.gain_in_noise or 0.0))[:MOST_HELPED]
        found["helped"] = [
            {"experiment": e.number, "family": e.family, "reason": e.reason, "gain": e.gain_in_noise} for e in helped
        ]
        reasons = Counter((e.family, e.verdict, e.verdict_reason) for e in tonight if e.verdict in FAILED and e.error)
        found["failed"] = [
            {"family": family, "verdict": verdict, "reason": reason, "times": times}
            for (family, verdict, reason), times in reasons.most_common(MOST_FAILED)
        ]
        if rows:
            found |= _prospects(rows[-1][0], ledger, runs_dir, prior)
    return found


def _within(row: ExperimentRow, night: NightRow) -> bool:
    """Whether an experiment was recorded in a night."""
    if row.recorded is None:
        return False
    at = row.recorded.timestamp()
    return night.began <= at <= (float("inf") if night.ended is None else night.ended)


def _prospects(run: RunRow, ledger: Ledger, runs_dir: str, prior: Prior | None) -> dict[str, Any]:
    """What the last run may still gain, and what it would try next."""
    history = History.of(run, ledger)
    belief = history.belief(prior)
    submission = Path(runs_dir) / run.competition / run.id / "submission.csv"
    metric = run.task.get("metric")
    standing = run.summary.get("standing") or {}
    board = board_metric(standing.get("board") or "")
    return {
        "metric": metric,
        "standing": standing,
        "board": standing.get("board") if not board or same_metric(metric or "", board) else None,
        "all_experiments": run.n_experiments,
        "all_seconds": round(history.seconds, 1),
        "noise": belief.noise,
        "chance": min(round(belief.chance(), 4), 0.9999),
        "plateau": belief.chance() < PLATEAU,
        "next": run.summary.get("next"),
        "submission": str(submission) if submission.exists() else None,
    }
