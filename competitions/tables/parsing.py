"""Parses the text of a table into a frame, with pandas' C parser; names and types of its columns."""

from __future__ import annotations

import io
import warnings
from typing import Any

import pandas as pd
from pandas.api import types

from medalist.competitions.errors import InputError
from medalist.competitions.tables.csv_format import Dialect

PLAIN_OBJECTS = ("string", "boolean", "empty")  # pandas' inferred types that a column of objects may have


def parse(data: bytes | Any, dialect: Dialect, path: str, **options: Any) -> pd.DataFrame:
    """The table in UTF-8 bytes or in a stream; `options` are those of pandas.read_csv.

    Give bytes where possible: only they can be parsed a second time, which a separator at the end of every line and
    columns of mixed types require. Raises InputError for lines that do not fit the header, and UnicodeDecodeError for
    bytes of another encoding.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    quoting = dialect.quoting
    options = {"sep": quoting.separator, "decimal": dialect.decimal, "index_col": False, **options}
    if dialect.skipped:
        options["skiprows"] = list(dialect.skipped)
    if dialect.row_names:
        names = list(column_names(dialect.header))
        options |= {"header": None, "names": names, "skiprows": list(range(dialect.first_row))}
    if quoting.quote != '"' or quoting.escape:
        options |= {"quotechar": quoting.quote, "escapechar": quoting.escape, "doublequote": quoting.escape is None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            warnings.simplefilter("error" if options["index_col"] is False else "ignore", pd.errors.ParserWarning)
            frame = pd.read_csv(stream, **options)
    except pd.errors.EmptyDataError as error:
        raise empty_table(path) from error
    except pd.errors.ParserError as error:
        raise InputError(f"{path} cannot be read as a table ({_parser_reason(error)}): mend that line.") from error
    except pd.errors.ParserWarning as error:  # more fields in the rows than names in the header
        shifted = parse(data, dialect, path, **{**options, "index_col": None}) if isinstance(data, bytes) else None
        if shifted is None or shifted.iloc[:, -1].notna().any():
            raise InputError(f"{path} has more fields in rows than names in its header: mend the header.") from error
        names = list(shifted.columns)
        return shifted.reset_index().iloc[:, : len(names)].set_axis(names, axis=1)  # a separator ends every line
    if options.get("low_memory", True) and isinstance(data, bytes) and _has_mixed_columns(frame):
        return parse(data, dialect, path, **{**options, "low_memory": False})  # its chunks differed in type
    return frame


def column_names(header: tuple[str, ...]) -> tuple[str, ...]:
    """The names that pandas gives to a header: an empty one becomes "Unnamed: 0" (its place), a repeated one "a.1"."""
    if "" not in header and len(set(header)) == len(header):
        return header
    names: list[str] = []
    for place, name in enumerate(header):
        base = new = name or f"Unnamed: {place}"
        number = 0
        while new in names or (number and new in header):
            number += 1
            new = f"{base}.{number}"
        names.append(new)
    return tuple(names)


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, changed in place so that it holds numbers, booleans and text alone; dates are written as ISO 8601."""
    for name, dtype in frame.dtypes.items():
        column = frame[name]
        if types.is_datetime64_any_dtype(dtype):
            whole_days = bool((column.dropna() == column.dropna().dt.normalize()).all())
            frame[name] = column.dt.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%d %H:%M:%S")
        elif types.is_object_dtype(dtype) and types.infer_dtype(column, skipna=True) not in PLAIN_OBJECTS:
            frame[name] = column.where(column.isna(), column.astype(str))
    return frame


def empty_table(path: str) -> InputError:
    """The error for a file without a header line."""
    return InputError(f"{path} is empty: put the table there again.")


def _has_mixed_columns(frame: pd.DataFrame) -> bool:
    """Whether a column holds values of several types, since pandas infers types chunk by chunk."""
    objects = [frame[name] for name, dtype in frame.dtypes.items() if types.is_object_dtype(dtype)]
    return any(types.infer_dtype(column, skipna=True) not in PLAIN_OBJECTS for column in objects)


def _parser_reason(error: Exception) -> str:
    reason = str(error).strip().split("C error: ")[-1].rstrip(".\n")
    return reason[:1].lower() + reason[1:]
