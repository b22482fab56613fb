"""Writes a table as a file of any kind that medalist reads."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import pyarrow as pa
import pyarrow.orc


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    """A workbook of strings and numbers as a spreadsheet writes it."""
    spaces = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    names = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{rel}/worksheet" Target="worksheets/s{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    parts = "".join(
        f'<Override PartName="/xl/worksheets/s{i}.xml" ContentType="{kinds}.worksheet+xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    packages = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{packages}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>{parts}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{packages}/relationships"><Relationship Id="a" Type="{rel}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr("xl/workbook.xml", f'<workbook {spaces} xmlns:r="{rel}"><sheets>{names}</sheets></workbook>')
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{packages}/relationships">{links}</Relationships>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            lines = []
            for r, row in enumerate(rows, 1):
                cells = []
                for c, value in enumerate(row):
                    at = f"{chr(65 + c)}{r}"
                    if isinstance(value, str):
                        text = escape(value)
                        cells.append(f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
                    elif value is not None and not pd.isna(value):
                        cells.append(f'<c r="{at}"><v>{value!r}</v></c>')
                lines.append(f'<row r="{r}">{"".join(cells)}</row>')
            text = f"<worksheet {spaces}><sheetData>{''.join(lines)}</sheetData></worksheet>"
            archive.writestr(f"xl/worksheets/s{i}.xml", text)
    return path


def grid(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(map(str, frame.columns)), *frame.astype(object).values.tolist()]


def written(frame: pd.DataFrame, path: Path) -> Path:
    name = path.name
    text = frame.to_csv(index=False)
    records = json.loads(frame.to_json(orient="records"))
    if name.endswith(".feather"):
        frame.to_feather(path)
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".orc"):
        pyarrow.orc.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    elif name.endswith((".arrow", ".ipc")):
        table = pa.Table.from_pandas(frame)
        with pa.OSFile(str(path), "wb") as sink:
            opened = pa.ipc.new_file if name.endswith(".arrow") else pa.ipc.new_stream
            with opened(sink, table.schema) as writer:
                writer.write_table(table)
    elif name.endswith(".xlsx"):
        workbook(path, {"Sheet1": grid(frame)})
    elif name.endswith((".jsonl", ".ndjson")):
        path.write_text("\n".join(json.dumps(r) for r in records) + "\n", encoding="utf-8")
    elif name.startswith("records"):
        path.write_text(json.dumps(records), encoding="utf-8")
    elif name.endswith(".json"):
        path.write_text(frame.to_json(orient=name.split(".")[0]), encoding="utf-8")
    elif name.endswith((".tsv", ".tab")):
        path.write_text(frame.to_csv(index=False, sep="\t"), encoding="utf-8")
    else:
        packers = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
        path.write_bytes(packers.get(path.suffix, bytes)(text.encode()))
    return path
