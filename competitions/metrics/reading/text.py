"""Reads a competition's metric from its description.

Every sentence that names a metric is weighed by where it stands (under a heading such as "Evaluation") and by its words
("submissions are evaluated on…", "the baseline reaches…"); the heaviest wins, the first of equals. The words around it
then decide whether it is taken over several columns, over classes, of logarithms, or with a parameter.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.names import targets_of
from medalist.competitions.metrics.reading.formula import find_formulas, read_formula
from medalist.competitions.metrics.reading.phrases import UNSUPPORTED, UNSUPPORTED_BESIDE, Mention, find_mentions
from medalist.competitions.metrics.reading.qualifiers import by_formula, qualified
from medalist.competitions.metrics.registry import canonical_name, get_metric

LONGEST_QUOTE = 400  # characters of a sentence that is quoted
LONGEST_TEXT = 200_000  # characters of a description that are read
_HEADING = re.compile(
    r"^[ \t]{0,3}#{1,6}[ \t]*(\S.*?)[ \t#]*$|^[ \t]*(?:\*\*|__)([^*_\n]{2,60}?):?(?:\*\*|__):?[ \t]*$", re.MULTILINE
)
_TAG_HEADING = re.compile(r"<h[1-6][^<>]*>([^\n]{0,300}?)</h[1-6]>", re.S | re.I)
_BLOCK = re.compile(r"</?(?:p|div|li|ul|ol|br|tr|table|section)\b[^<>]*>", re.I)
_ABBREVIATION = re.compile(r"\b(?:i\.e|e\.g|vs|etc|approx|Fig|Eq|No|cf|resp)\.$")
_ABOUT = re.compile(
    r"evaluat|metric|scoring|\bscores?\b|judg|grading|assessment|how .*(?:scored|ranked)"
    r"|évaluation|métrique|evaluaci|métrica|bewertung|auswertung|valutazione|оценк|метрик"
)
_STRONG = re.compile(
    r"\b(?:submissions?|predictions?|entries|participants|teams|models?|solutions?|results?|competition|you|answers?"
    r"|performance|forecasts?|they|contestants)\b[^.;]{0,60}\b(?:evaluated|scored|judged|ranked|graded|assessed|measured"
    r"|compared|marked)\b|\b(?:evaluat\w+|competition|scoring|official|performance|target|leaderboard|success|error|key"
    r"|primary|main) (?:metric|measure|criteri\w+|function)|\bmetric (?:for|in|of|used|is)\b"
    r"|\b(?:evaluation|metric|scoring) ?:|\bfinal score\b|\b(?:the|your) (?:\w+ )?score\b[^.;]{0,40}\b(?:is|will be)\b"
    r"|\bevaluated (?:on|by|using|with)|\bscored (?:on|by|using|with)|\bleaderboard (?:is|score|will)"
)
_RELATED = re.compile(
    r"\bevaluat\w*|\bscor(?:e|es|ed|ing)\b|\bmetric|\bjudged|\branked|\bgraded|\bmeasured?\b|\bleaderboard"
)
_OTHER_SUBJECT = re.compile(
    r"\bbaselines?\b|\bbenchmarks?\b|\btie[ -]?break\w*|\bties (?:are|will be)\b|\bin case of (?:a )?ties?\b"
    r"|\bprevious(?:ly)?\b|\bearlier\b|\bpast (?:competition|edition)|\btraining loss|\bloss function|\bnotebooks?\b"
    r"|\bhosts?\b|\blast year|\btutorial|\bsecondary\b|\balso report|\bfor (?:information|reference|example)\b"
    r"|\bpaper\b|\bstate of the art\b|\bachiev\w+|\bwinner of\b|\binternally\b|\bqualitative"
    r"|\bcross validat\w+|\bin practice\b|\bwe tried\b"
)
_OTHER_HEADING = re.compile(r"baseline|benchmark|timeline|prize|rules|acknowledg|citation|background|faq")


@dataclass(frozen=True)
class Sentence:
    """A sentence and the heading that it stands under. `lowered` is as long as `text`, so that positions agree;
    `ends_in_colon`: it introduces what follows."""

    text: str
    lowered: str
    heading: str
    ends_in_colon: bool


def read_metric(description: str) -> tuple[str, str] | None:
    """The metric that a description names, and the sentence that names it.

    Returns
    -------
    (canonical name, sentence), or None where no metric is named, only one that is not supported, or one without the
    parameter it needs.
    """
    description = description[:LONGEST_TEXT].replace("\r\n", "\n")
    sentences = split_sentences(description)
    best = heaviest_mention(sentences)
    formula = _formula(description, sentences)
    if best is None or (formula and formula[0] > best[0]):
        return (formula[1], formula[2]) if formula else None
    _, place, mention = best
    beside = (other.name for other in find_mentions(sentences[place].lowered))
    if mention.name == UNSUPPORTED_BESIDE or UNSUPPORTED in beside:
        return None  # "F2 at several thresholds of intersection over union" is not F2
    around = [sentence.lowered for sentence in sentences if sentence.heading == sentences[place].heading]
    at = sum(sentence.heading == sentences[place].heading for sentence in sentences[:place])
    name = qualified(mention, around, at)
    if name and formula and by_formula(name, formula[1]):
        name = formula[1]
    return (name, sentences[place].text[:LONGEST_QUOTE]) if name else None


def read_metric_name(words: str) -> str | None:
    """The canonical name of a metric that is called so elsewhere, such as "CategorizationAccuracy" on Kaggle.

    None where medalist does not have it, or it lacks its parameter.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[{}]", " ", words)
    named = read_metric(f"# Evaluation\n\nSubmissions are evaluated by the {words}.")
    if named is not None:
        return named[0]
    try:
        name = canonical_name(words)
        return get_metric(name, targets_of(name)).name
    except MetricError:
        return None


def heaviest_mention(sentences: list[Sentence]) -> tuple[float, int, Mention] | None:
    """(weight above 0, place of the sentence, mention) of what is likeliest to be the metric; None without any."""
    best: tuple[float, int, Mention] | None = None
    for place, sentence in enumerate(sentences):
        for mention in find_mentions(sentence.lowered):
            weight = _weight(sentences, place, mention)
            if weight > 0 and (best is None or weight > best[0]):
                best = weight, place, mention
    return best


def is_strong(sentence: Sentence) -> bool:
    """Whether a sentence says how submissions are evaluated, of this competition and by its organiser."""
    return bool(_STRONG.search(sentence.lowered)) and not _OTHER_SUBJECT.search(sentence.lowered)


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of a text in Markdown, HTML or plain words, each with the heading that it stands under."""
    text = _TAG_HEADING.sub(lambda m: f"\n\n# {re.sub('<[^>]+>', '', m[1])}\n\n", html.unescape(text))
    text = re.sub(r"```.*?```", "\n\n", _BLOCK.sub("\n\n", text), flags=re.S)
    heading, sentences = "", []
    for block in re.split(r"\n(?:[ \t]*\n)+", _HEADING.sub(lambda m: f"\n\n# {m[1] or m[2]}\n\n", text)):
        marked = block.lstrip().startswith("#")
        if marked or _bare_heading(block):
            line = lowered(clean(block)).strip(" #:")
            heading = f"{heading} / {line}" if find_mentions(line) else line  # a metric as a heading is no new subject
        if marked:
            sentences.append(Sentence(clean(block).strip(" #"), lowered(clean(block).strip(" #")), heading, False))
            continue
        for item in re.split(r"\n\s*(?:[-*+]|\d+[.)])\s+|\n(?=\s*\|)", block):
            sentences += [Sentence(part, lowered(part), heading, part.endswith(":")) for part in _parts(clean(item))]
    return sentences


def clean(text: str) -> str:
    """One line of text without markup."""
    text = re.sub(r"!\[[^\[\]]*\]\([^()]*\)", " ", text)
    text = re.sub(r"\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)", r"\1", text)
    text = re.sub(r"<[a-zA-Z/!][^<>]*>", " ", text)
    text = re.sub(r"\\(?:text|textrm|textbf|mathrm|operatorname|mbox)\s*\{([^{}]*)\}", r" \1 ", text)
    text = re.sub(r"[*`]+|(?<!\w)_+|_+(?!\w)", "", text)
    return re.sub(r"\s+", " ", text.replace("\\_", "_")).strip()


def lowered(text: str) -> str:
    """Lower case, with spaces for hyphens, underscores and dashes between words; as long as the text."""
    plain = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    plain = plain.replace("’", "'").replace("‘", "'")
    return re.sub(r"(?<=\w)[-_\u2010-\u2014](?=\w)", " ", plain)


def _parts(text: str) -> list[str]:
    """The sentences of a text of one line."""
    parts: list[str] = []
    for piece in re.split(r"(?<=[.!?])[\"')\]]?\s+(?=[A-Z0-9\"'(\[$\\])", text):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += f" {piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return parts


def _bare_heading(block: str) -> bool:
    """Whether a block of lines without a mark looks like a heading: one short line without a full stop."""
    line = block.strip()
    return "\n" not in line and len(line) < 50 and len(line.split()) <= 6 and not line.endswith((".", "!", "?", ","))


def _weight(sentences: list[Sentence], place: int, mention: Mention) -> float:
    """A score of how likely a mention names the competition's metric; above zero it is accepted."""
    sentence = sentences[place]
    before = sentences[place - 1] if place else None
    words = sentence.lowered
    weight = -3.0 if mention.weak else 1.0
    weight += 6 if _STRONG.search(words) else 3 if _RELATED.search(words) else 0
    weight += 4 if _ABOUT.search(sentence.heading) else 0
    if before is not None and before.heading == sentence.heading and _RELATED.search(before.lowered):
        weight += 5 if before.ends_in_colon else 1
    if sentence.heading.endswith(words.strip(" :")):
        weight -= 0.5  # a sentence is better evidence than a heading
    if _OTHER_SUBJECT.search(words):
        weight -= 5
    if _OTHER_HEADING.search(sentence.heading):
        weight -= 3
    if sentence.text.rstrip().endswith("?"):
        weight -= 3
    return weight


def _formula(description: str, sentences: list[Sentence]) -> tuple[float, str, str] | None:
    """(weight, name, sentence) of the first formula that is a metric."""
    for place, tex in find_formulas(description):
        name = read_formula(tex)
        if name:
            before = split_sentences(description[:place])
            quote = before[-1].text if before else clean(tex)
            about = bool(before) and bool(_RELATED.search(before[-1].lowered) or _ABOUT.search(before[-1].heading))
            return (4.0 if about else 0.5), name, (quote or sentences[0].text)[:LONGEST_QUOTE]
    return None
