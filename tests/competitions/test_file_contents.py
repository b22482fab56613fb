"""A file is read as what it holds, whatever its name says; archives of every usual kind are opened in place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little import make_tables, write
from written_files import written

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import list_sources
from medalist.competitions.tables.contents import name_by_content
from medalist.competitions.tables.reading import read_header, read_table
from medalist.competitions.task.infer import infer_task

FRAME = pd.DataFrame({"row": range(300), "word": ["é", "b,c", "d"] * 100, "size": [0.5, 1.25, 2.0] * 100})


def zipped(data: bytes, name: str = "t.csv") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def tarred(files: dict[str, bytes], kind: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{kind}") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def page(frame: pd.DataFrame) -> bytes:
    rows = [frame.columns, *frame.itertuples(index=False)]
    cells = "".join(f"<tr>{''.join(f'<td> <b>{v}</b></td>' for v in row)}</tr>" for row in rows)
    return f"<html><head><title>x</title></head><body><table><tr><td>menu</table><table>{cells}</table>".encode()


CSV = FRAME.to_csv(index=False).encode()
KINDS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(CSV),
    "bzip2": lambda: bz2.compress(CSV),
    "xz": lambda: lzma.compress(CSV),
    "zip": lambda: zipped(CSV),
    "tar": lambda: tarred({"t.csv": CSV}),
    "web page": lambda: page(FRAME),
    "csv": lambda: CSV,
}


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.xlsx", "t.xls", "t.parquet", "t.csv.gz", "t.json"])
@pytest.mark.parametrize("kind", [*KINDS, ".parquet", ".feather", ".arrow", ".orc", ".xlsx"])
def test_a_table_under_another_name(tmp_path: Path, kind: str, name: str) -> None:
    if (kind, name) == ("csv", "t.json") or (kind in ("gzip", "bzip2", "xz", "zip", "tar") and name[:5] != "t.csv"):
        return  # a text is what its name says, packed or not, and a zip that is called a workbook is one
    path = tmp_path / name
    if kind in KINDS:
        path.write_bytes(KINDS[kind]())
    else:
        _ = kind == ".xlsx" and pytest.importorskip("python_calamine")
        written(FRAME, tmp_path / f"made{kind}").rename(path)
    pd.testing.assert_frame_equal(read_table(path), FRAME, check_dtype=False, check_column_type=False)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(path, name)
    pd.testing.assert_frame_equal(read_table(tmp_path / "all.zip"), FRAME, check_dtype=False, check_column_type=False)
    source = list_sources(tmp_path / "all.zip")[0][0]
    assert read_header(source).columns[-3:] == ("row", "word", "size")


@given(st.binary(max_size=600), st.sampled_from(["a.csv", "a.parquet", "a.xls", "a.csv.gz", "a.txt", "a.tgz"]))
def test_any_beginning_gives_a_name(head: bytes, name: str) -> None:
    assert name_by_content(name, head).startswith("a.")


def test_a_text_that_begins_like_a_signature_is_a_text(tmp_path: Path) -> None:
    for word in ("PAR1", "ORC", "BZh91AY", "FEA1"):
        path = tmp_path / "t.csv"
        path.write_text(f"{word},b\n1,2\n3,4\n")
        assert read_table(path)[word].tolist() == [1, 3]


@pytest.mark.parametrize("name", ["train.csv", "train.xls"])
def test_a_page_without_a_table_is_told(tmp_path: Path, name: str) -> None:
    tables = make_tables()
    write(tmp_path, **{"test.csv": tables["test"], "sample_submission.csv": tables["sample"]})
    (tmp_path / name).write_text("<!DOCTYPE html>\n<html><body><p>Please sign in, or register.</p></body></html>\n")
    with pytest.raises(InputError, match=r"train\.\w+ is a web page \(HTML\) without a table"):
        infer_task(read_competition(tmp_path))
    tables["train"].to_csv(tmp_path / "train.csv", index=False)  # the remedy
    (tmp_path / "train.xls").unlink(missing_ok=True)
    assert infer_task(read_competition(tmp_path)).targets == ("price",)


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz", "all.tgz", "all.tar.bz2", "all.tar.xz"])
def test_a_tar_is_opened_in_place(tmp_path: Path, name: str) -> None:
    tables = make_tables()
    files = {f"./data/{n}.csv": f.to_csv(index=False).encode() for n, f in tables.items() if n != "answers"}
    files["./data/train.csv.gz"] = gzip.compress(files.pop("./data/train.csv"))
    files["./data/more.zip"] = zipped(b"town,people\nRome,3\nOslo,1\n", "towns.csv")
    kind = {"tar": "", "tgz": "gz"}.get(name.split(".")[-1], name.split(".")[-1])
    (tmp_path / name).write_bytes(tarred(files, kind))
    for path in (tmp_path, tmp_path / name):
        competition = read_competition(path)
        pd.testing.assert_frame_equal(competition.train, tables["train"], check_dtype=False, check_column_type=False)
        assert len(competition.sample) == 40
        assert competition.extra("towns.csv")["people"].tolist() == [3, 1]


def test_a_tar_is_guarded_as_a_zip_is(tmp_path: Path) -> None:
    path = tmp_path / "all.tar.gz"
    for name in ("../t.csv", "/etc/t.csv"):
        path.write_bytes(tarred({name: CSV}, "gz"))
        with pytest.raises(InputError, match="leads out of its folder"):
            read_competition(path)
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("t.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(InputError, match="leads out of its folder"):
        read_competition(path)
    whole = tarred({"t.csv": CSV * 50}, "gz")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="broken archive"):
        read_competition(path)


def test_a_tar_that_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medalist.competitions.tables.compression.BOMB_BYTES", 1 << 20)
    path = tmp_path / "all.tar.gz"
    path.write_bytes(tarred({"zeros.bin": bytes(8 << 20)}, "gz"))
    with pytest.raises(InputError, match="decompression bomb"):
        read_competition(path)


ARFF = """% made by hand
@RELATION 'the houses'
@attribute 'the id' numeric
@attribute kind {'old one', new, "it's"}
@attribute note string
@attribute size REAL

@DATA
9007199254740993,'old one','said "x", then went',0.5
9007199254740995, new , "a\\'b",?
% between
9007199254740997,?,'?',2
9007199254740999,"it's",plain,-1e3
"""


def test_arff_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.arff").write_text(ARFF)
    frame = read_table(tmp_path / "t.arff")
    assert frame["the id"].tolist() == [9007199254740993 + 2 * i for i in range(4)]
    assert frame["kind"].fillna("").tolist() == ["old one", "new", "", "it's"]
    assert frame["note"].tolist() == ['said "x", then went', "a'b", "?", "plain"]
    assert frame["size"].tolist()[2:] == [2.0, -1000.0]
    assert pd.isna(frame["size"][1])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("9007199254740993,'old one'", "{0 1, 1 new}\n9007199254740993,'old one'", "sparse ARFF"),
        ("note string", "note relational", "tables within its rows"),
        ("@DATA", "@rows", "no line @data"),
        (",0.5\n", ",0.5,7\n", "5 fields in row 1"),
    ],
)
def test_arff_that_is_not_read_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "t.arff").write_text(ARFF.replace(old, new))
    with pytest.raises(InputError, match=said):
        read_table(tmp_path / "t.arff")


def test_ids_that_lost_their_zeros_in_the_sample_alone(tmp_path: Path) -> None:
    tables = make_tables()
    for name in ("train", "test"):
        tables[name]["Id"] = tables[name]["Id"].map("{:05d}".format)
    write(tmp_path, **{f"{n}.csv": tables[n] for n in ("train", "test", "sample")})
    competition = read_competition(tmp_path)
    task = infer_task(competition)
    submission = task.submission(competition.test, range(40), competition.sample)
    assert submission["Id"].tolist() == tables["sample"]["Id"].tolist()
    assert submission["price"].tolist() == list(range(40))
    assert not any("zeros before them" in note for note in competition.notes)
    assert any("without the zeros" in note for note in competition.notes)
