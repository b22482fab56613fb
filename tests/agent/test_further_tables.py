"""A run uses tables that hold several rows for each row's own id, and none of train alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import assert_valid, here, write

from medalist.agent.records.stores import open_ledger
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run_data import RunData

TRAIN, TEST = 400, 200


def lending(folder: Path) -> Path:
    """Clients under ids of 19 digits, whose loans alone tell who pays late; out-of-fold predictions of train beside."""
    rng = np.random.default_rng(5)
    ids = 4_611_686_018_427_387_904 + rng.permutation(TRAIN + TEST)
    risk = rng.normal(size=TRAIN + TEST)
    clients = pd.DataFrame({"client": ids, "income": rng.normal(size=TRAIN + TEST).round(3)})
    late = (rng.random(TRAIN + TEST) < 1 / (1 + np.exp(-2 * risk))).astype(int)
    of = np.repeat(np.arange(TRAIN + TEST), 4)
    loans = pd.DataFrame(
        {"client": pd.array(ids[of], "Int64"), "debt": (risk[of] + rng.normal(0, 0.5, len(of))).round(3)}
    )
    loans = pd.concat([loans, pd.DataFrame({"client": pd.array([None], "Int64"), "debt": [99.0]})])
    train, test = clients[:TRAIN].assign(late=late[:TRAIN]), clients[TRAIN:]
    write(
        folder,
        train,
        test,
        test[["client"]].assign(late=0.5),
        "Submissions are evaluated on the area under the ROC curve.",
    )
    loans.sample(frac=1, random_state=0).to_csv(folder / "loans.csv", index=False)
    train[["client"]].assign(guess=late[:TRAIN] + rng.normal(0, 0.1, TRAIN)).to_csv(
        folder / "stage_one.csv", index=False
    )
    return folder


def test_the_tables_of_a_run_have_keys_to_join_by(tmp_path: Path) -> None:
    competition, task = read(str(lending(tmp_path / "lending")), {}, {}, None, 0)
    assert task.drop == ("client",)
    data = RunData.create(competition, task, cards_of(competition, task), tmp_path / "run", tmp_path / "cache")
    assert data.schema.joins == {"loans": (("client", "client"),), "stage_one": ()}
    assert any("stage_one has 100% of train's client" in note for note in data.notes)
    debts = data.store.block("mean(loans.debt) by client")[:, 0]
    loans = competition.extra("loans.csv").dropna()
    means = loans.groupby(loans["client"].map(int))["debt"].mean()
    ids = [*competition.train["client"], *competition.test["client"]]
    np.testing.assert_allclose(debts, means.loc[ids], rtol=1e-5)


@pytest.mark.slow
def test_a_run_learns_from_the_loans_of_its_clients(tmp_path: Path) -> None:
    folder = lending(tmp_path / "lending")
    summary = here("run", folder, "--max-experiments", "3", "--runs-dir", tmp_path / "runs")
    assert summary["score"] > 0.8
    assert_valid(Path(summary["submission"]), folder / "sample_submission.csv")
    log = (Path(summary["submission"]).parent / "log.txt").read_text(encoding="utf-8")
    assert "it is not joined by them" in log
    with open_ledger(str(tmp_path / "runs")) as ledger:
        kept = [f.text for f in ledger.features(summary["run"]) if f.status == "kept"]
    assert "mean(loans.debt) by client" in kept
    assert "stage_one" not in json.dumps(kept)
