"""Weights towards test: how much more frequent rows like each training row are in test than in train.

The ratio of densities is that of the odds of a classifier between test and train rows (Bickel et al., 2007), out of
fold, and no target is used.
"""

from __future__ import annotations

import numpy as np

FOLDS = 3
MOST_ROWS = 20_000  # rows of train, and of test, that a classifier is fitted on
MOST_COLUMNS = 200
CLIP = 10.0  # weights lie between 1 / CLIP and CLIP times their mean
SEED = 49_979_687


def density_ratios(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, float]:
    """(weights (n,), AUC): the clipped density ratio of each row of train (n, c), 1 on average, and how well test (m,
    c) is told from train out of fold; 0.5 is chance.

    Ones and 0.5 where one of the tables has fewer than FOLDS rows.
    """
    import lightgbm

    from medalist.competitions.metrics.functions import auc

    if min(len(train), len(test)) < FOLDS:
        return np.ones(len(train)), 0.5
    rng = np.random.default_rng(SEED)
    fold, fold_test = (rng.permutation(len(part)) % FOLDS for part in (train, test))
    odds, of_test = np.empty(len(train)), np.empty(len(test))
    parameters = {
        "objective": "binary", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20, "lambda_l2": 10.0,
        "verbosity": -1, "num_threads": 1, "seed": 1, "deterministic": True, "force_row_wise": True, "max_bin": 63,
    }  # fmt: skip
    for k in range(FOLDS):
        one, other = (rng.permutation(np.flatnonzero(part != k))[:MOST_ROWS] for part in (fold, fold_test))
        matrix = np.vstack([train[one], test[other]])[:, :MOST_COLUMNS]
        label = np.concatenate([np.zeros(len(one)), np.ones(len(other))])
        booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, label), num_boost_round=60)
        for part, folds, out in ((train, fold, odds), (test, fold_test, of_test)):
            p = np.asarray(booster.predict(part[folds == k][:, :MOST_COLUMNS], num_threads=1))
            out[folds == k] = p / np.maximum(1 - p, 1e-6) * len(one) / len(other)
    score = auc(np.concatenate([np.zeros(len(odds)), np.ones(len(of_test))]), np.concatenate([odds, of_test]))
    weights = odds / odds.mean()
    weights = np.clip(weights, 1 / CLIP, CLIP)
    return weights / weights.mean(), float(score)
