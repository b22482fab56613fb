"""What Kaggle says of a competition beside its files: kept with the download, for later runs without a network."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medalist.competitions.atomic import replace_file

FOLDER = "about"  # beside the zips, and the place of the locks on their downloads
_PAGES = ("evaluation", "description", "overview", "abstract", "data-description")  # read in this order
_LONGEST = 1 << 20  # bytes of such a file
_NUMBER = r"(?:[a-z]+\s*\()?(\d{1,3})\)?"  # "five (5)" too, as rules have it
_DAILY = re.compile(rf"maximum of {_NUMBER}\s+(?:entries|submissions)\s+(?:per|a|each) day", re.IGNORECASE)
_TEAM = re.compile(rf"maximum team size is {_NUMBER}", re.IGNORECASE)
_DATE = r"([A-Z][a-z]+ \d{1,2}, \d{4}|\d{4}-\d{2}-\d{2})"
_FINAL = r"(?:final|entry)?\s*submission deadline"
_DEADLINES = (  # of timelines: "Final Submission Deadline - January 31, 2024", or the other way round
    re.compile(rf"{_FINAL}\W{{0,8}}(?:is\s+)?{_DATE}", re.IGNORECASE),
    re.compile(rf"{_DATE}\W{{0,8}}{_FINAL}", re.IGNORECASE),
)
_LIMITS = {"deadline": "deadline", "daily": "daily limit of submissions", "team": "size of teams"}


@dataclass(frozen=True)
class Facts:
    """Limits of a competition by Kaggle's metadata or its pages; None where neither says.

    `deadline`: of submissions, in ISO form and UTC. `daily`: submissions of a team per day. `team`: most members.
    `entered`: whether the account has joined. `code_only`: it takes notebooks alone. `disabled`: it takes nothing.
    """

    deadline: str | None = None
    daily: int | None = None
    team: int | None = None
    entered: bool | None = None
    code_only: bool | None = None
    disabled: bool | None = None

    def end(self) -> datetime | None:
        """The deadline; None where it is not known."""
        try:
            when = datetime.fromisoformat(self.deadline or "")
        except ValueError:
            return None
        return when if when.tzinfo else when.replace(tzinfo=UTC)

    def is_over(self, now: datetime | None = None) -> bool:
        """Whether the deadline has passed."""
        end = self.end()
        return end is not None and end < (now or datetime.now(UTC))

    def day(self) -> str:
        """The day of the deadline."""
        end = self.end()
        return f"{end:%Y-%m-%d}" if end else ""

    def notes(self, now: datetime | None = None) -> tuple[str, ...]:
        """What a participant must know of them, in sentences."""
        limits = [f"at most {self.daily} submissions a day"] if self.daily else []
        limits += [f"teams of at most {self.team}"] if self.team else []
        notes = []
        if self.is_over(now):
            notes.append(f"On Kaggle it ended on {self.day()}: late submissions get a score at most, but no place.")
        elif (end := self.end()) is not None:
            limits = [f"submissions until {end:%Y-%m-%d %H:%M} UTC", *limits]
        if limits:
            notes.append(f"On Kaggle: {', '.join(limits)}.")
        if self.code_only:
            notes.append(
                "Kaggle takes notebooks alone for it (a code competition): a submission.csv cannot be uploaded, "
                "write it from a notebook there."
            )
        if self.disabled:
            notes.append("Kaggle takes no submissions for it.")
        missing = [words for name, words in _LIMITS.items() if getattr(self, name) is None]
        if missing and any(getattr(self, f.name) is not None for f in fields(self)):
            notes.append(f"Neither Kaggle's metadata nor its pages name the {' and the '.join(missing)}.")
        return tuple(notes)


@dataclass(frozen=True)
class About:
    """What Kaggle calls the competition's metric, and its pages of text, the one on the evaluation first; "" where it
    says nothing. `path`: the file that keeps them."""

    path: Path
    metric: str = ""
    description: str = ""
    facts: Facts = Facts()


def facts_of(answers: dict[str, Any]) -> Facts:
    """The limits in the client's `answers`: by the metadata, else by the pages."""
    given = answers.get("facts") or {}
    text = " ".join(str(page.get("content") or "") for page in answers.get("pages") or ())
    text = re.sub(r"<[^>]*>|[*_]", "", text)
    by_text = [int(match[1]) if (match := pattern.search(text)) else None for pattern in (_DAILY, _TEAM)]
    by_page = next((match[1] for pattern in _DEADLINES if (match := pattern.search(text))), None)
    entered, code_only = given.get("user_has_entered"), given.get("is_kernels_submissions_only")
    return Facts(
        given.get("deadline") or _last_minute(by_page),
        given.get("max_daily_submissions") or by_text[0],
        given.get("max_team_size") or by_text[1],
        entered,
        code_only,
        given.get("submissions_disabled"),
    )


def _last_minute(day: str | None) -> str | None:
    """The end of a day of a page, as Kaggle's deadlines are, in ISO form and UTC; None where it is no date."""
    for form in ("%B %d, %Y", "%b %d, %Y", "%Y-%m-%d"):
        with suppress(ValueError):
            return f"{datetime.strptime(day or '', form):%Y-%m-%d}T23:59:00"
    return None


def read_about(root: Path) -> About:
    """What is kept beside the zip `root` of a download; empty where there is none, or it cannot be read."""
    path = root.parent / FOLDER / f"{root.stem}.json"
    if root.suffix.lower() != ".zip" or not path.is_file():
        return About(path)
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LONGEST))
    except (OSError, ValueError):
        return About(path)
    if not isinstance(document, dict):
        return About(path)
    metric, description = (str(document.get(name) or "") for name in ("metric", "description"))
    return About(path, metric, description, _kept_facts(document.get("facts")))


def _kept_facts(document: Any) -> Facts:
    """The limits as they were kept; those of another type than they should be are left out."""
    if not isinstance(document, dict):
        return Facts()
    kinds = {"deadline": str, "daily": int, "team": int}
    given: dict[str, Any] = {f.name: document.get(f.name) for f in fields(Facts)}
    for name, value in given.items():
        if not isinstance(value, kinds.get(name, bool)):
            given[name] = None
    return Facts(**given)


def keep_about(archive: Path, answers: Any) -> None:
    """Keep the client's `answers` on the competition whose zip is `archive`; nothing where there are none, or where
    the folder cannot be written."""
    if not isinstance(answers, dict):
        return
    pages = {str(p.get("name")).lower(): str(p.get("content") or "") for p in answers.get("pages") or ()}
    texts = [f"# {name.title()}\n\n{pages[name]}" for name in _PAGES if pages.get(name)]
    metric = str((answers.get("facts") or {}).get("evaluation_metric") or "")
    facts = {name: value for name, value in asdict(facts_of(answers)).items() if value not in (None, "")}
    document = {"metric": metric, "description": "\n\n".join(texts), "facts": facts}
    if not any(document.values()):
        return
    path = archive.parent / FOLDER / f"{archive.stem}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        replace_file(path, json.dumps(document, indent=1))
    except OSError:
        return
