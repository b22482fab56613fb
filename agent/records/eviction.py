"""Which predictions a run still needs, and removing others where they take more of the disk than they may.

A long night makes thousands of experiments, and each leaves (n_train + n_test) × W numbers. An ensemble is selected
from the best of them, stacks are fitted on the best base models; of all others the score is enough, which stays.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from medalist.agent.experiment import Record
from medalist.agent.history import base_models, best_base_model, by_loss, incumbent_features, scored
from medalist.agent.judging.champion import candidates
from medalist.agent.records.journal import Journal
from medalist.competitions.errors import InputError

MOST_BASE_MODELS = 100  # best base models whose predictions stay: stacks that are under way are fitted on the best few
EVICT_TO = (
    0.8  # share of the limit down to which predictions are removed, so that it does not happen at each experiment
)


def predictions_limit() -> int:
    """Bytes of predictions that a run keeps, by MEDALIST_PREDICTIONS_GIB.

    Raises InputError where that is no number above 0.
    """
    text = os.environ.get("MEDALIST_PREDICTIONS_GIB", "8")
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise InputError(f"MEDALIST_PREDICTIONS_GIB is {text!r}, but must be a number of GiB above 0, such as 8.")
    return int(limit * 2**30)


def needed(records: Sequence[Record], members: Collection[int]) -> set[int]:
    """Numbers of the experiments whose predictions may still be used: candidates for the ensemble, its `members`, the
    best base models, the one with the incumbent features, and all that these are fitted on."""
    kept = set(candidates(records, members)) | set(members)
    models = sorted(base_models(records), key=by_loss)
    leading = {r.pipeline.family: r.number for r in reversed(models)}  # the best of each family
    kept |= {r.number for r in models[:MOST_BASE_MODELS]} | set(leading.values())
    further = (incumbent_features(records), best_base_model(records, boosted=True))
    kept |= {r.number for r in further if r is not None}
    of_hash: dict[str, int] = {}
    for record in records:
        if record.evaluation is not None:
            of_hash.setdefault(record.pipeline.hash, record.number)
    bases = {of_hash[h] for n in kept for h in records[n].pipeline.bases if h in of_hash}
    return kept | bases


def evict(journal: Journal, members: Collection[int]) -> int:
    """Remove predictions that are not `needed`, the worst experiments' first, where a run has more bytes of them than
    its limit. Their experiments stay, with their scores. Returns the number of experiments."""
    predictions, records = journal.predictions, journal.records
    if predictions.limit is None or predictions.bytes_kept <= predictions.limit:
        return 0
    kept = needed(records, members)
    rest = [r for r in records if r.evaluation is not None and r.number not in kept]
    usable = {r.number for r in scored(rest)}
    count = 0
    for record in sorted(rest, key=lambda r: (r.number in usable, -by_loss(r)[0] if r.score else 0.0)):
        if predictions.bytes_kept <= EVICT_TO * predictions.limit:
            break
        if not predictions.remove(record.number):
            continue
        records[record.number] = replace(record, evaluation=None, keeps_fold_tests=False)
        count += 1
    return count
