"""Ranks code pages by how much a text looks like words in each of them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

# the preferred name where several code pages give the same text comes first; the numbers are how usual they are in
# tables that are handed in today
_USUAL = {
    "cp1252": 1.3, "cp1250": 1.0, "cp1251": 1.0, "cp1254": 1.0, "cp1253": 1.0, "cp1257": 1.0, "cp1255": 1.0,
    "cp1256": 1.0, "cp1258": 0.8, "cp932": 1.0, "gb18030": 1.0, "cp949": 1.0, "big5hkscs": 1.0, "euc_jp": 0.9,
    "cp874": 1.0, "koi8-r": 0.9, "koi8-u": 0.8, "iso8859-1": 0.9, "iso8859-2": 0.9, "iso8859-15": 0.8,
    "iso8859-5": 0.7, "iso8859-7": 0.8, "iso8859-9": 0.8, "iso8859-13": 0.6, "iso8859-4": 0.4, "iso8859-8": 0.6,
    "iso8859-6": 0.6, "cp866": 0.7, "cp850": 0.6, "cp437": 0.5, "cp852": 0.6, "cp857": 0.3, "cp775": 0.3,
    "mac-roman": 0.5, "mac-latin2": 0.3, "mac-cyrillic": 0.4,
}  # fmt: skip
_OLD = {"cp866", "cp850", "cp437", "cp852", "cp857", "cp775", "mac-roman", "mac-latin2", "mac-cyrillic"}
_KANA = re.compile("[\u3041-\u30ff]")  # of Japanese alone
_JAPANESE = {"cp932", "euc_jp"}
_KANA_WEIGHT = 8.0  # of their share of the letters beyond ASCII
_FEW_LETTERS = 0.08  # how much less usual these are where fewer than four distinct bytes tell
_RARE_LANGUAGES = {"is": 0.5, "et": 0.6, "eo": 0.2, "mt": 0.2, "cy": 0.3, "ga": 0.3, "gd": 0.2, "br": 0.2, "fo": 0.2}
_SUPERSETS = {"shift_jis": "cp932", "shift-jis": "cp932", "shift_jis_2004": "cp932", "euc_kr": "cp949",
              "euc-kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "tis-620": "cp874",
              "euc_jis_2004": "euc_jp", "euc-jp": "euc_jp", "eucjp": "euc_jp"}  # fmt: skip
_ODD_WEIGHT = 8.0  # of the share of odd letters: the likelihood falls by e to the power of this times the share
_KNOWN_WEIGHT = 30.0  # of the share of words that are known from other files
_WITHIN_WORDS = "’‘·‑"  # signs that stand between letters
_BESIDE_WORDS = "°²³€"  # signs that stand before or after letters
_AFTER_WORDS = "®©™"
_WORD = re.compile(r"\S+")
_LETTERS = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Decoding:
    """A code page, with what the text is in it.

    `codecs`: others that give the same text. `words`: the text's words beyond ASCII. `odd`: share of these letters that
    no language has so. `score`: how likely it is, to be compared with others.
    """

    codec: str
    codecs: frozenset[str]
    words: tuple[str, ...] = field(repr=False)
    odd: float
    score: float


def rank(fields: Sequence[bytes], known: Collection[str]) -> list[Decoding]:
    """The code pages in which the fields are defined, the likeliest first; [] where there is none.

    `known`: words in lower case, beyond ASCII, from files whose encoding is certain.
    """
    import chardet

    data = b"\n".join(fields)
    confidence: dict[str, float] = {}
    for found in chardet.detect_all(data, ignore_threshold=True, compat_names=False):
        codec = _plain_name(str(found["encoding"] or ""))
        rare = _RARE_LANGUAGES.get(str(found["language"] or ""), 1.0)
        confidence[codec] = max(confidence.get(codec, 0.0), rare * float(found["confidence"] or 0.0))
    texts: dict[str, list[str]] = {}
    for codec in _USUAL:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if len(text.split("\n")) == len(fields):
            texts.setdefault(text, []).append(codec)
    few = len({byte for byte in data if byte > 127}) < 4
    floor = 0.05 * max(confidence.values(), default=1.0)
    readings = []
    for text, names in texts.items():
        words = tuple(dict.fromkeys(w for line in text.split("\n") for w in _WORD.findall(line) if not w.isascii()))
        letters = {w for w in _LETTERS.findall(text.casefold()) if not w.isascii()}
        share = len(letters & set(known)) / max(len(letters), 1) if known else 0.0
        odd = odd_share(text)
        usual = {name: _USUAL[name] * (_FEW_LETTERS if few and name in _OLD else 1.0) for name in names}
        likely = max(max(confidence.get(name, 0.0), floor) * usual[name] for name in names)
        if names[0] in _JAPANESE:
            likely *= 1 + _KANA_WEIGHT * len(_KANA.findall(text)) / max(sum(not c.isascii() for c in text), 1)
        score = likely * math.exp(-_ODD_WEIGHT * odd) * (1 + _KNOWN_WEIGHT * share)
        readings.append(Decoding(names[0], frozenset(names), words, odd, score))
    return sorted(readings, key=lambda reading: -reading.score)


def odd_share(text: str) -> float:
    """The share, 0 to 1, of the letters beyond ASCII that stand as in no language: controls and signs within words,
    letters of two scripts in a word, capitals after small letters or between a capital and a small letter."""
    odd = total = 0
    for word in set(_WORD.findall(text)):
        if word.isascii():
            continue
        beyond = [c for c in word if not c.isascii()]
        total += len(beyond)
        scripts = {script for c in word if c.isalpha() and (script := _script(c))}
        if len(scripts) > 1:
            odd += len(beyond)
            continue
        for before, c, after in zip(" " + word, word, word[1:] + " ", strict=False):
            kind = unicodedata.category(c)
            if c.isascii():
                odd += c.isupper() and before.islower() and not before.isascii()
            elif kind in ("Cc", "Co", "Cn"):
                odd += 1
            elif c in "ºª" or kind == "Nd":
                odd += after.isalpha() and (before.isalpha() or kind == "Nd")
            elif kind[0] in "SNP" and c not in _WITHIN_WORDS:
                beside = before.isalpha() + after.isalpha()
                alone = (kind[0] == "S" and c not in _BESIDE_WORDS + _AFTER_WORDS) or c in "¶§"
                odd += beside >= (1 if alone or (c in _AFTER_WORDS and after.isalpha()) else 2)
            elif c.isupper():
                odd += before.islower() or (before.isupper() and after.islower())
            elif c.islower() and before.isupper() and word.upper() != word:
                odd += len(word) > 2 and word[-1].isupper()
    return min(1.0, odd / total) if total else 0.0


def _script(letter: str) -> str:
    """The script of a letter, those of Japanese as one, "" for one that goes with several."""
    name = unicodedata.name(letter, "").split(" ")[0]
    if name in ("HIRAGANA", "KATAKANA", "CJK", "KATAKANA-HIRAGANA"):
        return "CJK"
    return "" if name in ("MICRO", "FEMININE", "MASCULINE", "MODIFIER", "FULLWIDTH") else name


def _plain_name(codec: str) -> str:
    """Python's name of a codec as `_USUAL` has it, the superset for one that is part of another."""
    name = codec.lower().replace("windows-", "cp").replace("iso-8859", "iso8859")
    name = name.replace("koi8_", "koi8-").replace("iso8859_", "iso8859-").replace("mac_", "mac-")
    return _SUPERSETS.get(name, name)
