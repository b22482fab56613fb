"""The lineage of a submission as a tree of lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medalist.competitions.plural import count_text
from medalist.pipelines.row_recipe import in_words

Explained = Mapping[str, Any]
SPACES = {
    "mean": "their mean",
    "logit": "the mean of their log-odds",
    "geometric": "their geometric mean",
    "log": "the mean of their logarithms",
}
DIGITS = 16  # hexadecimal digits of a hash that are shown


@dataclass
class Branch:
    """A line with the lines below it."""

    text: str
    below: list[Branch] = field(default_factory=list)

    def add(self, text: str) -> Branch:
        """Add a line below this one, and return it."""
        self.below.append(Branch(text))
        return self.below[-1]


def tree(explained: Explained) -> Branch:
    """The tree of what `explain.explained` says."""
    submission = explained["submission"]
    number = "" if submission["number"] is None else f" {submission['number']}"
    root = Branch(f"{explained['competition']}: submission{number} of run {explained['run']}")
    root.add(f"sha256 {submission['sha256'] or 'not known'}")
    if submission["score"] is not None:
        error = submission["standard_error"]
        root.add(f"score {submission['score']:.6g}" + ("" if error is None else f" ± {error:.2g}"))
    if submission["reason"]:
        root.add(f"written as {submission['reason']}")
    for sentence in (*explained["missing"], *explained["removed"]):
        root.add(f"note: {sentence}")
    _made_of(root, explained)
    _close(root, explained["made_of"])
    _led_there(root, explained)
    _task(root, explained)
    _files(root, explained)
    _versions(root, explained)
    return root


def _made_of(root: Branch, explained: Explained) -> None:
    made = explained["made_of"]
    if made["kind"] == "constant":
        root.add("made of the best constant, by the targets of train alone")
        return
    if made["kind"] == "first fold":
        root.add(f"made of the first model, fitted on fold {made.get('fold', 0) + 1} of the search alone")
        return
    members = {int(n): w for n, w in made.get("ensemble", ())}
    if not members:
        root.add("made of nothing yet")
        return
    what = f"{SPACES.get(made.get('space', 'mean'), made.get('space'))} by weight" if len(members) > 1 else "it alone"
    count = "1 experiment" if len(members) == 1 else f"{len(members)} experiments"
    ensemble = root.add(f"made of {count}: {what}")
    shown: dict[tuple[str, ...], int] = {}
    for name, experiment in explained["experiments"].items():
        number = int(name)
        weight = f"{100 * members[number]:.0f} % of " if number in members else "beneath them "
        branch = ensemble.add(f"{weight}#{number} {experiment['family']}: {experiment['reason']}")
        _experiment(branch, number, experiment, explained["features"], shown)
    decision = made.get("decision")
    if decision:
        numbers = ", ".join(f"{x:.6g}" for x in decision["numbers"][:6])
        more = f" and {len(decision['numbers']) - 6} more" if len(decision["numbers"]) > 6 else ""
        ensemble.add(f"submitted by the decision {decision['kind']} ({numbers}{more})")


def _experiment(
    branch: Branch,
    number: int,
    experiment: Explained,
    words: Mapping[str, str],
    shown: dict[tuple[str, ...], int],
) -> None:
    """The lines of one experiment. shown: feature sets that were listed, with the experiment where."""
    pipeline = experiment["pipeline"]
    branch.add(f"{_score(experiment)}{experiment['verdict']}: {experiment['verdict_reason']}")
    features = tuple(pipeline["features"])
    if features in shown:
        branch.add(f"the {count_text(len(features), 'feature')} of #{shown[features]}")
    elif features:
        shown[features] = number
        listed = branch.add(count_text(len(features), "feature"))
        for text in features:
            said = words.get(text, text)
            listed.add(text if said == text else f"{text}: {said}")
    params = ", ".join(f"{name} {value}" for name, value in pipeline["params"].items())
    branch.add(f"parameters {params or 'none'}; seed {pipeline['seed']}")
    if pipeline.get("target"):
        branch.add(f"the target is fitted as {pipeline['target']}")
    for words_of_step in in_words(pipeline.get("rows", ())):
        branch.add(f"training rows: {words_of_step}")
    bases = experiment.get("bases", {})
    if pipeline.get("stacked"):
        numbers = ", ".join(f"#{bases[h]}" for h in pipeline["stacked"] if h in bases)
        branch.add(f"stacked upon the out-of-fold predictions of {numbers or 'other experiments'}")
    if pipeline.get("pseudo"):
        base = bases.get(pipeline["pseudo"])
        branch.add(f"test rows are fitted too, labelled by {'another' if base is None else f'#{base}'}")
    if experiment.get("fits"):
        branch.add(_fits(experiment["fits"], experiment.get("rounds", ())))
    hashes = [f"pipeline {experiment['hash']}"] if experiment.get("hash") else []
    hashes += [
        f"{name} {experiment[key][:DIGITS]}"
        for key, name in (("oof", "out-of-fold"), ("test", "test"))
        if key in experiment
    ]
    branch.add("hashes: " + ", ".join(hashes))


def _fits(fits: Sequence[Explained], rounds: Iterable[Sequence[int]]) -> str:
    """How folds were fitted, in a line."""
    threads = sorted({fit["threads"] for fit in fits})
    folds, each = "fold" if len(fits) == 1 else "folds", "thread" if threads == [1] else "threads"
    text = f"{len(fits)} {folds}, {_range(threads)} {each}"
    counts = sorted({int(r) for of_fold in rounds for r in of_fold})
    if counts and counts[-1]:
        text += f", {_range(counts)} rounds"
    cut = sum("trace" in fit for fit in fits)
    return text + (f"; the clock changed {cut} of the fits, as recorded" if cut else "")


def _range(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]} to {numbers[-1]}"


def _score(experiment: Explained) -> str:
    score, error = experiment.get("score"), experiment.get("standard_error")
    if score is None:
        return ""
    return f"{score:.6g}" + (f" ± {error:.2g}" if error else "") + ", "


def _close(root: Branch, made: Explained) -> None:
    """The fits of the close."""
    if "refits" in made:
        fits = list(made["refits"].values())
        branch = root.add("fitted again at the close: on all rows, for the mean rounds of the search")
        branch.add(_fits(fits, ()).replace("folds", "fits").replace("fold", "fit"))
    draws = made.get("draws", ())
    if not draws:
        return
    branch = root.add(
        "fitted again at the close, for the mean rounds of the search; predictions are means over all models"
    )
    for place, draw in enumerate(draws):
        fits = [fit for of_fold in draw["fits"].values() for fit in of_fold.values()]
        branch.add(
            f"fresh folds, draw {place + 1}: seed {draw['seed']}, {draw['count']} folds × {draw['repeats']}, "
            f"{count_text(len(fits), 'fit')}, hash {draw['sha256'][:DIGITS]}"
        )


def _led_there(root: Branch, explained: Explained) -> None:
    """The experiments whose pipelines these were changed from, each below its parent."""
    history = {int(n): idea for n, idea in explained["history"].items()}
    if not history:
        return
    branch = root.add("the experiments that led there")
    placed: dict[int, Branch] = {}
    for number in sorted(history):
        idea = history[number]
        above = placed.get(idea["parent"], branch) if idea["parent"] is not None else branch
        placed[number] = above.add(f"#{number} {_score(idea)}{idea['verdict']}, {idea['family']}: {idea['reason']}")


def _task(root: Branch, explained: Explained) -> None:
    task, folds = explained["task"], explained["folds"]
    if task:
        targets = ", ".join(task.get("targets", ()))
        branch = root.add(f"task: {task.get('problem_type')} of {targets}, scored by {task.get('metric')}")
        branch.add(
            f"ids {', '.join(task.get('id', ())) or 'none'}; left out {', '.join(task.get('drop', ())) or 'nothing'}"
        )
    data = explained["data"]
    if "targets" in data:
        root.add(
            f"data: {data['train_rows']:,} training rows, {data['test_rows']:,} test rows; hashes: targets "
            f"{data['targets'][:DIGITS]}, columns {data['features']}, files {data['fingerprint']}"
        )
    elif data:
        root.add(f"data: files {data['fingerprint']}")
    if folds:
        count = folds.get("count") or folds.get("n_splits")
        times = count_text(folds.get("repeats", 1), "time")
        drawn = f"{count} {folds.get('scheme')} folds, drawn {times} with seed {folds.get('seed')}"
        digest = f", hash {folds['sha256'][:DIGITS]}" if "sha256" in folds else ""
        root.add(f"folds of the search: {drawn}{digest}")
    root.add(f"seed of the run: {explained['seed']}")


def _files(root: Branch, explained: Explained) -> None:
    if not explained["inputs"]:
        return
    branch = root.add(f"input files, in {explained['path']}")
    for file in explained["inputs"]:
        digest = f"sha256 {file['sha256']}" if file["sha256"] else "not hashed"
        branch.add(
            f"{file['path'] or 'the file itself'} ({', '.join(file['roles'])}): {file['size']:,} bytes, {digest}"
        )


def _versions(root: Branch, explained: Explained) -> None:
    """The versions, once for each set of them."""
    seen: dict[str, None] = {}
    for part in explained["parts"]:
        if "software" not in part:
            continue
        versions = ", ".join(f"{name} {version}" for name, version in part["software"].items())
        machine = part["machine"]
        place = f"{machine['processor']}, {machine['system']}, {machine['libc']}, {machine['cores']} cores"
        seen[f"{versions}\n{place}"] = None
    for text in seen:
        versions, place = text.split("\n")
        branch = root.add("versions and machine")
        branch.add(versions)
        branch.add(place)
