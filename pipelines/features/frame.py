"""Frame: the rows of train and test as operators see them, with what many features share kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import Column, Feature, Node

if TYPE_CHECKING:
    from medalist.pipelines.features.operators.base import Operator, Target

MEMORY = 1 << 30  # bytes of shared intermediate results


class Source(Protocol):
    """Where a frame takes raw columns from: train rows first, then test rows."""

    n_train: int

    @property
    def n_rows(self) -> int: ...

    def column(self, name: str) -> pd.Series: ...

    def table(self, name: str) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Key:
    """Groups of rows: codes (n,) int64 from 0 to size - 1 in sorted order of the values; `missing` is the code of the
    rows without a value, a group of its own, or -1 where there are none."""

    codes: np.ndarray
    size: int
    missing: int = -1


@dataclass
class _Cache:
    kept: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    used: int = 0

    def get(self, name: Any, make: Callable[[], Any], limit: int) -> Any:
        if name in self.kept:
            self.kept.move_to_end(name)
            return self.kept[name]
        made = make()
        if name not in self.kept:
            self.kept[name] = made
            self.used += _size(made)
        while self.used > limit and len(self.kept) > 1:
            _, dropped = self.kept.popitem(last=False)
            self.used -= _size(dropped)
        return made


@dataclass
class Frame:
    """Evaluates expressions that need no target over all its rows, or over the sorted positions `rows` of them.

    What several features are made from (numbers, keys, dates, sort orders) is computed once and kept, the least
    recently used thrown out beyond `memory` bytes. Arrays that it gives are shared: never write into them.
    """

    source: Source
    rows: np.ndarray | None = None
    memory: int = MEMORY
    target: Target | None = None
    _cache: _Cache = field(default_factory=lambda: _Cache(), repr=False)

    def __post_init__(self) -> None:
        self.n_train = self.source.n_train
        if self.rows is not None:
            self.n_train = int(np.searchsorted(self.rows, self.source.n_train))

    @property
    def n(self) -> int:
        """Number of rows, train and test."""
        return self.source.n_rows if self.rows is None else len(self.rows)

    def fitted_on(self, target: Target) -> Frame:
        """The same frame, sharing what it keeps, in which supervised features are fitted on `target`."""
        return replace(self, target=target)

    def shared(self, name: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, computed once under a name that says all that it depends on."""
        return self._cache.get(name, make, self.memory)

    def column(self, name: str) -> pd.Series:
        """A raw column over the rows, numbered from 0."""
        column = self.source.column(name)
        return column if self.rows is None else column.iloc[self.rows].reset_index(drop=True)

    def table(self, name: str) -> pd.DataFrame:
        """A further table, whole."""
        return self.source.table(name)

    def value(self, node: Feature) -> Any:
        """What a feature gives: (n,), (n, k) or sparse. A supervised one needs `target`."""
        from medalist.pipelines.features.operators import operator_of

        operator: Operator = operator_of(node)
        if operator.kind != "supervised":
            return operator.compute(self, node)
        if self.target is None:
            raise PipelineError(f"The feature {node} uses the target and is fitted within the fold only.")
        return operator.compute(self, node, self.target)

    def token(self, node: Feature) -> str | None:
        """Which targets a feature is computed from; None where it uses none."""
        from medalist.pipelines.features.operators import is_supervised

        return self.target.token if self.target is not None and is_supervised(node) else None

    def _value(self, node: Feature) -> Any:
        return self.shared(("value", node, self.token(node)), lambda: self.value(node))

    def number(self, node: Node) -> np.ndarray:
        """(n,) float64, NaN where missing."""
        if isinstance(node, int | float):
            return np.full(self.n, float(node))
        if isinstance(node, Column):
            return self.shared(("number", node), lambda: numbers_of(self.column(node.name)))
        value = self._value(node)
        if getattr(value, "ndim", 1) == 2 and value.shape[1] == 1:
            value = value[:, 0]
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise PipelineError(f"{node} makes several columns and cannot be used as one number.")
        return value.astype(np.float64, copy=False)

    def numbers(self, args: Sequence[Node]) -> np.ndarray:
        """(n, k) float64: several numbers side by side; a feature of several columns gives all of them."""
        blocks = []
        for node in args:
            if isinstance(node, Feature):
                value = self._value(node)
                blocks.append(value.reshape(len(value), -1).astype(np.float64, copy=False))
            else:
                blocks.append(self.number(node)[:, None])
        return np.hstack(blocks)

    def key(self, node: Node) -> Key:
        """The groups that a column's, a feature's or a crossed key's values make."""
        return self.shared(("key", node), lambda: self._key(node))

    def keys(self, args: Sequence[Node]) -> Key:
        """The groups of equal values in all of `args`."""
        if len(args) == 1:
            return self.key(args[0])
        return self.key(Feature("cross", tuple(args)))

    def _key(self, node: Node) -> Key:
        if isinstance(node, Column):
            return key_of(self.column(node.name))
        if isinstance(node, Feature) and node.op == "cross":
            key = self.key(node.args[0])
            for other in node.args[1:]:
                key = crossed(key, self.key(other))
            return key
        return key_of(pd.Series(self.number(node)))

    def date(self, node: Node) -> np.ndarray:
        """(n,) datetime64[ns], NaT where missing or unreadable."""
        return self.shared(("date", node), lambda: self._date(node))

    def _date(self, node: Node) -> np.ndarray:
        if not isinstance(node, Column):
            raise PipelineError(f"{node} is no date: name a column that holds dates.")
        return dates_of(self.column(node.name))

    def sparse(self, node: Feature) -> Any:
        """What a feature without the target gives; that of all rows from where the source keeps it, if it keeps any."""

        def make() -> Any:
            block: Callable[[str], Any] | None = getattr(self.source, "block", None)
            return self.value(node) if block is None or self.rows is not None else block(str(node))

        return self.shared(("value", node, None), make)

    def text(self, node: Node) -> np.ndarray:
        """(n,) objects: str, and None where missing."""
        if not isinstance(node, Column):
            raise PipelineError(f"{node} is no text: name a column that holds text.")
        return self.shared(("text", node), lambda: texts_of(self.column(node.name)))

    def order(self, node: Node) -> np.ndarray:
        """(n,) positions of the rows in order of a number or a date, ties and missing values (last) as they stand."""

        def sort() -> np.ndarray:
            dates = isinstance(node, Column) and not pd.api.types.is_numeric_dtype(self.column(node.name).dtype)
            return np.argsort(self.date(node) if dates else self.number(node), kind="stable")

        return self.shared(("order", node), sort)


def bins_of(values: np.ndarray, edges: np.ndarray, bins: int) -> tuple[np.ndarray, int]:
    """The bin (n,) int64 of each number between ascending edges, and how many there are; that of NaN is meaningless.

    Where equal values leave fewer edges than `bins` need, each edge is such a value and has a bin of its own: what lies
    above the most frequent one, however rare, is not lost in its bin.
    """
    codes = np.searchsorted(edges, values, side="right")
    if len(edges) >= bins - 1:
        return codes, len(edges) + 1
    return codes + np.searchsorted(edges, values, side="left"), 2 * len(edges) + 1


def numbers_of(column: pd.Series) -> np.ndarray:
    """(n,) float64: values as numbers; words for truth as 1 and 0; text that is no number becomes missing."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif pd.api.types.is_datetime64_any_dtype(column.dtype):
        dates = dates_of(column)
        values = np.where(np.isnat(dates), np.nan, dates.astype("datetime64[ms]").astype(np.int64) / 1000)
    else:
        codes, uniques = pd.factorize(column)
        texts = pd.Series(np.asarray(uniques, dtype=object)).astype(str).str.strip()
        texts = texts.where(~texts.str.lower().isin(_TRUTH), texts.str.lower().map(_TRUTH))
        read = pd.to_numeric(texts.str.replace(r"^[$€£]|[,%]", "", regex=True), errors="coerce").to_numpy(np.float64)
        values = np.append(read, np.nan)[codes]
    return np.where(np.isinf(values), np.nan, values) if np.isinf(values).any() else values


_TRUTH = {"true": "1", "false": "0", "yes": "1", "no": "0"}
_EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))


def dates_of(column: pd.Series) -> np.ndarray:
    """(n,) datetime64[ns]. Numbers are yyyymmdd where they read so, else seconds, milli-, micro- or nanoseconds since
    1970 by their size."""
    parsed = parse_dates(column)
    if parsed is None and pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        typical = np.nanmedian(np.abs(values)) if np.isfinite(values).any() else 0.0
        unit = next((u for least, u in _EPOCHS if typical >= least), None)
        if unit is None:
            raise PipelineError(f"The column {column.name} holds no dates: neither yyyymmdd nor times since 1970.")
        parsed = pd.to_datetime(column.astype("Float64").round().astype("Int64"), unit=unit, errors="coerce")  # type: ignore[call-overload]
    elif parsed is None:
        parsed = pd.to_datetime(column, errors="coerce", format="mixed", utc=True).dt.tz_localize(None)
    return parsed.to_numpy("datetime64[ns]")


def texts_of(column: pd.Series) -> np.ndarray:
    """(n,) objects: str, and None where missing. Each distinct value is converted once."""
    codes, uniques = pd.factorize(column)
    texts = np.empty(len(uniques) + 1, dtype=object)
    texts[:-1] = list(map(str, np.asarray(uniques, dtype=object)))
    texts[-1] = None
    return texts[codes]


def key_of(column: pd.Series) -> Key:
    """Codes in sorted order of the values; missing is a group of its own, after all others."""
    if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)):
        codes, uniques = pd.factorize(column)
        texts = list(map(str, np.asarray(uniques, dtype=object)))
        kept = sorted(set(texts))
        places = {text: i for i, text in enumerate(kept)}
        place = np.fromiter((places[t] for t in texts), dtype=np.int64, count=len(texts))
        codes = np.where(codes < 0, -1, np.append(place, -1)[codes])
        size = len(kept)
    else:
        codes, uniques = pd.factorize(column, sort=True)
        size = len(uniques)
    codes = codes.astype(np.int64, copy=False)
    if len(codes) and codes.min() < 0:
        return Key(np.where(codes < 0, size, codes), size + 1, size)
    return Key(codes, size)


def crossed(a: Key, b: Key) -> Key:
    """The groups of rows that are equal in both; a row that is missing in one is in a group like any other."""
    pairs = a.codes * b.size + b.codes
    if a.size * b.size <= 8 * len(pairs) + 1024:
        present = np.zeros(a.size * b.size, dtype=bool)
        present[pairs] = True
        return Key((np.cumsum(present) - 1)[pairs], int(present.sum()))
    codes, uniques = pd.factorize(pairs, sort=True)
    return Key(codes.astype(np.int64, copy=False), len(uniques))


def _size(value: Any) -> int:
    if isinstance(value, Key):
        return value.codes.nbytes
    if isinstance(value, np.ndarray):
        return value.nbytes * (8 if value.dtype == object else 1)
    if isinstance(value, tuple | list):
        return sum(map(_size, value)) + 64
    return sum(int(getattr(getattr(value, part, None), "nbytes", 0)) for part in ("data", "indices", "indptr")) or 64
