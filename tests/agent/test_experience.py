"""What earlier competitions say of each kind of experiment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.agent.memory.experience import MOST_GAIN, Experience
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow

GAINS = st.tuples(
    st.sampled_from(["one", "two", "three"]),
    st.sampled_from(["seed", "portfolio:trees"]),
    st.sampled_from([None, "0", "1"]),
    st.floats(-1, 10),
)


def test_without_experience_the_prior_holds():
    assert Experience().expected("seed", 0.2) == pytest.approx(0.2)


@settings(deadline=None)
@given(st.lists(GAINS, max_size=40), st.floats(0, 2))
def test_the_expected_gain_lies_between_the_prior_and_what_was_seen(gains, prior):
    experience = Experience.of(gains)
    for arm in ("seed", "portfolio:trees"):
        seen = [min(max(gain, 0), MOST_GAIN) for _, a, _, gain in gains if a == arm]
        expected = experience.expected(arm, prior)
        assert min([prior, *seen]) - 1e-9 <= expected <= max([prior, *seen]) + 1e-9


def test_a_competition_counts_once_however_often_it_tried():
    often = [("one", "seed", None, 0.0)] * 50 + [("two", "seed", None, 3.0)]
    assert Experience.of(often).expected("seed", 1.5) == pytest.approx(1.5)


def test_ideas_of_an_arm_have_gains_of_their_own():
    gains = [(str(run), "portfolio:trees", idea, gain) for run in range(9) for idea, gain in (("0", 0.1), ("1", 2.0))]
    experience = Experience.of(gains)
    first, second = (experience.expected("portfolio:trees", 0.5, idea) for idea in ("0", "1"))
    assert first < experience.expected("portfolio:trees", 0.5) < second


def test_twenty_runs_of_one_competition_count_as_one(tmp_path):
    """Defect: each run counted as a competition, so that twenty of one outvoted all others."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for name, gain in [*[("often", 0.0)] * 20, ("once", 2.0), ("late-parcels", 3.0), ("mine", 3.0)]:
            run = ledger.start_run(name, {}, {"folds": {}}, f"data of {name}", 0, tmp_path)
            row = ExperimentRow(
                number=0, pipeline={}, pipeline_hash="a", family="linear", reason="why", verdict="keep",
                verdict_reason="", arm="seed", gain_in_noise=gain,
            )  # fmt: skip
            ledger.record_experiment(run, row)
        gains = ledger.gains(exclude=run)
    assert Experience.of(gains).expected("seed", 1.0) == pytest.approx((4 * 1.0 + 0.0 + 2.0) / 6)
