"""features.yaml: what is read from it, what it forbids, and one sentence for each mistake."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import InputError, PipelineError
from medalist.pipelines.features.language.expression import Column, Feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.steering import Steering, read_steering, write_steering

WHOLE = """\
force:
  - number(age)
  - target_mean(city × brand)
  - target_mean( brand × city )
forbid:
  - passenger_id
  - "`sold at`"
  - orders.amount
  - mean(price) by brand, city
add:
  - price / area
"""


def read(folder, text):
    path = folder / "features.yaml"
    path.write_text(text, encoding="utf-8")
    return read_steering(path)


def test_texts_become_canonical_and_stand_once(tmp_path):
    steering = read(tmp_path, WHOLE)
    assert steering.force == ("number(age)", "target_mean(brand × city)")
    assert steering.forbid == ("passenger_id", "`sold at`", "orders.amount", "mean(price) by brand, city")
    assert steering.add == ("price / area",)
    assert steering


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "force:\n", "add: []\nforbid:\n"])
def test_lists_may_be_left_out_or_empty(tmp_path, text):
    steering = read(tmp_path, text)
    assert steering == Steering()
    assert not steering
    assert not steering.forbids(parse("count(city)"))


@pytest.mark.parametrize(
    ("forbidden", "feature", "expected"),
    [
        ("price", "number(price)", True),
        ("price", "log(price) - mean(log(price)) by city", True),
        ("city", "mean(price) by city", True),
        ("price", "count(`price `)", False),
        ("price", "mean(orders.price) by customer", False),  # a further table's column of that name is another one
        ("orders.price", "mean(orders.price) by customer", True),
        ("number(price)", "number(price)", True),
        ("number(price)", "log(price)", False),  # as a number it is not used, as a part it may be
        ("mean(price) by city", "price - mean(price) by city", True),
        ("mean(price) by city", "mean(price) by brand, city", False),
        ("mean(price) by city, brand", "mean(price) by brand, city", True),
        ("b + a", "a + b + c", True),
        ("a + b", "a + c", False),
        ("a - b", "b - a", False),
        ("a × b", "target_mean(c × b × a)", True),
        ("a × b", "mean(x) by b, a, c", True),
        ("a × b", "mean(x) by a", False),
        ("a × b", "a + b", False),
    ],
)
def test_what_is_forbidden(tmp_path, forbidden, feature, expected):
    path = tmp_path / "features.yaml"
    write_steering(path, Steering(forbid=(forbidden,)))
    assert read_steering(path).forbids(parse(feature)) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("forced: []", "forced is no list .* the lists are force, forbid, add"),
        ("3: []", "3 is no list"),
        ("[a, b]", "write lists named force, forbid, add"),
        ("count(city)", "write lists named"),
        ("force: count(city)", "force is 'count.city.', but must be a list"),
        ("forbid: {a: b}", "forbid is .* must be a list"),
        ("add: 0", "add is 0, but must be a list"),
        ("add: [5]", "add has 5, which is no text"),
        ("forbid: [yes]", "forbid has True, which is no text: .* in quotes"),
        ("add: [count(city, brand)]", "'count.city' lacks"),
        ("add: [price]", r"write number\(price\) for its value or code\(price\)"),
        ("force: ['`a b`']", r"write number\(`a b`\)"),
        ("force: [orders.amount]", r"number\(orders.amount\)"),
        ("forbid: ['mean(']", "forbid: The feature 'mean.' ends too early"),
        ("forbid: ['5']", "forbid: The feature '5'"),
        ("forbid: ['a, b']", "forbid: The feature 'a, b'"),
        ("forbid: ['']", "forbid: The feature ''"),
        ("force: ['a - b']\nforbid: [a]", "a - b is under force, but forbid rules it out"),
        ("force: ['b + a']\nforbid: ['a + b']", r"a \+ b is under force"),
        ("add: ['count(a)']\nforbid: ['count(a)']", "take it from one of the two lists"),
        ("force: ['count(a)'", "not valid YAML in line 1"),
        ("forbid:\n  - `sold at`", "not valid YAML in line 2: .* double quotes where it has backticks"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, text, reason):
    with pytest.raises(PipelineError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert re.search(reason, message), message
    assert "\n" not in message
    assert message.endswith(".")
    assert str(tmp_path / "features.yaml") in message


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read .*: check its path"):
        read_steering(tmp_path / "features.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_steering(tmp_path)
    (tmp_path / "features.yaml").write_bytes("add: [count(ü)]".encode("latin-1"))
    with pytest.raises(PipelineError, match="not written in UTF-8"):
        read_steering(tmp_path / "features.yaml")
    with pytest.raises(InputError, match="cannot be written"):
        write_steering(tmp_path / "none" / "features.yaml", Steering())
    assert [p.name for p in tmp_path.iterdir()] == ["features.yaml"]


columns = st.text(min_size=1, max_size=8).filter(lambda s: s.strip() == s and s.isprintable()).map(Column)
features = st.builds(
    lambda op, args, by: Feature(op, tuple(args), tuple(by)),
    st.sampled_from(["count", "mean", "add", "cross", "divide"]),
    st.lists(columns, min_size=2, max_size=3, unique=True),
    st.just([]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(features, max_size=3, unique=True), st.lists(columns, max_size=2, unique=True))
def test_what_is_written_is_read_again(tmp_path, chosen, banned):
    path = tmp_path / "features.yaml"
    steering = Steering(tuple(map(str, chosen)), tuple(map(str, banned)), ())
    write_steering(path, steering)
    clash = any(str(c) in map(str, banned) for f in chosen for c in f.args)
    if not clash:
        assert read_steering(path) == steering
        return
    with pytest.raises(PipelineError, match="forbid rules it out"):
        read_steering(path)
