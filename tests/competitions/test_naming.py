"""Names taken from paths: whatever a path holds, they are one printable component of another one."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.naming import MAX_NAME_BYTES, name_of, printable, safe_name

TABLES = {
    "train.csv": "id,size,price\n1,2,3\n2,3,4\n3,1,1\n",
    "test.csv": "id,size\n4,2\n5,3\n",
    "sample_submission.csv": "id,price\n4,0\n5,0\n",
}
ODD = (
    "..", ".", "", " ", "...", "a/../../b", "/etc/passwd", "a\\b", "a\nb", "\x1b[31mred", "caf\udce9", "\ud800",
    "n" * 300, "é" * 200, "\u202egnp", "a\0b", "%2F",
)  # fmt: skip


def assert_safe(name: str) -> None:
    assert PurePosixPath(name).parts == (name,)
    assert name not in (".", "..")
    assert "\\" not in name
    assert name.isprintable()
    assert 0 < len(name.encode("utf-8")) <= MAX_NAME_BYTES


@given(st.one_of(st.text(), st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF)), st.sampled_from(ODD)))
def test_any_text_becomes_one_safe_component_and_stays_it(text: str) -> None:
    name = safe_name(text)
    assert_safe(name)
    assert safe_name(name) == name


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}", fullmatch=True))
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert safe_name(name) == name


def test_long_names_that_differ_at_their_ends_stay_different() -> None:
    assert safe_name("n" * 200 + "1") != safe_name("n" * 200 + "2")


def test_bytes_that_are_no_text_are_shown_in_hexadecimal() -> None:
    assert printable(os.fsdecode(b"caf\xe9")) == "caf%E9"
    assert printable("café 99%") == "café 99%"
    assert printable("a\x1b[2Jb\n") == "a%1B[2Jb%0A"


file_names = st.binary(min_size=1, max_size=200).filter(lambda b: not {0, ord("/")} & set(b) and b not in (b".", b".."))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file_names, st.booleans())
@example(b"..", False)
@example(b"\xff\xfe", False)
@example(b"\x1b[31m", True)
@example(b"n" * 200, False)
def test_any_path_gives_a_safe_name(tmp_path: Path, name: bytes, folder: bool) -> None:
    home = tmp_path / "home"
    home.mkdir()
    try:
        place = Path(os.fsdecode(os.fsencode(home) + b"/" + name + (b"" if folder else b".zip")))
        if folder:
            place.mkdir()
        else:
            place.write_bytes(b"")
        assert_safe(name_of(place))
    finally:
        shutil.rmtree(home)


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in TABLES.items():
            archive.writestr(name, text)
    return path


def test_a_zip_called_by_dots_alone_has_the_name_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    folder.mkdir()
    assert read_competition(zipped(folder / "...zip")).name == "prices"


def test_a_folder_whose_name_is_no_utf8_is_read_and_can_be_printed(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / name).write_text(text)
    Path(os.fsdecode(os.fsencode(folder) + b"/sh\xf6ps\x1b[2J.csv")).write_text("size,shop\n1,a\n2,b\n")
    competition = read_competition(folder)
    assert competition.name == "caf%E9"
    shops = next(file.path for file in competition.files if file.role == "extra")
    assert shops == "sh%F6ps%1B[2J.csv"
    assert len(competition.extra(shops)) == 2
    shown = json.dumps([competition.name, [f.path for f in competition.files], competition.notes], ensure_ascii=False)
    assert shown.encode("utf-8")
    assert shown.isprintable()


@pytest.mark.parametrize("name", ["../up", "..", "a/b", "\udce9"])
def test_a_given_name_is_made_safe_too(tmp_path: Path, name: str) -> None:
    for file, text in TABLES.items():
        (tmp_path / file).write_text(text)
    assert_safe(read_competition(tmp_path, name=name).name)


def test_a_path_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_competition(tmp_path / ("n" * 5000))
    for file, text in TABLES.items():
        (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match="no such file"):
        read_competition(tmp_path, train="n" * 5000)
