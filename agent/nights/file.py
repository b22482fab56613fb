"""nights.yaml: the competitions that nights work on, read, and changed without touching what a person wrote beside."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medalist.agent.nights.schema import Entry, NightsFile, validate
from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError

HEAD = """\
# The competitions that medalist night works on. Written by medalist night add; edit it as you like.
# Of each: path (a folder, a zip or a Kaggle slug), and where wanted name, share (2 = twice the weight of 1), until (a
# date, the last day), auto_submit (submissions to Kaggle a day; kaggle: its name there, for a folder), and the options
# of medalist run with _ for -: task, metric, target, families, threads …
# notify: a list of commands and URLs that are told of the end of a night, of failures and of medals.
"""
FILES = ("task", "features")  # options that name a file


def nights_file(runs_dir: str, given: str | None = None) -> Path:
    """The path of nights.yaml: the given one, else the one beside the folder of runs."""
    return Path(given) if given else Path(runs_dir).absolute().parent / "nights.yaml"


def read_nights(path: Path) -> NightsFile:
    """The contents of the file, empty where there is none.

    Each competition has a name (see `name_of`); paths of folders and files are absolute, relative ones being those
    from the file's folder. Raises InputError where the file cannot be read, or with a sentence for each mistake.
    """
    read = validate(_parsed(_text(path), path), str(path))
    entries: list[Entry] = []
    taken = [entry.name for entry in read.competitions if entry.name]
    for entry in read.competitions:
        name = entry.name or _free_name(name_of(entry.path), [*taken, *(e.name for e in entries if e.name)])
        found: dict[str, Any] = {"name": name, "path": _absolute(entry.path, path.parent)}
        for option in FILES:
            if value := getattr(entry, option):
                found[option] = str((path.parent / Path(value).expanduser()).absolute())
        entries.append(entry.model_copy(update=found))
    return read.model_copy(update={"competitions": tuple(entries)})


def _text(path: Path) -> str:
    """The text of the file, "" where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        why = error.strerror
        raise InputError(f"{path} cannot be read ({why}): check its path, or name another with --file.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not written in UTF-8: save it again as UTF-8 text.") from None


def _parsed(text: str, path: Path) -> Any:
    """The parsed YAML."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else f" ({error})"
        raise InputError(f"{path} is not valid YAML{line}: mend the line.") from None


def name_of(path: str) -> str:
    """What a competition is called by its path: the last folder or file name, without public/ and an ending."""
    parts = [part for part in Path(path.rstrip("/")).parts if part not in ("/", ".", "..")]
    while len(parts) > 1 and parts[-1] in ("public", "data"):
        parts.pop()
    return Path(parts[-1]).name.removesuffix(".zip") if parts else path


def _free_name(name: str, taken: Sequence[str | None]) -> str:
    """The name, with a number where it is taken."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _absolute(path: str, folder: Path) -> str:
    """The absolute path of what is there; a slug, or a path that leads nowhere, as it is written."""
    there = folder / Path(path).expanduser()
    return str(there.absolute()) if there.exists() else path


def find(nights: NightsFile, wanted: str, where: str) -> Entry:
    """The competition of that name or path; InputError, with near names, where there is none."""
    resolved = Path(wanted).absolute()
    for entry in nights.competitions:
        if wanted in (entry.name, entry.path) or str(resolved) == entry.path:
            return entry
    names = [str(entry.name) for entry in nights.competitions]
    near = difflib.get_close_matches(wanted, names, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names) or 'none'}."
    raise InputError(f"{where} has no competition {wanted}: {hint}")


# changes


def add_entry(path: Path, fields: dict[str, Any]) -> Entry:
    """Add a competition to the file, which is made where needed, and return it as `read_nights` does.

    fields: of `Entry`, plain values; those that are None are left out. Raises InputError where the competition is there
    already, a field is wrong, or the file cannot be written.
    """
    fields = {name: value for name, value in fields.items() if value is not None}
    validate({"competitions": [fields]}, "What was given")
    _check_place(fields["path"])
    nights = read_nights(path)
    there = _absolute(fields["path"], Path.cwd())
    fields["path"] = there
    for option in FILES:
        if option in fields:
            fields[option] = str(Path(fields[option]).expanduser().absolute())
            if not Path(fields[option]).is_file():
                raise InputError(f"--{option}: there is no file {fields[option]}.")
    for entry in nights.competitions:
        if entry.path == there and "name" not in fields:
            raise InputError(
                f"{path} has {entry.name} ({there}) already: change it there, remove it first, or give --name for "
                f"another entry of the same data."
            )
        if entry.name == fields.get("name"):
            raise InputError(f"{path} has a competition called {entry.name} already: give another --name.")
    _write(path, _with_entry(_text(path), path, fields))
    return read_nights(path).competitions[-1]


def _check_place(path: str) -> None:
    """InputError where a path leads nowhere and has not the form of a Kaggle slug."""
    from medalist.competitions.kaggle.download import slug_of

    if not Path(path).expanduser().exists() and slug_of(path) is None:
        raise InputError(f"There is no folder or zip {path} here, and it is no Kaggle slug such as titanic.")


def remove_entry(path: Path, wanted: str) -> Entry:
    """Take a competition, by name or path, out of the file, and return it; InputError where there is none."""
    nights = read_nights(path)
    entry = find(nights, wanted, str(path))
    _write(path, _without_entry(_text(path), path, nights.competitions.index(entry)))
    return entry


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): name another place with --file.") from None


def _with_entry(text: str, path: Path, fields: dict[str, Any]) -> str:
    """The text with one competition more, below the last one; rewritten without comments only where the list is written
    in another style (`[…]`)."""
    document = _parsed(text, path) or {}
    wanted = {**document, "competitions": [*(document.get("competitions") or []), fields]}
    spans, column = _spans(text)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    block = _block(fields, column)
    if spans:
        lines[spans[-1][1] : spans[-1][1]] = block
    elif "competitions" not in document:
        lines = [*(lines or [HEAD]), "competitions:\n", *block]
    return _checked("".join(lines), wanted)


def _without_entry(text: str, path: Path, index: int) -> str:
    """The text without the competition of that index, and without the comments right above it."""
    document = _parsed(text, path)
    kept = [entry for i, entry in enumerate(document["competitions"]) if i != index]
    spans, _ = _spans(text)
    lines = text.splitlines(keepends=True)
    if spans:
        first, last = spans[index]
        lines[first:last] = [] if kept else ["  []\n"]
    return _checked("".join(lines), {**document, "competitions": kept})


def _spans(text: str) -> tuple[list[tuple[int, int]], int]:
    """(first line, line behind the last) of each competition in the text, where they are written one below the other,
    and the column of their dashes; [] where they are not."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return [], 2
    for key, value in root.value:
        if key.value == "competitions" and isinstance(value, yaml.SequenceNode) and not value.flow_style:
            starts = [item.start_mark.line for item in value.value]
            lines = text.splitlines()
            end = value.value[-1].end_mark.line if value.value[-1].end_mark.column == 0 else len(lines)
            end = max(end, starts[-1] + 1)
            while end > starts[-1] + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
                end -= 1  # what stands between the list and the next field belongs to that
            return list(zip(starts, [*starts[1:], end], strict=True)), value.start_mark.column
    return [], 2


def _block(fields: dict[str, Any], column: int) -> list[str]:
    """A competition as lines of YAML, its dash in that column."""
    import yaml

    written = yaml.safe_dump([fields], sort_keys=False, allow_unicode=True, width=1000)
    return [" " * column + line for line in written.splitlines(keepends=True)]


def _checked(text: str, wanted: dict[str, Any]) -> str:
    """The text where it parses to the wanted document; else that document written anew."""
    import yaml

    try:
        if yaml.safe_load(text) == wanted:
            return text
    except yaml.YAMLError:
        pass
    return HEAD + yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True, width=1000)


def parse_until(text: str) -> dt.date:
    """A `--until DATE`, the last day, or an instant: today's or a later one; InputError else."""
    try:
        date = dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"Cannot read the date {text!r}: write it as 2026-12-31, or 2026-12-31T18:00.") from None
    last = Entry.model_validate({"path": text, "until": date}).ends
    if last is not None and last < dt.datetime.now().timestamp():
        raise InputError(f"{text} is over: give a date from today on.")
    return date
