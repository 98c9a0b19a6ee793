"""A tokenizer learned from captions: pieces of words and how likely each is (Kudo, arXiv 1804.10959), as T5 has them.

Learned here and not by the library because its own learner gives other pieces every time it is run. Pieces begin as all
parts of words that are seen often enough; words are cut in the likeliest way, pieces are counted anew, the least used
ones go. Letters stay, so that any caption can be read. The same words always give the same tokenizer.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from string import ascii_letters, digits, punctuation
from typing import Any

MARK = "▁"  # before a word
SPECIAL = ("<pad>", "</s>", "<unk>")
LONGEST_PIECE = 16
ROUNDS = 3
_LETTERS = (MARK, *ascii_letters, *digits, *punctuation)


def learned(words: Mapping[str, int], size: int) -> list[tuple[str, float]]:
    """Pieces with their log probabilities for words (without marks) by how often each occurs; at most `size` pieces
    with the special ones, or as many as the letters need. Letters come last, others by likelihood."""
    marked = {MARK + word: count for word, count in sorted(words.items()) if word}
    letters = sorted({*_LETTERS, *(letter for word in marked for letter in word)})
    most = max(size - len(SPECIAL) - len(letters), 0)
    counts = _parts(marked)
    for number in range(ROUNDS + 1):
        limit = most * 2 ** (ROUNDS - number)
        kept = dict(sorted(counts.items(), key=lambda each: (-each[1] * len(each[0]), each[0]))[:limit])
        scores = _scores(kept, letters)
        counts = _used(marked, scores)
    final = _scores({piece: counts.get(piece, 0) for piece in kept}, letters)
    pieces = sorted((piece for piece in final if len(piece) > 1), key=lambda piece: (-final[piece], piece))
    return [*((word, 0.0) for word in SPECIAL), *((piece, final[piece]) for piece in [*pieces, *letters])]


def _parts(words: Mapping[str, int]) -> Counter[str]:
    """Every part of two letters and more by how often it occurs; those that occur once are left out but whole words."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for first in range(len(word)):
            for end in range(first + 2, min(len(word), first + LONGEST_PIECE) + 1):
                counts[word[first:end]] += count
    return Counter({piece: count for piece, count in counts.items() if count > 1 or piece in words})


def _scores(counts: Mapping[str, float], letters: Iterable[str]) -> dict[str, float]:
    """Log probabilities, a little left for what never occurs; rounded, so that they are written the same everywhere."""
    held = {**{letter: 0.1 for letter in letters}, **{piece: count + 0.1 for piece, count in counts.items()}}
    total = sum(held.values())
    return {piece: round(math.log(count / total), 4) for piece, count in held.items()}


def _used(words: Mapping[str, int], scores: Mapping[str, float]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for piece in cut(word, scores):
            counts[piece] += count
    return Counter({piece: count for piece, count in counts.items() if len(piece) > 1})


def cut(word: str, scores: Mapping[str, float]) -> list[str]:
    """A marked word in the likeliest pieces (Viterbi); each of its letters is a piece."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(word) + 1):
        begins = range(max(0, end - LONGEST_PIECE), end)
        found = ((best[at][0] + scores[word[at:end]], at) for at in begins if word[at:end] in scores)
        best.append(max(found, key=lambda each: (each[0], -each[1])))
    pieces, end = list[str](), len(word)
    while end:
        pieces.append(word[best[end][1] : end])
        end = best[end][1]
    return pieces[::-1]


def counted(texts: Iterable[str]) -> Counter[str]:
    """The words of captions by how often each occurs."""
    return Counter(word for text in texts for word in text.split())


def tokenizer(pieces: list[tuple[str, float]]) -> Any:
    """The tokenizer of these pieces: `</s>` at the end of every text, as T5 wants it."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
    from tokenizers.models import Unigram

    made = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return made
