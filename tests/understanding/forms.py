"""A plain competition, and the ways in which people write the same one: `write` puts it into a folder in a `Form`."""

from __future__ import annotations

import csv
import decimal
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

TEXT_KINDS = ("csv", "txt", "tsv")
WORDS = {
    "latin": ("north", "south", "east"),
    "western": ("Köln", "Zürich", "Orléans", "Málaga"),
    "cyrillic": ("Берёза", "Сосна", "Ель", "Клён"),
}
HOLDS = {  # encodings → the words that they can write
    "utf-8": ("latin", "western", "cyrillic"),
    "utf-8-sig": ("latin", "western", "cyrillic"),
    "utf-16": ("latin", "western", "cyrillic"),
    "cp1252": ("latin", "western"),
    "cp1251": ("latin", "cyrillic"),
}


@dataclass(frozen=True)
class Form:
    """How the files of a competition are written; the defaults are the plain way.

    dates: a format of strftime. header: "plain", names in "blanks" or in "capitals" in the test table. split: train
    "whole", in "parts" of the same columns, or with "labels apart" in a table of their own. types: of parquet and
    feather, "plain" or "rich" (nullable integers, decimals, dictionaries, dates).
    """

    kind: str = "csv"
    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    dates: str = "%Y-%m-%d"
    line_end: str = "\n"
    last_line_ends: bool = True
    quote_all: bool = False
    sep_line: bool = False
    header: str = "plain"
    split: str = "whole"
    shuffled_sample: bool = False
    types: str = "plain"

    @property
    def possible(self) -> bool:
        """Whether people write so: no number holds a separator of fields unless it is quoted, and so on."""
        if self.kind not in TEXT_KINDS:
            plain = Form(kind=self.kind, types=self.types, split=self.split, header=self.header)
            rest = Form(**{**vars(self), "shuffled_sample": False, "dates": plain.dates})
            return rest == plain and (self.types == "plain" or self.kind in ("parquet", "feather"))
        numbers = {".": ("", ",", " ", "'"), ",": ("", ".", " ", "\u00a0")}[self.decimal]
        if self.types != "plain" or self.thousands not in numbers:
            return False
        if self.kind == "tsv" and self.separator != "\t":
            return False
        if self.sep_line and (self.quote_all or self.kind != "csv" or self.encoding == "utf-16"):
            return False
        return self.quote_all or self.separator not in (self.decimal, self.thousands)


@dataclass(frozen=True)
class Plain:
    """The tables of a competition as they are: dates as timestamps, numbers as numbers; `task`: what is predicted."""

    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    description: str
    target: str


def plain(
    seed: int, words: str = "latin", labels: bool = False, later: bool = False, n: int = 90, m: int = 40
) -> Plain:
    """A competition with whole numbers, numbers, days, words and sentences. labels: classification instead of
    regression. later: the days of test lie after train's.
    """
    rng = np.random.default_rng(seed)
    vocabulary = np.array(WORDS[words], dtype=object)
    total = n + m
    days = np.sort(rng.integers(0, 700, total)) if later else rng.integers(0, 700, total)
    frame = pd.DataFrame(
        {
            "id": np.arange(101, 101 + total),
            "parts": rng.integers(0, 60, total),
            "amount": (rng.lognormal(6.5, 1.2, total)).round(2),
            "day": pd.Timestamp("2021-01-05") + pd.to_timedelta(days, unit="D"),
            "place": rng.choice(vocabulary, total),
            "remark": [" ".join(rng.choice(vocabulary, 6)) + f" {i}" for i in range(total)],
        }
    )
    value = np.log(frame["amount"]) + 0.05 * frame["parts"] + rng.normal(0, 0.2, total)
    target = "kind" if labels else "price"
    y = vocabulary[np.where(value > value.median(), 0, 1)] if labels else (value * 1000).round(2)
    train = frame[:n].assign(**{target: y[:n]})
    test = frame[n:].reset_index(drop=True)
    sample = test[["id"]].assign(**{target: vocabulary[0] if labels else 0.0})
    asked = "Accuracy" if labels else "Root mean squared error"
    text = f"# A task\n\nPredict `{target}` for each row of test.\n\n## Evaluation\n\n{asked}\n"
    return Plain(train, test, sample, text, target)


def write(folder: Path, competition: Plain, form: Form) -> Path:
    """Write the competition into a folder, in a form; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test, sample = competition.train, competition.test, competition.sample
    if form.header == "blanks":
        test = test.rename(columns={"parts": " parts", "amount": "amount ", "place": " place "})
    elif form.header == "capitals":
        test = test.rename(columns={"parts": "Parts", "amount": "AMOUNT", "day": "Day"})
    if form.shuffled_sample:
        sample = sample.sample(frac=1, random_state=3)
    tables = {"train": train}
    if form.split == "parts":
        half = len(train) // 2
        tables = {"train_1": train[:half], "train_2": train[half:]}
    elif form.split == "labels apart":
        tables = {"train": train.drop(columns=competition.target), "train_labels": train[["id", competition.target]]}
    for name, table in {**tables, "test": test, "sample_submission": sample}.items():
        (folder / f"{name}.{form.kind}").write_bytes(_content(table.reset_index(drop=True), form))
    (folder / "description.md").write_text(competition.description, encoding="utf-8")
    return folder


def _content(table: pd.DataFrame, form: Form) -> bytes:
    """The bytes of one file."""
    days = table.select_dtypes("datetime").columns
    if form.kind in ("parquet", "feather"):
        return _arrow(table, form)
    table = table.assign(**{day: table[day].dt.strftime(form.dates) for day in days})
    if form.kind in ("json", "jsonl"):
        lines = form.kind == "jsonl"
        return table.to_json(orient="records", lines=lines, force_ascii=False).encode()
    for name in table.select_dtypes("float").columns:
        table[name] = [_number(value, form) for value in table[name]]
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if form.quote_all else csv.QUOTE_MINIMAL
    table.to_csv(text, index=False, sep=form.separator, lineterminator=form.line_end, quoting=quoting)
    head = f"sep={form.separator}{form.line_end}" if form.sep_line else ""
    written = head + text.getvalue()
    return (written if form.last_line_ends else written.removesuffix(form.line_end)).encode(form.encoding)


def _number(value: float, form: Form) -> str:
    """A number with two decimals in the signs of a form."""
    signs = {",": form.thousands, ".": form.decimal}
    return "".join(signs.get(sign, sign) for sign in f"{value:,.2f}")


def _arrow(table: pd.DataFrame, form: Form) -> bytes:
    """A parquet or feather file, with plain or with rich types."""
    days = table.select_dtypes("datetime").columns
    if form.types == "plain":
        table = table.assign(**{day: table[day].dt.strftime("%Y-%m-%d") for day in days})
    data = pa.Table.from_pandas(table, preserve_index=False)
    if form.types == "rich":
        for place, name in enumerate(data.column_names):
            column = data[name]
            if name in days:
                column = column.cast(pa.timestamp("ms")).cast(pa.date32())
            elif pa.types.is_floating(column.type):
                exact = [decimal.Decimal(f"{value:.2f}") for value in column.to_pylist()]
                column = pa.chunked_array([pa.array(exact, pa.decimal128(18, 2))])
            elif pa.types.is_integer(column.type):
                column = column.cast(pa.int32())
            else:
                column = column.dictionary_encode()
            data = data.set_column(place, name, column)
    stream = io.BytesIO()
    if form.kind == "parquet":
        pyarrow.parquet.write_table(data, stream)
    else:
        pyarrow.feather.write_feather(data, stream)
    return stream.getvalue()
