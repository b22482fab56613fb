"""A table of bad input: each case gets one clear sentence that says what to do, and nothing is overwritten."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError, MedalistError


def good(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": range(50), "size": rng.normal(size=50), "city": rng.choice(["a", "b"], 50)})
    folder.mkdir(parents=True, exist_ok=True)
    frame[:30].assign(price=rng.normal(size=30)).to_csv(folder / "train.csv", index=False)
    frame[30:].to_csv(folder / "test.csv", index=False)
    frame[30:][["id"]].assign(price=0).to_csv(folder / "sample_submission.csv", index=False)
    return folder


def change(name: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], Path]:
    def apply(folder: Path) -> Path:
        good(folder)
        edit(pd.read_csv(folder / name)).to_csv(folder / name, index=False)
        return folder

    return apply


def content(name: str, data: bytes) -> Callable[[Path], Path]:
    def apply(folder: Path) -> Path:
        (good(folder) / name).write_bytes(data)
        return folder

    return apply


def without(*names: str) -> Callable[[Path], Path]:
    def apply(folder: Path) -> Path:
        good(folder)
        for name in names:
            (folder / name).unlink()
        return folder

    return apply


def zipped(edit: Callable[[zipfile.ZipFile], None]) -> Callable[[Path], Path]:
    def apply(folder: Path) -> Path:
        good(folder / "x")
        path = folder / "competition.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (folder / "x").iterdir():
                archive.write(file, file.name)
            edit(archive)
        return path

    return apply


def nothing(_: zipfile.ZipFile) -> None:
    pass


def cut_short(folder: Path) -> Path:
    path = zipped(nothing)(folder)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def damaged(folder: Path) -> Path:
    path = folder / "competition.zip"
    good(folder / "x")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in (folder / "x").iterdir():
            archive.write(file, file.name)
    data = bytearray(path.read_bytes())
    at = data.index(b"id,size")
    data[at + 30] ^= 0xFF
    path.write_bytes(bytes(data))
    return path


def locked(folder: Path) -> Path:
    path = zipped(nothing)(folder)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset : at + offset + 2] = struct.pack("<H", 1)
            at = data.find(mark, at + 4)
    path.write_bytes(bytes(data))
    return path


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("more.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def bomb(archive: zipfile.ZipFile) -> None:
    with archive.open("zeros.csv", "w", force_zip64=True) as stream:
        for _ in range(1100):
            stream.write(bytes(1 << 20))


def nested(archive: zipfile.ZipFile) -> None:
    import io

    data = b""
    for _ in range(3):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as inner:
            inner.writestr("inner.zip", data)
        data = buffer.getvalue()
    archive.writestr("deep.zip", data)


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no such folder": (lambda folder: folder / "nowhere", "does not exist"),
    "a file instead of a folder": (lambda folder: _file_of_another_kind(folder), "single file"),
    "an empty folder": (lambda folder: folder, "no table"),
    "empty train": (content("train.csv", b""), r"train\.csv is empty"),
    "empty test": (content("test.csv", b""), r"test\.csv is empty"),
    "empty sample": (content("sample_submission.csv", b""), r"sample_submission\.csv is empty"),
    "train without rows": (content("train.csv", b"id,size,city,price\n"), "no rows"),
    "test without rows": (content("test.csv", b"id,size,city\n"), r"test\.csv has a header line but no rows"),
    "no sample": (without("sample_submission.csv"), r"--sample FILE, or --id and --target"),
    "no test": (without("test.csv"), r"no test table.*--test"),
    "no train": (without("train.csv"), r"--train"),
    "duplicate ids in test": (change("test.csv", lambda t: t.assign(id=[30, *t["id"][:-1]])), "duplicate ids"),
    "duplicate ids in sample": (
        change("sample_submission.csv", lambda t: t.assign(id=[30, *t["id"][:-1]])),
        "duplicate ids",
    ),
    "duplicate ids in another order": (lambda folder: both_twice(folder), "duplicate ids"),
    "ids that test lacks": (change("sample_submission.csv", lambda t: t.assign(id=[*t["id"][:-1], 99])), "not in test"),
    "missing ids in sample": (
        change("sample_submission.csv", lambda t: t.assign(id=[*t["id"][:-1], None]).astype({"id": "Int64"})),
        "without an id",
    ),
    "other columns in test": (change("test.csv", lambda t: t.set_axis(["id", "x", "y"], axis=1)), "--train"),
    "a row too long": (content("test.csv", b"id,size,city\n30,1,a\n31,1,a,2\n"), "line 3"),
    "a picture called csv": (content("train.csv", b"\x89PNG\0\0\0"), r"train\.csv holds bytes that are no text"),
    "numbers instead of names": (content("train.csv", b"1,2,3\n4,5,6\n"), "header line"),
    "a zip cut short": (cut_short, "broken archive"),
    "a damaged zip": (damaged, "broken archive"),
    "no zip at all": (lambda f: _named(f, "x.zip", b"nothing"), "broken archive"),
    "a broken zip in a folder": (lambda f: _named(f, "train.csv.zip", b"nothing"), "broken archive"),
    "a zip with a password": (locked, "password"),
    "a zip that leads up": (zipped(lambda z: z.writestr("../evil.csv", "a")), "leads out"),
    "a zip that leads up, backslashes": (zipped(lambda z: z.writestr("..\\evil.csv", "a")), "leads out"),
    "a zip with an absolute path": (zipped(lambda z: z.writestr("/etc/evil.csv", "a")), "leads out"),
    "a zip with a drive": (zipped(lambda z: z.writestr("C:/evil.csv", "a")), "leads out"),
    "a zip with a link": (zipped(link), "leads out"),
    "a zip bomb": (zipped(bomb), "decompression bomb"),
    "zips all the way down": (zipped(nested), "nested too deep"),
}


def _named(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path if name == "x.zip" else folder


def _file_of_another_kind(folder: Path) -> Path:
    path = good(folder) / "train.docx"
    path.write_bytes(b"PK")
    return path


def both_twice(folder: Path) -> Path:
    good(folder)
    for name, step in (("test.csv", 1), ("sample_submission.csv", -1)):
        frame = pd.read_csv(folder / name)
        frame.assign(id=[30, *frame["id"][:-1]])[::step].to_csv(folder / name, index=False)
    return folder


def bytes_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_nothing_overwritten(tmp_path: Path, case: str) -> None:
    build, message = CASES[case]
    path = build(tmp_path)
    before = bytes_below(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read_competition(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert caught.value.exit_code == 2
    assert bytes_below(tmp_path) == before


@pytest.mark.parametrize("flag", ["train", "test", "sample", "description"])
def test_a_named_file_that_is_not_there(tmp_path: Path, flag: str) -> None:
    with pytest.raises(InputError, match=rf"--{flag} nowhere\.csv"):
        read_competition(good(tmp_path), **{flag: "nowhere.csv"})  # type: ignore[arg-type]


def test_a_broken_file_that_is_not_needed_is_only_noted(tmp_path: Path) -> None:
    good(tmp_path)
    (tmp_path / "more.zip").write_bytes(b"nothing")
    (tmp_path / "empty.csv").write_bytes(b"")
    competition = read_competition(tmp_path)
    assert len(competition.notes) == 2


def test_files_in_another_encoding_are_read_with_a_note(tmp_path: Path) -> None:
    good(tmp_path)
    for name in ("train.csv", "test.csv"):
        frame = pd.read_csv(tmp_path / name)
        frame.assign(city="Zürich").to_csv(tmp_path / name, index=False, encoding="latin-1")
    competition = read_competition(tmp_path)
    assert competition.test["city"].unique().tolist() == ["Zürich"]
    assert [note.split(":")[0] for note in competition.notes] == ["train.csv and test.csv are not UTF-8"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["train.csv", "test.csv", "sample_submission.csv"]),
    at=st.floats(0, 1),
    data=st.one_of(st.binary(max_size=12), st.sampled_from([b",", b"\n", b'"', b"\xff\xfe", b"\0", b"NA"])),
    cut=st.booleans(),
)
def test_any_damage_is_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: float, data: bytes, cut: bool
) -> None:
    folder = good(tmp_path_factory.mktemp("damage"))
    path = folder / name
    whole = path.read_bytes()
    place = int(at * len(whole))
    path.write_bytes(whole[:place] + data + (b"" if cut else whole[place:]))
    try:
        competition = read_competition(folder)
    except MedalistError as error:
        refused = str(error)
    else:
        refused = ""
        assert len(competition.train)
        assert len(competition.test)
    assert "\n" not in refused
