"""What a text says against itself. Nothing here reads one."""

from services.planning import lexicon, moods
from services.planning.figures import Hit, Tempo
from services.planning.moods import PLANE, Affect, word_of_plane
from services.planning.readings import Reading


def contradictions(reading: Reading) -> tuple[str, ...]:
    """What a text says against itself, as sentences: moods and tempi that nothing can have both, two genres, two
    meters, an instrument that is asked for and ruled out."""
    told = []
    for kind, hit in reading.aside:
        if kind == "instrument":
            told.append(f"{hit.words!r} is asked for and ruled out; it is left out ({hit.value})")
            continue
        if kind == "tempo":
            if reading.tempo is not None and _never_meet(reading.tempo, hit):
                first_words = reading.tempo.words
                told.append(f"{first_words!r} and {hit.words!r} contradict each other; {first_words!r} counts")
            continue
        first: Hit | None = getattr(reading, kind)
        if first is None or first.words == hit.words:
            continue
        if kind != "mood":
            told.append(f"{first.words!r} and {hit.words!r} are two {kind}s; the first counts ({first.value})")
        elif moods.contradict(_place(first), _place(hit)):
            told.append(f"{first.words!r} and {hit.words!r} contradict each other; the first counts ({first.value})")
    return tuple(told)


def _never_meet(tempo: Tempo, other: Hit) -> bool:
    """Whether no tempo is both: `slow` and `fast`, `160 bpm` and `slow`."""
    if other.words.startswith("not "):
        return False
    _, lowest, highest = lexicon.TEMPI.get(other.value, (1.0, 0.0, 0.0))
    low, high = tempo.bpm or tempo.lowest, tempo.bpm or tempo.highest
    return bool((high and lowest and high < lowest) or (highest and low and highest < low))


def _place(mood: Hit) -> Affect:
    return PLANE[word_of_plane(mood.words, mood.value)]
