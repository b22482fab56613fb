"""Two ways of running the agent on the same competitions, side by side: what holdout_scores.py has measured.

python benchmarks/holdout_scores.py FOLDER --budget 180s --options=--no-feature-search
python benchmarks/holdout_scores.py FOLDER --budget 180s
python benchmarks/compare_options.py --budget 180s --without=--no-feature-search
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from score_rows import RESULTS, Row, gain, markdown, noise_of, read_rows

from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.words import in_words


def mean_gain(pairs: list[tuple[Row, Row]]) -> float:
    """How much better the second of each pair is, on average, in the metric's own units."""
    return statistics.mean(gain(a["score"], b["score"], b["metric"]) for a, b in pairs)


def table(pairs: dict[str, list[tuple[Row, Row]]], words: int) -> str:
    """A Markdown table, a competition a line, means over the seeds; the noise is that of one holdout score."""
    lines = []
    head = ["competition", "metric", "without", "with", "gain", "noise of one score"]
    head += ["beats, without", "beats, with", "features kept"]
    for name, both in sorted(pairs.items()):
        without, with_ = ([r[i] for r in both] for i in (0, 1))
        beats = [
            f"{statistics.mean(r['percentile'] for r in rows):.1%}" if rows[0]["percentile"] is not None else "—"
            for rows in (without, with_)
        ]
        kept = list(dict.fromkeys(f for r in with_ for f in r.get("features") or []))
        told = "; ".join(in_words(parse(f)) for f in kept[:words])
        told += f"; {len(kept) - words} more" if len(kept) > words else ""
        scores = [f"{statistics.mean(r['score'] for r in rows):.5g}" for rows in (without, with_)]
        better, noise = f"{mean_gain(both):+.2g}", f"{noise_of(with_):.2g}"
        lines.append([name, with_[0]["metric"], *scores, better, noise, *beats, told or "none"])
    return markdown(head, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="180s")
    parser.add_argument("--without", default="--no-feature-search", help="the options of the runs to compare with")
    parser.add_argument("--options", default="", help="the options of the others")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--words", type=int, default=2, help="how many features to tell in words")
    options = parser.parse_args()
    good = [r for r in read_rows(options.results) if r["status"] == "ok" and r["budget"] == options.budget]
    by = {(r["options"], r["competition"], r["seed"]): r for r in good}  # the last run of each counts
    pairs: dict[str, list[tuple[Row, Row]]] = {}
    for (told, name, seed), row in by.items():
        if told == options.options and (options.without, name, seed) in by:
            pairs.setdefault(name, []).append((by[options.without, name, seed], row))
    print(table(pairs, options.words))
    better = sum(mean_gain(both) > 0 for both in pairs.values())
    print(f"\nBetter on {better} of {len(pairs)}.")


if __name__ == "__main__":
    main()
