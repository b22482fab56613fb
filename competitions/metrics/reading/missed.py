"""What a description says of its metric where `read_metric` reads none, such as one that medalist does not have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medalist.competitions.metrics.names import MEAN
from medalist.competitions.metrics.reading.phrases import UNSUPPORTED, UNSUPPORTED_BESIDE, find_mentions
from medalist.competitions.metrics.reading.qualifiers import qualified
from medalist.competitions.metrics.reading.text import (
    LONGEST_TEXT,
    heaviest_mention,
    is_strong,
    lowered,
    read_metric,
    split_sentences,
)
from medalist.competitions.metrics.registry import METRICS, PARAMETRISED

_LONGEST_QUOTE = 200  # characters of a sentence that a note quotes
_BY = re.compile(
    r"\b(?:evaluat|scor|judg|rank|grad|assess|measur)\w*(?: \w+)? "
    r"(?:on|by|using|with|via|through|according to|based on|as)\b|\bmetric\b"
)


@dataclass(frozen=True)
class Missed:
    """What was not understood: the sentence; `words`, the metric that it names, "" where none is recognised in it;
    `example`, the name of such a metric with the parameter that the text lacks, "" where it is another kind."""

    quote: str
    words: str = ""
    example: str = ""

    def sentence(self) -> str:
        """A note for a person, with what to do."""
        own = "--metric file.py:function gives your own"
        if self.example:
            return f"The description names “{self.words}” without its parameter: write it as --metric {self.example}."
        if self.words:
            return f"The description names “{self.words}” (“{self.quote}”), which medalist does not have: {own}."
        return f"No metric that medalist has is recognised in “{self.quote}”: --metric names one, {own}."


def rival_metric(name: str, quote: str) -> str | None:
    """Another metric that a sentence names beside the one of that name, which was read in it; None without."""
    text = lowered(quote)
    for mention in find_mentions(text):
        other = qualified(mention, [text], 0) if mention.name in METRICS and not mention.weak else None
        if other is not None and not _alike(other, name):
            return other
    return None


def _alike(one: str, other: str) -> bool:
    """Whether two names are of one metric, or of variants of one that a phrase may mean."""
    one, other = one.removeprefix(MEAN), other.removeprefix(MEAN)
    variants = {v.name for name in (one, other) if name in METRICS for v in METRICS[name].wording.variants}
    kinds = {name for key in (one, other) if key in METRICS for name in METRICS[key].by_type.values()}
    return one == other or one in variants | kinds or other in variants | kinds or one.partition("@")[0] == "map"


def missed_metric(description: str) -> Missed | None:
    """What a description says of its metric where it cannot be used; None where it can, or where it says nothing."""
    description = description[:LONGEST_TEXT].replace("\r\n", "\n")
    if read_metric(description) is not None:
        return None
    sentences = split_sentences(description)
    best = heaviest_mention(sentences)
    if best is not None:
        sentence = sentences[best[1]]
        mentions = find_mentions(sentence.lowered)
        mention = next((m for m in mentions if m.name in (UNSUPPORTED, UNSUPPORTED_BESIDE)), best[2])
        family = PARAMETRISED.get(mention.name.partition("@")[0])
        words = sentence.text[mention.start : mention.end].strip()
        example = "" if family is None else family.example
        return Missed(sentence.text[:_LONGEST_QUOTE], words, example)
    strong = [s for s in sentences if is_strong(s) and _BY.search(s.lowered) and len(s.text.split()) > 3]
    return Missed(strong[0].text[:_LONGEST_QUOTE]) if strong else None
