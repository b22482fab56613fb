"""Which experiment next: the first model, groups of features, then by expected gain per root of the seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals import tuning as tuner
from medalist.agent.proposals import variations as derived
from medalist.agent.proposals.feature_groups import ARM, was_screened
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.proposals.variations import Derived
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.widths import pipeline_width, width_of
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.pipelines.estimators.base import SHARED_PARAMS
from medalist.pipelines.estimators.registry import FAMILIES, baseline, family
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.pipeline import Pipeline

TRANSFER_GAIN = 0.06  # expected at first of the arm "transfer", in units of the standard error of the first score
ENOUGH_FAILURES = 3  # of one family in a row end its use
MOST_DRAWS, OTHER_DRAW = 4, 1_000_003  # of the sampler, where what it draws does not fit or is known
PRIOR_WEIGHT = 1.5
LATER_ENTRY = 0.3  # of a portfolio: what its next entry is worth beside the one before, until earlier runs tell
DECAY = 0.93  # of what an experiment tells, by those of its arm since: what has gained nothing of late gives way
LARGEST_SHARE = 0.45  # of the time left, for one experiment
SURE = 0.8  # how sure it has to be that the last experiment ends in time
HURRIED = 1.5  # times the learning rate that was drawn, from which on others had better be tried
LEAST_NEARNESS = 0.05  # of a family to the leading one, for its parameters to be worth tuning
CHEAP = 0.1  # of the time left: a test of features that needs no screening and no more is made late, too
LONG_SHARE = 0.03  # of the time left, beyond which an experiment waits for features that are being looked for


def arm_priors(names: Sequence[str]) -> dict[str, float]:
    """The gain that is expected at first of each arm that fits one of these families, the arms that come first where
    two are worth the same in front. Units: see `pipelines.estimators.base.Priors`."""
    chosen = [fam for name, fam in FAMILIES.items() if name in names]
    portfolios = sorted(chosen, key=lambda fam: -fam.priors.portfolio)
    tuned = sorted(chosen, key=lambda fam: -fam.priors.tuning)
    return {
        **{f"portfolio:{fam.name}": fam.priors.portfolio for fam in portfolios},
        "transfer": TRANSFER_GAIN,
        **{f"tune:{fam.name}": fam.priors.tuning for fam in tuned},
    }


def _effort(seconds: float) -> float:
    """What an experiment's seconds weigh: less than in proportion, since a guess of seconds is rough."""
    return max(seconds, 0.5) ** 0.5


def _hurried(fitted: Mapping[str, Any], drawn: Mapping[str, Any]) -> bool:
    """Whether there is so little time that drawn parameters would be tried at quite another learning rate."""
    rate = drawn.get("learning_rate")
    return rate is not None and fitted["learning_rate"] > HURRIED * rate


def _fails(name: str, history: Sequence[Record]) -> bool:
    """Whether the last experiments with a family's own parameters have all failed; features and stacks that fail say
    nothing of it."""
    own = ("start", f"portfolio:{name}", f"tune:{name}")
    recent = [r for r in history if r.pipeline.family == name and r.arm in own and r.verdict != "running"]
    recent = recent[-ENOUGH_FAILURES:]
    return len(recent) == ENOUGH_FAILURES and all(r.error for r in recent)


@dataclass
class Policy:
    """Proposes experiments: equal history, noise unit, costs, seed and seconds left give equal proposals."""

    cards: Sequence[ColumnCard]
    families: Sequence[str]
    costs: Costs
    n_rows: int
    n_folds: int
    workers: int
    seed: int
    features: FeatureSearch | None = None
    derived: Derived | None = None
    experience: Experience = field(default_factory=Experience)
    looking: bool = False  # whether features are being looked for
    last: bool = False  # whether an experiment may take all the time that is left
    noise_unit: float = 0.0

    def base(self, name: str) -> tuple[str, ...]:
        """The first feature set of a family: with what a person forced, without what is forbidden."""
        steering = self.features.steering if self.features is not None else Steering()
        base = base_features(self.cards, family(name).feature_set, self.n_rows)
        kept = steering.allowed(base)
        return tuple(dict.fromkeys((*(kept or base), *steering.force)))

    def first(self) -> Proposal:
        """A quick fit of the baseline family on every column, or the first family that is allowed."""
        name = baseline().name if baseline().name in self.families else self.families[0]
        fast = FAMILIES[name].fast
        params = FAMILIES[name].portfolio[0] if fast is None else fast(self.costs.outputs)
        return Proposal(
            Pipeline.of(self.base(name), name, params, self.seed), "a fast first model on every column", None, "start"
        )

    def propose(self, history: Sequence[Record], number: int, seconds_left: float) -> Proposal | None:
        """The next experiment, or None where nothing fits into the time left or nothing is left to try."""
        history = [r for r in history if not r.unfinished]
        done = {r.pipeline.hash for r in history}
        if self.features is not None:
            self.features.reserve = self._reserve()
        self.looking = self.features is not None and self.features.looking(history, seconds_left)
        test = self._feature_group(history, done, seconds_left)
        if test is not None:
            return test
        found = self._ranked(history, number, done, seconds_left)
        if found is None and np.isfinite(seconds_left) and not any(r.verdict == "running" for r in history):
            self.last = True
            found = self._ranked(history, number, done, seconds_left)
            self.last = False
        return found

    def _reserve(self) -> float:
        """Seconds that the first entries of the boosted families are guessed to take: what features are found for."""
        names = [n for n in self.families if FAMILIES[n].boosted]
        firsts = [Pipeline.of(self.base(n), n, FAMILIES[n].portfolio[0], self.seed) for n in names]
        return sum(map(self.seconds, firsts))

    def _ranked(self, history: Sequence[Record], number: int, done: set[str], seconds_left: float) -> Proposal | None:
        """The proposal of the arm that is worth most for its time."""
        text = any(c.kind is Kind.TEXT for c in self.cards)
        leaders = self._leaders(history)
        ranking: list[tuple[float, str, Proposal | None]] = []
        for arm, prior in arm_priors(self.families).items():
            family_name = arm.partition(":")[2]
            if family_name and _fails(family_name, history):
                continue
            if arm.startswith("tune:"):  # parameters are drawn only for the arm that is chosen
                best, nearness = leaders.get(family_name), self._nearness(family_name, leaders)
                if best is not None and nearness >= LEAST_NEARNESS:
                    worth = self._expected(arm, prior * nearness, history)
                    ranking.append((worth / _effort(self.seconds(best.pipeline)), arm, None))
                continue
            proposal = self._from_arm(arm, history, done, seconds_left)
            if proposal is not None and not self._waits(proposal, seconds_left):
                likely, entry, told = 1.0, 0, history
                if family_name:  # a portfolio; that a family was new says nothing of its next entry
                    ids = FAMILIES[family_name].portfolio_ids
                    likely, entry = FAMILIES[family_name].priors.text if text else 1.0, ids.index(str(proposal.idea))
                    told = [r for r in history if not (entry and r.arm == arm and r.idea == ids[0])]
                worth = self._expected(arm, prior * likely * LATER_ENTRY**entry, told, proposal.idea)
                ranking.append((worth / _effort(self.seconds(proposal.pipeline)), arm, proposal))
        ranking += self._derived(history, done, seconds_left)
        for _, arm, ready in sorted(ranking, key=lambda r: -r[0]):
            found = ready or self._tune(arm.partition(":")[2], arm, history, number, done, seconds_left)
            if found is not None:
                return found
        return None

    def _derived(
        self, history: Sequence[Record], done: set[str], seconds_left: float
    ) -> list[tuple[float, str, Proposal | None]]:
        """What is made from earlier experiments, where it fits into the time: as it is, but another view of the columns
        may be learned faster."""
        if self.derived is None:
            return []
        found: list[tuple[float, str, Proposal | None]] = []
        seen: set[str] = set()
        for arm, proposal in self.derived.proposals([r for r in history if r.verdict != "running"]):
            if arm in derived.VIEWS:
                told = proposal.pipeline
                fitted = self._fitting(
                    told.features, told.family, told.parameters, told.seed, seconds_left, told.target
                )
                if fitted is None:
                    continue
                proposal = replace(proposal, pipeline=fitted)
            seconds = self.seconds(proposal.pipeline)
            if proposal.pipeline.hash in done or seconds > LARGEST_SHARE * seconds_left or self._busy(arm, history):
                continue
            if arm == "targets" and arm in seen:
                continue  # the second way where the first one does not fit into the time
            seen.add(arm)
            if not self._waits(proposal, seconds_left):
                found.append((self._expected(arm, derived.prior_of(arm), history) / _effort(seconds), arm, proposal))
        return found

    @staticmethod
    def _busy(arm: str, history: Sequence[Record]) -> bool:
        """Whether an experiment of the arm is under way: the next one is chosen by what it comes to."""
        return any(r.verdict == "running" and r.arm == arm for r in history)

    def seconds(self, pipeline: Pipeline) -> float:
        """Wall-clock seconds that an experiment is guessed to take with all workers on it."""
        return self.costs.guess_of(pipeline, self._width(pipeline)) * -(-self.n_folds // self.workers)

    def _width(self, pipeline: Pipeline) -> int:
        return pipeline_width(pipeline, self.costs.outputs)

    def _expected(self, arm: str, prior: float, history: Sequence[Record], idea: str | None = None) -> float:
        """Expected gain of the ensemble by an arm, or by one of its ideas, in units of the noise of the first score.

        Between what is told of it beforehand and the mean of what it has gained, of late above all: the more has been
        tried, the less the former counts, so that arms that gain nothing take turns, those worth more more often.
        """
        gains = [r.gain / self.noise_unit for r in history if r.arm == arm] if self.noise_unit else []
        told = self.experience.expected(arm, prior, idea)
        if not gains:
            return told
        recent = np.average(np.minimum(gains, 3.0), weights=DECAY ** np.arange(len(gains))[::-1])
        return float((PRIOR_WEIGHT * told + len(gains) * recent) / (PRIOR_WEIGHT + len(gains)))

    def _nearness(self, name: str, leaders: Mapping[str, Record]) -> float:
        """From 1 for the leading family towards 0 for one far behind it: tuning rarely mends that."""
        best = leaders.get(name)
        if best is None or best.score is None or not self.noise_unit:
            return 1.0
        least = min(r.score.loss for r in leaders.values() if r.score is not None)
        return 1 / (1 + ((best.score.loss - least) / (2 * self.noise_unit)) ** 2)

    def _from_arm(self, arm: str, history: Sequence[Record], done: set[str], seconds_left: float) -> Proposal | None:
        kind, _, name = arm.partition(":")
        if kind == "portfolio":
            return self._portfolio(name, arm, history, done, seconds_left)
        return self._transfer(arm, history, done, seconds_left)

    def _fitting(
        self, features: tuple[str, ...], name: str, params: dict, seed: int, seconds_left: float, target: str = ""
    ) -> Pipeline | None:
        """The pipeline, learning faster where it would not fit into the time; None where it does not fit."""
        fam = family(name)
        if fam.max_rows is not None and self.n_rows > fam.max_rows:
            return None
        times = self.costs.times(Pipeline.of(features, name, params, seed, target=target))
        allowance = seconds_left / -(-self.n_folds // self.workers) / times
        width = width_of(features, self.costs.outputs)
        thrifty = self.costs.thrifty(fam, width, params, LARGEST_SHARE * allowance)
        if thrifty is None and self.last:  # nothing comes after it: it may take all that is left, if it surely ends
            thrifty = self.costs.thrifty(fam, width, params, allowance, SURE)
        return None if thrifty is None else Pipeline.of(features, name, thrifty, seed, target=target)

    def _portfolio(
        self, name: str, arm: str, history: Sequence[Record], done: set[str], seconds_left: float
    ) -> Proposal | None:
        fam = FAMILIES[name]
        used = {r.idea for r in history if r.arm == arm}
        left = [i for i, identity in enumerate(fam.portfolio_ids) if identity not in used]
        if not left:
            return None
        prior, ids = fam.priors.portfolio, fam.portfolio_ids
        worth = {i: self.experience.expected(arm, prior * LATER_ENTRY**i, ids[i]) for i in left}
        features = self._best_features(name, history) or self.base(name)
        if fam.waits_for_features and len(used) == 1:  # the second: what it says without them may differ enough to help
            features = self.base(name)
        elif fam.waits_for_features or (fam.feature_set == "linear" and used):
            features = self._with_found(features, history)
        for entry in sorted(left, key=lambda i: (-worth[i], i)):
            pipeline = self._fitting(features, name, dict(fam.portfolio[entry]), self.seed, seconds_left)
            if pipeline is not None and pipeline.hash not in done:
                reason = f"{fam.title} with proven parameters {entry + 1}"
                return Proposal(pipeline, reason, None, arm, idea=ids[entry])
        return None  # none of them fits into the time that is left

    def _tune(
        self, name: str, arm: str, history: Sequence[Record], number: int, done: set[str], seconds_left: float
    ) -> Proposal | None:
        best = self._best(history, name)
        if best is None or sum(r.arm == f"portfolio:{name}" for r in history) == 0:
            return None
        own, past = best.pipeline, tuner.past(best, history)
        for draw in range(MOST_DRAWS):
            params = tuner.ask(FAMILIES[name], past, seed=self.seed * 100_003 + number + draw * OTHER_DRAW)
            params |= {key: own.parameters[key] for key in SHARED_PARAMS if key in own.parameters}
            pipeline = self._fitting(own.features, name, params, self.seed, seconds_left, own.target)
            if pipeline is not None and pipeline.hash not in done and not _hurried(pipeline.parameters, params):
                reason = f"parameters for {FAMILIES[name].title} from the sampler"
                return Proposal(pipeline, reason, best.number, arm)
        return None

    def _feature_group(self, history: Sequence[Record], done: set[str], seconds_left: float) -> Proposal | None:
        """The next group of found features, tested with the parameters that its incumbent has: before all else."""
        if self.features is None:
            return None
        over = bool(np.isfinite(seconds_left)) and self.features.over(seconds_left)
        while (found := self.features.next_group(history)) is not None:
            group, incumbent = found
            pipeline = incumbent.pipeline
            features = group.apply(pipeline.features)
            if over and (
                was_screened(group.name) or self.seconds(pipeline.changed(features=features)) > CHEAP * seconds_left
            ):
                return None
            fitted = self._fitting(features, pipeline.family, pipeline.parameters, self.seed, seconds_left)
            if fitted is not None and fitted.parameters == pipeline.parameters and fitted.hash not in done:
                return Proposal(fitted, group.reason, incumbent.number, ARM, idea=group.name)
            self.features.skipped.add(group.name)  # not comparable, known, or it does not fit into the time
        return None

    def _waits(self, proposal: Proposal, seconds_left: float) -> bool:
        """Whether an experiment had better begin when features are found: while they are looked for, a long one, and
        one of a family that gains by them most."""
        if not self.looking or not np.isfinite(seconds_left):
            return False
        if FAMILIES[proposal.pipeline.family].waits_for_features:
            return True
        long = self.seconds(proposal.pipeline) > LONG_SHARE * seconds_left
        return long and proposal.pipeline.family == baseline().name

    def _transfer(self, arm: str, history: Sequence[Record], done: set[str], seconds_left: float) -> Proposal | None:
        """A family's best parameters on other features than its own: on those found since, or on none of the found."""
        incumbent = self._incumbent(history)
        if incumbent is None:
            return None
        for name in self.families:
            own = self._best([r for r in history if r.arm not in ("start", ARM)], name)
            if own is None or FAMILIES[name].feature_set != "trees":
                continue
            for features, what in (
                (incumbent.pipeline.features, "the found features"),
                (self.base(name), "no found feature"),
            ):
                if any(
                    r.pipeline.family == name and r.pipeline.features == features and r.arm != "start" for r in history
                ):
                    continue
                told = own.pipeline
                pipeline = self._fitting(features, name, told.parameters, self.seed, seconds_left, told.target)
                if pipeline is not None and pipeline.hash not in done:
                    return Proposal(pipeline, f"{FAMILIES[name].title} on {what}", own.number, arm)
        return None

    def _incumbent(self, history: Sequence[Record]) -> Record | None:
        if self.features is not None:
            return self.features.incumbent(history)
        return self._best(history, baseline().name)

    def _with_found(self, features: tuple[str, ...], history: Sequence[Record]) -> tuple[str, ...]:
        """A linear family's features with what the search has found beside them."""
        incumbent = None if self.features is None else self.features.incumbent(history)
        if incumbent is None:
            return features
        own = set(self.base(incumbent.pipeline.family))
        return tuple(dict.fromkeys((*features, *(f for f in incumbent.pipeline.features if f not in own))))

    def _leaders(self, history: Sequence[Record]) -> dict[str, Record]:
        """The best record of each family that is made from no other's predictions."""
        leaders: dict[str, tuple[float, int, Record]] = {}
        for r in history:
            if r.score is None or not r.usable or r.pipeline.bases:
                continue
            told, best = (r.score.loss, r.number, r), leaders.get(r.pipeline.family)
            if best is None or told[:2] < best[:2]:
                leaders[r.pipeline.family] = told
        return {name: leaders[name][2] for name in self.families if name in leaders}

    def _best(self, history: Sequence[Record], name: str) -> Record | None:
        return self._leaders([r for r in history if r.pipeline.family == name]).get(name)

    def _best_features(self, name: str, history: Sequence[Record]) -> tuple[str, ...] | None:
        """The features that the search has found, for a family that has not tried them; else its own best."""
        own = [r for r in history if r.arm not in ("start", ARM) and r.pipeline.family == name]
        incumbent = self._incumbent(history)
        if FAMILIES[name].feature_set == "trees" and incumbent is not None:
            features = incumbent.pipeline.features
            if not any(r.pipeline.features == features for r in own):
                return features
        best = self._best(own, name)
        return None if best is None else best.pipeline.features
