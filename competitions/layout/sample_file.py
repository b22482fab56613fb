"""What the file of the sample submission shows beside its values: the form to write in, and ids as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from pandas.api import types

from medalist.competitions.errors import InputError
from medalist.competitions.layout.candidates import Roles
from medalist.competitions.layout.reconcile import Frames
from medalist.competitions.tables.archive import TEXT_FORMATS
from medalist.competitions.tables.csv_format import HEAD_BYTES, decode_head, read_dialect
from medalist.competitions.tables.parsing import column_names
from medalist.competitions.tables.records import read_records
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.text_form import TextForm


def sample_form(
    roles: Roles, forms: Mapping[str, TextForm], frames: Frames, decimal: str = "", proven: str = ""
) -> tuple[TextForm | None, list[str]]:
    """(form of the sample, None without one; notes on what of it could not be kept).

    `forms`: of the tables, by path. `decimal`: the decimal sign of the sample's predictions where they were read from
    text, else "". `proven`: the one of all numbers with decimals in train where these were text, else "".
    Where the sample's numbers show no decimal sign, it is that of train and test, if these have the same separator.
    The encoding is UTF-8 where the sample's lacks a letter of train's labels or of test's ids.
    """
    if roles.sample is None or frames.sample is None or roles.sample.path not in forms:
        return None, []
    form, notes = forms[roles.sample.path], []
    if roles.sample.headerless:
        form = replace(form, header=None)
    if decimal:
        form = replace(form, decimal=decimal)
    values = [frames.sample[c] for c in frames.sample.columns if c not in roles.ids]
    numbers = [column for column in values if types.is_numeric_dtype(column.dtype)]
    unsigned = bool(numbers) and all(types.is_integer_dtype(c.dtype) or c.isna().all() for c in numbers)
    others = [forms[path] for path in (roles.train.path, roles.test.path) if path in forms]
    alike = bool(others) and all(o.separator == form.separator for o in others)
    of_text = proven == "," and form.separator != ","
    commas = alike and (all(o.decimal == "," for o in others) or of_text)
    if form.decimal == "." and commas and unsigned:
        form = replace(form, decimal=",")
        notes.append(
            f"{roles.sample.path} shows no decimal sign: the submission has commas, as {roles.train.path} does."
        )
    beyond = _label_beyond(form, roles, frames.train, frames.sample) or _id_beyond(form, roles, frames.test)
    if beyond is not None:
        notes.append(
            f"{roles.sample.path} is written in {form.encoding}, which has no letters for {beyond}: the "
            "submission is written in UTF-8."
        )
        form = replace(form, encoding="utf-8", mark=b"")
    return form, notes


def _label_beyond(form: TextForm, roles: Roles, train: pd.DataFrame, sample: pd.DataFrame) -> str | None:
    """A label of train's targets that cannot be written in the form's encoding, as "the label 'x'"; None where all
    can."""
    if form.encoding.startswith("utf"):
        return None
    for name in sample.columns:
        if name in train and name not in roles.ids and not types.is_numeric_dtype(train[name].dtype):
            labels = train[name].dropna().unique()[:1000]
            if (label := next((str(v) for v in labels if not form.encodes(str(v))), None)) is not None:
                return f"the label {label!r}"
    return None


def _id_beyond(form: TextForm, roles: Roles, test: pd.DataFrame) -> str | None:
    """An id of test that cannot be written in the form's encoding, as "the id 'x'"; None where all can."""
    if form.encoding.startswith("utf"):
        return None
    for name in roles.ids:
        if name in test and not types.is_numeric_dtype(test[name].dtype):
            ids = test[name].dropna().astype(str).unique().tolist()
            if not form.encodes("".join(ids)):
                return f"the id {next(i for i in ids if not form.encodes(i))!r}"
    return None


def raw_ids(source: Source, ids: Sequence[str]) -> bytes:
    """The fields of the id columns at the beginning of a table of text, as they are written, a line each; those of all
    columns where the header does not name the ids."""
    try:
        dialect = read_dialect(source) if source.suffix in TEXT_FORMATS else None
    except InputError:
        return b""
    if dialect is None:
        return b""
    with source.open() as stream:
        head = decode_head(stream.read(HEAD_BYTES), source, dialect.encoding)
    names = column_names(dialect.header)
    places = [names.index(name) for name in ids if name in names] or list(range(len(names)))
    records = read_records(head, dialect.quoting, False, len(head))
    fields = [r.fields[p] for r in records if r.line >= dialect.first_row for p in places if p < len(r.fields)]
    return "\n".join(fields).encode()
