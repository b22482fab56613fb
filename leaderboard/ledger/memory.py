"""Memory: statistics over the experiments of earlier competitions, as priors for a run of another one.

A competition counts once, however often it was run: runs are of one competition where they share its name (in any
case) or the fingerprint of its data. The embedded demonstration is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from medalist.leaderboard.ledger.base import LedgerBase
from medalist.leaderboard.ledger.features import SINCE

#: Experiments of a run whose gains are learned from, counted from its first: later ones gain little whatever they are.
LEARNED_EXPERIMENTS = 150

#: Version of the tables from which on arms and gains are columns.
_GAINS_SINCE = 3

#: The last status of each expression within each run, in the order of runs, without those that only screening gave.
_VERDICTS = """
    SELECT run_id, text, shape, status FROM features JOIN (
        SELECT run_id AS run, max(number) AS last FROM features
        WHERE status NOT IN ('redundant', 'candidate') GROUP BY run_id, text
    ) AS verdicts ON run_id = run AND number = last ORDER BY run_id, number"""


class Gain(NamedTuple):
    """The gain of one experiment.

    competition: a name that is the same for all runs of one competition. arm, idea: see ExperimentRow.
    gain_in_noise: by how much the ensemble's loss improved, in standard errors of the run's first score.
    """

    competition: str
    arm: str
    idea: str | None
    gain_in_noise: float


class Memory(LedgerBase):
    """Statistics over all recorded competitions, or all but one."""

    def gains(self, exclude: str | None = None) -> list[Gain]:
        """Gains of the first LEARNED_EXPERIMENTS experiments of each run, without those that have none.

        exclude: id of a run whose competition is left out, all of its runs, so that no run learns from its own target.
        """
        competitions = self._competitions(exclude)
        query = (
            "SELECT run_id, arm, idea, gain_in_noise FROM experiments WHERE gain_in_noise IS NOT NULL AND arm <> '' "
            "AND number < :most ORDER BY run_id, number"
        )
        rows = self._database.read(query, {"most": LEARNED_EXPERIMENTS}, _GAINS_SINCE)
        return [
            Gain(competitions[row["run_id"]], str(row["arm"]), row["idea"], float(row["gain_in_noise"]))
            for row in rows
            if row["run_id"] in competitions
        ]

    def shapes(self, exclude: str | None = None) -> dict[str, tuple[int, int]]:
        """Shape (see FeatureRow) → (number of features that were kept, number that were tested).

        An expression counts once for a competition, by its last status in the latest run that tested it; one that was
        removed later does not count. exclude: as for `gains`.
        """
        competitions = self._competitions(exclude)
        verdicts: dict[tuple[str, str], tuple[str, str]] = {}
        for row in self._database.read(_VERDICTS, {}, SINCE):  # ids of runs sort by time
            if row["run_id"] in competitions:
                verdicts[competitions[row["run_id"]], row["text"]] = (row["shape"], row["status"])
        counts: dict[str, tuple[int, int]] = {}
        for shape, status in verdicts.values():
            if status in ("kept", "dropped"):
                kept, tested = counts.get(shape, (0, 0))
                counts[shape] = (kept + (status == "kept"), tested + 1)
        return counts

    def _competitions(self, exclude: str | None) -> dict[str, str]:
        """Run id → name of its competition, without the excluded competition and the demonstration."""
        from medalist.competitions.demo.late_parcels import NAME

        query = "SELECT id, competition, fingerprint FROM runs ORDER BY id"
        runs = [(str(r["id"]), str(r["competition"]), str(r["fingerprint"])) for r in self._database.read(query, {})]
        competitions = same_competition(runs)
        left_out = {competitions[run] for run, name, _ in runs if run == exclude or name.casefold() == NAME}
        return {run: name for run, name in competitions.items() if name not in left_out}


def same_competition(runs: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Run id → name of its competition; runs with the same name (in any case) or fingerprint are of one competition.

    The relation is transitive. runs: (id, name, fingerprint); an empty fingerprint matches nothing.
    """
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(key: tuple[str, str]) -> tuple[str, str]:
        while (above := parent.setdefault(key, key)) != key:
            key = above
        return key

    for _, name, fingerprint in runs:
        by_name = root(("name", name.casefold()))
        if fingerprint:
            parent[root(("data", fingerprint))] = by_name
    return {run: root(("name", name.casefold()))[1] for run, name, _ in runs}
