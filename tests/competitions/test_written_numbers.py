"""Numbers as people write them in tables: thousands, decimal commas, currencies, units, limits, missing values."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import make_tables, write

from medalist.competitions.columns.reading_decisions import read_jointly
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import TaskError
from medalist.competitions.task.infer import infer_task

SIGNS = [(".", ","), (",", "."), (",", " "), (".", "'"), (".", "\u00a0"), (",", "\u202f"), (",", ""), (".", "’")]
AROUND = ["{}", "$ {}", "${}", "{} €", "EUR {}", "{} kr", "R$ {}", "{}%", "{} %", "{} kg", "{} km/h", "{} m²"]


def grouped(number: float, decimal: str, group: str, places: int = 2) -> str:
    return f"{number:,.{places}f}".replace(",", "\0").replace(".", decimal).replace("\0", group)


def read(*tables: list, description: str = "") -> list[pd.Series]:
    """The column of train (and test), read jointly; the values as they are where they stay text."""
    frames = {
        role: pd.DataFrame({"value": pd.Series(column)})
        for role, column in zip(("train", "test"), tables, strict=False)
    }
    readings = read_jointly(frames, (), (), description, lambda role, _: frames[role].astype(str))
    return [readings.apply(frame)["value"] for frame in frames.values()]


def values(*texts: str, description: str = "") -> list:
    return read(list(texts), description=description)[0].tolist()


def competition(
    folder: Path, frame: pd.DataFrame, n: int = 60, target: str = "price", **options: object
) -> Competition:
    """A competition on disk from one frame, whose first `n` rows are train; `options` are those of to_csv."""
    test = frame[n:].drop(columns=target)
    folder.mkdir(exist_ok=True)
    for name, table in (
        ("train", frame[:n]),
        ("test", test),
        ("sample_submission", test[["Id"]].assign(**{target: 0})),
    ):
        table.to_csv(folder / f"{name}.csv", index=False, **options)
    return read_competition(folder)


@settings(deadline=None)
@given(
    numbers=st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=30, unique=True),
    signs=st.sampled_from(SIGNS),
    around=st.sampled_from(AROUND),
)
def test_numbers_are_the_same_however_they_are_written(numbers: list, signs: tuple, around: str) -> None:
    plain = [number / 100 for number in numbers]
    written = [around.format(grouped(number, *signs)) for number in plain]
    cut = len(written) // 2 + 1
    parts = read(written[:cut], written[cut:]) if cut < len(written) else read(written)
    assert np.concatenate([part.to_numpy(dtype=float) for part in parts]) == pytest.approx(plain)


def test_signs_before_and_after_numbers() -> None:
    assert values("(1,234.50)", "5.5", "7-", "−3", "+2") == [-1234.5, 5.5, -7, -3, 2]
    assert values("$(12)", "-$3", "$-4", "$1,250") == [-12, -3, -4, 1250]
    assert values("<1.0", "2.5", "~3", "7.1", "8", "≤ 9") == [1.0, 2.5, 3, 7.1, 8, 9]
    assert values("1.2e3", "$5", "1E-2") == [1200, 5, 0.01]
    assert values("12,34,567", "5,000", "12") == [1234567, 5000, 12]


def test_letters_multiply_numbers_where_they_differ() -> None:
    assert values("19M", "8.5M", "201k") == [19e6, 8.5e6, 201e3]
    assert values("€1.5M", "€300K") == [1.5e6, 3e5]
    assert values("1,5 Mio. €", "2 Mio. €") == [1.5e6, 2e6]
    assert values("12 months", "1 month") == [12, 1]


def test_percent_is_one_scale() -> None:
    assert values("12.5%", "3 %") == [12.5, 3]
    assert values("12.5%", "0.03") == pytest.approx([12.5, 3])


def test_words_for_missing_values_are_missing() -> None:
    assert values("1,5", "unknown", "2,5", "#DIV/0!", "?", "k.A.") == pytest.approx(
        [1.5, np.nan, 2.5, np.nan, np.nan, np.nan], nan_ok=True
    )
    once = [f"{n},5" for n in range(40)] + ["varies", "varies"]
    assert read(once)[0].isna().sum() == 2


@pytest.mark.parametrize(
    "texts",
    [
        ["007", "012", "120"], ["1.2.3", "1.10.4"], ["10.0.0.1", "192.168.100.200"],
        ["192.168.100.200", "172.100.100.120"],
        ["E11.9", "I10"], ["555 123 456", "555 999 120"], ["+49 170 12345", "0170 1234"], ["12345-6789", "12345-1111"],
        ["<=50K", ">50K"], ["18-30", "30-45", "<18"], ["5+", "3", "4"], ["$5", "€6"], ["3 kg", "5 m"], ["A1", "B2"],
        ["1st", "2nd", "3rd"], ["500,300,100", "200,100", "300,100,200,150"] * 10, ["v1", "v2"], ["12/5", "13/7"],
    ],
)  # fmt: skip
def test_codes_and_classes_stay_text(texts: list) -> None:
    assert values(*texts) == texts


def test_few_thousands_decide_for_all_tables() -> None:
    train, test = read(["161,2", "1.110,6", "82"], ["1.250", "4.000"])
    assert train.tolist() == [161.2, 1110.6, 82]
    assert test.tolist() == [1250, 4000]


def test_tables_may_be_written_in_different_ways() -> None:
    train, test = read(["1.161,25", "82,5"], ["1,250.5", "4.25"])
    assert train.tolist() == [1161.25, 82.5]
    assert test.tolist() == [1250.5, 4.25]


def test_two_readings_are_decided_by_other_rows_then_by_the_description() -> None:
    assert values("1,485", "2,300", "12,5") == [1.485, 2.3, 12.5]
    assert values("1,485", "2,300") == [1485, 2300]
    assert values("1,485", "2,300", description="Decimals are written with a comma.") == [1.485, 2.3]
    assert values("1,485", "2,300", "0,250") == [1.485, 2.3, 0.25]
    assert values("1,485", "20300") == [1.485, 20300]


def frame_of(n: int = 100, **columns: list) -> pd.DataFrame:
    tables = make_tables(n=60, n_test=n - 60)
    whole = pd.concat([tables["train"], tables["test"].assign(price=50)], ignore_index=True)
    return whole.assign(**columns)


def test_thousands_that_look_like_decimals_are_decided_by_the_rest_of_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    area = rng.integers(1000, 9000, 100)
    written = [grouped(a, ",", ".", 0) for a in area]
    width = [f"{w:.1f}".replace(".", ",") for w in rng.normal(5, 1, 100)]
    read = competition(tmp_path / "a", frame_of(area=written, size=width), sep=";")
    assert read.train["area"].tolist() == area[:60].tolist()
    assert read.test["area"].tolist() == area[60:].tolist()
    read = competition(tmp_path / "b", frame_of(area=written, size=width))  # the commas are quoted
    assert read.train["area"].tolist() == area[:60].tolist()
    assert read.train["size"].dtype == float
    read = competition(tmp_path / "c", frame_of(area=written))
    assert read.train["area"].tolist() == pytest.approx((area[:60] / 1000).tolist())
    assert not any("two readings" in note for note in read.notes)  # size has decimal points


def test_whole_numbers_below_a_thousand_show_that_points_stand_between_thousands(tmp_path: Path) -> None:
    area = np.random.default_rng(0).integers(200, 5000, 100)
    frame = frame_of(area=[grouped(a, ",", ".", 0) for a in area]).drop(columns="size")
    assert competition(tmp_path / "a", frame).train["area"].tolist() == area[:60].tolist()


def test_two_readings_without_evidence_are_said_and_the_remedy_settles_them(tmp_path: Path) -> None:
    area = np.random.default_rng(0).integers(1000, 9000, 100)
    frame = frame_of(area=[grouped(a, ",", ".", 0) for a in area]).drop(columns="size")
    read = competition(tmp_path, frame)
    note = next(note for note in read.notes if "'area' has two readings" in note)
    assert read.train["area"].max() < 10
    assert "Decimals are written with a comma." in note
    (tmp_path / "description.md").write_text("# A\n\nDecimals are written with a comma.\n\n## Evaluation\n\nRMSE\n")
    assert read_competition(tmp_path).train["area"].tolist() == area[:60].tolist()


def test_a_target_in_text_is_a_target_of_regression(tmp_path: Path) -> None:
    price = np.random.default_rng(1).normal(4000, 900, 100).round(2)
    read = competition(tmp_path / "a", frame_of(price=[f"$ {p:,.2f}" for p in price]))
    assert read.train["price"].tolist() == pytest.approx(price[:60].tolist())
    assert infer_task(read, metric="rmse").problem_type == "regression"


def test_the_form_of_the_sample_decides_what_a_percent_is_and_which_decimal_sign_is_written(tmp_path: Path) -> None:
    tables = make_tables()
    share = np.random.default_rng(2).uniform(5, 60, 60).round(1)
    train = tables["train"].assign(price=[f"{p}%" for p in share])
    for place, (sample, scale, decimal) in enumerate(
        [("0.0%", 1, "."), (0.25, 0.01, ""), (0, 1, ""), ("0,00", 1, ",")]
    ):
        folder = tmp_path / str(place)
        write(folder, train=train, test=tables["test"], sample_submission=tables["sample"].assign(price=sample))
        read = read_competition(folder)
        assert read.train["price"].tolist() == pytest.approx((share * scale).tolist())
        assert read.sample_form is not None
        assert read.sample_form.decimal == (decimal or ".")


def test_labels_with_numbers_in_them_stay_labels(tmp_path: Path) -> None:
    tables = make_tables()
    train = tables["train"].assign(price=["2d", "3d", "4d"] * 20)
    write(tmp_path, train=train, test=tables["test"], sample_submission=tables["sample"].assign(price="2d"))
    assert set(read_competition(tmp_path).train["price"]) == {"2d", "3d", "4d"}


def test_infinite_inputs_are_missing_and_infinite_targets_are_named(tmp_path: Path) -> None:
    tables = make_tables()
    tables["train"]["size"] = tables["train"]["size"].where(tables["train"].index != 3, np.inf)
    tables["train"]["price"] = tables["train"]["price"].astype(float).where(tables["train"].index != 7, -np.inf)
    folder = write(tmp_path, train=tables["train"], test=tables["test"], sample_submission=tables["sample"])
    read = read_competition(folder)
    assert read.train["size"].isna().sum() == 1
    assert any("'size' holds 1 infinite value" in note for note in read.notes)
    with pytest.raises(TaskError, match=r"'price' is infinite in 1 training row \(row 8"):
        infer_task(read, metric="rmse")
    write(tmp_path, train=tables["train"].drop(index=7))
    assert infer_task(read_competition(folder), metric="rmse").problem_type == "regression"


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["CHF 12.-", "CHF 5.50", "CHF 1'200.–"], [12, 5.5, 1200]),  # no cents, not minus
        (["12,-", "7,50", "1.200,-"], [12, 7.5, 1200]),
        (["1,205e+03", "2,331e-01", "4,100e+00"], [1205, 0.2331, 4.1]),  # no thousands before a power of ten
        (["\u0661\u0662", "\u0663\u0660", "\u0667"], [12, 30, 7]),
        (["\uff11\uff12", "\uff13", "\uff17"], [12, 3, 7]),
        (["6½", "7", "8¼", "¾"], [6.5, 7, 8.25, 0.75]),
        (["approx. $5", "$12", "about $7"], [5, 12, 7]),
        (["~ 300", "~ 450", "~ 1200"], [300, 450, 1200]),
        (["500 g", "1.5 kg", "20 kg", "750 g"], [0.5, 1.5, 20, 0.75]),
        (["30 cm", "1.2 m", "450 mm"], [0.3, 1.2, 0.45]),
        (["2 weeks", "1 day", "1 month"], [14, 1, 30.436875]),
        (["(15)", "20", "(7)"], [-15, 20, -7]),
    ],
)
def test_signs_around_numbers_change_or_keep_them(texts: list, numbers: list) -> None:
    assert values(*texts) == pytest.approx(numbers)
    frames = {"train": pd.DataFrame({"v": texts})}
    notes = read_jointly(frames, (), (), "", lambda *_: None).notes
    assert any("'v'" in note for note in notes)


@pytest.mark.parametrize(
    "texts",
    [
        ["+49 351 1234567", "+49 30 654321", "+49 89 99"],
        ["(555) 123-4567", "(212) 555-0101", "(917) 555-3434"],
        ["01067-1234", "80331-0001", "20095-4321"],
        ["1/2", "3/4", "1/12", "5/7"],
        ["3:5", "0:8", "2:2", "1:0"],
        [f"{18 + i % 19}:{20 + i % 17}" for i in range(300)],  # handball
        ["10-20", "20-30", "30-40", "40-50"],
        ["DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "FR14 2004 1010 0505 0001 3M02 606"],
        ["0x1f", "0xff", "0x0a"],
        ["51.5, -0.12", "48.85, 2.35", "40.7, -74.0"],
        ["1.0.2", "2.11.0", "10.4.13"],
        ["v1.2", "v1.10", "v2.0"],
        ["5 kg", "3 m", "7 kg", "2 l"],  # units of several quantities
        ["10 x 20", "15 x 30", "8 x 12"],
    ],
)
def test_what_is_no_number_stays_text(texts: list) -> None:
    assert values(*texts) == texts


def test_parts_in_which_thousands_look_like_decimals_are_read_again_as_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    amounts = rng.integers(1001, 9999, 180) + 0.0
    amounts[130] = 12345.5
    rows = pd.DataFrame({"Id": range(180), "amount": [grouped(a, ",", ".", int(a % 1 > 0)) for a in amounts]})
    rows["price"] = rng.normal(size=180).round(3)
    files = {"train_part1": rows[:60], "train_part2": rows[60:140], "test": rows[140:].drop(columns="price")}
    read = read_competition(write(tmp_path, **files, sample_submission=rows[140:][["Id"]].assign(price=0)))
    assert read.train["amount"].tolist() == amounts[:140].tolist()
    assert read.test["amount"].tolist() == amounts[140:].tolist()


def test_inputs_and_labels_apart_are_read_again_as_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    amounts = rng.integers(1001, 9999, 140) + 0.0
    amounts[[120, 130]] = 12345.5, 7.25
    rows = pd.DataFrame({"Id": range(140), "amount": [grouped(a, ",", ".", 2 * int(a % 1 > 0)) for a in amounts]})
    labels = pd.DataFrame({"Id": range(100), "price": rng.normal(size=100)})
    files = {"train_features": rows[:100], "test_features": rows[100:], "train_labels": labels}
    read = read_competition(write(tmp_path, **files, sample_submission=rows[100:][["Id"]].assign(price=0)))
    assert read.train["amount"].tolist() == amounts[:100].tolist()
    assert read.test["amount"].tolist() == amounts[100:].tolist()
