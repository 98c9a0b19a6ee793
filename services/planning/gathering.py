"""What the phrases of a text come to together: which of a kind counts, what is ruled out, what comes second."""

from dataclasses import dataclass, field, replace

from services.planning import lexicon, sections
from services.planning.figures import Hit, Tempo, turned
from services.planning.moods import PLANE, word_of_plane
from services.planning.phrases import Phrase
from services.planning.readings import Reading, Shift

_PLACES_OF_STATE = frozenset({"town", "dungeon", "exploration", "menu"})
_MOST_ASIDE = 8


@dataclass(frozen=True)
class Said:
    """How a phrase was said: its words, whether ruled out, whether it only describes an instrument that follows, and
    by how many steps it compares (0: it does not)."""

    words: str
    negated: bool = False
    describes: bool = False
    steps: float = 0.0
    stem: str = ""  # what an `-er` word compares by


@dataclass
class Found:
    """What the walk over the words has gathered so far."""

    first: dict[str, Hit] = field(default_factory=dict)
    weak_genre: Hit | None = None
    mood_word: str = ""
    tempo: Tempo | None = None
    instruments: dict[str, Hit] = field(default_factory=dict)
    extra: set[str] = field(default_factory=set)
    excluded: dict[str, Hit] = field(default_factory=dict)
    avoided: list[Hit] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    shapes: list[Hit] = field(default_factory=list)
    aside: list[tuple[str, Hit]] = field(default_factory=list)
    not_done: list[Hit] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    alone: tuple[str, int] | None = None  # the word, and how many instruments it speaks of (0: however many)

    def mean(self, phrase: Phrase, said: Said) -> None:
        """Take a phrase in."""
        if said.steps and not said.negated and self._compare(phrase, said):
            return
        for kind, values in phrase.meanings:
            if kind == "instrument":
                self._instrument(values, said)
            elif kind == "tempo":
                self._tempo(values[0], said)
            elif said.negated:
                self._rule_out(kind, values, said)
            elif kind == "genre":
                self._genre(values[0], said)
            elif kind == "excluded":
                self._exclude(values, said.words)
            elif kind in ("shape", "not_done"):
                (self.shapes if kind == "shape" else self.not_done).append(Hit(values[0], said.words))
            elif values:
                self._take(kind, values[0], said)

    def _take(self, kind: str, value: str, said: Said) -> None:
        described = {"mood": "colour", "intensity": "touch"}
        if said.describes and kind in described:
            kind = described[kind]
        if kind == "state" and kind in self.first and self.first[kind].value in _PLACES_OF_STATE:
            self.first[kind] = Hit(value, said.words) if value not in _PLACES_OF_STATE else self.first[kind]
        held = self.first.setdefault(kind, Hit(value, said.words))
        if kind == "intensity" and _is_further(int(value), int(held.value)):
            self.first[kind] = Hit(value, said.words)
        if kind in ("mood", "colour") and held.words == said.words and not (kind == "colour" and "mood" in self.first):
            self.mood_word = word_of_plane(said.words, value)
        if kind in ("mood", "meter") and held.value != value:
            self.aside.append((kind, Hit(value, said.words)))

    def _genre(self, value: str, said: Said) -> None:
        if said.describes or said.words in lexicon.WEAK_GENRES:
            self.weak_genre = self.weak_genre or Hit(value, said.words)
            return
        held = self.first.setdefault("genre", Hit(value, said.words))
        if held.value != value:
            self.aside.append(("genre", Hit(value, said.words)))

    def _rule_out(self, kind: str, values: tuple[str, ...], said: Said) -> None:
        """What a negated phrase says, instruments and tempi apart: `not too dark`, `not too busy`, `not looping`."""
        if kind == "mood":
            self.avoided.append(Hit(word_of_plane(said.words, values[0]), said.words))
        elif kind == "intensity":
            steps = -1.0 if int(values[0]) > 3 else 1.0
            self.shifts.append(Shift("intensity", steps, f"not {said.words}"))
        elif kind == "loop" and values[0] == "true":
            self.first.setdefault("loop", Hit("false", f"not {said.words}"))

    def _compare(self, phrase: Phrase, said: Said) -> bool:
        """Take a comparative in (`more intense`, `darker`, `less drums`); False where nothing of it can be compared."""
        kinds = dict(phrase.meanings)
        if "instrument" in kinds:
            if said.steps < 0:
                self._exclude(lexicon.family(said.words, kinds["instrument"]), f"less {said.words}")
            else:
                self.extra |= set(kinds["instrument"])
                self._instrument(kinds["instrument"], said)
            return True
        if "tempo" in kinds and "mood" not in kinds and "intensity" not in kinds:
            factor, _, highest = lexicon.TEMPI[kinds["tempo"][0]]
            slow = factor < 1 or 0 < highest < 100
            self.shifts.append(Shift("tempo", -said.steps if slow else said.steps, said.words))
            return True
        if "intensity" in kinds:
            up = 1 if int(kinds["intensity"][0]) >= 3 else -1
            self.shifts.append(Shift("intensity", up * said.steps, said.words))
        if "mood" in kinds:
            word = word_of_plane(said.stem or said.words, kinds["mood"][0])
            self.shifts.append(Shift("mood", said.steps, said.words, word))
            if "intensity" not in kinds and abs(PLANE[word].arousal) >= 0.5:
                self.shifts.append(Shift("intensity", said.steps * (1 if PLANE[word].arousal > 0 else -1), said.words))
        return "mood" in kinds or "intensity" in kinds

    def _tempo(self, phrase: str, said: Said) -> None:
        if self.tempo is not None:
            words = f"not {said.words}" if said.negated else said.words
            if words != self.tempo.words:
                self.aside.append(("tempo", Hit(phrase, words)))
            return
        factor, lowest, highest = lexicon.TEMPI[phrase]
        tempo = Tempo(said.words, factor=factor, lowest=lowest, highest=highest)
        if said.negated:
            bound = turned(replace(tempo, words=f"not {said.words}"))
            self.tempo = bound if bound.lowest or bound.highest else None
        else:
            self.tempo = tempo

    def _instrument(self, values: tuple[str, ...], said: Said) -> None:
        if said.negated:
            self._exclude(lexicon.family(said.words, values), said.words)
            return
        for value in values:
            self.instruments.setdefault(value, Hit(value, said.words))

    def _exclude(self, values: tuple[str, ...], words: str) -> None:
        for value in values:
            self.excluded.setdefault(value, Hit(value, words))

    def reading(self) -> Reading:
        """A family is ruled out but for the members that the text asks for by name (`taiko, no other percussion`)."""
        loose = {name for name, hit in self.instruments.items() if hit.words in lexicon.LOOSE} & set(self.excluded)
        asked = {name for name in self.instruments if name not in self._directly_excluded() | loose}
        instruments = tuple(hit for name, hit in self.instruments.items() if name in asked)
        gone = [("instrument", hit) for name, hit in self.instruments.items() if name not in asked | loose]
        first = self.first.get
        shape = sections.shaped(tuple(hit.value for hit in self.shapes)) if self.shapes else ""
        return Reading(
            mood=first("mood"), colour=first("colour"), mode=first("mode"), meter=first("meter"),
            intensity=first("intensity"), touch=first("touch"), biome=first("biome"), era=first("era"),
            loop=first("loop"), form=first("form"), state=first("state"),
            genre=self.first.get("genre") or self.weak_genre,
            mood_word=self.mood_word,
            tempo=self.tempo,
            shape=Hit(shape, ", ".join(dict.fromkeys(hit.words for hit in self.shapes))) if shape else None,
            instruments=instruments,
            added=bool(instruments) and asked <= self.extra,
            alone=self._alone(instruments),
            excluded=tuple(hit for name, hit in self.excluded.items() if name not in asked),
            avoided=tuple(self.avoided[:_MOST_ASIDE]),
            shifts=tuple(self.shifts[:_MOST_ASIDE]),
            aside=tuple(dict.fromkeys((*self.aside, *gone)))[:_MOST_ASIDE],
            not_done=tuple(dict.fromkeys(self.not_done))[:_MOST_ASIDE],
            unread=tuple(dict.fromkeys(self.unread)),
        )

    def _alone(self, instruments: tuple[Hit, ...]) -> Hit | None:
        """`solo piano` leaves out everybody else, `a violin solo` in a larger piece nobody."""
        if self.alone is None or not instruments:
            return None
        word, count = self.alone
        return Hit(word, word) if count in (0, len(instruments)) else None

    def _directly_excluded(self) -> set[str]:
        named = lexicon.lookup("instrument")
        return {name for name, hit in self.excluded.items() if name in named.get(hit.words.removeprefix("less "), ())}


def _is_further(level: int, than: int) -> bool:
    """Whether an intensity says more of the same: `maestoso, fortissimo` is as loud as the louder of the two."""
    return (level - 3) * (than - 3) >= 0 and abs(level - 3) > abs(than - 3)
