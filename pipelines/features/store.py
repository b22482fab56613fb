"""Columns are computed once and kept as memory-mapped arrays under the hash of what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.atomic import remove_abandoned, replacing
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Column, Feature, Node, nodes
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised, operator_of
from medalist.pipelines.features.matrix import Matrix

VERSION = "5"  # part of every hash: raise it when an operator changes what it computes
CACHE_BYTES = 8 << 30
EVICT_TO = 0.8  # of the limit, so that not every write evicts
FRAME_BYTES = 256 << 20  # of shared intermediate results a process keeps
CHECKED = 1 / 64  # of the limit, after which written it is looked at again
_COMPUTED = (".npy", ".npz")


@dataclass
class FeatureStore:
    """The features of one table: train rows first, then test rows.

    `folder` holds the raw columns (`raw.feather`), further tables, and every block that was computed, each written
    atomically, so that several processes may share it and a kill leaves nothing half-written. Blocks beyond
    `limit` bytes are thrown out, those first that were not used for longest.
    """

    folder: Path
    fingerprint: str
    n_train: int
    limit: int = CACHE_BYTES
    frame: Frame = field(init=False, repr=False)
    _raw: Any = field(default=None, repr=False)
    _described: dict[str, dict[bytes, bytes]] = field(default_factory=dict, repr=False)  # metadata of each raw column
    _unchecked: float = field(default=float("inf"), repr=False)  # bytes that were written since the limit was looked at
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    _blocks: dict[str, Any] = field(default_factory=dict, repr=False)
    binned: dict[str, Any] = field(default_factory=dict, repr=False)  # what estimators made of its matrices

    def __post_init__(self) -> None:
        self.frame = StoredFrame(self, memory=FRAME_BYTES)

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
        """Write the raw columns and the further tables, unless they are there, and open the store."""
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, fingerprint, len(train), limit)
        if not store.raw_path.exists():
            _write_table(store.raw_path, pd.concat([train, test], ignore_index=True))
        for name, table in (tables or {}).items():
            if not store.table_path(name).exists():
                _write_table(store.table_path(name), table)
        return store

    @property
    def raw_path(self) -> Path:
        return self.folder / "raw.feather"

    def table_path(self, name: str) -> Path:
        """Where a further table is kept."""
        return self.folder / f"table-{hashlib.sha256(name.encode()).hexdigest()[:16]}.feather"

    @property
    def _feather(self) -> Any:
        if self._raw is None:
            import pyarrow.feather

            self._raw = pyarrow.feather.read_table(self.raw_path, memory_map=True)
            self._described = _by_column(self._raw.schema)
        return self._raw

    @property
    def n_rows(self) -> int:
        """Rows of train and test."""
        return self._feather.num_rows

    def column(self, name: str) -> pd.Series:
        """A raw column over train and test rows."""
        raw = self._feather
        if name not in self._described:
            raise PipelineError(f"There is no column {name!r}; the columns are {', '.join(self._described)}.")
        return raw.select([name]).replace_schema_metadata(self._described[name]).to_pandas()[name]

    def table(self, name: str) -> pd.DataFrame:
        """A further table, whole."""
        if name not in self._tables:
            import pyarrow.feather

            if not self.table_path(name).exists():
                raise PipelineError(f"There is no further table {name!r} in this competition.")
            self._tables[name] = pyarrow.feather.read_feather(self.table_path(name))
        return self._tables[name]

    def path(self, text: str, ending: str = ".npy") -> Path:
        """Where something computed is kept: the block of a feature under its text."""
        key = hashlib.sha256(f"{VERSION}\n{self.fingerprint}\n{text}".encode()).hexdigest()[:24]
        return self.folder / f"{key}{ending}"

    def _block_path(self, expression: Feature, target: Target | None) -> Path:
        token = f"\n{target.token}" if target is not None and is_supervised(expression) else ""
        return self.path(f"{expression}{token}", ".npz" if operator_of(expression).gives == "sparse" else ".npy")

    def has(self, text: str, target: Target | None = None) -> bool:
        """Whether the block of a feature has been computed."""
        return self._block_path(parse(text), target).exists()

    def block(self, text: str, target: Target | None = None) -> Any:
        """The block (n, k) of a feature: from memory, from disk, else computed and kept.

        Raises PipelineError for a feature that uses the target where there is no `target` to fit it on.
        """
        expression = parse(text)
        supervised = is_supervised(expression)
        if text in self._blocks and not supervised:
            return self._blocks[text]
        path = self._block_path(expression, target)
        sparse = path.suffix == ".npz"
        block = self._read(path)
        if block is None:
            frame = self.frame if target is None else self.frame.fitted_on(target)
            computed = frame.value(expression)
            if not sparse:
                computed = np.ascontiguousarray(computed.reshape(len(computed), -1), dtype=np.float32)
                computed[np.isinf(computed)] = np.nan
            self._keep(path, computed)
            block = self._read(path)
            block = computed if block is None else block
        if not supervised:
            self._blocks[text] = block
        return block

    def _read(self, path: Path) -> Any:
        try:
            os.utime(path)  # the last use, by which blocks are thrown out
            if path.suffix == ".npz":
                from scipy import sparse

                return sparse.load_npz(path)
            return np.load(path, mmap_mode="r")
        except FileNotFoundError:
            return None
        except (EOFError, ValueError, zipfile.BadZipFile):  # cut short by a power cut: computed anew
            path.unlink(missing_ok=True)
            return None

    def _keep(self, path: Path, value: Any) -> None:
        if path.suffix == ".npz":
            from scipy import sparse

            with replacing(path, durable=False) as stream:  # what a power cut breaks is computed anew
                sparse.save_npz(stream, value, compressed=False)
        else:
            with replacing(path, durable=False) as stream:
                np.save(stream, value)
        with contextlib.suppress(FileNotFoundError):  # thrown out by another process
            self._unchecked += path.stat().st_size
        if self._unchecked > CHECKED * self.limit:
            self._unchecked = 0
            self.tidy()

    def tidy(self) -> None:
        """Throw out the blocks that were not used for longest, where there is more than the limit."""
        remove_abandoned(self.folder)
        found = []
        for path in self.folder.iterdir():
            if path.suffix not in _COMPUTED:
                continue
            try:
                status = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self.limit:
            return
        for _, size, path in sorted(found):
            if total <= EVICT_TO * self.limit:
                return
            path.unlink(missing_ok=True)  # who has it mapped keeps it
            total -= size

    def prepare(self, features: Sequence[str]) -> None:
        """Compute what of these features needs no target and is not there yet, and the keys of those that do."""
        for text in features:
            expression = parse(text)
            if not is_supervised(expression):
                self.block(text)
                continue
            for node in nodes(expression):
                if (
                    isinstance(node, Feature)
                    and operator_of(node).kind == "supervised"
                    and operator_of(node).takes[0] == "key"
                ):
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
        """Inputs for the rows of `fit` and for each array of rows in `others`.

        Parameters
        ----------
        fit: (m,) row positions (train rows) on which supervised features are fitted.
        y: (m, T) their target. Of no other row is the target seen here.
        others: arrays of row positions; test rows are numbered from `n_train`.
        classes: number of classes of a multiclass target, else 0.
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
    """A frame over all rows whose keys are kept on disk too: factorising text is what target means cost most."""

    def _key(self, node: Node) -> Key:
        store = self.source
        assert isinstance(store, FeatureStore)
        path = store.path(f"key\n{node if isinstance(node, Feature) else Column.__str__(node)}")  # type: ignore[arg-type]
        kept = store._read(path)
        if kept is None:
            key = super()._key(node)
            store._keep(path, np.append(key.codes, [key.size, key.missing]).astype(np.int32))
            return key
        return Key(kept[:-2].astype(np.int64), int(kept[-2]), int(kept[-1]))


def _by_column(schema: Any) -> dict[str, dict[bytes, bytes]]:
    """What a table's metadata says of each column by itself: that of thousands takes long to read for each anew."""
    whole = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    told = {column["field_name"]: [column] for column in whole.get("columns", ())}
    return {
        name: {b"pandas": json.dumps({**whole, "index_columns": [], "columns": told[name]}).encode()}
        if name in told
        else {}
        for name in schema.names
    }


def _gather(blocks: Sequence[np.ndarray], rows: np.ndarray, width: int) -> np.ndarray:
    out = np.empty((len(rows), width), dtype=np.float32)
    at = 0
    for block in blocks:
        out[:, at : at + block.shape[1]] = block[rows]
        at += block.shape[1]
    return out


def _write_table(path: Path, table: pd.DataFrame) -> None:
    for name in table.columns:
        if table[name].dtype == object:  # mixed types: as text, so that the column can be kept at all
            table = table.assign(**{name: table[name].where(table[name].isna(), table[name].astype(str)).astype("str")})
    with replacing(path, durable=False) as stream:
        table.to_feather(stream, compression="uncompressed")
