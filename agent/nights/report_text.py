"""The report on a night for people: as text for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medalist.agent.run.display import duration
from medalist.leaderboard.boards.standing import WORDS, percentage

Document = Mapping[str, Any]


def count(number: int, what: str) -> str:
    """A number of things in words: 1 slice, 2 slices."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def headline(document: Document) -> str:
    """The night in one sentence, such as a notification shows first."""
    competitions = document["competitions"]
    better = sum(bool(c["gain"]) for c in competitions)
    failed = sum(bool(c["failures"]) for c in competitions)
    parts = [f"{count(len(competitions), 'competition')} in {duration(document['seconds_worked'])}", f"{better} gained"]
    parts += [f"{failed} had failures"] if failed else []
    return f"Night {document['night']} ({document['state']}): {', '.join(parts)}. {document['reason']}".strip()


def as_text(document: Document) -> str:
    """The report as text."""
    lines = [headline(document)]
    lines += [f"  {n['text']}" for n in document["notes"]]
    for c in document["competitions"]:
        lines += ["", f"{c['competition']}: {_work(c)}"]
        lines += [f"  {line}" for line in _lines(c)]
    return "\n".join(lines) + "\n"


def as_markdown(document: Document) -> str:
    """The report as Markdown: a table of all competitions, and a section for each."""
    lines = [f"# Night {_plain(document['night'])}", "", _plain(headline(document)), ""]
    lines += [f"- {_plain(n['text'])}" for n in document["notes"]]
    if document["competitions"]:
        lines += [
            "",
            "| competition | worked | experiments | gain in noise | before | after | place | medal-equivalent |",
            "|---|---:|---:|---:|---|---|---|---|",
        ]
        for c in document["competitions"]:
            after = c["after"] or {}
            cells = (
                c["competition"],
                duration(c["seconds"]),
                c["experiments"],
                f"{c['gain']:.3g}",
                _score(c["before"]),
                _score(c["after"]),
                _place(c),
                f"{after['medal']} (estimated)" if after.get("medal") else "",
            )
            lines.append("| " + " | ".join(_plain(str(cell)).replace("|", "\\|") for cell in cells) + " |")
    for c in document["competitions"]:
        lines += ["", f"## {_plain(c['competition'])}", "", f"{_plain(_work(c))}", ""]
        lines += [f"- {_plain(line)}" for line in _lines(c)]
    return "\n".join(lines) + "\n"


def _work(c: Document) -> str:
    """How much was done on a competition."""
    verdicts = ", ".join(f"{times} {verdict}" for verdict, times in c["verdicts"].items())
    slices = count(c["slices"], "slice")
    done = count(c["experiments"], "experiment") + (f" ({verdicts})" if verdicts else "")
    total = f"; in all {c['all_experiments']} in {duration(c['all_seconds'])}" if c.get("all_seconds") else ""
    return f"{duration(c['seconds'])} in {slices}, {done}{total}."


def _lines(c: Document) -> Sequence[str]:
    """What is said of a competition, a sentence a line."""
    lines = []
    if c["after"] is not None:
        before = f"{_score(c['before'])} before, " if c["before"] else ""
        lines.append(f"{c['metric'] or 'Score'}: {before}{_score(c['after'])} now; {_progress(c)}.")
    elif c["experiments"]:
        lines.append(f"No estimate yet; {_progress(c)}.")
    if place := _place(c):
        medal = (c["after"] or {}).get("medal")
        words = f"{medal or 'no'} {WORDS['cross-validation']}"
        lines.append(
            f"Among {c['after']['teams']:,} teams on {c.get('board') or 'its leaderboard'}: place {place}; {words}."
        )
    for h in c["helped"]:
        lines.append(f"Helped: #{h['experiment']} {h['family']}: {h['reason']} ({h['gain']:+.2g} standard errors)")
    for f in c["failed"]:
        times = f" ({f['times']} times)" if f["times"] > 1 else ""
        lines.append(f"Failed: {f['family']}: {f['reason']} ({f['verdict']}){times}")
    notes = list(dict.fromkeys(n["text"] for n in c["notes"]))
    for reason in dict.fromkeys(c["failures"]):  # as of a slice whose night was killed: no note tells of it
        if not any(reason in note for note in notes):
            lines.append(f"A slice did not come to its end: {reason}")
    lines += notes
    if c["chance"] is not None:
        gains = f"The chance that another hour gains more than the noise ({c['noise']:.2g} standard errors)"
        lines.append(f"{gains} is {percentage(c['chance'])}.")
    if c["next"]:
        lines.append(f"It would try next: {c['next']}")
    if c["submission"]:
        lines.append(f"Submission: {c['submission']}")
    return lines


def _progress(c: Document) -> str:
    """The gain of the night in units of the competition's noise."""
    if not c["gain"]:
        return "nothing gained in this night"
    return f"the ensemble gained {c['gain']:.3g} standard errors in this night"


def _score(estimate: Document | None) -> str:
    """An honest estimate as text; "" for None."""
    if estimate is None:
        return ""
    doubt = "" if estimate["confirmed"] else " (not confirmed)"
    return f"{estimate['score']:.6g} ± {estimate['standard_error'] or 0:.2g}{doubt}"


def _place(c: Document) -> str:
    """The place among humans, and where it was before; "" where there is no leaderboard."""
    after, before = c["after"] or {}, c["before"] or {}
    if after.get("place") is None:
        return ""
    moved = f" (from {before['place']:,})" if before.get("place") not in (None, after["place"]) else ""
    intervals = {"within one standard error": c.get("place_within"), "80 % interval": c.get("place_interval")}
    ranges = [f"{words} {ends[0]:,} to {ends[1]:,}" for words, ends in intervals.items() if ends]
    spread = f" ({', '.join(ranges)})" if ranges else ""
    return f"{after['place']:,}{moved} of {after['teams']:,}{spread}"


def _plain(text: str) -> str:
    """Text from data within Markdown: what would be markup is escaped."""
    return text.replace("\\", "\\\\").replace("<", "&lt;").replace("`", "\\`").replace("\n", " ")
