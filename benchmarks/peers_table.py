"""The agent's holdout scores beside those of other tools: one line a competition, then ranks and counts.

    python benchmarks/peers_table.py --budget 300s --peers benchmarks/results/peers.jsonl

Peers come as JSON lines with peer ("name" or "name:preset"), comp, budget (seconds), seed, status ("ok" where there is
a score), score and fit_s (the seconds that it took of its budget); the agent's own rows are those of holdout_scores.py.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from score_rows import RESULTS, Row, gain, latest, markdown, noise_of, read_rows, spread

from medalist.agent.budget import parse_duration
from medalist.competitions.metrics.registry import get_metric
from medalist.leaderboard.boards.lookup import board_for
from medalist.leaderboard.boards.standing import Standing, standing_on_board

AGENT = "medalist"
LATE = 1.05  # a peer that took this many times its budget is marked


@dataclass(frozen=True)
class Entry:
    """What one tool scored in one competition: a score, a percentile (where there is a board) and a medal for each
    seed that ended well, and how many did not. `late` where one took more time than its budget."""

    scores: tuple[float, ...] = ()
    percentiles: tuple[float, ...] = ()
    medals: tuple[str | None, ...] = ()
    failed: int = 0
    late: bool = False

    @property
    def score(self) -> float | None:
        """Mean over the seeds; None where none ended well."""
        return statistics.mean(self.scores) if self.scores else None

    @property
    def percentile(self) -> float | None:
        return statistics.mean(self.percentiles) if self.percentiles else None


@dataclass(frozen=True)
class Contest:
    """A competition, and what each tool scored there. `noise` is that of one holdout score, nan where not known."""

    name: str
    metric: str
    noise: float
    entries: dict[str, Entry]

    def lead(self, tool: str, other: str) -> float | None:
        """By how much `tool` is better than `other`, in the metric's units; None where one has no score."""
        mine, theirs = (self.entries.get(t, Entry()).score for t in (tool, other))
        return None if mine is None or theirs is None else gain(theirs, mine, self.metric)

    def beyond(self, difference: float) -> bool:
        return abs(difference) > self.noise

    def best(self) -> list[str]:
        """The tools with the best score: several where they are level."""
        sign = 1.0 if get_metric(self.metric).greater_is_better else -1.0
        signed = {t: sign * e.score for t, e in self.entries.items() if e.score is not None}
        return [t for t, s in signed.items() if s == max(signed.values())]


@dataclass(frozen=True)
class Bars:
    """The agent against one tool, over the competitions where both have a score."""

    compared: int = 0
    ahead: int = 0
    ahead_beyond: int = 0
    behind: int = 0
    behind_beyond: int = 0
    failed: int = 0
    late: int = 0
    own_failed: int = 0


def contests(own: Iterable[Row], peers: Iterable[Row], metrics: Mapping[str, str]) -> list[Contest]:
    """Every competition that the agent was run in, by name; all rows are of one budget.

    `metrics` tells the metric of each competition: a run that failed does not, and without one nothing is compared. A
    peer's score is placed on the human leaderboard as `medalist grade` places a submission's.
    """
    by_name: dict[str, list[Row]] = {}
    for row in latest(own, "competition", "seed"):
        by_name.setdefault(row["competition"], []).append(row)
    theirs: dict[tuple[str, str], list[Row]] = {}
    for row in latest(peers, "peer", "comp", "seed"):
        theirs.setdefault((row["comp"], row["peer"]), []).append(row)
    found = []
    for name, rows in sorted(by_name.items()):
        if name not in metrics:
            continue
        good = [r for r in rows if r["status"] == "ok"]
        entries = {AGENT: _own_entry(good, len(rows) - len(good))}
        entries |= {p: _peer_entry(name, metrics[name], rs) for (c, p), rs in sorted(theirs.items()) if c == name}
        found.append(Contest(name, metrics[name], noise_of(good), entries))
    return found


def _own_entry(good: list[Row], failed: int) -> Entry:
    placed = [r for r in good if r["percentile"] is not None]
    return Entry(
        tuple(r["score"] for r in good),
        tuple(r["percentile"] for r in placed),
        tuple(r["medal"] for r in placed),
        failed,
        any(r.get("late", False) for r in good),
    )


def _peer_entry(competition: str, metric: str, rows: list[Row]) -> Entry:
    good = [r for r in rows if r["status"] == "ok" and r.get("score") is not None and math.isfinite(r["score"])]
    board = board_for(competition, metric, get_metric(metric).greater_is_better)
    placed = [standing_on_board(r["score"], board, "holdout") for r in good]
    standings = [s for s in placed if isinstance(s, Standing)]
    return Entry(
        tuple(r["score"] for r in good),
        tuple(s.percentile for s in standings),
        tuple(s.medal for s in standings),
        len(rows) - len(good),
        any((r.get("fit_s") or 0.0) > LATE * r["budget"] for r in good),
    )


def best_presets(contest: Contest) -> Contest:
    """The same with one entry a family: the best of its presets by the holdout score, which favours the peers."""
    families: dict[str, dict[str, Entry]] = {}
    for tool, entry in contest.entries.items():
        families.setdefault(tool.partition(":")[0], {})[tool] = entry
    chosen = {}
    for family, presets in families.items():
        best = replace(contest, entries=presets).best() or list(presets)  # where all failed, any of them says so
        chosen[family] = presets[best[0]]
    return replace(contest, entries=chosen)


def ranks(scores: Sequence[float | None], greater_is_better: bool) -> list[float]:
    """Rank of each score, 1 the best; level ones share the mean of their ranks, and None, a failure, is last."""
    from scipy.stats import rankdata

    sign = -1.0 if greater_is_better else 1.0
    return [float(r) for r in rankdata([math.inf if s is None else sign * s for s in scores])]


def average_ranks(found: Iterable[Contest], tools: Sequence[str]) -> tuple[list[float], int]:
    """Mean rank of each tool over the competitions where all of them were run, and how many those are."""
    complete = [c for c in found if all(t in c.entries for t in tools)]
    each = [ranks([c.entries[t].score for t in tools], get_metric(c.metric).greater_is_better) for c in complete]
    return [statistics.mean(of_tool) for of_tool in zip(*each, strict=True)], len(complete)


def bars(found: Iterable[Contest], peer: str) -> Bars:
    """How often the agent is ahead of a peer and behind it, and how often by more than the noise."""
    met = [c for c in found if peer in c.entries]
    leads = [(c, d) for c in met if (d := c.lead(AGENT, peer)) is not None]
    return Bars(
        compared=len(leads),
        ahead=sum(d > 0 for _, d in leads),
        ahead_beyond=sum(d > 0 and c.beyond(d) for c, d in leads),
        behind=sum(d < 0 for _, d in leads),
        behind_beyond=sum(d < 0 and c.beyond(d) for c, d in leads),
        failed=sum(c.entries[peer].score is None for c in met),
        late=sum(c.entries[peer].late for c in met),
        own_failed=sum(c.entries[AGENT].score is None for c in met),
    )


def cell(contest: Contest, tool: str) -> str:
    """Score, distance to the agent in noises, share of humans beaten, medal; blank where it was not run."""
    entry = contest.entries.get(tool)
    if entry is None:
        return ""
    if not entry.scores:
        return "failed"
    told = spread(entry.scores) + ("†" if entry.late else "") + ("‡" if entry.failed else "")
    lead = contest.lead(tool, AGENT)
    if tool != AGENT and lead is not None and contest.noise > 0:
        told += f" ({lead / contest.noise:+.1f})"
    if entry.percentile is not None:
        medals = list(dict.fromkeys(m or "—" for m in entry.medals))
        told += f"; {entry.percentile:.1%}" + ("" if medals == ["—"] else f" {', '.join(medals)}")
    return told


def winner(contest: Contest) -> str:
    """Who has the best score; bold where the agent is ahead of every peer, or is behind, by more than the noise.

    Blank where there is only one.
    """
    best = contest.best()
    if sum(e.score is not None for e in contest.entries.values()) < 2:
        return ""
    told = ", ".join(best)
    others = [t for t in contest.entries if t not in best] if AGENT in best else [AGENT]
    leads = [d for t in others if (d := contest.lead(best[0], t)) is not None]
    return f"**{told}**" if len(best) == 1 and leads and all(map(contest.beyond, leads)) else told


def table(found: Sequence[Contest], tools: Sequence[str]) -> str:
    """The table in Markdown; the last two lines are over the competitions where all tools were run."""
    lines = []
    for c in found:
        noise = "" if math.isnan(c.noise) else f"{c.noise:.2g}"
        lines.append([c.name, c.metric, noise, *(cell(c, t) for t in tools), winner(c)])
    means, count = average_ranks(found, tools)
    if count:
        lines.append([f"average rank ({count})", "", "", *(f"{m:.2f}" for m in means), ""])
    placed = [c for c in found if all(c.entries.get(t, Entry()).percentile is not None for t in tools)]
    if placed:
        shares = [statistics.mean(c.entries[t].percentile or 0.0 for c in placed) for t in tools]
        lines.append([f"beats, mean ({len(placed)})", "", "", *(f"{s:.1%}" for s in shares), ""])
    return markdown(["competition", "metric", "noise", *tools, "best"], lines)


def verdict(found: Iterable[Contest], peer: str) -> str:
    """The counts against one peer, in a sentence."""
    b = bars(found, peer)
    told = (
        f"- ahead of {peer} on {b.ahead} of {b.compared} (beyond noise on {b.ahead_beyond}); "
        f"behind on {b.behind}, beyond noise on {b.behind_beyond}"
    )
    told += f"; {AGENT} failed on {b.own_failed}" if b.own_failed else ""
    told += f"; {peer} failed on {b.failed}" if b.failed else ""
    return told + (f"; {peer} was late on {b.late}" if b.late else "") + "."


LEGEND = f"""
"noise": the standard error of one holdout score, from the agent's own estimate; it takes train and test for alike. Two
scores on the same rows mostly differ by less, so that a difference within the noise need not be chance. In brackets:
ahead (+) of {AGENT} or behind (-), in noises. Per cent: the share of human teams that the score beats or ties, with the
medal-equivalent (on a holdout). Bold: by more than the noise. †: later than the budget (a peer: by more than 5 %).
‡: failed on a seed. "Average rank" and "beats, mean" are over the competitions (in brackets) where every column has
one; a failure ranks last.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="300s")
    parser.add_argument("--peers", type=Path, default=RESULTS.parent / "peers.jsonl")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--options", default="", help="the options of the agent's runs")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these, of the agent and of the peers")
    parser.add_argument("--only", nargs="+", help="names of peers, in the order of the columns")
    parser.add_argument("--best-preset", action="store_true", help="one column a family: its best preset of each line")
    options = parser.parse_args()
    for path in (options.peers, options.results):
        if not path.is_file():
            print(f"Skipped: there is no file {path}.")
            return
    seconds = parse_duration(options.budget)
    rows = read_rows(options.results)
    own = [r for r in rows if parse_duration(r["budget"]) == seconds and r["options"] == options.options]
    peers = [r for r in read_rows(options.peers) if r["budget"] == seconds]
    if options.seeds:
        own, peers = ([r for r in rows if r["seed"] in options.seeds] for rows in (own, peers))
    metrics = {r["competition"]: r["metric"] for r in rows if r["status"] == "ok"}
    found = contests(own, peers, metrics)
    if options.best_preset:
        found = [best_presets(c) for c in found]
    names = options.only or sorted({t for c in found for t in c.entries if t != AGENT})
    found = [replace(c, entries={t: e for t, e in c.entries.items() if t in (AGENT, *names)}) for c in found]
    if not found or not names:
        print(f"Skipped: there are no runs of {options.budget} of both {AGENT} and a peer.")
        return
    print(table(found, [AGENT, *names]))
    print(f"\n{AGENT}, {options.budget}:\n")
    print("\n".join(verdict(found, p) for p in names))
    print(LEGEND)
    if unknown := sorted({r["competition"] for r in own} - set(metrics)):
        print(f"Left out, for no run of {AGENT} ended well in any budget: {', '.join(unknown)}.")


if __name__ == "__main__":
    main()
