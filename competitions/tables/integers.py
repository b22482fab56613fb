"""Columns of digits that a parser of numbers would change: integers beyond 2**53 with gaps, and codes such as 007.

pandas reads integers with missing values as floats, which have 53 bits: the last digits of keys of 17 digits or more
are lost. Zeros before a number are lost in any type of number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from medalist.competitions.tables.csv_format import Dialect
from medalist.competitions.tables.precision import LARGEST_EXACT
from medalist.competitions.tables.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE, _PIECES = 1 << 14, 64  # bytes of a file, and at how many places, in which zeros before a number are looked for
_TYPICAL = 0.9  # share of the values above 2**53, from which on a note says that a column of floats has lost digits
_MOST_HITS = 1000  # fields with zeros before them that are looked at in a piece
_FIRST_VALUES = 5  # of a column of text, which show for most that it holds no digits
_SAMPLE_VALUES = 100  # values of a column that are looked at before all of it is
_PADDED = re.compile(r"0\d+")


def is_rounded(column: pd.Series) -> bool:
    """Whether a column of floats holds whole numbers alone, some of 2**53 or more, where floats skip integers."""
    if column.dtype != np.float64:
        return False
    high, low = column.max(), column.min()  # NaN where there is no value
    if not max(high, -low) >= LARGEST_EXACT or not np.isfinite([high, low]).all():
        return False
    values = column.to_numpy()
    return bool((np.isnan(values) | (values % 1 == 0)).all())


def rounded_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of floats that hold whole numbers beyond 2**53 (see `is_rounded`)."""
    return [str(name) for name, dtype in frame.dtypes.items() if dtype == np.float64 and is_rounded(frame[name])]


def overflown_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of text that hold integers beyond 2**63 with gaps, of which pandas makes text with "" in the gaps."""
    texts = [str(name) for name, dtype in frame.dtypes.items() if pd.api.types.is_string_dtype(dtype)]
    return [name for name in texts if _digits(frame[name])]


def _digits(column: pd.Series) -> bool:
    if not all(map(_is_digits, column.iloc[:_FIRST_VALUES].to_numpy(dtype=object))):
        return False
    some = column.iloc[:: max(1, len(column) // _SAMPLE_VALUES)].to_numpy(dtype=object)
    return all(map(_is_digits, some)) and any(map(str.isdecimal, map(str, some))) and bool((column == "").any())


def _is_digits(value: object) -> bool:
    """Whether a value is a text of digits, an empty one, or missing."""
    return not isinstance(value, str) or value == "" or value.isdecimal()


def exact_integers(texts: pd.Series, decimal: str = ".") -> pd.Series | None:
    """Whole numbers written as text, as nullable integers (`Int64`, or `UInt64` beyond 2**63); None where a value is
    written otherwise, or where there is none. A fraction of zeros ("12.0") is left out."""
    present = texts.dropna().astype(str).str.strip()
    if present.str.contains(decimal, regex=False).any():
        present = present.str.replace(rf"{re.escape(decimal)}0*$", "", regex=True)
    numbers = pd.to_numeric(present, errors="coerce")
    if not len(numbers) or numbers.dtype.kind not in "iu":
        return None
    gaps = texts.isna().to_numpy()
    present_values = numbers.to_numpy()
    values = np.zeros(len(texts), dtype=present_values.dtype)
    values[~gaps] = present_values
    return pd.Series(pd.arrays.IntegerArray(values, gaps), index=texts.index, name=texts.name)


def is_padded(texts: pd.Series) -> bool:
    """Whether a column of text holds digits alone, zeros before some, whose zeros matter: all values are equally long,
    or some differ by such zeros alone."""
    values = pd.Series(texts.dropna().unique()).astype(str)
    if not len(values) or not values.str.fullmatch(r"[0-9]+").all() or not values.str.fullmatch(_PADDED).any():
        return False
    lengths = values.str.len()
    return bool(lengths.min() == lengths.max() or values.str.lstrip("0").nunique() < len(values))


def padded_columns(data: bytes, dialect: Dialect, frame: pd.DataFrame) -> list[str]:
    """The columns of whole numbers of `frame` that may be written with zeros before them in `data`, the text of the
    table: a large text is looked at in places."""
    if not any(_may_be_padded(frame[name], dtype) for name, dtype in frame.dtypes.items()):
        return []
    step = max(_PIECE, len(data) // _PIECES)
    pieces = [data[at : at + _PIECE] for at in range(0, len(data), step)] if step > _PIECE else [data + b"\n"]
    places = padded_values(pieces, dialect)
    names = [str(name) for place, name in enumerate(frame.columns) if place in places]
    return [name for name in names if _may_be_padded(frame[name], frame[name].dtype)]


def padded_values(pieces: Sequence[bytes], dialect: Dialect) -> dict[int, list[str]]:
    """Values with zeros before them in pieces of a text, by the place of their column.

    Only lines that are whole and have as many fields as the header are looked at, and not all of very many.
    """
    ends = b'\n\r"' + dialect.separator.encode()
    field = re.compile(rb"0[0-9]+(?=[" + re.escape(ends) + rb"])")
    found: dict[int, list[str]] = {}
    for piece in pieces:
        for at in _zeros(piece, ends):
            match = field.match(piece, at)
            begin = max(piece.rfind(b"\n", 0, at), piece.rfind(b"\r", 0, at)) + 1
            end = next((e for mark in (b"\n", b"\r") if (e := piece.find(mark, at)) >= 0), 0)
            if match is None or not begin or not end:
                continue
            try:
                fields = next(csv.reader([piece[begin:end].decode("latin-1")], delimiter=dialect.separator), [])
            except csv.Error:  # a field longer than the csv module's limit
                continue
            if len(fields) == len(dialect.header):
                for place, value in enumerate(fields):
                    if _PADDED.fullmatch(value):
                        found.setdefault(place, []).append(value)
    return found


def _zeros(piece: bytes, ends: bytes) -> list[int]:
    """The first positions of fields that begin with 0 and another digit, at most _MOST_HITS."""
    codes = np.frombuffer(piece, dtype=np.uint8)
    at = np.flatnonzero((codes[1:-1] == 48) & (codes[2:] - 48 < 10)) + 1
    before = codes[at - 1]
    begins = np.zeros(len(at), dtype=bool)
    for end in ends:
        begins |= before == end
    return [int(place) for place in at[begins][:_MOST_HITS]]


def pieces_of(source: Source, encoding: str | None) -> list[bytes]:
    """Pieces of a large text on disk, in UTF-8 or a one-byte encoding, from all parts of it; [] for a packed one."""
    if source.packed or encoding not in (None, "utf-8-sig"):
        return []
    step = max(_PIECE, source.size // _PIECES)
    with source.open() as stream:
        return [stream.read(_PIECE) for at in range(0, source.size, step) if stream.seek(at) == at]


def _may_be_padded(column: pd.Series, dtype: object) -> bool:
    if dtype in (np.int64, np.uint64):
        return bool(column.min() >= 0 and column.max() >= 0)
    if dtype != np.float64 or not column.isna().any():
        return False
    values = column.to_numpy()
    return bool((np.isnan(values) | ((values % 1 == 0) & (values >= 0))).all()) and not np.isnan(values).all()


def restore(
    frame: pd.DataFrame, reread: Callable[[Collection[str]], pd.DataFrame], suspects: Collection[str], decimal: str
) -> list[str]:
    """Puts into `frame`, in place, the columns `suspects` as they are written where numbers would change them.

    `reread(names)` returns the table again with the columns `names` as text. Codes with zeros before them become text,
    whole numbers nullable integers. Returns what a person should know, a sentence without its beginning for each.
    """
    if not suspects:
        return []
    again, notes = reread(suspects), []
    for name in suspects:
        if is_padded(again[name]):
            frame[name] = again[name]
            notes.append(
                f"column {name!r} holds digits with zeros before them, such as {_first_padded(again[name])!r}: kept as "
                f"text (columns: {name}: number in task.yaml takes them as numbers)."
            )
        elif pd.api.types.is_string_dtype(frame[name].dtype):  # integers beyond 2**63
            numbers = exact_integers(again[name], decimal)
            frame[name] = again[name] if numbers is None else numbers
        elif is_rounded(frame[name]):
            numbers = exact_integers(again[name], decimal)
            if numbers is None:
                notes += lost_digits(frame[name])
            else:
                frame[name] = numbers
    return notes


def _first_padded(texts: pd.Series) -> str:
    values = texts.dropna().astype(str)
    return str(values[values.str.startswith("0")].iloc[0])


def lost_digits(column: pd.Series) -> list[str]:
    """A sentence, without its beginning, on a column of floats whose values look like keys that lost their last digits
    before they were written; [] for any other column."""
    if not is_rounded(column):
        return []
    values = np.abs(column.dropna().to_numpy())
    if values.max() >= 2.0**64 or (values > LARGEST_EXACT).mean() < _TYPICAL:
        return []
    return [
        f"column {column.name!r} holds whole numbers beyond 2**53 that were written as floats: their last digits are "
        "lost; where it is a key, write it again as integers or text."
    ]


def whole_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with whole numbers that are floats for their gaps alone as nullable integers, so that they are written
    without ".0"."""
    whole = {}
    for name, dtype in frame.dtypes.items():
        if not pd.api.types.is_float_dtype(dtype) or not frame[name].isna().any():
            continue
        values = frame[name].dropna().to_numpy(dtype=float)
        if len(values) and np.abs(values).max() < LARGEST_EXACT and not (values % 1).any():
            whole[name] = "Int64"
    return frame.astype(whole) if whole else frame


def to_frame(arrow: pa.Table, **options: Any) -> pd.DataFrame:
    """The arrow table as a frame, in which integers beyond 2**53 with gaps are nullable (pandas' `Int64`).

    pyarrow itself makes floats of them. `options` are those of `pyarrow.Table.to_pandas`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nullable: dict[int, Any] = {}
    for place, field in enumerate(arrow.schema):
        if field.type not in (pa.int64(), pa.uint64()) or not arrow.column(place).null_count:
            continue
        bounds = pc.min_max(arrow.column(place)).as_py()
        if bounds["min"] is not None and max(-bounds["min"], bounds["max"]) > LARGEST_EXACT:
            column, dtype = arrow.column(place), "Int64" if field.type == pa.int64() else "UInt64"
            gaps = column.is_null().to_numpy()
            nullable[place] = pd.Series(
                pd.arrays.IntegerArray(column.fill_null(0).to_numpy().copy(), gaps), dtype=dtype
            )
            arrow = arrow.set_column(place, field.name, pa.nulls(len(column), pa.bool_()))
    frame: pd.DataFrame = arrow.to_pandas(**options)
    for place, column in nullable.items():
        frame.isetitem(place, column)
    return frame
