"""What each part of the agent is worth: runs without it beside runs with it, on the same competitions and seeds.

    python benchmarks/holdout_scores.py FOLDER --budget 300s
    python benchmarks/holdout_scores.py FOLDER --budget 300s --options=--no-feature-search
    python benchmarks/ablations.py --budget 300s

A row of the table is one text of options; its cells are how much better (+) or worse (-) than without options the score
is, in units of the noise of one holdout score: a part that is worth something shows as minus where it is left out.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from score_rows import RESULTS, Row, gain, latest, markdown, noise_of, read_rows, standard_error

from medalist.agent.budget import parse_duration


@dataclass(frozen=True)
class Ablation:
    """What a text of options changes.

    `changes` holds, by competition, the mean over the seeds that both have, in noises of the runs to compare with, nan
    where that noise is not known; `failed` are competitions where it has runs and none ended well. `beats` and
    `base_beats` are the mean human percentiles, 0 … 1, over the competitions that both have one in, else None.
    """

    options: str
    changes: dict[str, float]
    better: int
    worse: int
    failed: tuple[str, ...]
    beats: float | None
    base_beats: float | None

    @property
    def known(self) -> list[float]:
        return [c for c in self.changes.values() if not math.isnan(c)]

    @property
    def mean(self) -> float:
        return statistics.mean(self.known) if self.known else math.nan

    @property
    def median(self) -> float:
        """Where one competition is decided by hundreds of noises, this says more than the mean."""
        return statistics.median(self.known) if self.known else math.nan


def ablation(options: str, rows: Iterable[Row], base: str = "") -> Ablation:
    """Compare the runs with `options` with those with `base`; all rows are of one budget."""
    by = {(r["options"], r["competition"], r["seed"]): r for r in latest(rows, "options", "competition", "seed")}
    pairs: dict[str, list[tuple[Row, Row]]] = {}
    ran: dict[str, list[bool]] = {}
    for (told, name, seed), row in by.items():
        if told != options:
            continue
        ran.setdefault(name, []).append(row["status"] == "ok")
        other = by.get((base, name, seed))
        if row["status"] == "ok" and other is not None and other["status"] == "ok":
            pairs.setdefault(name, []).append((other, row))
    gains = {n: [gain(a["score"], b["score"], b["metric"]) for a, b in both] for n, both in sorted(pairs.items())}
    means = {n: statistics.mean(g) for n, g in gains.items()}
    placed = [both for both in pairs.values() if all(r["percentile"] is not None for pair in both for r in pair)]
    base_beats, beats = (
        statistics.mean(statistics.mean(pair[side]["percentile"] for pair in both) for both in placed)
        if placed
        else None
        for side in (0, 1)
    )
    return Ablation(
        options,
        {n: m / noise_of(a for a, _ in pairs[n]) for n, m in means.items()},
        sum(m > 0 for m in means.values()),
        sum(m < 0 for m in means.values()),
        tuple(sorted(n for n, ended in ran.items() if not any(ended))),
        beats,
        base_beats,
    )


def table(found: Sequence[Ablation]) -> str:
    """In Markdown: a text of options a line, a competition a column."""
    names = sorted({n for a in found for n in (*a.changes, *a.failed)})
    head = ["options", *names, "mean change", "median", "better / worse", "beats (of the base)"]
    lines = []
    for a in found:
        cells = ["failed" if n in a.failed else _signed(a.changes.get(n)) for n in names]
        error = standard_error(a.known)
        mean = _signed(a.mean) + ("" if math.isnan(error) else f" ± {error:.2f}")
        counts = f"{a.better} / {a.worse}" + (f", {len(a.failed)} failed" if a.failed else "")
        beats = "" if a.beats is None else f"{a.beats:.1%} ({a.base_beats:.1%})"
        lines.append([f"`{a.options}`" if a.options else "none", *cells, mean, _signed(a.median), counts, beats])
    return markdown(head, lines)


def _signed(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:+.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="300s")
    parser.add_argument("--base", default="", help="the options of the runs to compare with")
    parser.add_argument("--only", action="append", help="a text of options: --only=--no-stacking; all, unless said")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    if not options.results.is_file():
        print(f"Skipped: there is no file {options.results}.")
        return
    seconds = parse_duration(options.budget)
    rows = [r for r in read_rows(options.results) if parse_duration(r["budget"]) == seconds]
    told = options.only or sorted({r["options"] for r in rows} - {options.base})
    found = [a for text in told if (a := ablation(text, rows, options.base)).changes or a.failed]
    if not found:
        print(f"Skipped: there are no runs of {options.budget} with other options to compare with {options.base!r}.")
        return
    print(table(sorted(found, key=lambda a: (math.isnan(a.mean), a.mean))))
    print(f"\nAgainst {options.base or 'no options'}, {options.budget}; in noises of one holdout score, + is better.")


if __name__ == "__main__":
    main()
