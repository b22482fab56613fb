"""The cache of large tables: Arrow files in the user's cache folder, which the next run opens in seconds."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from medalist.competitions.atomic import remove_abandoned, replacing
from medalist.competitions.tables.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

CACHE_BYTES = 20 << 30  # of all files together; the least recently used ones beyond it are removed
_VERSION = 2  # of the way tables are read, part of every key: raise it where a table comes to be read otherwise


def cache_file(source: Source, text: Collection[str]) -> Path:
    """The path under which a table is cached, in MEDALIST_CACHE or else the user's cache folder.

    It depends on the file's path, size and time of change, and on the columns `text` that are kept as strings.
    """
    import platformdirs

    folder = Path(os.environ.get("MEDALIST_CACHE") or platformdirs.user_cache_dir("medalist")) / "tables"
    state = source.file.stat()
    parts = (str(source.file.resolve()), *source.members, state.st_size, state.st_mtime_ns, sorted(text), _VERSION)
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
    return folder / f"{key}.arrow"


def read_cache(path: Path) -> tuple[pa.Table, list[str], str] | None:
    """(table, notes, digest) as `write_cache` was given them; None where there is no such file or it is broken."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as stream:
            arrow = pa.ipc.open_file(stream).read_all()
        about = json.loads(arrow.schema.metadata[b"medalist"])
        os.utime(path)
    except (pa.ArrowInvalid, OSError, KeyError, TypeError):
        return None
    return arrow, about["notes"], about["digest"]


def write_cache(path: Path, arrow: pa.Table, notes: list[str], digest: str) -> list[str]:
    """Writes a table to the cache and removes the least recently used files beyond CACHE_BYTES.

    Returns [], or a list with one note where the disk failed: a table that is not cached is no error.
    """
    import pyarrow as pa

    about = {"medalist": json.dumps({"notes": notes, "digest": digest})}
    arrow = arrow.replace_schema_metadata(about)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        # not synced: it is gigabytes that read_cache checks and that can be read again from their source
        with replacing(path, durable=False) as stream, pa.ipc.new_file(stream, arrow.schema, options=options) as writer:
            writer.write_table(arrow)
        remove_abandoned(path.parent)
        kept = 0
        for old in sorted(path.parent.glob("*.arrow"), key=lambda file: -file.stat().st_mtime):
            kept += old.stat().st_size
            if kept > CACHE_BYTES and old != path:
                old.unlink(missing_ok=True)
    except OSError as error:
        return [f"the table could not be kept in the cache {path.parent} ({error.strerror or error})."]
    return []
