"""An operator is added in one file: all parts of the feature language work with one that they have never seen."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from noise import SCHEMA, SIGMAS, Noise, deviations, moved

from medalist.agent.workers.widths import width_of
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features import operators
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Feature, feature
from medalist.pipelines.features.language.operator import OPERATORS, Operator
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised, operator_of
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.language.words import in_words
from medalist.pipelines.features.search.candidates import Candidates
from medalist.pipelines.features.search.columns import Hints
from medalist.pipelines.features.typing import check

FILE = '''
"""Operators that nobody knows yet."""

from __future__ import annotations

from medalist.pipelines.features.frames.target import out_of_fold
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np


def middle(frame, feature):
    """The middle of the smallest and the largest of several numbers."""
    values = frame.numbers(feature.args)
    return (values.min(axis=1) + values.max(axis=1)) / 2


def repeats(frame, feature):
    """Whether another row of train and test has the same value."""
    key = frame.key(feature.args[0])
    return (np.bincount(key.codes)[key.codes] > 1).astype(float)


def target_share(frame, feature, target):
    """Mean target of all other folds: (n, T)."""
    return out_of_fold(frame.n, target, lambda rows, values, queries: np.tile(values.mean(axis=0), (len(queries), 1)))


OPERATORS = {
    "middle": Operator(
        "stateless", ("number+",), "number", middle, "middle of {all}", "middle(x, z)", symmetric=True, proposed=True
    ),
    "repeats": Operator(
        "transductive", ("key",), "number", repeats, "whether {value} occurs again", "repeats(city)", width=3,
        proposed=True,
    ),
    "target_share": Operator(
        "supervised", ("key",), "numbers", target_share, "share of the target by {0}", "target_share(shop)"
    ),
}
'''


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The operators of a module in a temporary file, registered as those of `pipelines/features/operators` are."""
    file = tmp_path / "novelties.py"
    file.write_text(FILE, encoding="utf-8")
    spec = spec_from_file_location("novelties", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, operator in module.OPERATORS.items():
        monkeypatch.setitem(OPERATORS, name, operator)
    return module.OPERATORS


def test_it_is_read_and_written_in_canonical_form(added):
    assert str(parse("middle(z, number(x))")) == "middle(x, z)"
    assert parse("middle(z, x)") == feature("middle", "x", "z")
    assert str(parse("repeats(code(city))")) == "repeats(city)"
    assert operator_of(parse("middle(x)")) is added["middle"]


def test_it_is_typed(added):
    for operator in added.values():
        check(parse(operator.example), SCHEMA)
    with pytest.raises(PipelineError, match=r"middle in .* needs a number, but city is a key or text"):
        check(parse("middle(x, city)"), SCHEMA)
    with pytest.raises(PipelineError, match="looks at many rows"):
        check(parse("repeats(round(target_share(city), 1))"), SCHEMA)


def test_it_is_told_in_words_and_shapes(added):
    assert in_words(parse("middle(x, z)")) == "middle of x and z"
    assert in_words(parse("repeats(city × town)")) == "whether the combination of city and town occurs again"
    assert shape_of(parse("middle(x, z, whole, x + z, z)"), SCHEMA.kinds) == "middle(number + number, number …)"
    assert added["repeats"].description == "Whether another row of train and test has the same value."


def test_it_is_computed(added):
    noise = Noise()
    frame = Frame(noise)
    expected = (noise.rows["z"] + noise.rows["whole"]) / 2
    np.testing.assert_allclose(frame.value(parse("middle(z, whole)")), expected)
    duplicated = noise.rows["city"].map(noise.rows["city"].value_counts(dropna=False)) > 1
    np.testing.assert_array_equal(frame.value(parse("repeats(city)")), duplicated)
    assert frame.fitted_on(Target(np.arange(50), np.ones((50, 1)), 0, 0)).value(parse("target_share(shop)"))[0] == 1


def test_it_has_a_width(added):
    assert width_of(["middle(x, z)", "repeats(city)"], 4) == 1 + 3
    assert width_of(["target_share(shop)"], 4) == 4


def test_the_search_proposes_it(added):
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.integers(0, 90, (200, 3)), columns=["s1", "s2", "s3"])
    source = Noise()
    source.rows = numbers.assign(city=rng.choice([*"abc"], 200))
    source.n_train, source.n_rows = 150, 200
    schema = type(SCHEMA)({**dict.fromkeys(numbers, "number"), "city": "category"})
    texts = {str(f) for f in Candidates(schema, Frame(source), Hints()).all()}
    assert {"middle(s1, s2, s3)", "repeats(city)"} <= texts
    assert not any("target_share" in text for text in texts)


def test_the_leak_tests_run_over_its_example(added):
    for operator in added.values():
        validation = np.atleast_1d(deviations(operator.example, "binary", 2))[0]
        assert abs(validation) < SIGMAS
        if is_supervised(parse(operator.example)):
            assert moved(operator.example, 3, "binary")[0] < 1e-9


def test_the_example_in_the_documentation_works(monkeypatch):
    page = Path(__file__).resolve().parents[2] / "docs" / "features.md"
    block = re.search(r"### Adding an operator\n.*?```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names = {"np": np, "Frame": Frame, "Feature": Feature, "Operator": Operator}
    exec(block[1].replace("    ...\n", ""), names)
    (name,) = names["OPERATORS"]
    monkeypatch.setitem(OPERATORS, name, names["OPERATORS"][name])
    example = check(parse(names["OPERATORS"][name].example), SCHEMA)
    assert in_words(example) == "x above 0.5"
    values = Noise().rows["x"]
    np.testing.assert_array_equal(Frame(Noise()).value(example), (values - 0.5).clip(lower=0))


def test_no_two_files_have_an_operator_of_one_name():
    assert sum(len(file.OPERATORS) for file in operators.FILES) == len(OPERATORS)


def test_an_operator_without_words_or_example_is_none():
    with pytest.raises(TypeError, match="words"):
        Operator("stateless", ("number",), "number", np.abs)
