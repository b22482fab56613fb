"""What earlier runs say of each kind of experiment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.agent.memory.experience import MOST_GAIN, Experience
from medalist.leaderboard.ledger.ledger import MOST_OF_A_RUN, Ledger

TOLD = st.tuples(
    st.sampled_from(["one", "two", "three"]),
    st.sampled_from(["seed", "portfolio:trees"]),
    st.sampled_from([None, "0", "1"]),
    st.floats(-1, 10),
)


def test_without_experience_the_prior_holds():
    assert Experience().expected("seed", 0.2) == pytest.approx(0.2)


@settings(max_examples=100, deadline=None)
@given(st.lists(TOLD, max_size=40), st.floats(0, 2))
def test_the_expected_gain_lies_between_the_prior_and_what_was_seen(told, prior):
    experience = Experience.of(told)
    for arm in ("seed", "portfolio:trees"):
        seen = [min(max(gain, 0), MOST_GAIN) for _, a, _, gain in told if a == arm]
        expected = experience.expected(arm, prior)
        assert min([prior, *seen]) - 1e-9 <= expected <= max([prior, *seen]) + 1e-9


def test_a_run_counts_once_however_often_it_tried():
    often = [("one", "seed", None, 0.0)] * 50 + [("two", "seed", None, 3.0)]
    assert Experience.of(often).expected("seed", 1.5) == pytest.approx(1.5)


def test_ideas_of_an_arm_are_told_apart():
    told = [(str(run), "portfolio:trees", idea, gain) for run in range(9) for idea, gain in (("0", 0.1), ("1", 2.0))]
    experience = Experience.of(told)
    first, second = (experience.expected("portfolio:trees", 0.5, idea) for idea in ("0", "1"))
    assert first < experience.expected("portfolio:trees", 0.5) < second


def test_the_ledger_tells_what_other_runs_gained(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ids = [ledger.start_run(name, {}, {"folds": {}}, "abc", 0, tmp_path) for name in ("first", "second")]
        for run, gain in zip(ids, (0.5, None), strict=True):
            recipe = {"family": "linear", "aside": {"arm": "seed", "idea": None, "gain": gain}}
            ledger.add_experiment(
                run,
                0,
                pipeline=recipe,
                pipeline_hash="a",
                family="linear",
                reason="why",
                verdict="keep",
                verdict_reason="",
            )
        assert ledger.gains() == [(ids[0], "seed", None, 0.5)]
        assert ledger.gains(exclude=ids[0]) == []


def test_a_long_night_hides_no_other_run(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        short, night = (ledger.start_run(name, {}, {"folds": {}}, "abc", 0, tmp_path) for name in ("short", "night"))
        for run, number in [(short, 0), *((night, n) for n in range(MOST_OF_A_RUN - 2, MOST_OF_A_RUN + 9))]:
            told = {"pipeline_hash": str(number), "family": "linear", "reason": "why"}
            recipe = {"family": "linear", "aside": {"arm": "seed", "idea": None, "gain": 0.1}}
            ledger.add_experiment(run, number, pipeline=recipe, verdict="keep", verdict_reason="", **told)
        assert sorted(run for run, *_ in ledger.gains()) == sorted([short, night, night])
