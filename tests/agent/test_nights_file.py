"""nights.yaml: changed by commands and by hand, and one clear sentence for each mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from medalist.agent.cli.main import main
from medalist.agent.nights.file import add_entry, read_nights, remove_entry
from medalist.competitions.errors import InputError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three competitions, which is the current one."""
    for name in ("tides", "quakes/public", "bakery"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "task.yaml").write_text("metric: mae\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def say(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    return int(end.value.code or 0)


def test_added_listed_and_removed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("night", "add", "tides", "--share", "2", "--until", "2999-12-31", "--task", "task.yaml") == 0
    assert say("night", "add", "quakes/public", "--metric", "mae", "--families", "lightgbm,linear") == 0
    capsys.readouterr()
    assert say("night", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["file"] == str(here / "nights.yaml")
    tides, quakes = listed["competitions"]
    assert (tides["name"], tides["path"], tides["share"]) == ("tides", str(here / "tides"), 2)
    assert (tides["until"], tides["task"]) == ("3000-01-01T00:00:00", str(here / "task.yaml"))
    assert (quakes["name"], quakes["metric"], quakes["families"]) == ("quakes", "mae", "lightgbm,linear")
    assert say("night", "remove", "tides") == 0
    assert [entry.name for entry in read_nights(here / "nights.yaml").competitions] == ["quakes"]
    assert say("night", "remove", "quaks") == 2
    assert "did you mean quakes?" in capsys.readouterr().err
    assert say("night", "remove", str(here / "quakes" / "public")) == 0
    assert say("night", "list") == 0
    assert "no competitions yet" in capsys.readouterr().out
    assert say("night", "add", "bakery") == 0


def test_what_a_person_wrote_stays(here: Path) -> None:
    path = here / "nights.yaml"
    path.write_text(
        "# mine\nnotify: https://ntfy.example/x\ncompetitions:\n- path: tides   # the best one\n  share: 3\n"
        "# another\n- {path: bakery}\n\n# the end\n",
        encoding="utf-8",
    )
    add_entry(path, {"path": "quakes"})
    text = path.read_text(encoding="utf-8")
    assert all(comment in text for comment in ("# mine", "# the best one", "# another", "# the end"))
    assert [entry.name for entry in read_nights(path).competitions] == ["tides", "bakery", "quakes"]
    remove_entry(path, "tides")
    nights = read_nights(path)
    assert [entry.name for entry in nights.competitions] == ["bakery", "quakes"]
    assert nights.notify == ["https://ntfy.example/x"]
    assert "# mine" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("style", ["competitions: [{path: tides}]\n", "competitions: []\n", "competitions:\n", ""])
def test_any_style_of_list_takes_one_more(here: Path, style: str) -> None:
    path = here / "nights.yaml"
    path.write_text(style, encoding="utf-8")
    before = [entry.name for entry in read_nights(path).competitions]
    add_entry(path, {"path": "bakery", "share": 0.5})
    assert [entry.name for entry in read_nights(path).competitions] == [*before, "bakery"]


def test_written_by_hand(here: Path) -> None:
    path = here / "nights.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "competitions": [
                    {"path": "tides", "until": "2999-05-01 18:00", "levels": [0.1, 0.9], "positive": 1},
                    {"path": "tides"},
                    {"path": "some-slug", "families": ["linear", "trees"], "stacking": False},
                ]
            }
        ),
        encoding="utf-8",
    )
    first, second, slug = read_nights(path).competitions
    assert (first.name, second.name, slug.name) == ("tides", "tides-2", "some-slug")
    assert first.until is not None
    assert (first.until.isoformat(), first.levels, first.positive) == ("2999-05-01T18:00:00", "0.1,0.9", "1")
    assert (slug.path, slug.families, slug.stacking) == ("some-slug", "linear,trees", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("competitions: [{share: 2}]", "path of competition 1 is missing; write a folder"),
        ("competitions: [{path: a}, {path: b, share: lots}]", "share of competition 2 (b) is 'lots', but must be"),
        ("competitions: [{path: a, share: 0}]", "share of competition 1 (a) is 0, but must be a number above 0"),
        ("competitions: [{path: a, until: soon}]", "until of competition 1 (a) is 'soon', but must be a date such as"),
        ("competitions: [{path: a, metrc: auc}]", "metrc of competition 1 (a) is no field of this file; the"),
        ("competitions: [titanic]", "competition 1 is 'titanic', but must have fields such as 'path: titanic'"),
        ("competitions: titanic", "competitions is 'titanic', but must be a list of competitions"),
        ("competitons: []", "competitons is no field of this file; the fields are competitions, notify"),
        ("- titanic", "needs a line 'competitions:'"),
        ("competitions: [{path: a, name: x}, {path: b, name: x}]", "Two competitions are called x"),
        ("competitions:\n  - path: a\n   share: 2", "is not valid YAML in line 3"),
    ],
)
def test_one_sentence_for_each_mistake(here: Path, text: str, said: str) -> None:
    path = here / "nights.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_nights(path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_all_mistakes_are_said_at_once(here: Path) -> None:
    (here / "nights.yaml").write_text("competitions: [{path: a, share: x, threads: 0}]", encoding="utf-8")
    with pytest.raises(InputError, match=r"share of .* threads of "):
        read_nights(here / "nights.yaml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/such/folder"], "no Kaggle slug"),
        (["tides", "--until", "2001-01-01"], "is over"),
        (["tides", "--until", "tomorrow"], "Cannot read the date"),
        (["tides", "--share", "-1"], "share of competition 1 (tides) is -1"),
        (["tides", "--task", "task.yaml", "--id", "a"], "not both"),
        (["tides", "--task", "none.yaml"], "there is no file"),
    ],
)
def test_refused_and_nothing_written(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert say("night", "add", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (here / "nights.yaml").exists()


def test_twice_the_same_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("night", "add", "tides") == 0
    assert say("night", "add", "./tides") == 2
    assert "already" in capsys.readouterr().err
    assert say("night", "add", "tides", "--name", "tides by trees", "--families", "trees") == 0
    names: list[Any] = [entry.name for entry in read_nights(here / "nights.yaml").competitions]
    assert names == ["tides", "tides by trees"]
