"""A table without a test table, and a test table that has the answers filled in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import roles, write

from medalist.agent.cli.main import main
from medalist.agent.run.reading import cards_of, read
from medalist.competitions.audit.audit import audit
from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError, TaskError
from medalist.competitions.holdout import cut_holdout
from medalist.competitions.task.infer import infer_task


def wines(n: int = 120, **more: object) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    sugar = rng.normal(size=n).round(3)
    return pd.DataFrame(
        {"sugar": sugar, "colour": rng.choice(["red", "white"], n), **more, "points": (sugar * 3 + 80).round(1)}
    )


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_table_alone_is_train_with_an_empty_test(tmp_path: Path, as_folder: bool) -> None:
    write(tmp_path, cellar=wines())
    competition, task = read(str(tmp_path if as_folder else tmp_path / "cellar.csv"), {}, {}, None, 0)
    assert (len(competition.train), len(competition.test)) == (120, 0)
    assert roles(competition) == {"cellar.csv": "train"}
    assert (task.targets, task.problem_type, task.id) == (("points",), "regression", ())
    assert any("points is assumed" in note and "--target" in note for note in task.notes)
    cards = cards_of(competition, task)
    assert [c.name for c in cards] == ["sugar", "colour"]
    assert {f.kind for f in audit(competition, task, cards)}.isdisjoint({"drift", "adversarial"})


@pytest.mark.parametrize(
    ("columns", "text", "target"),
    [
        ({"target": [0, 1] * 60}, "", "target"),
        ({"class": ["a", "b", "c"] * 40}, "", "class"),
        ({"y": np.arange(120) % 7, "z": 1.5}, "", "y"),
        ({}, "Predict the colour of a wine.", "colour"),
        ({}, "", "points"),
    ],
)
def test_the_target_is_guessed_by_text_name_and_place(
    tmp_path: Path, columns: dict[str, object], text: str, target: str
) -> None:
    write(tmp_path, cellar=wines(**columns))
    (tmp_path / "about.md").write_text(text + " Submissions are evaluated on accuracy.")
    assert infer_task(read_competition(tmp_path), metric="rmse" if target == "points" else None).targets == (target,)


GUESSES = {  # further columns, text, target
    "a word for an outcome": ({"Churned": [0, 1] * 60, "port": ["a", "b", "c"] * 40}, "", "Churned"),
    "a price between others": ({"sale_price": np.arange(120) * 3, "port": ["a", "b", "c"] * 40}, "", "sale_price"),
    "two values at the end": ({"fits": [0, 1] * 60}, "", "fits"),
    "in another form": ({"returned": ["a", "b", "c"] * 40, "port": 1}, "Predict the return of a bottle.", "returned"),
    "called the target": ({"port": ["a", "b", "c"] * 40}, "- `port`: the target\n- `sugar`: measured", "port"),
    "first after the verb": ({"port": ["a", "b", "c"] * 40}, "Forecast the port by sugar and acid.", "port"),
    "by the error": ({"acid": np.arange(120) % 7}, "The score is the error of `acid`. Use sugar.", "acid"),
}


@pytest.mark.parametrize("case", GUESSES)
def test_a_target_that_is_not_the_last_column(tmp_path: Path, case: str) -> None:
    more, text, target = GUESSES[case]
    table = wines(**more).drop(columns=["points", "colour"]).assign(acid=np.arange(120) % 7)
    table = table[[*(c for c in table if c != "fits"), *(c for c in table if c == "fits")]]
    write(tmp_path, cellar=table)
    (tmp_path / "about.md").write_text(text + "\n\nSubmissions are evaluated.")
    task = infer_task(read_competition(tmp_path))
    assert task.targets == (target,)
    assert any(f"{target} is assumed" in note and "--target" in note for note in task.notes)


def test_a_target_that_nothing_shows_has_to_be_named(tmp_path: Path) -> None:
    write(tmp_path, cellar=wines(port=["a", "b", "c"] * 40).drop(columns="points"))
    competition = read_competition(tmp_path)
    with pytest.raises(TaskError, match="name one of sugar, colour, port with --target"):
        infer_task(competition)
    assert infer_task(competition, targets="port").targets == ("port",)


def test_rows_without_the_target_are_left_out(tmp_path: Path) -> None:
    table = wines()
    table.loc[:9, "points"] = np.nan
    write(tmp_path, cellar=table)
    competition, task = read(str(tmp_path), {"targets": ["points"]}, {}, None, 0)
    assert (len(competition.train), task.targets) == (110, ("points",))
    assert any("have no points: they are left out" in note for note in competition.notes)


@pytest.mark.parametrize("with_id", [False, True])
@pytest.mark.parametrize("folds", [None, "stratified", "time:bottled", "group:maker"])
def test_a_holdout_of_a_table_is_a_competition(tmp_path: Path, with_id: bool, folds: str | None) -> None:
    days = pd.date_range("2020-01-01", periods=120).strftime("%Y-%m-%d")
    table = wines(bottled=days, maker=[f"m{i % 12}" for i in range(120)])
    if with_id:
        table.insert(0, "wine_id", range(700, 820))
    write(tmp_path, cellar=table)
    options = {"targets": ["colour"], "folds": folds}
    competition, task = read(str(tmp_path / "cellar.csv"), options, {}, None, 0)
    out = cut_holdout(competition, task, tmp_path / "cut", 0.25)
    cut = read_competition(out)
    again = infer_task(cut)
    assert again.targets == ("colour",)
    assert again.id == (("wine_id",) if with_id else ("row",))
    assert len(cut.train) + len(cut.test) == 120
    answers = pd.read_csv(out / "private" / "answers.csv")
    assert answers[again.id[0]].tolist() == cut.test[again.id[0]].tolist()
    if folds == "time:bottled":
        assert cut.test["bottled"].min() > cut.train["bottled"].max()


def test_a_name_that_the_table_lacks(tmp_path: Path) -> None:
    write(tmp_path, cellar=wines())
    with pytest.raises(TaskError, match=r"--target.*'taste'.*points"):
        infer_task(read_competition(tmp_path), targets="taste")


def test_run_names_the_holdout_and_the_holdout_is_a_competition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = str(write(tmp_path, cellar=wines()) / "cellar.csv"), str(tmp_path / "cut")
    with pytest.raises(SystemExit) as ended:
        main(["run", path, "--target", "points", "--max-experiments", "1", "--runs-dir", str(tmp_path / "runs")])
    refused = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"medalist holdout {path} --target points --out FOLDER" in refused
    assert "--test FILE" in refused
    with pytest.raises(SystemExit) as ended:
        main(["holdout", path, "--target", "points", "--out", out])
    assert ended.value.code == 0
    assert infer_task(read_competition(out)).targets == ("points",)
    rest = wines()[:20].drop(columns="points").assign(wine=range(20))
    write(tmp_path, train=wines().assign(wine=range(500, 620)), rest=rest)
    named = read_competition(tmp_path / "train.csv", test=str(tmp_path / "rest.csv"), need_sample=False)
    assert len(named.test) == 20


@pytest.mark.parametrize("with_sample", [False, True])
def test_a_test_table_with_answers(tmp_path: Path, with_sample: bool) -> None:
    table = wines().assign(wine=range(120))
    write(tmp_path, train=table[:80], test=table[80:])
    if with_sample:
        write(tmp_path, sample_submission=table[80:][["wine"]].assign(points=0))
    competition = read_competition(tmp_path)
    assert "points" in competition.train
    assert "points" not in competition.test
    task = infer_task(competition)
    assert (task.id, task.targets) == (("wine",), ("points",))
    assert any("filled in" in note and "--target" in note for note in competition.notes)


def test_the_answers_in_test_may_be_named(tmp_path: Path) -> None:
    table = wines().assign(wine=range(120))
    write(tmp_path, train=table[:80], test=table[80:])
    competition, task = read(str(tmp_path), {"targets": ["colour"], "positive": "red"}, {}, None, 0)
    assert "colour" not in competition.test
    assert task.targets == ("colour",)


def test_two_competitions_in_one_folder(tmp_path: Path) -> None:
    table = wines().assign(wine=range(120))
    other = table.rename(columns={"wine": "beer", "sugar": "hops", "points": "stars"})
    for name, whole in (("first", table), ("second", other)):
        key, target = whole.columns[-1], whole.columns[-2]
        write(tmp_path / name, train=whole[:80], test=whole[80:].drop(columns=target))
        write(tmp_path / name, sample_submission=whole[80:][[key]].assign(**{target: 0}))
    with pytest.raises(InputError, match=r"more than one competition.*first/train.csv.*second/train.csv.*--train"):
        read_competition(tmp_path)
    files = {role: f"first/{name}.csv" for role, name in (("train", "train"), ("test", "test"))}
    named = read_competition(tmp_path, **files, sample="first/sample_submission.csv")
    assert infer_task(named).targets == ("points",)
    assert infer_task(read_competition(tmp_path / "second")).targets == ("stars",)


@pytest.mark.parametrize("with_test", [False, True])
def test_labels_and_a_table_of_properties_of_all_ids(tmp_path: Path, with_test: bool) -> None:
    table = wines().assign(wine=range(120))
    form = table[80:][["wine"]].assign(points=0)
    write(tmp_path, labels=table[:80][["wine", "points"]], wines=table.drop(columns="points"), sample_submission=form)
    if with_test:
        write(tmp_path, test=table[80:][["wine"]])
    competition = read_competition(tmp_path)
    task = infer_task(competition)
    assert (task.id, task.targets) == (("wine",), ("points",))
    assert competition.train["sugar"].tolist() == table["sugar"][:80].tolist()
    assert competition.test["sugar"].tolist() == table["sugar"][80:].tolist()


@pytest.mark.parametrize(("metric", "source"), [(None, "assumed"), ("logloss", "description")])
def test_a_holdout_of_a_table_asks_for_what_the_table_was_cut_for(
    tmp_path: Path, metric: str | None, source: str
) -> None:
    write(tmp_path, cellar=wines())
    competition, task = read(str(tmp_path / "cellar.csv"), {"targets": ["colour"], "metric": metric}, {}, None, 0)
    again = infer_task(read_competition(cut_holdout(competition, task, tmp_path / "cut")))
    assert (again.metric, again.metric_source) == (metric or task.metric, source)
    assert (again.problem_type, again.classes) == (task.problem_type, task.classes)
