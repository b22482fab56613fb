"""Features of rows that came after a run: statistics of its train and test rows stay, and these rows are looked up in
them.

No value of a row of the run changes, and none of a later row depends on other later rows, except by sequences
(`lag`, `rolling_mean`, …), where later rows take their places in order of time among all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.language.expression import Feature, Node
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.language.registry import operator_of
from medalist.pipelines.features.store import FRAME_BYTES, FeatureStore


@dataclass
class StoreWithLater(FeatureStore):
    """The features of a run's rows, as its store `base` has them, with those of later rows at the positions `later`.

    Later rows follow those of train and test; additional training rows, where the store has some, follow them.
    """

    base: FeatureStore = field(kw_only=True)

    @classmethod
    def beside(
        cls,
        folder: Path,
        base: FeatureStore,
        parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame | None],
        tables: Mapping[str, pd.DataFrame],
    ) -> StoreWithLater:
        """A new store in a folder. parts: the rows of train, of test, the later ones and additional training rows, with
        the same columns; None without the last."""
        train, test, later, additional = parts
        at = len(train) + len(test)
        rest = [part for part in (test, later, additional) if part is not None]
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, f"{base.fingerprint}+later", len(train), base.limit, range(at, at + len(later)), base=base)
        store.raw.write(train, pd.concat(rest, ignore_index=True), tables)
        return store

    def _new_frame(self) -> Frame:
        return _FrameWithLater(self, memory=FRAME_BYTES)


@dataclass
class _FrameWithLater(Frame):
    """A frame over all rows of a `StoreWithLater`."""

    @property
    def _store(self) -> StoreWithLater:
        assert isinstance(self.source, StoreWithLater)
        return self.source

    @property
    def fitted_rows(self) -> np.ndarray:
        """Positions of the run's rows."""
        later = self._store.later
        return np.concatenate([np.arange(later.start), np.arange(later.stop, self.n)])

    def fitted_column(self, name: str) -> pd.Series:
        """A raw column over the run's rows."""
        return self._store.base.column(name)

    def value(self, node: Feature) -> Any:
        """The values of a feature; of a transductive one, those of the run's rows are the run's."""
        operator = operator_of(node)
        if operator.kind != "transductive":
            return super().value(node)
        before, later = self._store.base.frame.value(node), self._store.later
        now = self._looked_up(node, operator, before)
        parts = [before[: later.start], now[later.start : later.stop], before[later.start :]]
        if isinstance(before, np.ndarray):
            return np.concatenate(parts)
        from scipy import sparse

        return sparse.vstack(parts, format="csr")

    def _looked_up(self, node: Feature, operator: Operator, before: Any) -> Any:
        """The values of a transductive feature, of which those of later rows are right."""
        if operator.numbered:
            joint = super().value(node)
            return np.where(np.isnan(joint), np.nan, _renumbered(joint, before, self.fitted_rows))
        if not operator.of_group:
            return super().value(node)
        key = self.keys(node.by or node.args)
        values = np.full(key.size, operator.unseen)
        values[key.codes[self.fitted_rows]] = before
        return values[key.codes]

    def compute_key(self, node: Node) -> Key:
        """The groups of rows with equal values: those of the run's rows keep their numbers, and groups of later rows
        alone come after them."""
        joint, before = super().compute_key(node), self._store.base.frame.key(node)
        codes = _renumbered(joint.codes, before.codes, self.fitted_rows, before.size).astype(np.int64)
        missing = before.missing
        if missing < 0 <= joint.missing:
            missing = int(codes[joint.codes == joint.missing][0])
        return Key(codes, max(before.size, int(codes.max(initial=-1)) + 1), missing)


def _renumbered(joint: np.ndarray, before: np.ndarray, rows: np.ndarray, size: int | None = None) -> np.ndarray:
    """(n,) categories under the numbers that those of `rows` have in `before`; others are numbered after these, from
    `size` on (one more than the greatest number unless given). joint: (n,) categories of all rows, numbered anyhow;
    NaN where missing, of which the result is undefined."""
    present = ~np.isnan(joint)
    found = np.where(present, joint, -1).astype(np.int64)
    old = np.full(int(found.max(initial=-1)) + 2, -1, dtype=np.int64)
    filled = np.where(np.isnan(before), -1, before).astype(np.int64)
    old[found[rows]] = filled
    old[-1] = -1
    unseen = np.unique(found[present & (old[found] < 0)])
    old[unseen] = np.arange(len(unseen)) + (int(filled.max(initial=-1)) + 1 if size is None else size)
    return old[found].astype(np.float64)
