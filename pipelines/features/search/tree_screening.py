"""Trees as a second opinion: what a small boosted model would use, of its own columns and of candidates beside them.

What explains a residual by itself is found by `screening`; what helps only together with other columns is not. So a
small LightGBM is fitted on the model's columns and a batch of candidates at once, with shadows (shuffled candidates,
Kursa and Rudnicki, 2010) to say what chance uses. Columns of the model that do no better than in fits to shuffled
targets (null importances, Grellier, 2018) may be left out. Which pairs of columns split together is read off the trees.
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
from medalist.pipelines.features.search.screening import Screen

ROWS = 16_000
BATCH = 40
SHADOWS = 6
RANKED_ROWS = 4000
ALIKE = 0.99  # rank correlation from which on two columns are one for trees
ROUNDS = 80
NULL_FITS = 3


@dataclass
class Trees:
    """Fits small models on rows of a screening. `classes`: number of classes, 0 where the target is a value or binary
    probability; then `y` (m, T) is fitted one target after another."""

    screen: Screen
    base: Sequence[str]
    classes: int
    seed: int = 0

    def __post_init__(self) -> None:
        self.places = self.screen._places[:ROWS]
        self.y = self.screen.y[:ROWS]
        self.names: list[str] = []
        self.alike: list[str] = []  # candidates that rank the rows as something else does
        self.categorical: list[int] = []
        columns = []
        for text in self.base:
            block = self._values(text)
            if block is None:
                continue
            if operator_of(parse(text)).gives == "category":
                self.categorical.append(len(self.names))
            self.names += [text] * block.shape[1]
            columns.append(block)
        self.columns = np.hstack(columns) if columns else np.zeros((len(self.places), 0), dtype=np.float32)

    def _values(self, text: str) -> np.ndarray | None:
        """(m, k) what a feature gives for the rows, fitted on them where it uses the target; None where it cannot."""
        feature = parse(text)
        if operator_of(feature).gives == "sparse":
            return None
        y = np.argmax(self.y, axis=1)[:, None].astype(float) if self.classes > 2 else self.y
        target = Target(self.places, y, self.classes, self.seed)
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.screen.frame.fitted_on(target).value(feature))
        except PipelineError:
            return None
        return value.reshape(self.screen.frame.n, -1)[self.places].astype(np.float32)

    def _fit(self, columns: np.ndarray, y: np.ndarray, rounds: int) -> list[Any]:
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
        """(k,) gain of each column, as a share of all gains."""
        total = np.zeros(columns.shape[1])
        for booster in self._fit(columns, y, rounds):
            gains = booster.feature_importance("gain")
            total += gains / max(gains.sum(), 1e-12)
        return total

    def together(self, most: int = 20) -> dict[int, list[tuple[str, ...]]]:
        """Two and three columns of the table that the model splits on together (splits below each other), by their
        number, best first."""
        found: dict[int, Counter[tuple[str, ...]]] = {2: Counter(), 3: Counter()}
        for booster in self._fit(self.columns, self.y, ROUNDS // 2):
            for tree in booster.dump_model()["tree_info"]:
                self._walk(tree["tree_structure"], (), found)
        return {size: [some for some, _ in counted.most_common(most)] for size, counted in found.items()}

    def _walk(self, node: dict[str, Any], above: tuple[str, ...], found: dict[int, Counter[tuple[str, ...]]]) -> None:
        """`above`: the different columns of the splits above a node, the next last."""
        if "split_feature" not in node:
            return
        for own in parse(self.names[node["split_feature"]]).columns[:1]:
            above = (*(name for name in above if name != own), own)
            for size, counted in found.items():
                if len(above) >= size:
                    counted[tuple(sorted(above[-size:]))] += node["split_gain"]
        for side in ("left_child", "right_child"):
            self._walk(node[side], above, found)

    def used(self, candidates: Sequence[str], most: int) -> list[str]:
        """The candidates that trees use more than shuffled ones, those that they use most first, at most so many."""
        survivors = list(candidates)
        rng = np.random.default_rng(self.seed)
        for last in (False, True):
            kept: list[tuple[float, str]] = []
            size = BATCH if not last else max(1, len(survivors))
            for at in range(0, len(survivors), size):
                if self.screen.over:
                    break
                batch = survivors[at : at + size]
                blocks = self._new([(text, block) for text in batch if (block := self._values(text)) is not None])
                if not blocks:
                    continue
                shadows = [
                    rng.permutation(block[:, 0])[:, None] for _, block in blocks[:: max(1, len(blocks) // SHADOWS)]
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
                survivors = [text for _, text in kept][: 45 if not last else most]
            if not survivors or self.screen.over:
                break
        return survivors[:most]

    def _new(self, blocks: list[tuple[str, np.ndarray]]) -> list[tuple[str, np.ndarray]]:
        """The blocks that no column of the model and no earlier block ranks the rows alike with."""
        few = slice(0, RANKED_ROWS)
        known = [_ranks(self.columns[few, j]) for j in range(self.columns.shape[1])]
        kept = []
        for text, block in blocks:
            if block.shape[1] == 1:
                own = _ranks(block[few, 0])
                if known and float(np.abs(np.stack(known) @ own).max()) > ALIKE:
                    self.alike.append(text)
                    continue
                known.append(own)
            kept.append((text, block))
        return kept

    def idle(self) -> list[str]:
        """Features of the model that gain no more than in fits to shuffled targets."""
        if self.columns.shape[1] < 4:
            return []
        real = self._gains(self.columns, self.y)
        rng = np.random.default_rng(self.seed)
        null = np.mean(
            [self._gains(self.columns, self.y[rng.permutation(len(self.y))], ROUNDS // 2) for _ in range(NULL_FITS)],
            axis=0,
        )
        # in a fit to noise the gains are shares of noise: what the real fit leaves to noise is split like them
        best: dict[str, float] = {}
        for name, r, n in zip(self.names, real, null, strict=True):
            best[name] = max(best.get(name, -np.inf), r - 0.02 * n * len(self.names))
        return [name for name, value in best.items() if value <= 0.0005]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of (m,) numbers, ties at their mean and missing first, centred and of length 1."""
    of_rows = ranks(np.nan_to_num(values, nan=-np.inf))
    centred = of_rows - of_rows.mean()
    length = float(np.sqrt(centred @ centred))
    return centred / length if length > 0 else centred
