"""A transformation of a train column is asked for: inferred, fitted, submitted and graded in the asked form."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.agent.grading import grade
from medalist.competitions.errors import MedalistError, TaskError
from medalist.competitions.inspection import inspection_document
from medalist.competitions.task.file import read_task, task_text, write_task
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.transform import FUNCTIONS, parse_transform

RMSE = " Submissions are evaluated on root mean squared error."
N, M = 90, 30
RNG = np.random.default_rng(3)


def competition(asked, target="rent", text="", value=0.0, values=None, **columns):
    x = RNG.normal(size=N + M).round(3)
    frame = pd.DataFrame({"flat": range(N + M), "x": x, **{n: f(N + M) for n, f in columns.items()}})
    train = frame[:N].reset_index(drop=True)
    train[target] = np.exp(7 + x[:N] + RNG.normal(size=N) / 4).round(2) if values is None else values
    test = frame[N:].reset_index(drop=True)
    return little_competition(train, test, test[["flat"]].assign(**{asked: value}), text + RMSE)


def areas(n):
    return RNG.uniform(20, 90, n).round(1)


CASES = {  # column of the sample, train's column, text, transformation
    "plus one": ("log_rent", "rent", "Predict the natural logarithm of the rent plus one.", "log1p"),
    "as a formula": ("log_rent", "rent", "`log_rent` = ln(rent + 1).", "log1p"),
    "numpy": ("target", "rent", "Submit np.log1p(rent) for every flat as `target`.", "log1p"),
    "one plus": ("LogRent", "rent", "LogRent is log(1 + rent).", "log1p"),
    "natural": ("ln_rent", "rent", "", "log"),
    "glued": ("lnrent", "rent", "", "log"),
    "with a word before": ("PredictedLogRent", "monthlyRent", "", "log"),
    "by the name": ("rent_log1p", "rent", "", "log1p"),
    "decimal by the name": ("log10_rent", "rent", "", "log10"),
    "decimal by the text": ("log_rent", "rent", "Logarithms are to base 10.", "log10"),
    "decimal with one": ("log_rent", "rent", "log_rent is log10(rent + 1).", "log10p1"),
    "binary": ("log2_rent", "rent", "", "log2"),
    "root": ("sqrt_rent", "rent", "", "sqrt"),
    "root by the text": ("answer", "rent", "`answer` is the square root of the rent.", "sqrt"),
    "cube root": ("cbrt_rent", "rent", "", "cbrt"),
    "cube root by the text": ("answer", "rent", "`answer` is the cube root of the rent.", "cbrt"),
    "sign": ("neg_rent", "rent", "", "negative"),
    "by the text alone": ("rent", "rent", "Please submit the natural log of the rent.", "log"),
    "per unit": ("rent_per_sqm", "rent", "", "per living_area"),
    "per unit by a formula": ("answer", "rent", "`answer` is rent / living_area.", "per living_area"),
    "divided by": ("answer", "rent", "`answer` is the rent divided by the `living_area`.", "per living_area"),
    "logarithm per unit": ("log_rent_per_sqm", "rent", "", "log of per living_area"),
    "difference": ("rent_change", "rent", "rent_change = rent - previous_rent.", "minus previous_rent"),
    "difference in words": ("change", "rent", "The difference between rent and previous_rent is asked for.",
                            "minus previous_rent"),
    "a formula as a name": ("log(rent+1)", "rent", "", "log1p"),
    "a ratio as a name": ("rent/living_area", "rent", "", "per living_area"),
    "thousands": ("rent_thousands", "rent", "", "per 1000"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_names_and_text_say_which_transformation_is_asked_for(case):
    asked, target, text, transform = CASES[case]
    data = competition(asked, target, text, living_area=areas, previous_rent=lambda n: RNG.uniform(300, 900, n))
    task = infer_task(data)
    assert (task.transform, task.targets, task.metric) == (transform, (target,), "rmse")
    assert any("--transform" in note and "task.yaml" in note for note in task.notes)
    encoded = task.encode(data.train)[:, 0]
    direct = parse_transform(transform).raw(data.train[target].to_numpy(), data.train)
    assert np.allclose(encoded, direct)
    frame = task.submission(data.test, np.full((M, 1), encoded.mean()), data.sample)
    assert list(frame.columns) == ["flat", asked]
    assert np.allclose(frame[asked], encoded.mean())


PLAIN = {
    "the same name": ("rent", "rent", ""),
    "the metric takes logarithms": ("rent", "rent", "RMSE between the logarithm of the predicted and the true rent."),
    "the metric takes natural logarithms": ("rent", "rent", "RMSE between ln(rent) predicted and ln(rent) measured."),
    "a metric with log in its name": ("answer", "rent", "We use the root mean squared logarithmic error."),
    "another word with log": ("catalog_rent", "rent", ""),
    "a description of train": ("log_rent", "log_rent", "`log_rent` is the natural log of the rent."),
    "a description of an input": ("rent", "rent", "The column `x` is the log of the income."),
    "normal logarithms": ("rent", "rent", "Predict rent, which is log-normally distributed."),
    "another name": ("prediction", "rent", "Predict the rent. Its logarithm is easier to learn."),
    "a logarithm of train": ("log_power", "log_power", "Predict `log_power`, the logarithm of the power, as in train."),
    "a root of train": ("sqrt_plot", "sqrt_plot", "Predict sqrt_plot, the square root of the plot's size."),
    "a logarithm in one word": ("lnpower", "lnpower", "Submit lnpower, which is the ln of the power."),
}


@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_target_stays_as_it_is(case):
    asked, target, text = PLAIN[case]
    most = {"rent": 0, "catalog_rent": 0, "log_rent": 8}.get(target, 90)  # numbers that may be no logarithms, too
    values = RNG.uniform(5, most, N) if most else None
    task = infer_task(competition(asked, target, text, values=values, living_area=areas))
    assert task.transform == ""
    assert not any("--transform" in note for note in task.notes)


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("Root mean squared error of log_rent.", "rmse"),
        ("The RMSE between the predicted and the true log rent.", "rmse"),
        ("The RMSE of the logarithm of the rent.", "rmse"),
        ("The root mean squared logarithmic error (RMSLE).", "rmsle"),
    ],
)
def test_the_logarithm_in_the_name_of_the_target_is_no_part_of_the_metric(text, metric):
    data = competition("log_rent", "log_rent", values=RNG.uniform(5, 50, N))
    data = little_competition(data.train, data.test, data.sample, text)
    assert (infer_task(data).metric, infer_task(data).metric_quote) == (metric, text)


def test_natural_logarithms_by_their_sign_are_logarithms_of_a_metric():
    data = competition("rent")
    text = "Submissions are scored by the RMSE between ln(rent) predicted and ln(rent) measured."
    task = infer_task(little_competition(data.train, data.test, data.sample, text))
    assert (task.metric, task.transform) == ("rmsle", "")


def test_noughts_in_the_target_need_one_to_be_added():
    values = np.where(np.arange(N) % 9, RNG.uniform(100, 900, N), 0.0)
    assert infer_task(competition("log_rent", values=values)).transform == "log1p"
    data = competition("log_rent", values=RNG.uniform(-900, 900, N))
    task = infer_task(data)
    assert task.transform == ""
    assert any("no logarithm" in note for note in task.notes)


def test_the_numbers_of_the_sample_choose_between_logarithms_and_show_one_that_nothing_names():
    values = np.exp(RNG.normal(7, 1, N)).round(2)
    for transform in ("log", "log10"):
        mean = float(FUNCTIONS[transform](values).mean())
        assert infer_task(competition("log_rent", value=mean, values=values)).transform == transform
    task = infer_task(competition("rent", value=float(np.log1p(values).mean()), values=values))
    assert task.transform in ("log", "log1p")
    assert any("mean of their logarithms" in note for note in task.notes)
    for plain in (0.0, 1.0, 0.5, float(values.mean()), float(np.median(values))):
        assert infer_task(competition("rent", value=plain, values=values)).transform == ""
    text = "Submit the natural log of the rent."
    task = infer_task(competition("rent", text=text, value=float(values.mean()), values=values))
    assert task.transform == ""
    assert any("itself" in note and "--transform" in note for note in task.notes)


def test_a_logarithm_of_train_is_undone_where_the_column_itself_is_asked_for():
    values = RNG.normal(7, 1, N)
    assert infer_task(competition("rent", "log_rent", values=values)).transform == "exp"
    text = "Train has log_rent = ln(rent + 1)."
    assert infer_task(competition("rent", "log_rent", text, values=values)).transform == "expm1"


def test_percent_and_shares():
    share = RNG.uniform(0, 1, N)
    assert infer_task(competition("vacancy_percent", "vacancy", values=share)).transform == "times 100"
    assert infer_task(competition("vacancy_share", "vacancy", values=share * 100)).transform == "per 100"
    assert infer_task(competition("vacancy_percent", "vacancy", value=0.4, values=share)).transform == ""
    assert infer_task(competition("rent_rank", value=0.5)).transform == "rank"


def test_logarithms_are_not_taken_twice():
    for text in ("Submissions are evaluated on RMSLE.", "The metric is the RMSE between the logarithms of the rents."):
        data = competition("log_rent")
        data = little_competition(data.train, data.test, data.sample, text)
        task = infer_task(data)
        assert (task.transform, task.metric) == ("log", "rmse")
        assert any("Logarithms are submitted" in note for note in task.notes)


def test_a_unit_that_no_column_shows_is_asked_for_and_the_remedy_works(tmp_path):
    data = competition("rent_per_day", a=areas, b=areas)
    with pytest.raises(TaskError, match="--transform 'per COLUMN', or --transform none"):
        infer_task(data)
    assert infer_task(data, transform="per b").transform == "per b"
    assert infer_task(data, transform="none").transform == ""
    path = tmp_path / "task.yaml"
    path.write_text("transform: per a\n")
    assert read_task(path, data).transform == "per a"


@pytest.mark.parametrize("asked", ["thefts_per_1000_guests", "thefts_per_thousand_guests"])
def test_a_ratio_to_a_multiple_of_a_column_is_refused_and_the_remedy_works(asked):
    made = competition(asked, "thefts", guests=lambda n: RNG.integers(500, 9000, n))
    with pytest.raises(TaskError, match=r"column of guests divided by (1000|thousand) .* --transform 'per'"):
        infer_task(made)
    tables = [table.assign(many=table["guests"] / 1000) for table in (made.train, made.test)]
    task = infer_task(little_competition(*tables, made.sample, RMSE), transform="per many")
    assert task.encode(tables[0])[:, 0] == pytest.approx(1000 * tables[0]["thefts"] / tables[0]["guests"])


def test_several_targets_share_a_transformation_or_are_refused_with_a_remedy():
    base = competition("log_rent")
    train = base.train.assign(heat=np.exp(RNG.normal(3, 1, N)))
    asked = {"log_rent": 0.0, "log_heat": 0.0}
    sample = base.test[["flat"]].assign(**asked)
    task = infer_task(little_competition(train, base.test, sample, RMSE))
    assert (task.transform, task.targets) == ("log", ("rent", "heat"))
    assert np.allclose(task.encode(train), np.log(train[["rent", "heat"]]))
    sample = base.test[["flat"]].assign(log_rent=0.0, heat=0.0)
    data = little_competition(train, base.test, sample, RMSE)
    with pytest.raises(TaskError) as caught:
        infer_task(data, targets=["rent", "heat"])
    assert "columns of the sample's names" in str(caught.value)
    mended = train.assign(log_rent=np.log(train["rent"]))
    assert infer_task(little_competition(mended, base.test, sample, RMSE)).targets == ("log_rent", "heat")


@pytest.mark.parametrize("transform", ["", "log1p", "per living_area", "log of per living_area", "minus x", "rank"])
def test_a_task_file_gives_the_same_task(transform, tmp_path):
    data = competition("answer", living_area=areas)
    task = infer_task(data, transform=transform)
    path = tmp_path / "task.yaml"
    write_task(task, path)
    again = read_task(path, data)
    assert again.transform == task.transform == transform
    assert np.array_equal(again.encode(data.train), task.encode(data.train))
    assert task_text(again) == task_text(read_task(path, data))
    shown = inspection_document(data, task, (), ())["task"]
    assert json.loads(json.dumps(shown)).get("transform", "") == transform


MISTAKES = {
    "unknown": ({"transform": "cube"}, "transform: 'cube' is none; write none, log"),
    "no operand": ({"transform": "per"}, "transform: 'per' is none"),
    "no such column": ({"transform": "per floor"}, "'floor' is no column of train"),
    "undefined": ({"transform": "log"}, "is not defined in 10 rows"),
    "classes": ({"transform": "log1p", "problem_type": "multiclass"}, "is for numbers"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_name_what_may_be_written(case):
    options, message = MISTAKES[case]
    data = competition("rent", values=np.where(np.arange(N) % 9, 50.5, 0.0) + np.arange(N) % 9)
    with pytest.raises(TaskError, match=message):
        infer_task(data, **options)


@pytest.mark.parametrize("named", ["log_rent", "rent"])
@pytest.mark.parametrize("form", ["log", "plain"])
def test_answers_are_accepted_in_either_form(named, form):
    data = competition("log_rent")
    task = infer_task(data)
    true = data.train["rent"].to_numpy()[:M]
    frame = task.submission(data.test, np.log(true)[:, None] + 0.25, data.sample)
    answers = data.test[["flat"]].assign(**{named: np.log(true) if form == "log" else true})
    if (named, form) == ("log_rent", "plain"):
        return  # a column of logarithms by its name is not guessed at
    assert grade(task, frame, answers).score == pytest.approx(0.25)


def test_answers_of_a_ratio_need_its_column():
    data = competition("rent_per_sqm", living_area=areas)
    task = infer_task(data)
    per = data.train["rent"].to_numpy()[:M] / data.test["living_area"].to_numpy()
    frame = task.submission(data.test, per[:, None], data.sample)
    plain = data.test[["flat"]].assign(rent=data.train["rent"].to_numpy()[:M])
    assert grade(task, frame, plain.assign(living_area=data.test["living_area"])).score == pytest.approx(0)
    with pytest.raises(MedalistError, match="'living_area'"):
        grade(task, frame, plain)


@settings(deadline=None)
@given(st.sampled_from(sorted(FUNCTIONS)), st.integers(0, 5))
def test_a_transformed_task_is_the_task_of_the_transformed_column(name, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.5, 5, N)
    data = competition("rent", values=values)
    plain = competition("rent", values=FUNCTIONS[name](values))
    one, other = infer_task(data, transform=name), infer_task(plain, transform="none")
    assert np.allclose(one.encode(data.train), other.encode(plain.train))
    assert (one.metric, one.problem_type, one.folds) == (other.metric, other.problem_type, other.folds)
