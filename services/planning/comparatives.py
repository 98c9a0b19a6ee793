"""Words that compare: `darker`, `a bit slower`, `less energy`; what they compare by, and how far."""

from functools import lru_cache

from services.planning.phrases import phrases_by_words
from services.planning.unread import STOP_WORDS

DEGREES = {"more": 1.0, "less": -1.0, "fewer": -1.0}
WEIGHTS = {
    "bit": 0.5, "slightly": 0.5, "little": 0.5, "somewhat": 0.5, "tad": 0.5, "touch": 0.5, "subtly": 0.5,
    "marginally": 0.5, "much": 2.0, "far": 2.0, "lot": 2.0, "way": 2.0, "considerably": 2.0, "significantly": 2.0,
    "lots": 2.0, "many": 2.0, "noticeably": 1.0, "even": 1.0, "still": 1.0, "gradually": 1.0,
}  # fmt: skip
COMPARED = {
    "lighter": ("intensity", -1.0, ""), "bigger": ("intensity", 1.0, ""), "smaller": ("intensity", -1.0, ""),
    "harder": ("intensity", 1.0, ""), "simpler": ("intensity", -1.0, ""), "thinner": ("intensity", -1.0, ""),
    "stronger": ("intensity", 1.0, ""), "weaker": ("intensity", -1.0, ""), "tamer": ("intensity", -1.0, ""),
    "quieter": ("intensity", -1.0, ""), "softer": ("intensity", -1.0, ""), "emptier": ("intensity", -1.0, ""),
    "faster": ("tempo", 1.0, ""), "slower": ("tempo", -1.0, ""), "colder": ("mood", 1.0, "cold"),
}  # fmt: skip
NOUNS_OF_DEGREE = {"energy": "intensity", "intensity": "intensity", "speed": "tempo", "tempo": "tempo",
                    "drive": "tempo", "pace": "tempo", "density": "intensity", "activity": "intensity"}  # fmt: skip
_STEMS = (("ier", "y"), ("er", ""), ("er", "e"))


@lru_cache(maxsize=1 << 14)
def compared_stem(word: str) -> str | None:
    """The word that an `-er` word compares by: `darker` by `dark`, `sadder` by `sad`, `busier` by `busy`."""
    if not word.endswith("er") or word in COMPARED or word in STOP_WORDS:
        return None
    stems = [word.removesuffix(ending) + instead for ending, instead in _STEMS if word.endswith(ending)]
    if len(word) > 5 and word[-3] == word[-4]:
        stems.append(word[:-3])
    for stem in stems:
        phrase = phrases_by_words().get((stem,))
        if phrase is not None and any(kind in ("mood", "intensity", "tempo") for kind, _ in phrase.meanings):
            return stem
    return None
