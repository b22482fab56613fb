"""The documentation says what is there: every command and option, links that lead somewhere, modules that exist.

`python tests/test_docs.py` writes the help texts and the metrics in docs/commands.md, the operators in docs/features.md
and the documents in docs/json.md anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from typer.testing import CliRunner

from medalist.agent.cli.documents import DOCUMENTS
from medalist.agent.cli.main import app
from medalist.competitions.metrics.registry import METRICS, PARAMETRISED
from medalist.pipelines.features import operators
from medalist.pipelines.features.language.expression import INFIX
from medalist.pipelines.features.language.operator import OPERATORS, Operator
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.words import in_words

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ROOT / "docs" / "commands.md"
JSON = ROOT / "docs" / "json.md"
FEATURES = ROOT / "docs" / "features.md"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
GROUP = typer.main.get_command(app)
COMMANDS_BY_NAME = {
    f"{name} {below}".strip(): command
    for name, made in GROUP.commands.items()  # type: ignore[attr-defined]
    for below, command in getattr(made, "commands", {"": made}).items()
}
NAMES = sorted(COMMANDS_BY_NAME)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MODULE = re.compile(r"`((?:agent|competitions|pipelines|leaderboard|benchmarks|docs|tests)/[\w/.]+)`")
TABLE = re.compile(r"(<!-- operators: written by tests/test_docs.py -->\n).*?(<!-- end -->)", re.DOTALL)
METRIC_TABLE = re.compile(r"(<!-- metrics: written by tests/test_docs.py -->\n).*?(<!-- end -->)", re.DOTALL)
DOCUMENT_TABLES = re.compile(r"(<!-- documents: written by tests/test_docs.py -->\n).*?(<!-- end -->)", re.DOTALL)
BLOCK = re.compile(r"(## medalist (\w+(?: \w+)?)\n.*?```text\n)(.*?)(```)", re.DOTALL)


def options_of(command: str) -> dict[str, str]:
    """Every option of a command, with its help."""
    parameters = COMMANDS_BY_NAME[command].params
    return {
        opt: getattr(p, "help", None) or ""
        for p in parameters
        if not is_argument(p)
        for opt in p.opts
        if opt.startswith("--")
    }


def is_argument(parameter: object) -> bool:
    return getattr(parameter, "param_type_name", "") == "argument"


def section(command: str) -> str:
    """What docs/commands.md says of a command, heading included; blanks as one."""
    text = COMMANDS.read_text(encoding="utf-8")
    found = re.search(rf"^## medalist {command}$.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"docs/commands.md has no section '## medalist {command}'"
    return found[0]


def listed_options(text: str) -> set[str]:
    """Options that the help text within a section lists."""
    return set(re.findall(r"^  (?:-[a-z], )?(--[a-z-]+)", text, re.MULTILINE)) - {"--help"}


def as_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("command", NAMES)
def test_every_option_of_every_command_is_documented(command: str) -> None:
    text = section(command)
    options = options_of(command)
    assert listed_options(text) == set(options) - {"--help"}, "run `python tests/test_docs.py`"
    for option, help_text in options.items():
        if option != "--help":
            assert as_one_line(help_text) in as_one_line(text), f"{command} {option}: run `python tests/test_docs.py`"


@pytest.mark.parametrize("command", NAMES)
def test_every_command_and_argument_is_described(command: str) -> None:
    text = as_one_line(section(command))
    made = COMMANDS_BY_NAME[command]
    assert as_one_line(made.help or "") in text
    for parameter in made.params:
        if is_argument(parameter):
            assert as_one_line(getattr(parameter, "help", None) or "") in text


def test_no_command_is_documented_that_is_gone() -> None:
    text = COMMANDS.read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## medalist (\w+(?: \w+)?)$", text, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor and place.suffix == ".md":
            assert anchor in headings(place), f"{page.name} links to {target}, but there is no such heading"


def headings(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_modules_that_are_named_exist(page: Path) -> None:
    for name in MODULE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}, which does not exist"


def test_the_architecture_names_modules() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert len(set(MODULE.findall(text))) > 30


def test_environment_variables_are_those_of_the_code() -> None:
    packages = ("agent", "competitions", "pipelines", "leaderboard")
    code = "".join(p.read_text(encoding="utf-8") for name in packages for p in (ROOT / name).rglob("*.py"))
    names = r"MEDALIST_[A-Z_]+"
    assert set(re.findall(names, (ROOT / "docs" / "using.md").read_text(encoding="utf-8"))) == set(
        re.findall(names, code)
    )


def help_text(command: str) -> str:
    """A command's help, 100 columns wide."""
    os.environ["COLUMNS"] = "100"
    out = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="medalist", terminal_width=100).output
    return "\n".join(line.rstrip() for line in out.strip().splitlines()) + "\n"


def write_help() -> None:
    """Put the present help texts into docs/commands.md."""
    text = COMMANDS.read_text(encoding="utf-8")
    COMMANDS.write_text(BLOCK.sub(lambda m: m[1] + help_text(m[2]) + m[4], text), encoding="utf-8")


def usage(name: str, operator: Operator) -> str:
    """How an operator is written, with the types of its arguments."""
    if name in INFIX:
        kind = operator.takes[0].rstrip("+?")
        return f"{kind} {INFIX[name]} {kind}" + (" …" if operator.takes[-1].endswith("+") else "")
    args = [f"[{t[:-1]}]" if t.endswith("?") else f"{t[:-1]}, …" if t.endswith("+") else t for t in operator.takes]
    by = {True: " by key, …", False: "", None: " [by key, …]"}[operator.grouped]
    return f"{name.removeprefix('table.')}({', '.join(args)}){by}"


def operators_text() -> str:
    """A table of the operators for each file that holds some, under the first sentence of the file."""
    parts = []
    for source in operators.FILES:
        heading = (source.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
        rows = [
            f"| `{usage(name, made)}` | {made.kind} | {made.gives} | {made.description.replace('|', '&#124;')} |"
            for name, made in source.OPERATORS.items()
        ]
        parts.append("\n".join([heading, "", "| Written | Kind | Gives | What it is |", "|---|---|---|---|", *rows]))
    return "\n" + "\n\n".join(parts) + "\n\n"


def test_the_table_of_operators_is_current() -> None:
    found = TABLE.search(FEATURES.read_text(encoding="utf-8"))
    assert found
    assert found[0] == TABLE.sub(lambda m: m[1] + operators_text() + m[2], found[0]), "run `python tests/test_docs.py`"
    assert found[0].count("\n| `") == len(OPERATORS)


def metrics_text() -> str:
    """A table of the metrics, those with a parameter last."""
    shown = [(name, m) for name, m in METRICS.items()]
    shown += [(family.placeholder, family.make(family.placeholder, 0.5)) for family in PARAMETRISED.values()]
    rows = [
        (f"`{n}`", m.title.replace("0.5", n[-1]), ("lower", "higher")[m.greater_is_better], m.needs) for n, m in shown
    ]
    lines = [("Name", "What it is", "Better", "Of"), ("---",) * 4, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def test_the_table_of_metrics_is_current() -> None:
    found = METRIC_TABLE.search(COMMANDS.read_text(encoding="utf-8"))
    assert found
    assert found[0] == METRIC_TABLE.sub(lambda m: m[1] + metrics_text() + m[2], found[0]), "run tests/test_docs.py"


def documents_text() -> str:
    """The fields of each JSON document, under the commands that print it."""
    parts = []
    for model in dict.fromkeys(one for models in DOCUMENTS.values() for one in models):
        rows = [
            f"| `{field.alias or name}` | {kind_of(field.annotation)} | {field.description or ''} |"
            for name, field in model.model_fields.items()
            if field.alias != "schema"
        ]
        parts.append("\n".join([f"## {model.__doc__}", "", "| Field | Kind | What it holds |", "|---|---|---|", *rows]))
    return "\n" + "\n\n".join(parts) + "\n\n"


def kind_of(annotation: object) -> str:
    """A type as JSON has it, in words."""
    import types
    import typing

    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(kind_of(one) for one in inner)
    if origin is list:
        return f"list of {kind_of(inner[0])}"
    if origin is dict:
        return "object" if inner[1] is typing.Any else f"object of {kind_of(inner[1])}"
    if origin is tuple:
        return "list of number"
    names = {str: "text", int: "number", float: "number", bool: "true or false", type(None): "null", typing.Any: "any"}
    return names.get(annotation) or f"`{getattr(annotation, '__name__', annotation)}`"  # type: ignore[call-overload]


def test_the_json_documents_are_documented() -> None:
    text = JSON.read_text(encoding="utf-8")
    assert text == DOCUMENT_TABLES.sub(lambda m: m[1] + documents_text() + m[2], text), (
        "run `python tests/test_docs.py`"
    )
    assert text.count("\n## `medalist") >= len({model for models in DOCUMENTS.values() for model in models})


def test_examples_of_features_are_features() -> None:
    examples = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|$", FEATURES.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(examples) > 10
    for text, words in examples:
        assert str(parse(text)) == text
        assert in_words(parse(text)) == words


def write_operators() -> None:
    """Put the present operators into docs/features.md."""
    text = FEATURES.read_text(encoding="utf-8")
    FEATURES.write_text(TABLE.sub(lambda m: m[1] + operators_text() + m[2], text), encoding="utf-8")


def write_metrics() -> None:
    """Put the present metrics into docs/commands.md."""
    text = COMMANDS.read_text(encoding="utf-8")
    COMMANDS.write_text(METRIC_TABLE.sub(lambda m: m[1] + metrics_text() + m[2], text), encoding="utf-8")


def write_documents() -> None:
    """Put the present JSON documents into docs/json.md."""
    text = JSON.read_text(encoding="utf-8")
    JSON.write_text(DOCUMENT_TABLES.sub(lambda m: m[1] + documents_text() + m[2], text), encoding="utf-8")


if __name__ == "__main__":
    write_documents()
    write_help()
    write_metrics()
    write_operators()
