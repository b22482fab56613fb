"""A competition made from tables in memory, for tests."""

from pathlib import Path

import pandas as pd

from medalist.competitions.competition import Competition


def little_competition(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None = None, description: str = ""
) -> Competition:
    return Competition(
        name="little",
        root=Path("little"),
        train=train,
        test=test,
        sample=sample,
        description=description,
        files=(),
        fingerprint="0" * 16,
        notes=(),
    )
