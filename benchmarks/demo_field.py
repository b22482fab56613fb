"""Scores the field of reference models on the demonstration competition.

    python benchmarks/demo_field.py        # writes competitions/demo/demo_field.csv: model, auc

Fixed models, from a constant to strong ones, fitted to train.csv and scored on the answers: programs, not people. They
use what a script of a few lines uses: numbers with the median for missing ones, one-hot or ordinal categories, and for
some of them parts of the date and words of the note.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from medalist.competitions.demo.late_parcels import make_demo

OUT = Path(__file__).parents[1] / "competitions" / "demo" / "demo_field.csv"
NUMBERS = ["promised_hours", "distance_km", "weight_kg", "length_cm", "width_cm", "height_cm", "declared_value",
           "sender_rating"]  # fmt: skip
DATES = ["month", "weekday", "hour"]
WORDS = ["depot", "route", "service"]


def models() -> Iterator[tuple[str, Pipeline]]:
    """Forty models with their inputs."""
    numbers = make_column_transformer((make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS))
    few = make_column_transformer((SimpleImputer(strategy="median"), NUMBERS), (_one_hot(1), ["service", "depot"]))
    hot = _table(_one_hot(20), NUMBERS)
    codes = _table(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [*NUMBERS, *DATES])
    target = _table(TargetEncoder(random_state=0), [*NUMBERS, *DATES])
    text = _table(_one_hot(20), [*NUMBERS, *DATES], text=True)
    full = _table(TargetEncoder(random_state=0), [*NUMBERS, *DATES], text=True)
    linear = {"C": 0.1, "max_iter": 2000}

    def forest(leaf: int) -> RandomForestClassifier:
        return RandomForestClassifier(300, min_samples_leaf=leaf, random_state=0)

    def boosted(rate: float, rounds: int, leaves: int) -> LGBMClassifier:
        return LGBMClassifier(
            n_estimators=rounds, learning_rate=rate, num_leaves=leaves, min_child_samples=30, subsample=0.8,
            subsample_freq=1, colsample_bytree=0.6, random_state=0, n_jobs=1, deterministic=True, verbose=-1,
        )  # fmt: skip

    yield "constant", make_pipeline(numbers, DummyClassifier())
    for depth in (1, 2, 3, 5, 8, None):
        yield f"decision tree, depth {depth or 'unlimited'}", make_pipeline(hot, DecisionTreeClassifier(
            max_depth=depth, random_state=0))  # fmt: skip
    for k in (1, 5, 25, 100):
        yield f"{k} nearest neighbours, numbers", make_pipeline(numbers, KNeighborsClassifier(k))
    yield "naive Bayes, numbers", make_pipeline(numbers, GaussianNB())
    yield "naive Bayes, categories", make_pipeline(make_column_transformer((_one_hot(1), WORDS)), BernoulliNB())
    for name, inputs in (("numbers", numbers), ("service and depot", few), ("one-hot", hot), ("dates, text", text)):
        model = make_pipeline(inputs, StandardScaler(with_mean=False), LogisticRegression(**linear))
        yield f"logistic regression, {name}", model
    yield "logistic regression, target encoding", make_pipeline(full, StandardScaler(), LogisticRegression(**linear))
    yield "support vectors, numbers", make_pipeline(numbers, SVC(probability=True, random_state=0))
    yield "support vectors, text", make_pipeline(text, StandardScaler(with_mean=False), SVC(C=0.5, random_state=0))
    for width in (8, 64):
        network = MLPClassifier((width,), alpha=1.0, early_stopping=True, random_state=0)
        yield f"neural network, {width} units", make_pipeline(full, StandardScaler(), network)
    yield "AdaBoost", make_pipeline(hot, AdaBoostClassifier(random_state=0))
    yield "bagged trees", make_pipeline(codes, BaggingClassifier(n_estimators=60, random_state=0))
    for leaf in (1, 5):
        yield f"random forest, leaf {leaf}", make_pipeline(codes, forest(leaf))
    yield "random forest, one-hot", make_pipeline(hot, forest(3))
    yield "random forest, target encoding, text", make_pipeline(full, forest(3))
    yield "extra trees", make_pipeline(codes, ExtraTreesClassifier(300, min_samples_leaf=3, random_state=0))
    yield "extra trees, target encoding, text", make_pipeline(
        full, ExtraTreesClassifier(300, min_samples_leaf=3, random_state=0))  # fmt: skip
    yield "gradient boosting", make_pipeline(hot, GradientBoostingClassifier(random_state=0))
    slow = GradientBoostingClassifier(n_estimators=300, learning_rate=0.03, subsample=0.7, random_state=0)
    yield "gradient boosting, slow", make_pipeline(full, slow)
    yield "histogram boosting", make_pipeline(codes, HistGradientBoostingClassifier(random_state=0))
    slow = HistGradientBoostingClassifier(learning_rate=0.04, max_iter=200, max_leaf_nodes=8, random_state=0)
    yield "histogram boosting, text", make_pipeline(full, slow)
    yield "LightGBM, defaults", make_pipeline(codes, LGBMClassifier(random_state=0, n_jobs=1, verbose=-1))
    yield "LightGBM, slow, target encoding", make_pipeline(target, boosted(0.03, 250, 7))
    yield "LightGBM, slow, text", make_pipeline(full, boosted(0.03, 300, 7))
    yield "LightGBM, stumps, text", make_pipeline(full, boosted(0.05, 500, 3))
    parts: list[tuple[str, Any]] = [
        ("linear", make_pipeline(full, StandardScaler(), LogisticRegression(**linear))),
        ("boosted", make_pipeline(full, boosted(0.03, 300, 5))),
        ("forest", make_pipeline(full, forest(5))),
    ]
    yield "vote of three", Pipeline([("vote", VotingClassifier(parts, voting="soft"))])
    yield "stack of three", Pipeline([("stack", StackingClassifier(parts, cv=5))])


def _one_hot(rare: int) -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=rare, sparse_output=False)


def _table(encoder: Any, numbers: list[str], text: bool = False) -> Any:
    parts: list[tuple[Any, Any]] = [(SimpleImputer(strategy="median", add_indicator=True), numbers), (encoder, WORDS)]
    if text:
        parts.append((TfidfVectorizer(min_df=20), "note"))
    return make_column_transformer(*parts, sparse_threshold=0.0)


def inputs(frame: pd.DataFrame) -> pd.DataFrame:
    """Parts of the date as columns, an empty note for none."""
    at = pd.to_datetime(frame["handed_in"])
    return frame.assign(month=at.dt.month, weekday=at.dt.weekday, hour=at.dt.hour, note=frame["note"].fillna(""))


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    train, test, _, answers = make_demo()
    table = []
    for name, model in models():
        model.fit(inputs(train), train["late"])
        decide = getattr(model, "predict_proba", None)
        scores = decide(inputs(test))[:, 1] if decide else model.decision_function(inputs(test))
        table.append((roc_auc_score(answers["late"], scores), name))
        print(f"{table[-1][0]:.5f}  {name}", flush=True)
    with open(OUT, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["model", "auc"])
        writer.writerows((name, f"{score:.5f}") for score, name in sorted(table, key=lambda row: (-row[0], row[1])))


if __name__ == "__main__":
    main()
