"""Conversion of columns of any type to numbers, dates and texts."""

from __future__ import annotations

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.lazy import np, pd

_TRUTH = {"true": "1", "false": "0", "yes": "1", "no": "0"}
_EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))  # least typical size of a time since 1970 in each unit


def parsed_dates(column: pd.Series) -> pd.Series | None:
    """A column read as `datetime64` with NaT where missing, or None where it holds no dates."""
    from medalist.competitions.columns.dates import parse_dates  # it needs pandas

    return parse_dates(column)


def numbers_of(column: pd.Series) -> np.ndarray:
    """(n,) float64: values as numbers; true, yes, false and no as 1 and 0; dates as seconds since 1970; other text and
    infinite values as NaN."""
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


def dates_of(column: pd.Series) -> np.ndarray:
    """(n,) datetime64[ns], NaT where missing or unreadable.

    Numbers are read as yyyymmdd where all are of that form, else as seconds, milli-, micro- or nanoseconds since 1970,
    by their size. PipelineError where they are neither.
    """
    parsed = parsed_dates(column)
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
