"""Where the raw columns of a frame come from: the rows of train and test, or those of a further table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.lazy import pd


class Source(Protocol):
    """The raw columns of a frame (train rows first, then test rows) and the further tables."""

    @property
    def n_train(self) -> int: ...

    @property
    def n_rows(self) -> int: ...

    def column(self, name: str) -> pd.Series: ...

    def table(self, name: str) -> pd.DataFrame: ...


@dataclass(frozen=True)
class TableRows:
    """The rows of a further table as a source, beside the other tables."""

    source: Source
    name: str

    @property
    def n_rows(self) -> int:
        return len(self.source.table(self.name))

    @property
    def n_train(self) -> int:
        return self.n_rows

    def column(self, name: str) -> pd.Series:
        table = self.source.table(self.name)
        if name not in table.columns:
            raise PipelineError(
                f"The table {self.name} has no column {name!r}: use one of {', '.join(map(str, table.columns))}."
            )
        return table[name].reset_index(drop=True)

    def table(self, name: str) -> pd.DataFrame:
        return self.source.table(name)
