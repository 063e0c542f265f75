"""raw → validated: how near a raw column's name is to the words for one of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from loanbook.intake.guessing import vocabulary

_HAN = re.compile(r"[一-鿿]")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words(name: str) -> tuple[str, ...]:
    """Take a name apart into words, short forms spelt out: `applDt` and `appldt` are application date."""
    found: list[str] = []
    short = vocabulary.short()
    for part in _PARTS.findall(name):
        for word in _apart(part.lower()):
            found += short.get(word, word).split()
    return tuple(found)


@cache
def _apart(text: str) -> tuple[str, ...]:
    """Part a word that was written together into the fewest known ones; give it whole where that fails."""
    known = vocabulary.known()
    if text in known or not text.isalpha():
        return (text,)
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(1, len(text) + 1):
        ways = [
            (*best[start], text[start:end])
            for start in range(end)
            if start in best and text[start:end] in known
        ]
        if ways:
            best[end] = min(ways, key=len)
    return best.get(len(text), (text,))


@cache
def tokens(name: str) -> frozenset[str]:
    """Give a name's words without their order."""
    return frozenset(words(name))


def is_chinese(name: str) -> bool:
    """Tell whether a name is written in Chinese."""
    return bool(_HAN.search(name))


def nearness(name: str, words: str) -> float:
    """Tell from 0 to 1 how near a name is to the nearest of these words, parted by semicolons.

    Of words that are as near, the earlier are a little nearer.
    """
    scores = ((_near(name, word.strip()), place) for place, word in enumerate(words.split(";")))
    return max((score - place / 1000 for score, place in scores if score), default=0.0)


def _near(name: str, word: str) -> float:
    if is_chinese(word):
        plain = re.sub(r"[\s_（）()]|\(.*?\)|（.*?）", "", name).lower()
        if plain == word:
            return 1.0
        return 0.6 + 0.3 * len(word) / len(plain) if len(word) > 1 and word in plain else 0.0
    if is_chinese(name):
        return 0.0
    return _overlap(tokens(name), tokens(word))


def _overlap(name: frozenset[str], word: frozenset[str]) -> float:
    """Score shared words; what narrows nothing may be missing on either side."""
    if name == word:
        return 1.0
    core, wanted = name - vocabulary.beside(), word - vocabulary.beside()
    if wanted and core == wanted:
        return 0.9
    if word <= name:
        return 0.6 + 0.25 * len(word) / len(name)
    if wanted and wanted <= core:
        return 0.55 + 0.25 * len(wanted) / len(core)
    return 0.0


def nearest(name: str, choices: Iterable[tuple[str, str]]) -> tuple[str, float]:
    """Give the choice whose words a name is nearest to."""
    scored = [(nearness(name, words), choice) for choice, words in choices]
    score, choice = max(scored, default=(0.0, ""))
    return choice, score
