"""Two ways of running the agent on the same competitions, side by side: what holdout_scores.py has measured.

python benchmarks/holdout_scores.py FOLDER --budget 180s --options=--no-feature-search
python benchmarks/holdout_scores.py FOLDER --budget 180s
python benchmarks/compare_options.py --budget 180s --without=--no-feature-search
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from competitions.metrics import get_metric
from pipelines.features.expression import parse
from pipelines.features.words import in_words

Row = dict[str, Any]


def gain(without: Row, with_: Row) -> float:
    """How much better the second score is, in the metric's own units."""
    difference = with_["score"] - without["score"]
    return difference if get_metric(with_["metric"]).greater_is_better else -difference


def lines(pairs: dict[str, list[tuple[Row, Row]]], words: int) -> list[str]:
    """A Markdown table, a competition a line, means over the seeds.

    The noise is the standard error of one holdout score: that of the estimate, on as many rows as test has, a fourth of
    train's in most of these competitions. Two scores on the same rows differ by less.
    """
    found = [
        "|competition|metric|without|with|gain|noise of one score|beats, without|beats, with|features kept|",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, both in sorted(pairs.items()):
        without, with_ = ([r[i] for r in both] for i in (0, 1))
        beats = [
            f"{statistics.mean(r['percentile'] for r in rows):.1%}" if rows[0]["percentile"] is not None else "—"
            for rows in (without, with_)
        ]
        noise = 2 * statistics.mean(r["standard_error"] for r in with_) / len(both) ** 0.5
        kept = list(dict.fromkeys(f for r in with_ for f in r.get("features") or []))
        told = "; ".join(in_words(parse(f)) for f in kept[:words])
        told += f"; {len(kept) - words} more" if len(kept) > words else ""
        scores = [f"{statistics.mean(r['score'] for r in rows):.5g}" for rows in (without, with_)]
        better = f"{statistics.mean(gain(*r) for r in both):+.2g}"
        cells = [name, with_[0]["metric"], *scores, better, f"{noise:.2g}", *beats, told or "none"]
        found.append(f"|{'|'.join(cells)}|")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="180s")
    parser.add_argument("--without", default="--no-feature-search", help="the options of the runs to compare with")
    parser.add_argument("--options", default="", help="the options of the others")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "holdout_scores.jsonl")
    parser.add_argument("--words", type=int, default=2, help="how many features to tell in words")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.results.read_text().splitlines()]
    good = [r for r in rows if r["status"] == "ok" and r["budget"] == options.budget]
    by = {(r["options"], r["competition"], r["seed"]): r for r in good}  # the last run of each counts
    pairs: dict[str, list[tuple[Row, Row]]] = {}
    for (told, name, seed), row in by.items():
        if told == options.options and (options.without, name, seed) in by:
            pairs.setdefault(name, []).append((by[options.without, name, seed], row))
    print("\n".join(lines(pairs, options.words)))
    better = sum(statistics.mean(gain(*r) for r in both) > 0 for both in pairs.values())
    print(f"\nBetter on {better} of {len(pairs)}.")


if __name__ == "__main__":
    main()
