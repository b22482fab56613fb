"""The fold plan follows from how test was separated from train."""

import numpy as np
import pandas as pd
import pytest
from little import partitions

from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_time import forecast_horizon
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan

RNG = np.random.default_rng(7)


def _days(start: str, periods: int, freq: str = "D") -> list[str]:
    return pd.date_range(start, periods=periods, freq=freq).strftime("%Y-%m-%d %H:%M:%S").tolist()


def test_test_after_train_gives_expanding_windows_as_long_as_test():
    train = pd.DataFrame({"id": range(1461 * 3), "date": np.repeat(_days("2017-01-01", 1461), 3)})
    test = pd.DataFrame({"id": range(9000, 9000 + 365 * 3), "date": np.repeat(_days("2021-01-01", 365), 3)})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column, plan.n_splits, plan.horizon) == ("time", "date", 2, 365.0)
    years = [set(train["date"].iloc[held].str[:4]) for _, held in make_folds(plan, train, None).splits]
    assert years == [{"2019"}, {"2020"}]


def test_a_short_horizon_gives_more_windows_and_a_gap_is_kept():
    train = pd.DataFrame({"day": _days("2020-01-01", 700)})
    test = pd.DataFrame({"day": _days("2021-12-15", 14)})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.n_splits) == ("time", 5)
    assert plan.gap == pytest.approx(14.0)
    for fitted, held in make_folds(plan, train, None).splits:
        assert held[0] - fitted[-1] >= 15


def test_history_shorter_than_test_still_gives_two_windows():
    train, test = pd.DataFrame({"d": _days("2020-01-01", 100)}), pd.DataFrame({"d": _days("2020-04-10", 90)})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.n_splits) == ("time", 2)
    assert len(make_folds(plan, train, None).splits) == 2


def test_a_year_as_a_number_is_time():
    train = pd.DataFrame({"season": np.repeat(range(2010, 2019), 20), "x": RNG.normal(size=180)})
    test = pd.DataFrame({"season": np.repeat([2019], 20), "x": RNG.normal(size=20)})
    plan = choose_folds(train, test, problem_type="binary")
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "season", 1.0)


def test_of_several_columns_of_time_the_finest_is_taken():
    days = pd.Series(_days("2017-01-01", 1826))
    table = pd.DataFrame({"year": days.str[:4].astype(int), "date": days})
    plan = choose_folds(table[:1461], table[1461:], problem_type="regression")
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "date", 365.0)


def test_the_last_time_of_train_may_be_the_first_of_test():
    train, test = (
        pd.DataFrame({"day": np.repeat(_days(*days), 10)}) for days in (("2023-01-01", 365), ("2023-12-31", 14))
    )
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "day", 13.0)


def test_dates_of_a_short_test_are_read_as_those_of_train():
    days = pd.Series(pd.date_range("2022-01-01", "2024-01-12").strftime("%d/%m/%Y"))
    train, test = pd.DataFrame({"day": days[:-12]}), pd.DataFrame({"day": days[-12:]})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.n_splits, plan.horizon) == ("time", 5, 12.0)


def test_tables_with_different_forms_of_dates_are_read_each_by_its_form():
    train = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=900).strftime("%Y-%m-%d")})
    test = pd.DataFrame({"day": pd.date_range("2022-06-19", periods=30).strftime("%d.%m.%Y")})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.horizon) == ("time", 30.0)


def test_the_reach_is_that_of_test_where_folds_are_shorter():
    days = [(_days("2019-01-01", 731), _days("2021-01-01", 365)), (_days("2017-01-01", 1461), _days("2021-01-01", 365))]
    for train_days, test_days in days:
        train, test = pd.DataFrame({"d": train_days}), pd.DataFrame({"d": test_days})
        plan = choose_folds(train, test, problem_type="regression")
        assert forecast_horizon(plan, train, test) == 365.0
    slip = pd.DataFrame({"d": [*test_days, "2099-12-31 00:00:00"]})
    assert forecast_horizon(plan, train, slip) == plan.horizon  # further than train goes back
    of_folds = pytest.approx(1460 / 7)  # the span of folds without a horizon
    assert forecast_horizon(FoldPlan("time", 5, "d"), train, train) == of_folds
    assert forecast_horizon(FoldPlan("random", 5), train, test) is None
    assert forecast_horizon(FoldPlan("time", 2, "d", horizon=30.0, gap=2.0), train, train) == 32.0


def test_the_later_part_of_each_month_gives_blocks_over_all_months():
    hours = pd.Series(pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h"))
    day = hours.dt.day
    train = pd.DataFrame({"when": hours[day <= 14].astype(str).to_numpy()})
    test = pd.DataFrame({"when": hours[(day > 14) & (day <= 19)].astype(str).to_numpy()})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column, plan.n_splits) == ("blocks", "when", 3)
    assert 4 < plan.horizon < 5
    assert "24 stretches" in plan.reason
    folds = make_folds(plan, train, None)
    assert folds.complete
    for _, held in folds.splits:
        months = pd.to_datetime(train["when"].iloc[held])
        assert months.dt.strftime("%Y-%m").nunique() == 24
        assert months.dt.day.nunique() <= 6


def test_a_running_id_after_train_is_no_time():
    train = pd.DataFrame({"id": range(500), "x": RNG.normal(size=500)})
    test = pd.DataFrame({"id": range(500, 700), "x": RNG.normal(size=200)})
    assert choose_folds(train, test, problem_type="regression").scheme == "random"
    assert choose_folds(train, test, problem_type="binary").scheme == "stratified"


def test_dates_dealt_at_random_are_no_time():
    dates = np.array(_days("2020-01-01", 800))
    RNG.shuffle(dates)
    train, test = pd.DataFrame({"d": dates[:600]}), pd.DataFrame({"d": dates[600:]})
    assert choose_folds(train, test, problem_type="multiclass").scheme == "stratified"


def _grouped(disjoint: bool, structured: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = np.repeat(np.arange(300), 4)
    in_test = (keys % 5 == 0) if disjoint else RNG.random(len(keys)) < 0.2
    name = [f"{k:04d}_{i % 4}" for i, k in enumerate(keys)] if structured else [f"user{k}" for k in keys]
    table = pd.DataFrame({"who": name, "x": RNG.normal(size=len(keys)), "colour": RNG.choice(["r", "g"], len(keys))})
    return table[~in_test].reset_index(drop=True), table[in_test].reset_index(drop=True)


@pytest.mark.parametrize("structured", [False, True])
def test_keys_that_do_not_overlap_give_groups_and_keys_that_do_give_none(structured):
    train, test = _grouped(disjoint=True, structured=structured)
    plan = choose_folds(train, test, problem_type="binary")
    assert (plan.scheme, plan.column, plan.separator) == ("group", "who", "_" if structured else None)
    train, test = _grouped(disjoint=False, structured=structured)
    assert choose_folds(train, test, problem_type="binary").scheme == "stratified"


def test_whole_days_that_train_and_test_do_not_share_are_held_out_whole():
    day = np.repeat(np.array(_days("2020-01-01", 300)), 6)
    in_test = np.isin(day, RNG.choice(np.unique(day), 60, replace=False))
    train, test = pd.DataFrame({"day": day[~in_test]}), pd.DataFrame({"day": day[in_test]})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column) == ("group", "day")
    for fitted, held in make_folds(plan, train, None).splits:
        assert not set(train["day"].iloc[fitted]) & set(train["day"].iloc[held])


def test_what_a_person_asks_for_is_obeyed():
    train, test = _grouped(disjoint=False, structured=False)
    train["when"] = range(len(train))
    plan = choose_folds(train, test, problem_type="binary", scheme="group", column="who", n_splits=10)
    assert (plan.scheme, plan.column, plan.n_splits) == ("group", "who", 10)
    plan = choose_folds(train, test, problem_type="binary", scheme="time", column="when")
    assert len(make_folds(plan, train, None).splits) == plan.n_splits
    plan = choose_folds(train, test, problem_type="binary", scheme="blocks", column="when", n_splits=4)
    assert partitions(make_folds(plan, train, None), len(train))
    assert choose_folds(train, test, problem_type="binary", scheme="random").scheme == "random"
    with pytest.raises(TaskError, match="is no fold scheme"):
        choose_folds(train, test, problem_type="binary", scheme="kfold")
    with pytest.raises(TaskError, match="no column 'nope'"):
        choose_folds(train, test, problem_type="binary", scheme="group", column="nope")
    with pytest.raises(TaskError, match="holds neither dates nor numbers"):
        choose_folds(train[["who"]], test[["who"]], problem_type="binary", scheme="time")
    with pytest.raises(TaskError, match="1 folds cannot be made"):
        choose_folds(train, test, problem_type="binary", n_splits=1)


def test_coordinates_of_places_that_test_has_for_itself_are_groups():
    places = pd.DataFrame({"latitude": RNG.uniform(40, 60, 50), "longitude": RNG.uniform(0, 20, 50)})
    rows = places.sample(1000, replace=True, random_state=0).assign(x=RNG.normal(size=1000))
    mixed = np.isin(rows.index, RNG.choice(50, 10, replace=False))
    plan = choose_folds(rows[~mixed], rows[mixed], problem_type="regression")
    assert (plan.scheme, plan.column) == ("group", "latitude")
    train = rows[~mixed].assign(place=rows.index[~mixed].astype(str))
    with_key = choose_folds(train, rows[mixed].assign(place=rows.index[mixed].astype(str)), problem_type="regression")
    assert with_key.column == "place"  # a key goes before what is true of it
    random = RNG.random(len(rows)) < 0.3
    stored = rows[~random].astype(np.float32).astype(float)  # train alone is in single precision
    assert choose_folds(stored, rows[random], problem_type="regression").scheme == "random"


def test_a_column_measured_more_finely_in_test_is_no_key():
    x = RNG.normal(size=2000)
    train, test = pd.DataFrame({"x": x[:1500].round(1) + 0.05}), pd.DataFrame({"x": x[1500:]})
    assert choose_folds(train, test, problem_type="regression").scheme == "random"
