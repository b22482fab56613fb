"""Samples that ask for several quantiles of one target: what is recognised, what is decided, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from little import little_competition

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import MetricError, SubmissionError, TaskError
from medalist.competitions.inspection import inspection_document
from medalist.competitions.submission import check_submission
from medalist.competitions.task.coverage import coverages, named_levels
from medalist.competitions.task.file import read_task, write_task
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.levels import read_levels
from medalist.competitions.task.task import Task

N = 80
WINKLER = "Submissions are scored by the Winkler interval score of an 80 % prediction interval."


def rents(sample: dict[str, object], description: str = "", **train: object):
    """80 flats with their rent, and 20 for which the sample's columns are to be predicted."""
    rng = np.random.default_rng(0)
    known = pd.DataFrame({"flat": range(N), "area": rng.random(N), "rent": rng.normal(900, 90, N)}).assign(**train)
    test = pd.DataFrame({"flat": range(N, N + 20), "area": rng.random(20)})
    return little_competition(known, test, test[["flat"]].assign(**sample), description)


NAMES = [
    (("lower", "upper"), "The interval covers 90 % of rents.", (0.05, 0.95)),
    (("upper", "lower"), "alpha = 0.2", (0.1, 0.9)),
    (("rent_lo", "rent_hi"), "a 95% confidence interval", (0.025, 0.975)),
    (("lowerBound", "upperBound"), "The coverage of intervals should be 50 percent.", (0.25, 0.75)),
    (("min", "max"), "an interval that holds the rent in 60 % of cases", (0.2, 0.8)),
    (("lower_80", "upper_80"), "", (0.1, 0.9)),
    (("lo80", "hi80", "lo95", "hi95"), "", (0.025, 0.1, 0.9, 0.975)),
    (("lower", "median", "upper"), "the 5th, 50th and 95th percentile", (0.05, 0.5, 0.95)),
    (("lower", "upper"), "the quantiles 0.05 and 0.8 of the rent", (0.05, 0.8)),
    (("lower", "upper"), "the quantiles 0.1 and 0.95, that is, an 85% interval", (0.1, 0.95)),
    (("lower", "upper"), "Beside a 90 % interval the quantiles 0.4 and 0.5 are of interest.", (0.05, 0.95)),
    (("q05", "q50", "q95"), "", (0.05, 0.5, 0.95)),
    (("q0.9", "q0.1"), "", (0.1, 0.9)),
    (("q025", "q500", "q975"), "", (0.025, 0.5, 0.975)),
    (("p10", "p50", "p90"), "", (0.1, 0.5, 0.9)),
    (("0.025", "0.5", "0.975"), "", (0.025, 0.5, 0.975)),
    (("quantile_0.05", "quantile_0.95"), "", (0.05, 0.95)),
    (("rent_q_0_25", "rent_q_0_75"), "", (0.25, 0.75)),
    (("quantile 2.5%", "median", "quantile 97.5%"), "", (0.025, 0.5, 0.975)),
    (("q1", "q2", "q3"), "", (0.25, 0.5, 0.75)),
    (("10", "50", "90"), "Evaluated by the quantile loss.", (0.1, 0.5, 0.9)),
]


@pytest.mark.parametrize(("columns", "text", "levels"), NAMES, ids=[" ".join(names) for names, _, _ in NAMES])
def test_levels_are_read_from_names_and_the_description(columns, text, levels) -> None:
    competition = rents(dict.fromkeys(columns, 0.0), text)
    task = infer_task(competition)
    assert (task.layout, task.targets, task.problem_type) == ("per_level", ("rent",), "regression")
    assert task.levels == pytest.approx(levels)
    assert sorted(task.level_columns) == sorted(columns)
    assert task.width == len(levels)
    predictions = np.tile(np.arange(len(levels))[::-1], (20, 1))  # crossed
    frame = task.submission(competition.test, predictions, competition.sample)
    assert list(frame.columns) == ["flat", *columns]
    assert (np.diff(frame[list(task.level_columns)].to_numpy(), axis=1) > 0).all()
    check_submission(frame, competition.sample, ["flat"], ascending=task.level_columns)


@given(st.lists(st.integers(1, 999), min_size=2, max_size=6, unique=True), st.booleans())
def test_any_levels_are_read_from_decimal_names(thousandths, shuffled) -> None:
    names = [f"q{t / 1000:g}" for t in (thousandths if shuffled else sorted(thousandths))]
    found = read_levels(names, None, "")
    assert found is not None
    assert found.levels == pytest.approx(sorted(t / 1000 for t in thousandths))
    assert found.columns == tuple(sorted(names, key=lambda name: float(name[1:])))


NO_QUANTILES = [
    ({"low": 0.0, "high": 0.0}, ""),  # may be anything
    ({"y_1": 0.0, "y_2": 0.0, "y_3": 0.0}, "The quantile loss."),  # several targets
    ({"lower": 9.0, "upper": 1.0}, "an interval"),  # values fall
    ({"lat": 0.0, "lon": 0.0}, "an interval of quantiles"),
]


@pytest.mark.parametrize(("sample", "text"), NO_QUANTILES, ids=[" ".join(sample) for sample, _ in NO_QUANTILES])
def test_what_is_not_asked_for_as_quantiles_is_not_taken_for_them(sample, text) -> None:
    with pytest.raises(TaskError, match="cannot be told"):
        infer_task(rents(sample, text))


def test_classes_called_low_and_high_stay_classes() -> None:
    sizes = np.resize(["low", "high"], N)
    competition = rents({"low": 0.5, "high": 0.5}, "Log loss. An interval.", rent=sizes)
    task = infer_task(competition)
    assert (task.layout, task.levels) == ("per_class", ())


def test_targets_called_lower_and_upper_stay_targets() -> None:
    rng = np.random.default_rng(1)
    competition = rents({"lower": 0.0, "upper": 0.0}, "RMSE of the interval", lower=rng.random(N), upper=rng.random(N))
    task = infer_task(competition)
    assert (task.layout, task.targets) == ("per_target", ("lower", "upper"))


def test_a_sample_in_order_shows_what_names_leave_open() -> None:
    task = infer_task(rents({"low": 700.0, "high": 1100.0}))
    assert (task.levels, task.metric, task.metric_source) == ((0.05, 0.95), "winkler", "assumed")
    assert any("90% is assumed" in note and "--levels 0.05,0.95" in note for note in task.notes)


def test_the_levels_that_a_note_names_are_obeyed_as_flag_and_in_the_file(tmp_path) -> None:
    competition = rents({"low": 700.0, "high": 1100.0})
    assert infer_task(competition, levels=[0.25, 0.75]).levels == (0.25, 0.75)
    path = tmp_path / "task.yaml"
    write_task(infer_task(competition), path)
    assert yaml.safe_load(path.read_text())["levels"] == [0.05, 0.95]
    path.write_text(path.read_text().replace("levels: [0.05, 0.95]", "levels: [0.1, 0.9]"))
    task = read_task(path, competition)
    assert (task.levels, task.level_columns) == ((0.1, 0.9), ("low", "high"))
    path.write_text(path.read_text().replace("levels: [0.1, 0.9]", "levels: [0.1, 1.9]"))
    with pytest.raises(TaskError, match="ascending numbers between 0 and 1"):
        read_task(path, competition)


def test_levels_may_be_given_for_columns_of_any_name_but_for_each() -> None:
    competition = rents({"a": 0.0, "b": 0.0, "c": 0.0})
    task = infer_task(competition, levels=[0.2, 0.5, 0.8])
    assert (task.levels, task.level_columns, task.metric) == ((0.2, 0.5, 0.8), ("a", "b", "c"), "quantile_score")
    with pytest.raises(TaskError, match="2 quantile levels are named"):
        infer_task(competition, levels=[0.2, 0.8])


def test_the_target_of_several_candidates_is_that_of_the_names_or_is_asked_for() -> None:
    extra = np.random.default_rng(2).random(N)
    assert infer_task(rents({"rent_q10": 0.0, "rent_q90": 0.0}, deposit=extra)).targets == ("rent",)
    competition = rents({"q10": 0.0, "q90": 0.0}, deposit=extra)
    with pytest.raises(TaskError, match=r"of which column.*--target"):
        infer_task(competition)
    assert infer_task(competition, targets=["deposit"]).targets == ("deposit",)


def test_the_value_itself_between_the_ends_is_the_median() -> None:
    task = infer_task(rents({"rent_lower": 0.0, "rent": 0.0, "rent_upper": 0.0}, "80 % interval"))
    assert (task.levels, task.level_columns) == ((0.1, 0.5, 0.9), ("rent_lower", "rent", "rent_upper"))


METRICS = [
    (WINKLER, "winkler", "description"),
    ("The metric is the pinball loss at quantile 0.1 and at quantile 0.9.", "quantile_score", "description"),
    ("The score is the pinball loss of the 10th and the 90th percentile.", "quantile_score", "description"),
    ("Scored by the CRPS.", "crps", "description"),
    ("The evaluation metric is the root mean squared error.", "winkler", "assumed"),
]


@pytest.mark.parametrize(("text", "metric", "source"), METRICS)
def test_the_metric_is_one_of_quantiles(text, metric, source) -> None:
    task = infer_task(rents({"lower": 700.0, "upper": 1100.0}, text))
    assert (task.metric, task.metric_source) == (metric, source)
    assert task.scorer().levels == task.levels
    assert not any("Nothing says what the metric" in note for note in task.notes)


def test_a_metric_of_single_values_is_refused_and_one_that_the_message_names_works() -> None:
    competition = rents({"lower": 700.0, "upper": 1100.0})
    with pytest.raises(MetricError, match="--metric winkler or quantile_score"):
        infer_task(competition, metric="mae")
    assert infer_task(competition, metric="quantile_score").metric == "quantile_score"


def test_a_metric_of_quantiles_for_a_single_value_is_refused_or_not_assumed() -> None:
    competition = rents({"rent": 0.0}, "Scored by the CRPS.")
    assert infer_task(competition).metric_source == "assumed"
    with pytest.raises(TaskError, match="--levels"):
        infer_task(competition, metric="crps")
    assert infer_task(competition, metric="crps", levels=[0.5]).levels == (0.5,)


def test_a_value_and_its_uncertainty_are_refused_and_the_value_alone_is_a_task() -> None:
    text = "Evaluated on a modified Laplace Log Likelihood."
    with pytest.raises(TaskError, match=r"its uncertainty \(Confidence\).*take Confidence out of the sample"):
        infer_task(rents({"rent": 900.0, "Confidence": 70.0}, text))
    assert infer_task(rents({"rent": 900.0}, text)).targets == ("rent",)


def test_a_mean_and_its_deviation_are_refused_too() -> None:
    with pytest.raises(TaskError, match=r"uncertainty \(sigma\)"):
        infer_task(rents({"mu": 900.0, "sigma": 70.0}))
    assert infer_task(rents({"mu": 900.0})).targets == ("rent",)


def test_intervals_of_several_targets_are_refused_and_a_sample_of_one_is_a_task() -> None:
    extra = np.random.default_rng(2).random(N)
    ends = {f"{name}_{end}": 0.0 for name in ("rent", "deposit") for end in ("lower", "upper")}
    with pytest.raises(TaskError, match=r"quantiles of 2 targets.*make a sample for each"):
        infer_task(rents(ends, deposit=extra))
    first = {name: 0.0 for name in ends if name.startswith("rent")}
    assert infer_task(rents(first, deposit=extra)).targets == ("rent",)


def test_columns_of_any_name_beside_a_text_of_quantiles_are_asked_for_their_levels() -> None:
    competition = rents({"a": 0.0, "b": 0.0}, "Scored by the mean pinball loss of two quantiles.")
    with pytest.raises(TaskError, match=r"their levels with --levels, such as 0\.05,0\.95"):
        infer_task(competition)
    assert infer_task(competition, levels=[0.05, 0.95]).level_columns == ("a", "b")


def test_a_file_keeps_the_order_of_columns_that_names_give(tmp_path) -> None:
    competition = rents(dict.fromkeys(("lo80", "hi80", "lo95", "hi95"), 0.0))
    task = infer_task(competition)
    write_task(task, tmp_path / "task.yaml")
    assert read_task(tmp_path / "task.yaml", competition).level_columns == task.level_columns


def test_random_values_in_a_sample_contradict_weak_names_alone() -> None:
    noise = np.random.default_rng(5).random((20, 2))
    task = infer_task(rents({"q10": noise[:, 0], "q90": noise[:, 1]}, "quantiles"))
    assert task.levels == (0.1, 0.9)
    with pytest.raises(TaskError):
        infer_task(rents({"low": noise[:, 0], "high": noise[:, 1]}, "an interval"))


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Intervals shall hold the weight in 90 % of cases.", 0.9),
        ("The target coverage is 0.8.", 0.8),
        ("nominal coverage of 95%", 0.95),
        (r"with $\alpha = 0.05$", 0.95),
        ("We use α=0.2 throughout.", 0.8),
        ("a central 50% prediction interval", 0.5),
        ("An interval must contain the true value 75 percent of the time.", 0.75),
        ("confidence level 0.99", 0.99),
        ("It rains in 30 % of the months. Prices rose by 4 %.", None),
        ("Train holds 2,000 rows of 3 towns.", None),
    ],
)
def test_coverage_is_read_from_a_text(text, share) -> None:
    assert (coverages(text) or [None])[0] == (None if share is None else pytest.approx(share))


def test_listed_levels_are_read_where_a_sentence_lists_as_many() -> None:
    text = "Predict sales. The quantiles are 0.1, 0.5 and 0.9. There are 3 shops."
    assert named_levels(text, 3) == (0.1, 0.5, 0.9)
    assert named_levels(text, 2) is None


def test_ends_that_cross_are_refused_before_they_are_written() -> None:
    sample = pd.DataFrame({"flat": [1, 2], "lower": 0.0, "upper": 1.0})
    crossed = sample.assign(lower=[0.5, 3.0], upper=[0.5, 2.0])
    with pytest.raises(SubmissionError, match="'lower' of the submission is above 'upper' in 1 rows"):
        check_submission(crossed, sample, ["flat"], ascending=["lower", "upper"])


def test_a_competition_on_disk_is_read_whole(tmp_path) -> None:
    competition = rents({"lower": 700.0, "upper": 1100.0})
    for name, table in (("train", competition.train), ("test", competition.test), ("sample", competition.sample)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "about.md").write_text(f"## Evaluation\n\n{WINKLER}\n")
    read = read_competition(tmp_path)
    task: Task = infer_task(read)
    document = inspection_document(read, task, (), ())["task"]
    assert (document["levels"], document["level_columns"]) == ([0.1, 0.9], ["lower", "upper"])
    assert document["metric"] == "winkler"
    plain = inspection_document(read, infer_task(rents({"rent": 0.0})), (), ())["task"]
    assert "levels" not in plain


def test_a_table_of_answers_beside_an_interval_is_no_further_table(tmp_path) -> None:
    competition = rents({"lower": 700.0, "upper": 1100.0})
    inputs = {"floor": 1, "rooms": 2}
    tables = {"train": competition.train.assign(**inputs), "test": competition.test.assign(**inputs)}
    tables["sample_submission"] = competition.sample
    tables["solution"] = competition.test[["flat"]].assign(rent=np.arange(20.0))
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    roles = {file.path: file.role for file in read_competition(tmp_path).files}
    assert roles["sample_submission.csv"] == "sample"
    assert roles["solution.csv"] != "extra"
