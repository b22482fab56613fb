"""Help texts: commands and options in groups, whole sentences, in lines that fit the terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from medalist.agent.cli.layout import columns

# groups of options (`rich_help_panel`), in their order; those of every day have none and come first
TASK, SEARCH, MACHINE, KAGGLE, OUTPUT = "Correct the task", "What is tried", "Machine", "Kaggle", "Output"

WIDEST = 100  # columns of a help text on a wide terminal
INDENT = "  "
LONGEST_NAME = 26  # of what has its explanation on the same line
NARROW = 50  # columns below which an explanation stands below its name

Definition = tuple[str, str]


def help_text(command: Any, context: Any, further: Iterable[tuple[str, Sequence[Definition]]] = ()) -> str:
    """The help of a command: its usage, what it does, its arguments, and its options by group. further: other groups,
    which stand above the options."""
    width = min(context.terminal_width or columns(), WIDEST)
    usage = re.sub(r"[{](.*?)[}]", r"\1", " ".join([context.command_path, *command.collect_usage_pieces(context)]))
    parts = [textwrap.fill(f"Usage: {usage}", width, subsequent_indent=INDENT * 2)]
    if command.help:
        parts.append(_paragraph(command.help, width))
    arguments: list[Definition] = []
    options: dict[str, list[Definition]] = {title: [] for title in ("Options", TASK, SEARCH, MACHINE, KAGGLE, OUTPUT)}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        if parameter.param_type_name == "argument":
            arguments.append(record)
        else:
            options.setdefault(getattr(parameter, "rich_help_panel", None) or "Options", []).append(record)
    for title, definitions in (("Arguments", arguments), *further, *options.items()):
        if definitions:
            parts.append(f"{title}:\n" + _definitions(definitions, width))
    if command.epilog:
        parts.append(_paragraph(command.epilog, width))
    return "\n\n".join(parts)


def _paragraph(text: str, width: int) -> str:
    return textwrap.fill(" ".join(text.split()), width, initial_indent=INDENT, subsequent_indent=INDENT)


def _definitions(definitions: Sequence[Definition], width: int) -> str:
    """Names with their explanations beside them; below them where the name is long or the terminal narrow."""
    fitting = [len(name) for name, _ in definitions if len(name) <= LONGEST_NAME]
    margin = len(INDENT) * 2 if width < NARROW else len(INDENT) + max(fitting, default=0) + 2
    lines = []
    for name, explanation in definitions:
        words = " ".join(explanation.split())
        below = textwrap.wrap(words, max(width - margin, 10), break_long_words=False, break_on_hyphens=False)
        first = INDENT + name
        if below and len(first) + 2 <= margin:
            first = first.ljust(margin) + below.pop(0)
        lines += [first, *(" " * margin + line for line in below)]
    return "\n".join(lines)


class Command(TyperCommand):
    """A command whose help is `help_text`."""

    def get_help(self, ctx: Any) -> str:
        """The help text."""
        return help_text(self, ctx)


class Group(TyperGroup):
    """Commands whose list stands in groups, each with the whole first sentence of its help."""

    def get_help(self, ctx: Any) -> str:
        """The help text."""
        groups: dict[str, list[Definition]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                title = getattr(command, "rich_help_panel", None)
                title = title if isinstance(title, str) else "Commands"
                groups.setdefault(title, []).append((name, command.help or ""))
        return help_text(self, ctx, groups.items())
