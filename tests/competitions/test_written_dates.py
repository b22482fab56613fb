"""Dates and times as people write them: read as the same dates in all tables, in every form."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import write

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.columns.local_times import with_local_times
from medalist.competitions.columns.reading_decisions import read_jointly, readings_of_further
from medalist.competitions.columns.readings import Readings
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.make import make_folds
from medalist.competitions.holdout import choose_rows
from medalist.competitions.task.infer import infer_task

DAYS = [
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%Y/%m/%d", "%d %b %Y", "%d %B %Y", "%B %d, %Y",
    "%d-%b-%y", "%a, %d %b %Y", "%Y-%b-%d", "%Y%m%d", "%Y-%j", "%G-W%V-%u", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S", "%d/%b/%Y:%H:%M:%S",
]  # fmt: skip


def readings_of(description: str = "", **tables: list) -> tuple[Readings, dict[str, pd.Series]]:
    frames = {role: pd.DataFrame({"at": pd.Series(column, dtype=object)}) for role, column in tables.items()}
    readings = read_jointly(frames, (), (), description, lambda role, _: frames[role])
    return readings, {role: readings.apply(frame)["at"] for role, frame in frames.items()}


def dates(column: pd.Series) -> list:
    parsed = parse_dates(column)
    assert parsed is not None
    return parsed.tolist()


@settings(max_examples=25, deadline=None)
@given(
    days=st.lists(st.integers(0, 6000), min_size=30, max_size=40, unique=True),
    minutes=st.integers(0, 1439),
    form=st.sampled_from(DAYS),
)
def test_dates_are_the_same_however_they_are_written(days: list, minutes: int, form: str) -> None:
    times = pd.Timestamp("2008-01-13") + pd.to_timedelta([0, 1, *days], unit="D")  # the 13th shows the order
    if "%H" in form or "%I" in form:
        times = times + pd.Timedelta(minutes=minutes)
    written = [time.strftime(form) for time in times]
    _, tables = readings_of(train=written[:20], test=written[20:])
    assert [*dates(tables["train"]), *dates(tables["test"])] == list(times)


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["5. März 2022", "17. Okt. 2022"], "2022-03-05"), (["5 février 2021", "1er août 2021"], "2021-02-05"),
        (["15 de enero de 2023", "2 de diciembre de 2023"], "2023-01-15"), (["2024Q2", "2024Q3"], "2024-04-01"),
        (["Q2 2024", "Q1 2025"], "2024-04-01"), (["2024M03", "2024M11"], "2024-03-01"),
        (["Mar-24", "Apr-24"], "2024-03-01"), (["2024-W05", "2024-W06"], "2024-01-29"),
        (["05/2023", "11/2023"], "2023-05-01"), (["2023.1.5", "2023.11.6"], "2023-01-05"),
        (["01.02.24 3:04 PM", "13.02.24 12:00 AM"], "2024-02-01 15:04:00"), (["3.2.55", "13.4.99"], "1955-02-03"),
        (["Spring 2020", "Winter 2021", "Fall 2020"], "2020-03-01"), (["2016年8月19日", "2017年12月1日"], "2016-08-19"),
        (["2019", "2020-05", "2020-05-17", "2021-11"], "2019-01-01"), (["Herbst 2020", "Frühling 2021"], "2020-09-01"),
    ],
)  # fmt: skip
def test_usual_forms(texts: list, first: str) -> None:
    _, tables = readings_of(train=texts * 10, test=texts)
    assert dates(tables["train"])[0] == dates(tables["test"])[0] == pd.Timestamp(first)


def test_one_late_day_in_any_table_decides_for_all() -> None:
    readings, tables = readings_of(train=["03/04/2021", "05/06/2021"], test=["07/08/2021", "25/08/2021"])
    assert tables["train"].tolist() == ["2021-04-03", "2021-06-05"]
    assert "day/month/year" in readings.notes[0]
    readings, tables = readings_of(train=["03/04/2021", "05/26/2021"], test=["07/08/2021", "06/07/2021"])
    assert dates(tables["train"])[0] == pd.Timestamp("2021-03-04")
    assert not readings.notes


def test_the_note_shows_a_date_whose_order_was_decided() -> None:
    readings, _ = readings_of(train=["2020-01-05", "2020-02-20"] * 9, test=["13/02/2021", "05/03/2021"] * 9)
    assert "13/02/2021 is 2021-02-13" in readings.notes[0]


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        ("`at` is written day/month/year.", True), ("Dates are DD/MM/YYYY", True), ("in the form dd-mm-yyyy", True),
        ("train ends on 25/12/2021.", True), ("Dates are MM/DD/YYYY.", False), ("month/day/year", False),
        ("It begins on 12/25/2020", False), ("The format is %d/%m/%Y.", True), ("Dates are day first.", True),
    ],
)  # fmt: skip
def test_the_description_decides_where_no_value_does(text: str, day_first: bool) -> None:
    readings, tables = readings_of(description=text, train=["03/04/2021", "05/06/2021"], test=["07/08/2021"])
    assert dates(tables["train"])[0] == (pd.Timestamp("2021-04-03") if day_first else pd.Timestamp("2021-03-04"))
    assert "as the description says" in readings.notes[0]


def early_days(seed: int = 0) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """The first twelve days of 21 months in random order, and those of the three months after them."""
    days = pd.date_range("2021-01-01", "2022-09-30")
    later = pd.date_range("2022-10-01", "2022-12-31")
    rng = np.random.default_rng(seed)
    return rng.permutation(days[days.day <= 12]), later[later.day <= 12]  # type: ignore[return-value]


def test_only_one_order_may_put_test_after_train() -> None:
    train, test = (pd.DatetimeIndex(days) for days in early_days())
    for form, name in (("%d/%m/%Y", "day/month/year"), ("%m-%d-%Y", "month/day/year")):
        readings, tables = readings_of(train=list(train.strftime(form)), test=list(test.strftime(form)))
        assert [*dates(tables["train"]), *dates(tables["test"])] == [*train, *test]
        assert name in readings.notes[0]
        assert "does test lie after train" in readings.notes[0]


def test_an_order_that_nothing_shows_is_said_and_the_remedy_works() -> None:
    texts = {"train": ["03/04/2021", "05/06/2021", "01/02/2021"], "test": ["07/08/2021", "02/03/2021"]}
    readings, tables = readings_of(**texts)
    assert dates(tables["train"])[0] == pd.Timestamp("2021-03-04")
    assert "Dates are written day/month/year." in readings.notes[0]
    _, tables = readings_of(description="Dates are written day/month/year.", **texts)
    assert dates(tables["train"])[0] == pd.Timestamp("2021-04-03")


def test_other_columns_show_the_order() -> None:
    frame = pd.DataFrame({"from": ["01/02/2021", "03/02/2021"], "to": ["14/02/2021", "05/03/2021"]})
    read = read_jointly({"train": frame, "test": frame}, (), (), "", lambda *_: None).apply(frame)
    assert read["from"].tolist() == ["2021-02-01", "2021-02-03"]
    further = pd.DataFrame({"holiday": ["01/05/2021", "03/10/2021"]})
    readings = read_jointly({"train": frame, "test": frame}, (), (), "", lambda *_: None)
    assert readings_of_further(readings, further).apply(further)["holiday"].tolist() == ["2021-05-01", "2021-10-03"]


def test_local_time_stays_where_offsets_differ() -> None:
    texts = ["2024-01-01T05:09:18+05:00", "2024-01-01 09:32:19 EST", "2023-12-31T16:37:43Z"]
    frame = pd.DataFrame({"at": texts * 5})
    readings = read_jointly({"train": frame, "test": frame}, (), (), "", lambda *_: None)
    read = readings.apply(frame)
    assert read["at"].head(3).tolist() == ["2024-01-01 05:09:18", "2024-01-01 09:32:19", "2023-12-31 16:37:43"]
    assert read["at_utc_offset"].head(3).tolist() == [5, -5, 0]
    assert read["at_utc"].head(2).tolist() == ["2024-01-01 00:09:18", "2024-01-01 14:32:19"]
    texts = ["2024-07-01 05:09:18 Asia/Kolkata", "2024-07-01T05:09:18-04:00[America/New_York]"]
    texts += ["2024-07-01 05:09 Europe/Paris", "2024-01-01 05:09 Europe/Paris", "2024-03-31 02:30 Europe/Paris"]
    frame = pd.DataFrame({"at": texts * 5})
    read = read_jointly({"train": frame, "test": frame}, (), (), "", lambda *_: None).apply(frame)
    assert read["at"].tolist()[4] == "2024-03-31 02:30:00"
    assert read["at_utc_offset"].head(5).tolist() == [5.5, -4, 2, 1, 2]
    same = pd.DataFrame({"at": ["2024-01-01T05:09:18+02:00", "2024-01-02T05:09:18+02:00"]})
    read = read_jointly({"train": same, "test": same}, (), (), "", lambda *_: None).apply(same)
    assert read.columns.tolist() == ["at"]
    assert read["at"].tolist() == ["2024-01-01 05:09:18", "2024-01-02 05:09:18"]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["14:30", "02:15"], [14.5, 2.25]), (["02:15:00 PM", "3 am"], [14.25, 3]),
        (["1:23:45", "30:00:00"], [5025, 108000]), (["2 days 03:00:00", "0 days 00:00:30"], [183600, 30]),
        (["-1 days +23:00:00", "1 days 00:00:00"], [-3600, 86400]),
        (["PT5M", "P1DT1H"], [300, 90000]), (["1h 20m", "45m"], [4800, 2700]), (["45:30", "09:10"], [2730, 550]),
        (["1:34.67", "2:01.5"], [94.67, 121.5]), (["9h15", "14h30"], [9.25, 14.5]),
    ],
)  # fmt: skip
def test_times_of_day_and_durations_are_numbers(texts: list, numbers: list) -> None:
    readings, tables = readings_of(train=texts * 3, test=texts)
    assert tables["test"].tolist() == pytest.approx(numbers)
    assert "hours" in readings.notes[0] or "seconds" in readings.notes[0]


def test_feet_and_inches_are_inches_and_the_other_reading_is_said() -> None:
    readings, tables = readings_of(train=[f"{5 + i % 2}'{i % 12}\"" for i in range(24)], test=["6'0\"", "5'11\""])
    assert tables["test"].tolist() == [72, 71]
    assert "inches" in readings.notes[0]
    assert "minutes and seconds as well" in readings.notes[0]


@pytest.mark.parametrize(
    ("texts", "degrees"),
    [
        (["48°51'N", "33°52'S"], [48.85, -33.8667]), (["2°21'07\"E", "0°7′39″W"], [2.3519, -0.1275]),
        (["48.8566° N", "33.8688° S"], [48.8566, -33.8688]),
    ],
)  # fmt: skip
def test_angles_are_degrees_with_a_sign(texts: list, degrees: list) -> None:
    readings, tables = readings_of(train=texts * 3, test=texts)
    assert tables["test"].tolist() == pytest.approx(degrees, abs=1e-4)
    assert "degrees" in readings.notes[0]


def test_years_alone_are_no_dates() -> None:
    assert readings_of(train=["2019", "2020"] * 9, test=["2021"])[1]["train"].tolist()[:2] == ["2019", "2020"]


def test_a_target_of_durations_is_in_seconds_and_refused_where_the_sample_shows_it_as_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"row": range(80), "x": rng.normal(size=80)})
    train["took"] = [f"1:{s // 60:02d}:{s % 60:02d}" for s in rng.integers(0, 3600, 80)]
    test = pd.DataFrame({"row": range(80, 120), "x": rng.normal(size=40)})
    folder = write(tmp_path, train=train, test=test, sample_submission=test[["row"]].assign(took=0))
    read = read_competition(folder)
    assert read.train["took"].between(3600, 7200).all()
    assert any("'took' holds durations: read as seconds" in note for note in read.notes)
    write(tmp_path, sample_submission=test[["row"]].assign(took="0:00:00"))
    with pytest.raises(InputError, match="write them in both as numbers of seconds"):
        read_competition(folder)
    write(tmp_path, train=train.assign(took=read.train["took"]), sample_submission=test[["row"]].assign(took=0))
    assert infer_task(read_competition(folder), metric="rmse").problem_type == "regression"


def test_dates_that_are_none_are_missing() -> None:
    texts = ["0000-00-00", "1500-01-01", "2500-01-01 00:00:00", *["2021-05-06"] * 57]
    parsed = parse_dates(pd.Series(texts))
    assert parsed is not None
    assert parsed.isna().tolist() == [True] * 3 + [False] * 57
    _, tables = readings_of(
        train=["00/00/0000", *["13/05/2021", "14/05/2021"] * 20], test=["13/05/2021", "1/5/1500"] * 9
    )
    assert tables["train"].isna().sum() == 1
    assert tables["test"].isna().sum() == 9


def test_digits_are_dates_only_where_all_of_them_can_be() -> None:
    months = pd.period_range("2020-11", periods=9, freq="M").strftime("%Y%m").astype(int)
    assert dates(pd.Series(months))[2] == pd.Timestamp("2021-01-01")
    assert parse_dates(pd.Series([*months, 202113])) is None
    hours = pd.date_range("2021-01-30 05:00", periods=9, freq="13h")
    assert dates(pd.Series(hours.strftime("%Y%m%d%H").astype(int))) == list(hours)
    assert dates(pd.Series(hours.strftime("%Y%m%d%H%M").astype(int))) == list(hours)


def written(folder: Path, form: str) -> Competition:
    """A competition of two years of days, whose test is the last quarter, with the days written in a form."""
    days = pd.date_range("2021-01-01", "2022-12-31")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"row": np.arange(len(days)), "day": days.strftime(form), "x": rng.normal(size=len(days))})
    frame["y"] = rng.normal(size=len(days))
    later = days >= "2022-10-01"
    train, test = frame[~later].sample(frac=1, random_state=0), frame[later].drop(columns="y")
    folder.mkdir()
    write(folder, train=train, test=test, sample_submission=test[["row"]].assign(y=0.0))
    return read_competition(folder)


def test_folds_and_holdouts_are_the_same_in_every_form(tmp_path: Path) -> None:
    found = []
    for place, form in enumerate(("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%y", "%m/%d/%Y", "%Y%m%d")):
        read = written(tmp_path / str(place), form)
        plan = choose_folds(read.train, read.test, problem_type="regression", targets=["y"])
        folds = make_folds(plan, read.train, None)
        task = infer_task(read, metric="rmse")
        held = choose_rows(read.train, read.test, task, 0.2, 0)
        found.append((plan.reason, [held.tolist() for _, held in folds.splits], held.tolist()))
    assert found[0][0].startswith("Test lies after train in day (train ends 2022-09-30, test 2022-12-31)")
    assert all(other == found[0] for other in found)


@pytest.mark.parametrize("beside", ["weekday", "workday", "month", "name", "quarter", "dayofyear", "week"])
@pytest.mark.parametrize("day_first", [True, False])
def test_another_column_shows_the_order_of_early_days(beside: str, day_first: bool) -> None:
    days = pd.Series([day for day in pd.date_range("2022-01-01", "2023-12-31") if day.day <= 12]).sample(
        frac=1, random_state=0, ignore_index=True
    )
    part = {
        "weekday": days.dt.day_name(), "workday": days.dt.day_of_week < 5, "month": days.dt.month,
        "name": days.dt.strftime("%b"), "quarter": days.dt.quarter, "dayofyear": days.dt.day_of_year,
        "week": days.dt.isocalendar().week.astype(int),
    }  # fmt: skip
    frame = pd.DataFrame({"at": days.dt.strftime("%d/%m/%Y" if day_first else "%m/%d/%Y"), beside: part[beside]})
    frame["other"] = np.random.default_rng(0).integers(0, 7, len(frame))
    readings = read_jointly({"train": frame, "test": frame[:50]}, (), (), "", lambda *_: None)
    assert dates(readings.apply(frame)["at"]) == days.tolist()
    assert any(f"agree with {beside!r}" in note for note in readings.notes)
    alone = read_jointly({"train": frame.drop(columns=beside), "test": frame[:50]}, (), (), "", lambda *_: None)
    assert any("nothing shows the order" in note for note in alone.notes)


@pytest.mark.parametrize("zone", ["region", "hours", "minutes", "text"])
@pytest.mark.parametrize("stamp", ["epoch", "iso", "name"])
def test_the_local_time_is_made_of_utc_and_a_column_of_zones(zone: str, stamp: str) -> None:
    utc = pd.Series(pd.date_range("2024-02-01", periods=80, freq="31h"))
    regions = np.where(np.arange(80) % 3 == 0, "Asia/Kolkata", "America/New_York")
    local = pd.Series([t.tz_localize("UTC").tz_convert(r) for t, r in zip(utc, regions, strict=True)])
    hours = np.array([t.utcoffset().total_seconds() / 3600 for t in local])
    zones = {"region": regions, "hours": hours, "minutes": hours * 60, "text": [t.strftime("%z") for t in local]}
    stamps = {"epoch": (utc - pd.Timestamp(0)) // pd.Timedelta("1s"), "iso": utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ")}
    stamps["name"] = utc.dt.strftime("%Y-%m-%d %H:%M:%S")
    name = "at_utc" if stamp == "name" else "at"
    frame = pd.DataFrame({name: stamps[stamp], "utc_offset": zones[zone]})
    train, test, notes = with_local_times(frame[:60], frame[60:])
    made = pd.concat([train, test])[f"{name}_local"]
    assert dates(made) == [t.tz_localize(None) for t in local]
    assert len(notes) == 1
    plain = frame.rename(columns={"utc_offset": "price"}).assign(price=hours * 100)
    assert with_local_times(plain[:60], plain[60:])[2] == ()
