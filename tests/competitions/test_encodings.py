"""Files in legacy encodings are read by evidence over all files of a competition, with a note, never as mojibake."""

from __future__ import annotations

import codecs
from pathlib import Path

import pandas as pd
import pytest
from little import source_of

from medalist.competitions.competition import read_competition
from medalist.competitions.layout.same_notes import joined_notes
from medalist.competitions.tables.reading import load, read_header, read_table
from medalist.competitions.tables.source import as_siblings

WORDS = {
    "cp1251": ("цвет", ["красный", "зелёный", "синий", "жёлтый"]),
    "koi8-r": ("цвет", ["красный", "зелёный", "синий", "жёлтый"]),
    "cp866": ("цвет", ["красный", "зелёный", "синий", "жёлтый"]),
    "cp1252": ("größe", ["müde", "schön", "weiß", "früh"]),
    "iso8859-1": ("año", ["niño", "Málaga", "corazón"]),
    "cp1250": ("część", ["Łomża", "Gdańsk", "Poznań", "żółty"]),
    "iso8859-2": ("město", ["Plzeň", "Třinec", "Ústí", "Žďár"]),
    "cp1253": ("πόλη", ["Αθήνα", "Πάτρα", "Λάρισα"]),
    "iso8859-7": ("πόλη", ["Αθήνα", "Άρτα", "Λάρισα"]),
    "cp1254": ("şehir", ["İstanbul", "Eskişehir", "Muğla", "Iğdır"]),
    "cp1255": ("עיר", ["חיפה", "ירושלים", "תל אביב"]),
    "cp1256": ("مدينة", ["القاهرة", "بيروت", "دمشق"]),
    "cp1257": ("miestas", ["Šiauliai", "Panevėžys", "Klaipėda", "Telšiai"]),
    "shift_jis": ("都市", ["東京", "大阪", "さくら", "横浜ソ"]),
    "euc-jp": ("都市", ["東京", "大阪", "さくら"]),
    "gb18030": ("城市", ["北京", "上海", "广州", "深圳"]),
    "big5": ("城市", ["臺北", "高雄", "新竹"]),
    "euc-kr": ("도시", ["서울", "부산", "대구"]),
    "cp874": ("จังหวัด", ["กรุงเทพ", "เชียงใหม่"]),
    "utf-8": ("ville", ["Orléans", "Besançon"]),
    "utf-8-sig": ("ville", ["Orléans", "Besançon"]),
    "utf-16": ("ville", ["Orléans", "北京"]),
    "utf-16-le": ("цвет", ["красный", "зелёный"]),
    "utf-16-be": ("城市", ["北京", "上海"]),
    "utf-32": ("ville", ["Orléans", "北京"]),
    "utf-32-le": ("ville", ["Orléans", "цвет"]),
}


def csv_text(name: str, words: list[str], rows: int = 12, line_end: str = "\r\n") -> str:
    return line_end.join([f"row,{name},size", *(f"{i},{words[i % len(words)]},{i / 2}" for i in range(rows)), ""])


@pytest.mark.parametrize("codec", WORDS)
def test_a_short_table_is_read_in_its_encoding(tmp_path: Path, codec: str) -> None:
    name, words = WORDS[codec]
    path = tmp_path / "t.csv"
    path.write_bytes(csv_text(name, words).encode(codec))
    table = load(source_of(path))
    assert list(table.frame.columns) == ["row", name, "size"] == list(read_header(source_of(path)).columns)
    assert table.frame[name].tolist() == [words[i % len(words)] for i in range(12)]
    assert any("not UTF-8" in note for note in table.notes) != codec.startswith("utf")


def test_a_short_file_is_read_as_its_neighbours_are(tmp_path: Path) -> None:
    """A word alone could be Turkish or Icelandic; the other table decides."""
    path, other = tmp_path / "few.csv", tmp_path / "many.csv"
    path.write_bytes("row,word\n1,Doğan\n2,x\n".encode("cp1254"))
    other.write_bytes(csv_text("şehir", ["İstanbul", "Eskişehir", "Muğla", "Kırşehir", "Beyoğlu"]).encode("cp1254"))
    few, _ = as_siblings([source_of(path), source_of(other)])
    assert load(few).frame["word"].tolist() == ["Doğan", "x"]
    assert "cp1254" in load(few).notes[0]


def test_one_accent_is_read_as_the_neighbours_of_the_file_are(tmp_path: Path) -> None:
    """No language has a capital between a capital and a small letter, as in SŹte."""
    path, other = tmp_path / "few.csv", tmp_path / "many.csv"
    path.write_bytes(csv_text("ville", ["Paris", "Sète"]).encode("mac_roman"))
    other.write_bytes(csv_text("saison", ["été", "hiver"]).encode("mac_roman"))
    few, _ = as_siblings([source_of(path), source_of(other)])
    assert load(few).frame["ville"].tolist()[:2] == ["Paris", "Sète"]


def test_a_name_that_stands_in_the_neighbours_too_is_read_as_there(tmp_path: Path) -> None:
    """In a sample whose only letter beyond ASCII is in its header, the other tables decide."""
    path, other = tmp_path / "sample.csv", tmp_path / "train.csv"
    path.write_bytes("č,druh\n1,smrk\n2,smrk\n".encode("iso8859-2"))
    other.write_bytes(csv_text("č", ["Plzeň", "Žďár", "Děčín"]).encode("iso8859-2"))
    sample, _ = as_siblings([source_of(path), source_of(other)])
    assert list(load(sample).frame.columns) == ["č", "druh"]


def test_words_of_a_file_in_utf8_decide(tmp_path: Path) -> None:
    """Bytes that are words in Western and Central European code pages alike."""
    table, text = tmp_path / "t.csv", tmp_path / "about.md"
    word = b"\xe5\xf8\xbe\xf2"
    table.write_bytes(b"row,kind\n1," + word + b"\n2,x\n")
    readings = []
    for codec in ("cp1250", "cp1257"):
        text.write_text(f"The kinds are {word.decode(codec)} and x. They are all to be predicted.", encoding="utf-8")
        source, _ = as_siblings([source_of(table), source_of(text)])
        assert load(source).frame["kind"][0] == word.decode(codec)
        readings.append(load(source).frame["kind"][0])
    assert len(set(readings)) == 2


def test_where_two_code_pages_are_about_as_likely_the_note_names_both(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("row,town\n1,Malmö\n2,Göteborg\n3,Åre\n".encode("cp1252"))  # or Ĺre
    table = load(source_of(path))
    assert "is about as likely" in table.notes[0]
    text = path.read_bytes().decode("cp1250")
    path.write_text(text, encoding="utf-8")  # the note's remedy
    assert read_table(path)["town"].tolist() == ["Malmö", "Göteborg", "Ĺre"]
    assert not load(source_of(path)).notes


def test_files_in_different_code_pages_are_each_read_in_their_own(tmp_path: Path) -> None:
    words = WORDS["cp1251"][1]
    files = []
    for codec, rows in (("cp1251", 40), ("koi8-r", 12)):
        path = tmp_path / f"{codec}.csv"
        path.write_bytes(csv_text("цвет", words, rows).encode(codec))
        files.append(source_of(path))
    for source in as_siblings(files):
        assert set(load(source).frame["цвет"]) == set(words)


def test_a_broken_letter_does_not_change_the_encoding_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    words = [f"Orléans {i}" for i in range(30)]
    path.write_bytes(
        ("row,ville\n" + "".join(f"{i},{w}\n" for i, w in enumerate(words))).encode() + b"30,Besan\xe7on\n"
    )
    table = load(source_of(path))
    assert table.frame["ville"].tolist()[:30] == words
    assert "�" in table.frame["ville"].tolist()[30]
    assert "not UTF-8" in table.notes[0]


def test_letters_beyond_ascii_may_come_late(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{i},plain,1\n" for i in range(20_000))
    path.write_bytes(b"row,word,size\n" + rows.encode() + "20000,Łódź,2\n20001,Gdańsk,3\n".encode("cp1250"))
    assert read_table(path)["word"].tolist()[-2:] == ["Łódź", "Gdańsk"]


def test_a_large_file_is_read_in_its_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("medalist.competitions.tables.reading.LARGE_BYTES", 100)
    for codec in ("cp1251", "utf-16", "shift_jis"):
        name, words = WORDS["shift_jis" if codec == "shift_jis" else "cp1251"]
        path = tmp_path / f"{codec}.csv"
        path.write_bytes(csv_text(name, words, 200).encode(codec))
        frame = read_table(path)
        assert list(frame.columns) == ["row", name, "size"]
        assert frame[name].tolist() == [words[i % len(words)] for i in range(200)]


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "utf-16", "utf-8-sig"])
def test_a_whole_competition_in_another_encoding(tmp_path: Path, codec: str) -> None:
    train = "номер,вес,сорт\n" + "".join(f"{i},{i % 7},{'горький' if i % 2 else 'сладкий'}\n" for i in range(60))
    test = "номер,вес\n" + "".join(f"{i},{i % 5}\n" for i in range(60, 90))
    sample = "номер,сорт\n" + "".join(f"{i},горький\n" for i in range(60, 90))
    for name, text in (("train", train), ("test", test), ("sample_submission", sample)):
        (tmp_path / f"{name}.csv").write_bytes(text.encode(codec))
    (tmp_path / "description.md").write_bytes("Предсказать сорт. Evaluation: accuracy\n".encode(codec))
    competition = read_competition(tmp_path)
    assert list(competition.train.columns) == ["номер", "вес", "сорт"]
    assert set(competition.train["сорт"]) == {"горький", "сладкий"}
    assert "Предсказать" in competition.description
    assert competition.sample_form is not None
    assert codecs.lookup(competition.sample_form.encoding) in (
        codecs.lookup(codec), codecs.lookup("utf-16-le"), codecs.lookup("utf-8"),
    )  # fmt: skip


def test_what_is_the_same_in_several_files_is_said_once(tmp_path: Path) -> None:
    name, words = WORDS["cp1251"]
    lines = [f"{i},{words[i % 4]},{i % 7}" for i in range(90)]
    labelled = [f"row,{name},size,y", *(f"{line},1.5" for line in lines[:60])]
    (tmp_path / "train.csv").write_bytes("\n".join(labelled).encode("cp1251"))
    (tmp_path / "test.csv").write_bytes("\n".join([f"row,{name},size", *lines[60:]]).encode("cp1251"))
    (tmp_path / "sample.csv").write_text("row,y\n" + "".join(f"{i},0\n" for i in range(60, 90)))
    told = [note for note in read_competition(tmp_path).notes if "cp1251" in note]
    assert told == ["train.csv and test.csv are not UTF-8: read as cp1251; save them as UTF-8 if letters look wrong."]


def test_joined_notes_keep_those_of_one_file_and_name_few_of_many() -> None:
    paths = [f"part{i}.csv" for i in range(6)]
    notes = ["a.", *(f"{p}: column 'x' holds lists." for p in paths), "part1.csv: column 'y' holds lists.", "a."]
    assert joined_notes(notes, paths) == [
        "a.",
        "part0.csv, part1.csv, part2.csv and 3 other files: column 'x' holds lists.",
        "part1.csv: column 'y' holds lists.",
    ]
    assert joined_notes(notes[1:3], paths) == ["part0.csv and part1.csv: column 'x' holds lists."]


def test_an_id_beyond_the_encoding_of_the_sample_makes_the_submission_utf_8(tmp_path: Path) -> None:
    ids = [*(f"Zoë{i}" for i in range(60)), *(f"Łódź{i}" for i in range(20))]
    train = pd.DataFrame({"id": range(100), "x": [i % 7 for i in range(100)], "y": [i % 5 / 2 for i in range(100)]})
    train.assign(id="Ana" + train["id"].astype(str)).to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame({"id": ids, "x": range(80)}).to_csv(tmp_path / "test.csv", index=False)
    pd.DataFrame({"id": ids[:60], "y": 0.5}).to_csv(tmp_path / "sample.csv", index=False, encoding="cp1252")
    (tmp_path / "description.md").write_text("Predict y for every row of test.csv. Evaluation: RMSE")
    competition = read_competition(tmp_path)
    assert any("no letters for the id 'Łódź0'" in note for note in competition.notes)
    assert competition.sample_form is not None
    assert competition.sample_form.encoding == "utf-8"
