"""Frame: evaluates features over the rows of train and test, with a cache of intermediate results."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.conversion import dates_of, numbers_of, texts_of
from medalist.pipelines.features.frames.keys import Key, crossed, key_of
from medalist.pipelines.features.frames.matching import integers_of
from medalist.pipelines.features.frames.source import Source, TableRows
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Column, Feature, Node, home_of
from medalist.pipelines.features.language.registry import is_supervised, operator_of
from medalist.pipelines.features.lazy import np, pd

MEMORY = 1 << 30  # bytes of intermediate results that a frame caches


@dataclass
class _Cache:
    """A least-recently-used cache of values by name."""

    values: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    used: int = 0  # bytes

    def get(self, name: Any, make: Callable[[], Any], limit: int) -> Any:
        """The value of a name, from `make()` where it is not cached; then values beyond `limit` bytes are evicted."""
        if name in self.values:
            self.values.move_to_end(name)
            return self.values[name]
        value = make()
        if name not in self.values:
            self.values[name] = value
            self.used += _size(value)
        while self.used > limit and len(self.values) > 1:
            _, dropped = self.values.popitem(last=False)
            self.used -= _size(dropped)
        return value


@dataclass
class Frame:
    """Evaluates features over all rows of its source, or over those at the sorted positions `rows`.

    Supervised features are fitted on `target`. Intermediate results of several features (numbers, keys, dates, sort
    orders) are cached up to `memory` bytes. Never write into the arrays that a frame returns: they are the cache's.
    """

    source: Source
    rows: np.ndarray | None = None
    memory: int = MEMORY
    target: Target | None = None
    _cache: _Cache = field(default_factory=lambda: _Cache(), repr=False)
    _within: dict[str, Frame] = field(default_factory=dict, repr=False)  # frames over the rows of further tables

    def __post_init__(self) -> None:
        self.n_train = self.source.n_train
        if self.rows is not None:
            self.n_train = int(np.searchsorted(self.rows, self.source.n_train))

    @property
    def n(self) -> int:
        """Number of rows, of train and test."""
        return self.source.n_rows if self.rows is None else len(self.rows)

    def fitted_on(self, target: Target) -> Frame:
        """A frame over the same rows, sharing the cache, in which supervised features are fitted on `target`."""
        return replace(self, target=target)

    def cached(self, name: Any, make: Callable[[], Any]) -> Any:
        """The result of `make()`, cached by name; the name must identify everything that it depends on."""
        return self._cache.get(name, make, self.memory)

    @property
    def fitted_rows(self) -> Any:
        """An index of the rows that statistics of transductive features are made of: all, except in a frame with rows
        that came after a run."""
        return slice(None)

    def fitted_column(self, name: str) -> pd.Series:
        """A raw column over all rows of train and test of which statistics are made, whichever rows the frame has."""
        return self.source.column(name)

    def column(self, name: str) -> pd.Series:
        """A raw column over the frame's rows, with index 0 to n - 1."""
        column = self.source.column(name)
        return column if self.rows is None else column.iloc[self.rows].reset_index(drop=True)

    def table(self, name: str) -> pd.DataFrame:
        """A further table, with all its rows."""
        return self.source.table(name)

    def within(self, table: str) -> Frame:
        """A frame over the rows of a further table, whose columns are there those without a table."""
        if table not in self._within:
            self._within[table] = Frame(TableRows(self.source, table), memory=self.memory)
        return self._within[table]

    def value(self, node: Feature) -> Any:
        """The values of a feature: (n,) or (n, k) numbers, or a sparse matrix (n, k).

        PipelineError for a supervised feature where the frame has no target.
        """
        operator = operator_of(node)
        if operator.kind != "supervised":
            return operator.compute(self, node)
        if self.target is None:
            raise PipelineError(f"The feature {node} uses the target and is fitted within the fold only.")
        return operator.compute(self, node, self.target)

    def token(self, node: Feature) -> str | None:
        """The token of the target for a supervised feature, as a part of cache names; None for any other."""
        return self.target.token if self.target is not None and is_supervised(node) else None

    def _value(self, node: Feature) -> Any:
        return self.cached(("value", node, self.token(node)), lambda: self.value(node))

    def number(self, node: Node) -> np.ndarray:
        """(n,) float64 values of an argument, NaN where missing. PipelineError where it has several columns, or one for
        each row of a further table."""
        if isinstance(node, int | float):
            return np.full(self.n, float(node))
        _refuse_tables(node)
        if isinstance(node, Column):
            return self.cached(("number", node), lambda: numbers_of(self.column(node.name)))
        value = self._value(node)
        if getattr(value, "ndim", 1) == 2 and value.shape[1] == 1:
            value = value[:, 0]
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise PipelineError(f"{node} makes several columns and cannot be used as one number.")
        return value.astype(np.float64, copy=False)

    def integers(self, node: Node) -> tuple[np.ndarray, np.ndarray] | None:
        """((n,) integers, (n,) whether missing) of a column of integers beyond 2**53, which `number` rounds; None for
        any other argument."""
        return integers_of(self.column(node.name)) if isinstance(node, Column) and node.table is None else None

    def numbers(self, args: Sequence[Node]) -> np.ndarray:
        """(n, k) float64: the columns of all arguments, concatenated."""
        blocks = []
        for node in args:
            if isinstance(node, Feature):
                value = self._value(node)
                blocks.append(value.reshape(len(value), -1).astype(np.float64, copy=False))
            else:
                blocks.append(self.number(node)[:, None])
        return np.hstack(blocks)

    def key(self, node: Node) -> Key:
        """The groups of rows with equal values of a column or a feature."""
        return self.cached(("key", node), lambda: self.compute_key(node))

    def keys(self, args: Sequence[Node]) -> Key:
        """The groups of rows with equal values in all of `args`."""
        if len(args) == 1:
            return self.key(args[0])
        return self.key(Feature("cross", tuple(args)))

    def compute_key(self, node: Node) -> Key:
        """The groups of rows with equal values of a column or a feature, without the cache."""
        _refuse_tables(node)
        if isinstance(node, Column):
            return key_of(self.column(node.name))
        if isinstance(node, Feature) and node.op == "cross":
            key = self.key(node.args[0])
            for other in node.args[1:]:
                key = crossed(key, self.key(other))
            return key
        return key_of(pd.Series(self.number(node)))

    def date(self, node: Node) -> np.ndarray:
        """(n,) datetime64[ns] of a column, NaT where missing or unreadable. PipelineError where it holds no dates."""
        return self.cached(("date", node), lambda: self._date(node))

    def _date(self, node: Node) -> np.ndarray:
        if not isinstance(node, Column):
            raise PipelineError(f"{node} is no date: name a column that holds dates.")
        return dates_of(self.column(node.name))

    def sparse(self, node: Feature) -> Any:
        """The values of a feature that does not use the target, usually a sparse matrix (n, k).

        In a frame over all rows they are the cached block of the source, if it has blocks.
        """

        def make() -> Any:
            block: Callable[[str], Any] | None = getattr(self.source, "block", None)
            return self.value(node) if block is None or self.rows is not None else block(str(node))

        return self.cached(("value", node, None), make)

    def text(self, node: Node) -> np.ndarray:
        """(n,) objects: the texts of a column as str, None where missing."""
        if not isinstance(node, Column):
            raise PipelineError(f"{node} is no text: name a column that holds text.")
        return self.cached(("text", node), lambda: texts_of(self.column(node.name)))

    def order(self, node: Node) -> np.ndarray:
        """(n,) positions of the rows in ascending order of a number or a date; missing last, ties in table order."""

        def sort() -> np.ndarray:
            exact = self.integers(node)
            if exact is not None:
                return np.lexsort((exact[0], exact[1]))
            dates = isinstance(node, Column) and not pd.api.types.is_numeric_dtype(self.column(node.name).dtype)
            return np.argsort(self.date(node) if dates else self.number(node), kind="stable")

        return self.cached(("order", node), sort)


def _refuse_tables(node: Node) -> None:
    if home_of(node) is not None:
        raise PipelineError(
            f"{node} has a value for each row of {home_of(node)}: aggregate it, as in mean(table.column) by key."
        )


def _size(value: Any) -> int:
    """Approximate size of a cached value in bytes."""
    if isinstance(value, Key):
        return value.codes.nbytes
    if isinstance(value, np.ndarray):
        return value.nbytes * (8 if value.dtype == object else 1)
    if isinstance(value, tuple | list):
        return sum(map(_size, value)) + 64
    return sum(int(getattr(getattr(value, part, None), "nbytes", 0)) for part in ("data", "indices", "indptr")) or 64
