"""Planted patterns of time: test lies after train, and what counts is in earlier rows or in the calendar of a key."""

from __future__ import annotations

import numpy as np
import pandas as pd
from patterns import ROWS, Draft, Generator, labels, stamps

HOUR, DAY = 3600, 86_400


def sensor_lag(rng: np.random.Generator) -> Draft:
    """The reading of a sensor three hours earlier, of eight machines that report every hour."""
    machine, hour, readings = _sensors(rng, 8)
    before = _shifted(readings[:, 0], machine, 3)
    return _of_sensors(rng, machine, hour, readings, np.nan_to_num(before))


def sensor_mean(rng: np.random.Generator) -> Draft:
    """The mean of a sensor over the last day, of eight machines that report every hour."""
    machine, hour, readings = _sensors(rng, 8)
    frame = pd.DataFrame({"m": machine, "x": readings[:, 0]})
    mean = frame.groupby("m")["x"].transform(lambda x: x.rolling(24, min_periods=1).mean()).to_numpy()
    return _of_sensors(rng, machine, hour, readings, mean)


def sensor_change(rng: np.random.Generator) -> Draft:
    """By how much a sensor has changed from six hours to a quarter of an hour ago; no machines, a row every quarter."""
    machine, hour, readings = _sensors(rng, 1)
    change = np.nan_to_num(_shifted(readings[:, 0], machine, 1) - _shifted(readings[:, 0], machine, 24))
    return _of_sensors(rng, machine, hour, readings, change, alone=True)


def window_in_time(rng: np.random.Generator) -> Draft:
    """The sum of what a customer paid in the last seven days; rows come in bursts, so that a count of rows is none."""
    customer = np.sort(rng.integers(0, 60, ROWS))
    gaps = np.where(rng.random(ROWS) < 0.25, rng.exponential(4.0, ROWS), rng.exponential(0.25, ROWS)) * DAY
    seconds = pd.Series(gaps).groupby(customer).cumsum().to_numpy() + rng.uniform(0, 30, 60)[customer] * DAY
    amount = np.round(rng.lognormal(3, 0.7, ROWS), 2)
    frame = pd.DataFrame({"c": customer, "t": seconds.astype(np.int64), "a": amount}).sort_values("t")
    frame = frame.reset_index(drop=True)
    ends = frame.assign(when=pd.to_datetime(frame["t"], unit="s")).set_index("when")
    paid = ends.groupby("c")["a"].rolling("7D", closed="left").sum().reset_index()
    paid = paid.groupby(["c", "when"], as_index=False)["a"].first().fillna(0.0)
    keys = pd.DataFrame({"c": frame["c"], "when": pd.to_datetime(frame["t"], unit="s")})
    feature = keys.merge(paid, how="left", on=["c", "when"])["a"].fillna(0.0).to_numpy()
    level = np.log1p(feature)
    return Draft("rmse", 10 + 2 * (level - level.mean()) / level.std(), level, hidden=[frame["a"].to_numpy()],
                 named={"paid_at": stamps(frame["t"].to_numpy()), "customer": labels(rng, frame["c"].to_numpy())},
                 in_time=True)  # fmt: skip


def season_of_key(rng: np.random.Generator) -> Draft:
    """A season of its own for each of sixteen products, by month, over four years of which the last is test's."""
    days = ROWS // 16
    day, product = np.repeat(np.arange(days), 16), np.tile(np.arange(16), days)
    month = ((np.datetime64("2019-01-01") + day).astype("datetime64[M]").astype(int) % 12).astype(int)
    season = rng.normal(0, 1, (16, 12))[product, month]
    level = rng.normal(0, 0.3, 16)[product]
    feature = season + level
    when = np.datetime_as_string(np.datetime64("2019-01-01") + day).astype(object)
    return Draft("rmse", 50 + 5 * feature, feature, named={"day": when, "product": labels(rng, product)}, in_time=True)


def season_of_many_keys(rng: np.random.Generator) -> Draft:
    """A season of its own, by month, for each of 80 products of which there is a row a week, three and a half years
    of them to learn from, beside the season of all; levels of the products differ by far more."""
    weeks = ROWS // 80
    week, product = np.repeat(np.arange(weeks), 80), np.tile(np.arange(80), weeks)
    month = ((np.datetime64("2021-01-04") + 7 * week).astype("datetime64[M]").astype(int) % 12).astype(int)
    season = rng.normal(0, 0.7, (80, 12))[product, month] + rng.normal(0, 0.7, 12)[month]
    feature = season + rng.normal(0, 2, 80)[product]
    when = np.datetime_as_string(np.datetime64("2021-01-04") + 7 * week).astype(object)
    return Draft("rmse", 50 + 5 * feature, feature, named={"day": when, "product": labels(rng, product)}, noise=0.35,
                 in_time=True)  # fmt: skip


def weekday_of_key(rng: np.random.Generator) -> Draft:
    """A week of its own for each of 40 shops."""
    days = ROWS // 40
    day, shop = np.repeat(np.arange(days), 40), np.tile(np.arange(40), days)
    feature = rng.normal(0, 1, (40, 7))[shop, day % 7]
    when = np.datetime_as_string(np.datetime64("2021-01-04") + day).astype(object)
    return Draft("rmse", 50 + 5 * feature, feature, named={"day": when, "shop": labels(rng, shop)}, in_time=True)


def holidays_of_countries(rng: np.random.Generator) -> Draft:
    """Public holidays of ten countries, which raise sales on the day and lower them on the day before."""
    import holidays

    names = ["Argentina", "Canada", "Estonia", "Finland", "Italy", "Japan", "Kenya", "Norway", "Singapore", "Spain"]
    codes = ["AR", "CA", "EE", "FI", "IT", "JP", "KE", "NO", "SG", "ES"]
    days = ROWS // 10
    day, country = np.repeat(np.arange(days), 10), np.tile(np.arange(10), days)
    dates = pd.date_range("2017-01-01", periods=days + 1)
    is_holiday = np.zeros((days + 1, 10))
    for k, code in enumerate(codes):
        of_country = holidays.country_holidays(code, years=range(2017, 2025))
        is_holiday[:, k] = [date.date() in of_country for date in dates]
    effects = rng.normal(3, 0.1), rng.normal(-2, 0.1)
    feature = effects[0] * is_holiday[day, country] + effects[1] * is_holiday[day + 1, country]
    when = np.array([str(d.date()) for d in dates[:days]], dtype=object)[day]
    return Draft("rmse", 100 + 10 * feature, feature, in_time=True,
                 named={"day": when, "country": np.array(names, dtype=object)[country]})  # fmt: skip


def _sensors(rng: np.random.Generator, machines: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Machine and time (ROWS,) of rows in the order of time, and four readings (ROWS, 4): autoregressive series."""
    steps = ROWS // machines
    noise = rng.normal(0, 1, (steps, machines, 4))
    readings = np.zeros_like(noise)
    for k in range(1, steps):
        readings[k] = 0.5 * readings[k - 1] + noise[k]
    time, machine = np.repeat(np.arange(steps), machines), np.tile(np.arange(machines), steps)
    return machine, time, np.round(readings.reshape(ROWS, 4), 4)


def _shifted(values: np.ndarray, key: np.ndarray, steps: int) -> np.ndarray:
    return pd.Series(values).groupby(key).shift(steps).to_numpy()


def _of_sensors(
    rng: np.random.Generator, machine: np.ndarray, hour: np.ndarray, readings: np.ndarray, feature: np.ndarray,
    *, alone: bool = False,
) -> Draft:  # fmt: skip
    mean = 20 + 4 * (feature - feature.mean()) / feature.std() + readings[:, 1]
    named = {"measured": stamps(hour.astype(np.int64) * HOUR)}
    if alone:
        named = {"measured": stamps(np.arange(ROWS) * (HOUR // 4))}
    else:
        named["machine"] = labels(rng, machine)
    return Draft("rmse", mean, feature, hidden=list(readings.T), named=named, in_time=True)


TIMES: dict[str, Generator] = {
    "sensor_lag": sensor_lag,
    "sensor_mean": sensor_mean,
    "sensor_change": sensor_change,
    "window_in_time": window_in_time,
    "season_of_key": season_of_key,
    "season_of_many_keys": season_of_many_keys,
    "weekday_of_key": weekday_of_key,
    "holidays_of_countries": holidays_of_countries,
}
