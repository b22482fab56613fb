"""What earlier competitions teach a run: each competition once, never the run's own."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.memory import LEARNED_EXPERIMENTS, same_competition
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow

NUMBER = iter(range(10**6))


def start(ledger: Ledger, competition: str, fingerprint: str = "") -> str:
    run_id = f"20260101-{next(NUMBER):06}-aaaa"  # ids of runs sort by time
    return ledger.start_run(competition, {}, {}, fingerprint, 0, f"runs/{run_id}", run_id)


def gain(ledger: Ledger, run_id: str, number: int, value: float | None, arm: str = "seed") -> None:
    row = ExperimentRow(
        number=number, pipeline={}, pipeline_hash=f"h{number}", family="linear", reason="r", verdict="keep",
        verdict_reason="v", arm=arm, gain_in_noise=value,
    )  # fmt: skip
    ledger.record_experiment(run_id, row)


def feature(text: str, status: str, shape: str = "number / number") -> FeatureRow:
    return FeatureRow(text, shape, 1, status)  # type: ignore[arg-type]


def test_gains_name_competitions_and_leave_the_own_one_out(url: str) -> None:
    with Ledger(url) as ledger:
        titanic, again, bikes, copy = (
            start(ledger, "titanic", "a"), start(ledger, "Titanic", "b"), start(ledger, "bikes", "c"),
            start(ledger, "cycles", "c"),
        )  # fmt: skip
        for run, value in ((titanic, 1.0), (again, 2.0), (bikes, 3.0), (copy, 4.0)):
            gain(ledger, run, 0, value)
        gain(ledger, titanic, 1, None)
        everything = ledger.gains()
        assert [g.gain_in_noise for g in everything] == [1.0, 2.0, 3.0, 4.0]
        assert [everything[k].competition == everything[0].competition for k in range(4)] == [True, True, False, False]
        assert everything[2].competition == everything[3].competition  # equal data under another name
        for run in (titanic, again):
            assert [g.gain_in_noise for g in ledger.gains(exclude=run)] == [3.0, 4.0]
        assert [g.gain_in_noise for g in ledger.gains(exclude=copy)] == [1.0, 2.0]


def test_the_demonstration_teaches_nothing(url: str) -> None:
    with Ledger(url) as ledger:
        demo, mine = start(ledger, "late-parcels", "a"), start(ledger, "mine", "b")
        gain(ledger, demo, 0, 2.0)
        ledger.add_features(demo, [feature("a / b", "kept")])
        gain(ledger, mine, 0, 1.0)
        assert [g.gain_in_noise for g in ledger.gains()] == [1.0]
        assert ledger.shapes() == {}


def test_a_long_night_teaches_by_its_beginning(url: str) -> None:
    with Ledger(url) as ledger:
        night = start(ledger, "night")
        for number in range(LEARNED_EXPERIMENTS - 2, LEARNED_EXPERIMENTS + 9):
            gain(ledger, night, number, 0.1)
        assert len(ledger.gains()) == 2


def test_shapes_count_an_expression_once_for_a_competition(url: str) -> None:
    with Ledger(url) as ledger:
        assert ledger.shapes() == {}
        one, two, later, other = (start(ledger, name) for name in ("a", "b", "b", "c"))
        ledger.add_features(one, [feature("a / b", "dropped"), feature("b / c", "kept"), feature("c / d", "candidate")])
        ledger.add_features(one, [feature("a / b", "kept"), feature("b / c", "redundant")])  # the last verdict counts
        for run in (two, later):
            ledger.add_features(run, [feature("a / b", "kept"), feature("x / y", "dropped")])
        ledger.add_features(later, [feature("a / b", "dropped"), feature("count(k)", "dropped", "count(key)")])
        ledger.add_features(later, [feature("y / z", "forced", "forced alone")])
        ledger.add_features(other, [feature("a / b", "kept"), feature("rank(a)", "removed", "rank(number)")])
        assert ledger.shapes() == {"number / number": (3, 5), "count(key)": (0, 1)}
        assert ledger.shapes(exclude=two) == {"number / number": (3, 3)}
        assert ledger.shapes(exclude=other) == {"number / number": (2, 4), "count(key)": (0, 1)}


STATUSES = st.sampled_from(["kept", "dropped", "redundant", "forced", "removed", "candidate"])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), STATUSES), max_size=15))
def test_shapes_agree_with_counting_by_hand(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, str]]
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        names = ("own", "one", "two", "two")
        runs = [start(ledger, name) for name in names]
        last: dict[tuple[int, str], str] = {}
        for run, text, status in steps:
            ledger.add_features(runs[run], [feature(text, status, text.upper())])
            if status not in ("redundant", "candidate"):
                last[run, text] = status
        verdicts = {(names[run], text): last[run, text] for run, text in sorted(last) if run != 0}
        expected: dict[str, tuple[int, int]] = {}
        for (_, text), status in verdicts.items():
            if status in ("kept", "dropped"):
                kept, tested = expected.get(text.upper(), (0, 0))
                expected[text.upper()] = (kept + (status == "kept"), tested + 1)
        assert ledger.shapes(exclude=runs[0]) == expected


@given(st.permutations([("1", "a", "x"), ("2", "b", "x"), ("3", "B", "y"), ("4", "c", "z"), ("5", "d", "")]))
def test_runs_that_share_a_name_or_data_are_of_one_competition(runs: list[tuple[str, str, str]]) -> None:
    names = same_competition(runs)
    assert names["1"] == names["2"] == names["3"]
    assert len({names[k] for k in "145"}) == 3
