"""Screening by trees: which candidates a small boosted model uses together with the columns of the present model.

`screening` detects features that explain a residual by themselves, but not those that help only together with others.
So a small LightGBM is fitted on the model's columns and a batch of candidates at once, with shadow features (shuffled
candidates, Kursa and Rudnicki, 2010) for the gain by chance. Features of the model that gain no more than in fits to
shuffled targets (null importances, Grellier, 2018) may be removed. Interactions of columns are read off the trees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.competitions.metrics.functions import ranks
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import operator_of
from medalist.pipelines.features.search.screening import Screener
from medalist.pipelines.features.search.units import permuted_by_unit

ROWS = 16_000  # rows of the sample that trees are fitted on
BATCH = 40  # candidates in one fit
MOST_SURVIVORS = 45  # candidates of all batches that are compared in a final fit, at most
SHADOWS = 6  # approximate number of shadow features in one fit
RANKED_ROWS = 4000  # rows on which rank correlations are computed
DUPLICATE_CORRELATION = 0.99  # absolute rank correlation, above which two columns are duplicates for trees
ROUNDS = 80  # boosting rounds
NULL_FITS = 3  # fits to shuffled targets
NULL_SHARE = 0.02  # share of the real fit's total gain, per column, that is attributed to noise
LEAST_GAIN = 0.0005  # share of the total gain, beyond noise, up to which a feature is idle


@dataclass
class Trees:
    """Small boosted models of the target on the first ROWS rows of a screening's sample.

    base: features of the present model. classes: number of classes of a multiclass target, else 0; each target is then
    fitted by a regression.
    """

    screener: Screener
    base: Sequence[str]
    classes: int
    seed: int = 0

    def __post_init__(self) -> None:
        self.positions = self.screener.sample.positions[:ROWS]
        self.y = self.screener.sample.target[:ROWS]  # (m, T)
        units = self.screener.sample.units
        self.units = None if units is None else units[:ROWS]
        self.names: list[str] = []  # the feature's text of each column
        self.duplicates: list[str] = []  # candidates that were dropped as duplicates of another column
        self.categorical: list[int] = []  # positions of the columns of category codes
        columns = []
        for text in self.base:
            block = self._values(text)
            if block is None:
                continue
            if operator_of(parse(text)).gives == "category":
                self.categorical.append(len(self.names))
            self.names += [text] * block.shape[1]
            columns.append(block)
        self.columns = np.hstack(columns) if columns else np.zeros((len(self.positions), 0), dtype=np.float32)

    def _values(self, text: str) -> np.ndarray | None:
        """(m, k) float32 values of a feature for the rows, fitted on them where it uses the target.

        None for a sparse feature and for one that cannot be computed.
        """
        feature = parse(text)
        if operator_of(feature).gives == "sparse":
            return None
        y = np.argmax(self.y, axis=1)[:, None].astype(float) if self.classes > 2 else self.y
        target = Target(self.positions, y, self.classes, self.seed)
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.screener.sample.frame.fitted_on(target).value(feature))
        except PipelineError:
            return None
        return value.reshape(self.screener.sample.frame.n, -1)[self.positions].astype(np.float32)

    def _fit(self, columns: np.ndarray, y: np.ndarray, rounds: int) -> list[Any]:
        """LightGBM boosters on columns (m, k): one for each target, or one for all classes."""
        import lightgbm as lgb

        settings: dict[str, Any] = {
            "verbosity": -1,
            "num_threads": 1,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            "learning_rate": 0.1,
            "num_leaves": 15,
            "min_child_samples": 20,
            "feature_fraction": 0.6,
            "max_bin": 63,
        }
        data = lgb.Dataset(
            columns, categorical_feature=self.categorical or "auto", params={"max_bin": 63, "verbosity": -1}
        )
        data.construct()
        boosters = []
        for t in range(1 if self.classes > 2 else y.shape[1]):
            if self.classes > 2:
                settings |= {"objective": "multiclass", "num_class": self.classes}
                data.set_label(np.argmax(y, axis=1))
                rounds = max(8, rounds * 3 // self.classes)
            else:
                settings["objective"] = "regression"
                data.set_label(y[:, t])
            boosters.append(lgb.train(settings, data, rounds))
        return boosters

    def _gains(self, columns: np.ndarray, y: np.ndarray, rounds: int = ROUNDS) -> np.ndarray:
        """(k,) the gain of each column as a share of the total gain of a booster, summed over the boosters."""
        total = np.zeros(columns.shape[1])
        for booster in self._fit(columns, y, rounds):
            gains = booster.feature_importance("gain")
            total += gains / max(gains.sum(), 1e-12)
        return total

    def interactions(self, most: int = 20) -> dict[int, list[tuple[str, ...]]]:
        """Columns that interact, as the model splits on them along one path: pairs under key 2, triples under key 3.

        Names of columns of the table, sorted within a tuple; at most `most` tuples of each size, by descending gain.
        """
        gains: dict[int, Counter[tuple[str, ...]]] = {2: Counter(), 3: Counter()}
        for booster in self._fit(self.columns, self.y, ROUNDS // 2):
            for tree in booster.dump_model()["tree_info"]:
                self._walk(tree["tree_structure"], (), gains)
        return {size: [names for names, _ in of_size.most_common(most)] for size, of_size in gains.items()}

    def _walk(self, node: dict[str, Any], above: tuple[str, ...], gains: dict[int, Counter[tuple[str, ...]]]) -> None:
        """Add the split gains of a node and all below it to `gains`, by the last 2 and 3 different columns of the path.

        above: the different columns of the splits above the node, the nearest last.
        """
        if "split_feature" not in node:
            return
        for column in parse(self.names[node["split_feature"]]).columns[:1]:
            above = (*(name for name in above if name != column), column)
            for size, of_size in gains.items():
                if len(above) >= size:
                    of_size[tuple(sorted(above[-size:]))] += node["split_gain"]
        for side in ("left_child", "right_child"):
            self._walk(node[side], above, gains)

    def used(self, candidates: Sequence[str], most: int) -> list[str]:
        """The candidates whose gain per column is more than twice the largest gain of a shadow, at most `most`, by
        descending gain. Tested in batches, then all survivors in one fit. Duplicates are dropped, into `duplicates`."""
        survivors = list(candidates)
        rng = np.random.default_rng(self.seed)
        for last in (False, True):
            kept: list[tuple[float, str]] = []
            size = BATCH if not last else max(1, len(survivors))
            for at in range(0, len(survivors), size):
                if self.screener.is_over:
                    break
                batch = survivors[at : at + size]
                computed = [(text, block) for text in batch if (block := self._values(text)) is not None]
                blocks = self._without_duplicates(computed)
                if not blocks:
                    continue
                shadows = [
                    self._shuffled(block[:, 0], rng)[:, None] for _, block in blocks[:: max(1, len(blocks) // SHADOWS)]
                ]
                widths = [self.columns.shape[1], *(b.shape[1] for _, b in blocks)]
                gains = self._gains(np.hstack([self.columns, *(b for _, b in blocks), *shadows]), self.y)
                bounds = np.cumsum(widths)
                chance = float(gains[bounds[-1] :].max()) if shadows else 0.0
                for (text, _), start, end in zip(blocks, bounds[:-1], bounds[1:], strict=True):
                    gain = float(gains[start:end].sum())
                    if gain > 2 * chance * (end - start):
                        kept.append((gain, text))
            kept.sort(key=lambda k: (-k[0], k[1]))
            if not last or kept:
                survivors = [text for _, text in kept][: MOST_SURVIVORS if not last else most]
            if not survivors or self.screener.is_over:
                break
        return survivors[:most]

    def _shuffled(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(m, …) values of the rows in a random order; between units, where rows are not independent."""
        if self.units is None:
            return values[rng.permutation(len(values))]
        return permuted_by_unit(values, self.units, rng)

    def _without_duplicates(self, blocks: list[tuple[str, np.ndarray]]) -> list[tuple[str, np.ndarray]]:
        """The blocks without those of one column that is a duplicate of a column of the model or of an earlier
        block."""
        few = slice(0, RANKED_ROWS)
        ranks = [_ranks(self.columns[few, j]) for j in range(self.columns.shape[1])]
        kept = []
        for text, block in blocks:
            if block.shape[1] == 1:
                of_block = _ranks(block[few, 0])
                if ranks and float(np.abs(np.stack(ranks) @ of_block).max()) > DUPLICATE_CORRELATION:
                    self.duplicates.append(text)
                    continue
                ranks.append(of_block)
            kept.append((text, block))
        return kept

    def idle(self) -> list[str]:
        """Features of the model that gain no more than in fits to shuffled targets; none for a model of under 4
        columns."""
        if self.columns.shape[1] < 4:
            return []
        real = self._gains(self.columns, self.y)
        rng = np.random.default_rng(self.seed)
        null = np.mean(
            [self._gains(self.columns, self._shuffled(self.y, rng), ROUNDS // 2) for _ in range(NULL_FITS)],
            axis=0,
        )
        # the share of noise in the real fit's gain is distributed over the columns as in the fits to shuffled targets
        best: dict[str, float] = {}
        for name, r, n in zip(self.names, real, null, strict=True):
            best[name] = max(best.get(name, -np.inf), r - NULL_SHARE * n * len(self.names))
        return [name for name, value in best.items() if value <= LEAST_GAIN]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of (m,) numbers, ties at their mean and missing first, centred and scaled to length 1."""
    of_rows = ranks(np.nan_to_num(values, nan=-np.inf))
    centred = of_rows - of_rows.mean()
    length = float(np.sqrt(centred @ centred))
    return centred / length if length > 0 else centred
