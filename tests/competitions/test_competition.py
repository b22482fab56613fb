"""Reading a competition: roles come from contents, whatever the files are called and however they are packed."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import make_tables, roles, write

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError, TaskError
from medalist.competitions.task.infer import infer_task

SHARED = Path(__file__).resolve().parents[2] / "shared" / "competitions"
if not SHARED.is_dir():  # beside the repository
    SHARED = Path(__file__).resolve().parents[3] / "shared" / "competitions"


@pytest.mark.parametrize("name", sorted(p.name for p in SHARED.glob("*") if p.is_dir()) or [""])
def test_published_competitions_are_read_right(name: str) -> None:
    if not name:
        pytest.skip("the published competitions of ../shared are not here")
    competition = read_competition(SHARED / name)
    assert roles(competition) == {
        "public/train.csv": "train",
        "public/test.csv": "test",
        "public/sample_submission.csv": "sample",
        "public/description.md": "description",
        "private/answers.csv": "answers",
        "task.json": "answers",  # outside the public part
    }
    about = json.loads((SHARED / name / "task.json").read_text())
    assert competition.name == name
    assert competition.sample is not None
    assert list(competition.sample.columns) == [about["id_col"], *about["targets"]]
    assert not set(about["targets"]) & set(competition.test.columns)
    assert competition.fingerprint == read_competition(SHARED / name / "public").fingerprint
    assert competition.description.strip()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.permutations(["a", "b", "c", "train", "test", "sample", "x1"]),
    seed=st.integers(0, 5),
    target=st.sampled_from(["price", "size", "city"]),
)
def test_names_do_not_decide(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], seed: int, target: str
) -> None:
    """Whatever the three files are called, they get their roles by what they hold."""
    tables = make_tables(seed=seed)
    full = pd.concat([tables["train"], tables["test"].merge(tables["answers"], on="Id")])
    test = full[60:].drop(columns=target)
    sample = full[60:][["Id"]].assign(**{target: full[target].iloc[0]})
    folder = tmp_path_factory.mktemp("any")
    write(folder, **{names[0]: full[:60], names[1]: test, names[2]: sample})
    by_path = roles(read_competition(folder))
    assert by_path == {f"{names[0]}.csv": "train", f"{names[1]}.csv": "test", f"{names[2]}.csv": "sample"}


@pytest.mark.parametrize(
    "names",
    [
        ("cs-training", "cs-test", "sampleEntry"),
        ("train", "test", "gender_submission"),
        ("data__train", "data__test", "sampleSubmission"),
        ("TRAIN", "TEST", "SampleSubmission"),
        ("deep__er__one", "deep__two", "three"),
    ],
)
def test_usual_names(tmp_path: Path, names: tuple[str, str, str]) -> None:
    tables = make_tables()
    write(tmp_path, **dict(zip(names, (tables["train"], tables["test"], tables["sample"]), strict=True)))
    assert list(roles(read_competition(tmp_path)).values()) == ["train", "test", "sample"]


def test_zip_zipped_tables_and_folder_give_the_same_competition(tmp_path: Path) -> None:
    tables = make_tables()
    folder = write(tmp_path / "plain", train=tables["train"], test=tables["test"], sample=tables["sample"])
    (folder / "readme.md").write_text("Submissions are evaluated on RMSE.")
    whole, nested = tmp_path / "houses.zip", tmp_path / "nested.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        archive.writestr("__MACOSX/._train.csv", b"\0\1")
    each = tmp_path / "each"
    each.mkdir()
    for name in ("train", "test", "sample"):
        with zipfile.ZipFile(each / f"{name}.csv.zip", "w") as archive:
            archive.write(folder / f"{name}.csv", f"{name}.csv")
    with zipfile.ZipFile(nested, "w") as archive:
        for file in each.iterdir():
            archive.write(file, file.name)
    read = [read_competition(path) for path in (folder, whole, each, nested)]
    assert len({c.fingerprint for c in read}) == 1
    for competition in read:
        pd.testing.assert_frame_equal(competition.train, read[0].train)
    assert read[1].name == "houses"
    assert read[1].description == "Submissions are evaluated on RMSE."
    assert roles(read[1])["train.csv"] == "train"
    assert roles(read[2])["train.csv.zip/train.csv"] == "train"


def test_a_table_that_also_lies_there_zipped_is_taken_once(tmp_path: Path) -> None:
    tables = make_tables()
    write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("train", "test", "sample"):
            archive.write(tmp_path / f"{name}.csv", f"{name}.csv")
    by_path = roles(read_competition(tmp_path))
    assert (by_path["train.csv"], by_path["all.zip/train.csv"]) == ("train", "ignored")


@pytest.mark.parametrize("name", ["gender_submission", "sample_submission"])
def test_answers_beside_the_sample_are_never_handed_out(tmp_path: Path, name: str) -> None:
    tables = make_tables()
    rng = np.random.default_rng(1)
    sample = tables["sample"].assign(price=0 if name == "sample_submission" else rng.integers(0, 2, 40))
    full = tables["test"].merge(tables["answers"], on="Id")
    usage = tables["answers"].assign(Usage=["Public"] * 20 + ["Private"] * 20)
    write(tmp_path, train=tables["train"], test=tables["test"], answers=tables["answers"], full=full, s__usage=usage)
    write(tmp_path, **{name: sample})
    competition = read_competition(tmp_path)
    by_path = roles(competition)
    assert (by_path["train.csv"], by_path["test.csv"], by_path[f"{name}.csv"]) == ("train", "test", "sample")
    assert [by_path[f] for f in ("answers.csv", "full.csv", "s/usage.csv")] == ["answers"] * 3
    for path in ("answers.csv", "full.csv", "s/usage.csv"):
        with pytest.raises(InputError, match="no further table"):
            competition.extra(path)


def test_private_is_never_opened_and_public_is_the_competition(tmp_path: Path) -> None:
    tables = make_tables()
    write(tmp_path / "public", train=tables["train"], test=tables["test"], sample=tables["sample"])
    write(tmp_path / "private", answers=tables["answers"])
    (tmp_path / "private" / "broken.parquet").write_bytes(b"nothing")
    write(tmp_path, note=pd.DataFrame({"a": [1]}))
    by_path = roles(read_competition(tmp_path))
    assert by_path["private/answers.csv"] == "answers"
    assert by_path["private/broken.parquet"] == "answers"
    assert by_path["public/train.csv"] == "train"


def test_the_table_whose_name_is_tests_is_train(tmp_path: Path) -> None:
    tables = make_tables()
    write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"])
    write(tmp_path, training_extra=tables["train"].assign(Id=lambda t: t["Id"] + 10_000))
    by_path = roles(read_competition(tmp_path))
    assert (by_path["train.csv"], by_path["training_extra.csv"]) == ("train", "additional")


def test_a_sample_may_number_the_rows_of_a_test_that_has_no_id(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = pd.DataFrame(rng.integers(0, 255, (90, 6)), columns=[f"pixel{k}" for k in range(6)])
    train = pixels[:60].assign(label=rng.integers(0, 10, 60))
    sample = pd.DataFrame({"ImageId": range(1, 31), "Label": 0})
    write(tmp_path, train=train, test=pixels[60:], sample_submission=sample)
    competition = read_competition(tmp_path)
    by_path = roles(competition)
    assert (by_path["train.csv"], by_path["test.csv"], by_path["sample_submission.csv"]) == ("train", "test", "sample")
    task = infer_task(competition)
    assert (task.id, task.targets) == (("ImageId",), ("label",))
    frame = task.submission(competition.test, np.full((30, 1), 3.0), competition.sample)
    assert frame.columns.tolist() == ["ImageId", "Label"]
    assert frame["ImageId"].tolist() == list(range(1, 31))


def test_rows_without_a_target_are_left_out_with_a_note(tmp_path: Path) -> None:
    tables = make_tables()
    gaps = tables["train"].assign(price=tables["train"]["price"].where(tables["train"].index % 5 > 0))
    write(tmp_path, train=gaps, test=tables["test"], sample=tables["sample"])
    competition = read_competition(tmp_path)
    assert len(competition.train) == 48
    assert competition.train.index.tolist() == list(range(48))
    assert any(re.match(r"12 of 60 rows of train\.csv have no price: they are left out", n) for n in competition.notes)
    assert infer_task(competition).encode(competition.train).shape == (48, 1)
    write(tmp_path, train=gaps.assign(price=gaps["price"].where(gaps.index % 5 == 1)))
    competition = read_competition(tmp_path)
    assert len(competition.train) == 12  # however many they are
    assert any(re.match(r"48 of 60 rows of train\.csv have no price: they are left out", n) for n in competition.notes)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("form", ["price", "answer", ""])
def test_rows_without_the_target_that_is_named_are_left_out(tmp_path: Path, share: float, form: str) -> None:
    tables = make_tables()
    gone = np.arange(60) % 10 < 10 * share
    train = tables["train"].assign(price=tables["train"]["price"].mask(gone), later=np.arange(60.0))
    files = {"sample": tables["sample"].rename(columns={"price": form})} if form else {}
    write(tmp_path, train=train, test=tables["test"], **files)
    if form != "price":
        with pytest.raises(TaskError, match="--target"):
            infer_task(read_competition(tmp_path, need_sample=False), metric="rmse")
    competition = read_competition(tmp_path, need_sample=False, targets=["price"])
    assert len(competition.train) == (~gone).sum()
    task = infer_task(competition, targets="price", metric="rmse")
    assert np.isfinite(task.encode(competition.train)).all()
    assert any(f"{gone.sum()} of 60 rows of train.csv have no price" in note for note in competition.notes)


def test_equal_decimals_are_equal_where_only_one_table_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": range(3000), "x": rng.integers(0, 50, 3000) / 100, "y": rng.random(3000).round(3)})
    write(tmp_path, train=table[:2500], test=table[2500:].drop(columns="y"))
    write(tmp_path, sample=table.loc[2500:, ["id"]].assign(y=0))
    monkeypatch.setattr("medalist.competitions.tables.reading.LARGE_BYTES", (tmp_path / "train.csv").stat().st_size - 1)
    competition = read_competition(tmp_path)
    assert competition.train["x"].dtype == competition.test["x"].dtype == np.float32
    assert competition.test["x"].isin(competition.train["x"]).all()


def test_further_tables_are_read_on_request(tmp_path: Path) -> None:
    tables = make_tables()
    cities = pd.DataFrame({"city": ["Rome", "Oslo", "Lima"], "people": [3, 1, 10]})
    write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"], geo__cities=cities)
    competition = read_competition(tmp_path)
    assert roles(competition)["geo/cities.csv"] == "extra"
    pd.testing.assert_frame_equal(competition.extra("cities.csv"), cities)
    with pytest.raises(InputError, match=r"geo/cities\.csv"):
        competition.extra("stores.csv")


def test_the_description_is_the_text_that_speaks_of_the_evaluation(tmp_path: Path) -> None:
    tables = make_tables()
    write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"])
    (tmp_path / "data_description.txt").write_text("size: in metres\ncity: a name\n")
    (tmp_path / "page.html").write_text(
        "<html><style>p {}</style><h2>Evaluation</h2><p>Submissions are scored by <b>MAE</b>.</p></html>"
    )
    competition = read_competition(tmp_path)
    assert "Submissions are scored by MAE." in competition.description
    assert "style" not in competition.description
    assert "metres" in read_competition(tmp_path, description="data_description.txt").description


@pytest.mark.parametrize(
    ("path", "name"),
    [("titanic", "titanic"), ("titanic/data/raw", "titanic"), ("titanic/public", "titanic"), ("Input/s3e1", "s3e1")],
)
def test_the_name_is_that_of_a_folder_above_general_ones(tmp_path: Path, path: str, name: str) -> None:
    tables = make_tables()
    folder = write(tmp_path / path, train=tables["train"], test=tables["test"], sample=tables["sample"])
    assert read_competition(folder).name == name
    assert read_competition(folder, name="other").name == "other"


def test_the_fingerprint_follows_the_data(tmp_path: Path) -> None:
    tables = make_tables()
    write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"])
    before = read_competition(tmp_path).fingerprint
    assert len(before) == 16
    assert read_competition(tmp_path).fingerprint == before
    write(tmp_path, test=tables["test"].assign(size=1))
    assert read_competition(tmp_path).fingerprint != before


def test_runs_of_the_agent_within_a_competition_are_no_part_of_it(tmp_path: Path) -> None:
    """Their logs speak of evaluation, their submissions look like samples, and a demonstration has a public part."""
    tables = make_tables()
    write(tmp_path, **tables)
    (tmp_path / "about.md").write_text("Submissions are evaluated by the root mean squared error.", encoding="utf-8")
    before = read_competition(tmp_path)
    run = tmp_path / "runs" / "contest" / "20261127-000000-abcd"
    (run / "predictions").mkdir(parents=True)
    (run / "log.txt").write_text("scored by mae; evaluation, metric, leaderboard, accuracy, error", encoding="utf-8")
    (run / "task.yaml").write_text("metric: mae", encoding="utf-8")
    tables["sample"].to_csv(run / "submission.csv", index=False)
    alone = tmp_path / "kept" / run.name
    shutil.copytree(run, alone)
    (tmp_path / "runs" / "ledger.sqlite").write_bytes(b"")
    write(tmp_path / "runs" / "demo" / "parcels" / "public", **make_tables())
    after = read_competition(tmp_path)
    assert after.description == before.description
    assert after.files == before.files
    assert after.fingerprint == before.fingerprint
