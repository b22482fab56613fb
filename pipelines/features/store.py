"""FeatureStore: features are computed once, cached by the hash of their inputs, and joined to design matrices."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.pipelines.features.blocks import BlockFolder
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Column, Feature, Node, nodes
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised, operator_of
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.raw_tables import RawTables

VERSION = "6"  # part of every hash: raise it when the values of an operator change
CACHE_BYTES = 8 << 30  # bytes of computed blocks on disk, at most
FRAME_BYTES = 256 << 20  # bytes of intermediate results that a process caches in memory


@dataclass
class FeatureStore:
    """The features of one competition, over its train rows and then its test rows.

    folder: of the raw columns, the further tables and all computed blocks; several processes may share it. fingerprint:
    identifies the data. n_train: number of train rows. limit: bytes of computed blocks, beyond which the least recently
    used ones are evicted. later: positions of rows that came after the run: they are predicted, and nothing is fitted
    on them.
    """

    folder: Path
    fingerprint: str
    n_train: int
    limit: int = CACHE_BYTES
    later: range = range(0)
    frame: Frame = field(init=False, repr=False)
    raw: RawTables = field(init=False, repr=False)
    blocks: BlockFolder = field(init=False, repr=False)
    binned: dict[str, Any] = field(default_factory=dict, repr=False)  # estimators' encodings, as `FitRequest.cache`
    _in_memory: dict[str, Any] = field(default_factory=dict, repr=False)  # blocks that use no target, by text

    def __post_init__(self) -> None:
        self.frame = self._new_frame()
        self.raw = RawTables(self.folder)
        self.blocks = BlockFolder(self.folder, self.limit)

    def _new_frame(self) -> Frame:
        return StoredFrame(self, memory=FRAME_BYTES)

    def is_later(self, rows: np.ndarray) -> np.ndarray:
        """(k,) which of the row positions (k,) are of rows that came after the run."""
        return (rows >= self.later.start) & (rows < self.later.stop)

    @classmethod
    def create(
        cls,
        folder: Path,
        fingerprint: str,
        train: pd.DataFrame,
        test: pd.DataFrame,
        tables: Mapping[str, pd.DataFrame] | None = None,
        limit: int = CACHE_BYTES,
    ) -> FeatureStore:
        """Write the raw columns and the further tables, unless their files exist, and return the store."""
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, fingerprint, len(train), limit)
        store.raw.write(train, test, tables or {})
        return store

    @property
    def n_rows(self) -> int:
        """Number of rows of train and test."""
        return self.raw.n_rows

    def column(self, name: str) -> pd.Series:
        """A raw column over train and test rows. PipelineError where there is none of that name."""
        return self.raw.column(name)

    def table(self, name: str) -> pd.DataFrame:
        """A further table, whole. PipelineError where there is none of that name."""
        return self.raw.table(name)

    def path(self, text: str, ending: str = ".npy") -> Path:
        """The file of something computed from this data, such as a feature's block; `text` identifies it."""
        key = hashlib.sha256(f"{VERSION}\n{self.fingerprint}\n{text}".encode()).hexdigest()[:24]
        return self.folder / f"{key}{ending}"

    def _block_path(self, expression: Feature, target: Target | None) -> Path:
        token = f"\n{target.token}" if target is not None and is_supervised(expression) else ""
        return self.path(f"{expression}{token}", ".npz" if operator_of(expression).gives == "sparse" else ".npy")

    def has(self, text: str, target: Target | None = None) -> bool:
        """Whether the block of a feature is on disk."""
        return self._block_path(parse(text), target).exists()

    def block(self, text: str, target: Target | None = None) -> Any:
        """The values (n, k) of a feature, float32 or sparse: from memory, from disk, or computed and cached.

        Infinite values are NaN. PipelineError for a feature that uses the target where no `target` is given.
        """
        expression = parse(text)
        supervised = is_supervised(expression)
        if text in self._in_memory and not supervised:
            return self._in_memory[text]
        path = self._block_path(expression, target)
        sparse = path.suffix == ".npz"
        block = self.blocks.read(path)
        if block is None:
            frame = self.frame if target is None else self.frame.fitted_on(target)
            computed = frame.value(expression)
            if not sparse:
                computed = np.ascontiguousarray(computed.reshape(len(computed), -1), dtype=np.float32)
                computed[np.isinf(computed)] = np.nan
            self.blocks.write(path, computed)
            block = self.blocks.read(path)
            block = computed if block is None else block
        if not supervised:
            self._in_memory[text] = block
        return block

    def prepare(self, features: Sequence[str]) -> None:
        """Compute the blocks of features that need no target, and the keys of those that do, unless cached."""
        for text in features:
            expression = parse(text)
            if not is_supervised(expression):
                self.block(text)
                continue
            for node in nodes(expression):
                if not isinstance(node, Feature):
                    continue
                if operator_of(node).kind == "supervised" and operator_of(node).takes_keys:
                    self.frame.key(node.args[0])

    def matrices(
        self,
        features: Sequence[str],
        fit: np.ndarray,
        y: np.ndarray,
        others: Sequence[np.ndarray],
        *,
        classes: int,
        seed: int,
    ) -> list[Matrix]:
        """The inputs of an estimator for the rows of `fit`, and for each array of rows in `others`.

        Parameters
        ----------
        fit: (m,) row positions (train rows) on which supervised features are fitted.
        y: (m, T) their target, on the fitted scale, or class codes.
        others: arrays of row positions; test rows are numbered from `n_train`.
        classes: number of classes of a multiclass target, else 0.
        seed: of the inner folds of supervised features.

        Returns
        -------
        One matrix for `fit` and one for each of `others`. Supervised features are out-of-fold for the rows of `fit`.
        """
        target = Target(fit, y, classes, seed)
        dense: list[Any] = []
        sparse_blocks: list[Any] = []
        names: list[str] = []
        categorical: list[int] = []
        for text in features:
            block = self.block(text, target)
            gives = operator_of(parse(text)).gives
            if gives == "sparse":
                sparse_blocks.append(block)
                continue
            if gives == "category":
                categorical.append(len(names))
            names.extend([text] if block.shape[1] == 1 else [f"{text}[{i}]" for i in range(block.shape[1])])
            dense.append(block)
        joined = None
        if sparse_blocks:
            from scipy import sparse

            joined = sparse.hstack(sparse_blocks, format="csr")
        made_of = hashlib.sha256("\n".join([self.fingerprint, target.token, *features]).encode()).hexdigest()[:24]
        return [
            Matrix(
                dense=_gather(dense, rows, len(names)),
                names=tuple(names),
                categorical=tuple(categorical),
                sparse=None if joined is None else joined[rows],
                sparse_widths=tuple(block.shape[1] for block in sparse_blocks),
                token=f"{made_of}/{place}",
            )
            for place, rows in enumerate((fit, *others))
        ]


@dataclass
class StoredFrame(Frame):
    """A frame over all rows of a store, with keys cached on disk: factorising text is most of a target mean's cost."""

    def compute_key(self, node: Node) -> Key:
        store = self.source
        assert isinstance(store, FeatureStore)
        path = store.path(f"key\n{node if isinstance(node, Feature) else Column.__str__(node)}")  # type: ignore[arg-type]
        kept = store.blocks.read(path)
        if kept is None:
            key = super().compute_key(node)
            store.blocks.write(path, np.append(key.codes, [key.size, key.missing]).astype(np.int32))
            return key
        return Key(kept[:-2].astype(np.int64), int(kept[-2]), int(kept[-1]))


def _gather(blocks: Sequence[np.ndarray], rows: np.ndarray, width: int) -> np.ndarray:
    """(len(rows), width) float32: the given rows of several blocks, concatenated by columns."""
    out = np.empty((len(rows), width), dtype=np.float32)
    at = 0
    for block in blocks:
        out[:, at : at + block.shape[1]] = block[rows]
        at += block.shape[1]
    return out
