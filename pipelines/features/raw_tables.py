"""The raw columns and further tables of a competition, in files from which single columns are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from medalist.competitions.atomic import replacing
from medalist.competitions.errors import PipelineError

BATCH_ROWS = 1 << 16  # rows that are written at a time


@dataclass
class RawTables:
    """Raw columns of train and test (`raw.feather`, train rows first) and further tables in a folder."""

    folder: Path
    _raw: Any = field(default=None, repr=False)  # pyarrow table of train and test, memory-mapped
    _metadata: dict[str, dict[bytes, bytes]] = field(default_factory=dict, repr=False)  # by column of train and test
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def write(self, train: pd.DataFrame, test: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write the columns of train and test, and the further tables, unless these files exist."""
        if not self.path.exists():
            _write_parts(self.path, train, test)
        for name, table in tables.items():
            if not self.table_path(name).exists():
                _write_table(self.table_path(name), table)

    @property
    def path(self) -> Path:
        """The file of the columns of train and test."""
        return self.folder / "raw.feather"

    def table_path(self, name: str) -> Path:
        """The file of a further table."""
        return self.folder / f"table-{hashlib.sha256(name.encode()).hexdigest()[:16]}.feather"

    @property
    def _feather(self) -> Any:
        if self._raw is None:
            import pyarrow.feather

            self._raw = pyarrow.feather.read_table(self.path, memory_map=True)
            self._metadata = _by_column(self._raw.schema)
        return self._raw

    @property
    def n_rows(self) -> int:
        """Number of rows of train and test."""
        return self._feather.num_rows

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the raw columns of train and test."""
        return tuple(self._feather.schema.names)

    def column(self, name: str) -> pd.Series:
        """A raw column over train and test rows. PipelineError where there is none of that name."""
        raw = self._feather
        if name not in self._metadata:
            raise PipelineError(f"There is no column {name!r}; the columns are {', '.join(self._metadata)}.")
        return raw.select([name]).replace_schema_metadata(self._metadata[name]).to_pandas()[name]

    def table(self, name: str) -> pd.DataFrame:
        """A further table, whole. PipelineError where there is none of that name."""
        if name not in self._tables:
            import pyarrow.feather

            if not self.table_path(name).exists():
                raise PipelineError(f"There is no further table {name!r} in this competition.")
            self._tables[name] = pyarrow.feather.read_feather(self.table_path(name))
        return self._tables[name]


def _by_column(schema: Any) -> dict[str, dict[bytes, bytes]]:
    """The metadata of a table, split by column: a column is then read without the metadata of thousands of others."""
    whole = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    described = {column["field_name"]: [column] for column in whole.get("columns", ())}
    return {
        name: {b"pandas": json.dumps({**whole, "index_columns": [], "columns": described[name]}).encode()}
        if name in described
        else {}
        for name in schema.names
    }


def _as_text(values: pd.Series) -> pd.Series:
    """A column of mixed types as text, so that it can be kept at all."""
    return values.where(values.isna(), values.astype(str)).astype("str")


def _write_parts(path: Path, train: pd.DataFrame, test: pd.DataFrame) -> None:
    """Write the rows of train and then those of test, which have the same columns, some at a time: a whole copy of both
    may not fit into memory."""
    import pyarrow as pa

    def part(frame: pd.DataFrame, begin: int, end: int) -> pd.DataFrame:
        some = frame.iloc[begin:end]
        return some.assign(**{name: _as_text(some[name].astype(object)) for name in mixed})

    heads = pd.concat([train.iloc[:1], test.iloc[:1]], ignore_index=True)
    mixed = [str(name) for name, dtype in heads.dtypes.items() if pd.api.types.is_object_dtype(dtype)]
    schema = pa.Schema.from_pandas(part(heads, 0, len(heads)), preserve_index=False)
    with replacing(path) as stream, pa.ipc.new_file(stream, schema) as writer:
        for frame in (train, test):
            for begin in range(0, len(frame), BATCH_ROWS):
                rows = part(frame, begin, begin + BATCH_ROWS)
                writer.write_table(pa.Table.from_pandas(rows, schema=schema, preserve_index=False))


def _write_table(path: Path, table: pd.DataFrame) -> None:
    for name in table.columns:
        if table[name].dtype == object:
            table = table.assign(**{name: _as_text(table[name])})
    with replacing(path) as stream:
        table.to_feather(stream, compression="uncompressed")
