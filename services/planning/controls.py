"""From what was said to what is to be made: the controls of a cue in a zone at a point of its axes.

Who wins, field by field: the cue's own keys; what a relation shares; the zone's key and tempo; the brief's defaults;
words of the prompt; words of the zone's identity; what state, genre and mood suggest. Comparatives of the prompt
(`darker`, `a bit slower`, `less busy`) then move what came out, unless the cue's own key set it. Firm states (combat,
boss, ...) keep their mood and tempo against the zone's words. Every choice is noted with its source, to be shown and
stored. Nothing here is random: a tonic that nobody named is the place's, and in a zone a tempo that nobody named
exactly is a simple ratio of the zone's (`kinship`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.controls import Controls, Theme
from models.words import INSTRUMENTS
from services.planning import kinship, moods, presets, timing
from services.planning.figures import Hit
from services.planning.lexicon import mood_of
from services.planning.opposites import contradictions
from services.planning.readings import Reading, Shift
from services.planning.scenes import BIOMES, ERAS
from services.planning.unread import listed

UNREAD, NOT_DONE, ASIDE = "unread", "not done", "set aside"
"""Fields of choices that decide nothing: words that were not understood, wishes that nothing here grants, and words
that came second to another of their kind or to a key of the brief."""
LEFTOVERS = frozenset({UNREAD, NOT_DONE, ASIDE})
_TEMPO_STEP = 1.18  # what "faster" does to a tempo
_TOWARDS = 0.6  # how far "darker" goes to dark
_GLAD = 0.6  # from this valence on an epic word is one of joy: triumphant, victorious, glorious
_EITHER_PENTATONIC = frozenset({"pentatonic", "pentatonic scale"})


@dataclass(frozen=True)
class Choice:
    """That `field` became `value` because of `source` (cue, relation, zone, defaults, prompt, identity, state, genre,
    mood, place, era, theme or generator) and, where text decided, of these words. See also UNREAD, NOT_DONE and ASIDE.
    """

    field: str
    value: str
    source: str
    words: str = ""


@dataclass(frozen=True)
class Understanding:
    """How a cue was understood: one choice a field, in a fixed order, several for instruments."""

    choices: tuple[Choice, ...]

    def as_json(self) -> list[dict[str, str]]:
        """Plain values: field, value, source, words."""
        return [vars(choice) | {} for choice in self.choices]


@dataclass(frozen=True)
class Parent:
    """The cue that is shared with: its name, controls and what is shared."""

    name: str
    controls: Controls
    share: frozenset[str]


@dataclass(frozen=True)
class Ask:
    """All that was said of a cue in one zone at one point. `own` and `defaults` hold the keys that are set there;
    `home_tonic` and `home_bpm` (None outside the zones) are the place's, for where nobody says more."""

    cue: str
    state: str
    prompt: Reading
    theme: Theme
    identity: Reading = field(default_factory=Reading)
    zone_key: str | None = None
    zone_bpm: float | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    parent: Parent | None = None
    home_tonic: str = "D"
    home_bpm: float | None = None


@dataclass(frozen=True)
class Resolved:
    """Controls, how they came about, and what is worth a warning."""

    controls: Controls
    understanding: Understanding
    warnings: tuple[str, ...] = ()


def resolve(ask: Ask) -> Resolved:
    """The controls of `ask`. Raises timing.ImpossibleLengthError where its length and tempo cannot go together."""
    return _Resolver(ask).resolve()


class _Resolver:
    """Decides field by field; later fields look at earlier ones."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.prompt = ask.prompt
        self.identity = ask.identity
        self.state = presets.STATES.get(ask.state, presets.OTHER_STATE)
        self.choices: list[Choice] = []
        self.warnings: list[str] = []

    def resolve(self) -> Resolved:
        genre = self._genre()
        mood = self._mood()
        bpm = self._bpm(genre, mood)
        key = self._key(mood)
        meter = self._first("meter", self._explicit("meter"), self._said("meter"), _usual_meter(genre))
        instruments, excluded = self._instruments(genre)
        loop, form = self._shape()
        length = timing.length_of(bpm, meter, loop, **self._asked_length())
        form = self._form(form, length.bars, loop)
        controls = Controls(
            state=self.ask.state, genre=genre, mood=mood, bpm=bpm, key=key, meter=meter, instruments=instruments,
            excluded=excluded, bars=length.bars, duration=length.duration, form=form, intensity=self._intensity(mood),
            loop=loop, theme=self._theme(),
        )
        self._check(controls)
        self._leftovers()
        return Resolved(controls, Understanding(tuple(self.choices)), tuple(self.warnings))

    def _note(self, name: str, value: object, source: str, words: str) -> None:
        self.choices.append(Choice(name, f"{value:g}" if isinstance(value, float) else str(value), source, words))

    def _first(self, name: str, *offers: tuple[Any, str, str] | None) -> Any:
        """The first offer (value, source, words) that is there, noted."""
        value, source, words = next(offer for offer in offers if offer is not None)
        self._note(name, value, source, words)
        return value

    def _explicit(self, name: str) -> tuple[Any, str, str] | None:
        if self.ask.own.get(name) is not None:
            return self.ask.own[name], "cue", ""
        return (self.ask.defaults[name], "defaults", "") if self.ask.defaults.get(name) is not None else None

    def _said(self, name: str, identity: bool = True) -> tuple[str, str, str] | None:
        for reading, source in ((self.prompt, "prompt"), (self.identity, "identity")):
            hit: Hit | None = getattr(reading, name)
            if hit is not None and (identity or source == "prompt"):
                return hit.value, source, hit.words
        return None

    def _shares(self, what: str) -> Parent | None:
        return self.ask.parent if self.ask.parent is not None and what in self.ask.parent.share else None

    def _genre(self) -> str:
        parent = self.ask.parent
        around = (
            (self.identity.genre.value, "identity", self.identity.genre.words) if self.identity.genre else None,
            (parent.controls.genre, "relation", parent.name) if parent else None,
        )
        unfit = presets.UNFIT_GENRES.get(self.ask.state, frozenset())
        fitting = (offer if offer and offer[0] not in unfit else None for offer in around)
        return str(self._first("genre", self._explicit("genre"), self._said("genre", identity=False), *fitting,
                               self._genre_of_era(), self._genre_of_instruments(),
                               ("orchestral", "state", self.ask.state)))

    def _genre_of_era(self) -> tuple[str, str, str] | None:
        """`80s synths`: what an era suggests where the prompt names no genre."""
        era = self.prompt.era
        return (ERAS[era.value][0], "era", era.words) if era else None

    def _genre_of_instruments(self) -> tuple[str, str, str] | None:
        """The genre that the instruments of the prompt suggest most, outside game states."""
        if self.ask.state in presets.GAME_STATES or not self.prompt.instruments:
            return None
        named = [hit.value for hit in self.prompt.instruments]
        known = presets.characteristic()
        best = max(known, key=lambda genre: sum(name in known[genre] for name in named))
        return best, "prompt", ", ".join(named)

    def _mood(self) -> str:
        place = self._place()
        from_place = (place[1], "place", place[0]) if place else None
        vague = (None, None) if self.state.firm else (self._said("colour", identity=False), from_place)
        offers = (self._explicit("mood"), self._said("mood", identity=not self.state.firm), *vague,
                  (self.state.mood, "state", self.ask.state))
        return str(self._first("mood", self._moved_mood(next(offer for offer in offers if offer is not None))))

    def _moved_mood(self, offer: tuple[str, str, str]) -> tuple[str, str, str]:
        """A mood after the prompt's comparatives (`darker`) and what it should not be (`nothing too dark`)."""
        value, source, _ = offer
        if source == "cue" or not (self.prompt.avoided or self._shifts("mood")):
            return offer
        said = moods.PLANE.get(self.prompt.mood_word) if source == "prompt" else None
        place = said or moods.ANCHORS[value]
        out = {mood_of(hit.value) for hit in self.prompt.avoided}
        for shift in self._shifts("mood"):
            goal = moods.PLANE[shift.word]
            if shift.steps > 0:
                place, value = place.towards(goal, min(1.0, _TOWARDS * shift.steps)), mood_of(shift.word)
            else:
                place, out = place.moved(goal, _TOWARDS * shift.steps), out | {mood_of(shift.word)}
        moved = self._nearest_mood(place, offer[0], value, out)
        avoided = [f"not {hit.words}" for hit in self.prompt.avoided]
        how = ", ".join([shift.words for shift in self._shifts("mood")] + avoided)
        return offer if moved == offer[0] else (moved, "prompt", how)

    def _nearest_mood(self, place: moods.Affect, before: str, goal: str, out: set[str]) -> str:
        """The mood at a place; a comparative never leaves it where it was, unless that is where it leads."""
        if not self._shifts("mood"):
            return before if before not in out else moods.nearest(moods.ANCHORS[before], out)
        if goal not in out and moods.distance(place, moods.ANCHORS[goal]) < 0.3:
            return goal
        return moods.nearest(place, out if before == goal else out | {before})

    def _shifts(self, control: str) -> list[Shift]:
        return [shift for shift in self.prompt.shifts if shift.control == control]

    def _faster(self) -> tuple[float, str]:
        """The factor that the prompt's comparatives put on a tempo (1: none), and their words."""
        shifts = self._shifts("tempo")
        return _TEMPO_STEP ** max(-3.0, min(3.0, sum(s.steps for s in shifts))), ", ".join(s.words for s in shifts)

    def _place(self) -> tuple[str, str, tuple[str, ...]] | None:
        """(words, mood, colours) of the place that the prompt or the zone names."""
        hit = self.prompt.biome or self.identity.biome
        return (hit.words, *BIOMES[hit.value]) if hit else None

    def _bpm(self, genre: str, mood: str) -> float:
        """A cue's own tempo stands; a shared grid bends every other to a simple ratio of the parent's."""
        ask, parent = self.ask, self._shares("tempo-grid")
        own = ask.own.get("bpm")
        if own is not None:
            if parent is not None and not timing.is_on_grid(own, parent.controls.bpm):
                self.warnings.append(
                    f"{ask.cue}: {own:g} bpm is no simple ratio of the {parent.controls.bpm:g} bpm of {parent.name!r}, "
                    f"whose tempo grid it shares; {timing.on_grid(own, parent.controls.bpm):g} bpm would be"
                )
            return float(self._first("bpm", (float(own), "cue", "")))
        default = ask.defaults.get("bpm")
        if ask.zone_bpm is not None:
            default = None
            if parent is None:
                return float(self._first("bpm", self._on(ask.zone_bpm, (float(ask.zone_bpm), "zone", ""))))
        wanted = self._wanted_bpm(genre, mood) if default is None else (float(default), "defaults", "")
        if parent is None:
            exact = default is not None or (self.prompt.tempo is not None and self.prompt.tempo.bpm)
            if not exact and ask.home_bpm is not None:
                wanted = (timing.on_grid(wanted[0], ask.home_bpm, timing.ZONE_GRID), *wanted[1:])
                return float(self._first("bpm", self._on(ask.home_bpm, wanted)))
            return float(self._first("bpm", self._sped(wanted)))
        bpm = timing.on_grid(wanted[0], parent.controls.bpm)
        return float(self._first("bpm", self._on(parent.controls.bpm, (bpm, "relation", parent.name))))

    def _sped(self, offer: tuple[float, str, str]) -> tuple[float, str, str]:
        """A tempo after the prompt's comparatives."""
        factor, words = self._faster()
        if not words:
            return offer
        bpm = min(max(offer[0] * factor, timing.LOWEST_BPM), timing.HIGHEST_BPM)
        return float(round(bpm)), "prompt", words

    def _on(self, grid: float, offer: tuple[float, str, str]) -> tuple[float, str, str]:
        """A tempo of a grid after the prompt's comparatives: another of that grid, at least one step on."""
        factor, words = self._faster()
        if not words:
            return offer
        tempi = [grid * ratio.numerator / ratio.denominator for ratio in timing.GRID]
        beyond = [bpm for bpm in tempi if (bpm - offer[0]) * (factor - 1) > 1e-6
                  and timing.LOWEST_BPM <= bpm <= timing.HIGHEST_BPM]
        if not beyond:
            return offer
        return min(beyond, key=lambda bpm: abs(bpm / (offer[0] * factor) - 1)), "prompt", words

    def _wanted_bpm(self, genre: str, mood: str) -> tuple[float, str, str]:
        game = self.ask.state in presets.GAME_STATES
        preset = presets.genre(genre)
        base, source = (preset.near(self.state.bpm), "state") if game else (preset.bpm, "genre")
        if self.prompt.tempo is not None:
            return self.prompt.tempo.applied_to(base), "prompt", self.prompt.tempo.words
        if mood in presets.MOOD_TEMPI and mood != self.state.mood and not self.state.firm:
            return float(round(base * presets.MOOD_TEMPI[mood] * self._vigour(mood))), "mood", mood
        return base, source, self.ask.state if game else genre

    def _vigour(self, mood: str) -> float:
        """A factor on the tempo for a mood word that is more or less agitated than the mood it stands for."""
        word = moods.PLANE.get(self.prompt.mood_word)
        return 1.0 if word is None else 1 + 0.2 * (word.arousal - moods.ANCHORS[mood].arousal)

    def _key(self, mood: str) -> str:
        ask, parent = self.ask, self._shares("key")
        own, default = ask.own.get("key"), ask.defaults.get("key")
        if own is not None and parent is not None and own != parent.controls.key:
            self.warnings.append(f"{ask.cue}: its own key {own} stands against the shared {parent.controls.key}")
        return str(self._first(
            "key",
            (own, "cue", "") if own is not None else None,
            (parent.controls.key, "relation", parent.name) if parent is not None else None,
            (ask.zone_key, "zone", "") if ask.zone_key is not None else None,
            (default, "defaults", "") if default is not None else None,
            self._said("key"),
            self._usual_key(mood),
        ))

    def _usual_key(self, mood: str) -> tuple[str, str, str]:
        """The place's tonic, or that of the related cue, in the mode that the text names, the named mood suggests, the
        genre has, or the state's mood suggests."""
        named = self._said("mode")
        word = moods.PLANE.get(self.prompt.mood_word)
        glad = mood == "epic" and (self.ask.state == "victory" or (word is not None and word.valence >= _GLAD))
        usual = ("major" if glad else presets.MOOD_MODES.get(mood, "minor"), "mood", mood)
        decided = {choice.field: choice for choice in self.choices}
        own = presets.genre(decided["genre"].value).mode
        if own and not glad and decided["mood"].source in ("state", "place"):
            usual = (own, "genre", decided["genre"].value)
        mode, source, words = named or usual
        if words in _EITHER_PENTATONIC and moods.ANCHORS[mood].valence < 0:
            mode = "minor pentatonic"
        parent = self.ask.parent
        tonic = parent.controls.key.partition(" ")[0] if parent is not None else self.ask.home_tonic
        return kinship.key_on(tonic, mode), source, words

    def _instruments(self, genre: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(instruments, excluded). Explicit ones are never excluded by words; shared ones come first."""
        explicit = self._explicit("instruments")
        excluded = dict.fromkeys(hit.value for hit in (*self.prompt.excluded, *self.identity.excluded))
        wanted = self._asked_instruments(explicit, genre)
        if explicit is not None:
            for name in [name for name in explicit[0] if name in excluded]:
                self.warnings.append(f"{self.ask.cue}: {name} is listed under `instruments`, so the prompt's words "
                                     "against it do not count")
                del excluded[name]
        chosen = {name: offer for name, offer in wanted.items() if name not in excluded}
        alone = self._alone(chosen) if explicit is None else ()
        for name, (source, words) in chosen.items():
            self._note("instruments", name, source, words)
        for name in excluded:
            words = next(hit.words for hit in (*self.prompt.excluded, *self.identity.excluded) if hit.value == name)
            self._note("excluded", name, "prompt", words)
        if alone and self.prompt.alone is not None:
            self._note("excluded", "all others", "prompt", self.prompt.alone.words)
        return tuple(chosen), (*excluded, *(name for name in alone if name not in excluded))

    def _alone(self, chosen: Mapping[str, Any]) -> tuple[str, ...]:
        """Everybody else, where the prompt asks for a soloist or a duo and for no orchestra, band or fight around."""
        crowd = self.prompt.genre is not None and self.prompt.genre.value == "orchestral"
        if self.prompt.alone is None or self.state.firm or crowd or not chosen:
            return ()
        return tuple(name for name in INSTRUMENTS if name not in chosen)

    def _asked_instruments(self, explicit: tuple[Any, str, str] | None, genre: str) -> dict[str, tuple[str, str]]:
        shared = self._shares("instruments")
        wanted = {name: ("relation", shared.name) for name in shared.controls.instruments} if shared else {}
        if explicit is not None:
            return wanted | {name: (explicit[1], "") for name in explicit[0]}
        if self.prompt.instruments and not self.prompt.added:
            return wanted | _named(self.prompt, "prompt", genre) | self._colours_of_era(genre)
        if self.prompt.instruments:
            return (wanted or self._usual_instruments(genre)) | _named(self.prompt, "prompt", genre)
        return wanted or _named(self.identity, "identity", genre) | self._usual_instruments(genre)

    def _colours_of_era(self, genre: str) -> dict[str, tuple[str, str]]:
        """The instruments that an era is known by, where they belong to the genre or the genre to the era."""
        era = self.prompt.era
        if era is None:
            return {}
        suggested, colours = ERAS[era.value]
        return {name: ("era", era.words) for name in colours} if genre == suggested else {}

    def _usual_instruments(self, genre: str) -> dict[str, tuple[str, str]]:
        players = presets.genre(genre).players(self.ask.state)
        usual = self._colours_of_era(genre) or {name: ("genre", genre) for name in players}
        if genre == "orchestral":
            usual |= {name: ("state", self.ask.state) for name in presets.FIRM_COLOURS.get(self.ask.state, ())}
        place = self._place()
        if place is not None and genre in ("orchestral", "folk", "ambient"):
            usual |= {name: ("place", place[0]) for name in place[2]}
        return usual

    def _shape(self) -> tuple[bool, str | None]:
        """(loop, form): `form: loop` means a loop unless `loop` says otherwise."""
        form, loop = self._explicit("form"), self._explicit("loop")
        if loop is None and form is None and (said := self._said("loop", identity=False)) is not None:
            self._note("loop", said[0], said[1], said[2])
            return said[0] == "true", None
        is_loop = bool(loop[0]) if loop is not None else form is not None and form[0] == "loop"
        source = (loop or form or (None, "state", ""))[1]
        self._note("loop", str(is_loop).lower(), source, "")
        own_loop = "loop" in self.ask.own and "form" not in self.ask.own
        if form is None or (own_loop and (form[0] == "loop") != is_loop):
            return is_loop, None
        return is_loop, str(form[0])

    def _asked_length(self) -> dict[str, Any]:
        """`bars` or `duration`: the cue's one, else that of the defaults, else what the prompt says."""
        for place, source in ((self.ask.own, "cue"), (self.ask.defaults, "defaults")):
            for name in ("bars", "duration"):
                if place.get(name) is not None:
                    self._note(name, place[name], source, "")
                    return {name: place[name]}
        for name, kind in (("bars", int), ("duration", float)):
            said = self._said(name, identity=False)
            if said is not None:
                self._note(name, said[0], said[1], said[2])
                return {name: kind(said[0])}
        return {}

    def _form(self, given: str | None, bars: int, loop: bool) -> str:
        """The form that the cue or the prompt gives, else the usual one of that length."""
        if given is not None:
            return str(self._first("form", (given, "cue" if self._explicit("form") else "state", "")))
        said = self._said("form", identity=False) or (None if loop else self._said("shape", identity=False))
        if said is not None and said[0].count("-") + 1 > bars:
            self.warnings.append(f"{self.ask.cue}: {bars} bars are too few for {said[2]!r}")
            said = None
        return str(self._first("form", said, (_usual_form(bars, loop), "state", "")))

    def _intensity(self, mood: str) -> int:
        game = self.ask.state in presets.GAME_STATES
        value, source, words = next(offer for offer in (
            self._explicit("intensity"), self._said("intensity", identity=False),
            None if game else self._said("touch", identity=False), self._intensity_of_mood(mood),
            (self.state.intensity, "state", self.ask.state),
        ) if offer is not None)
        shifts = [] if source == "cue" else self._shifts("intensity")
        if shifts:
            steps = sum(max(1, abs(shift.steps)) * (1 if shift.steps > 0 else -1) for shift in shifts)
            value, source = min(5, max(1, int(value) + int(steps))), "prompt"
            words = ", ".join(dict.fromkeys(shift.words for shift in shifts))
        return int(self._first("intensity", (value, source, words)))

    def _intensity_of_mood(self, mood: str) -> tuple[int, str, str] | None:
        """What the arousal of the prompt's mood suggests; in a game state at most one step from the state's own, and
        none for a mood that is the state's own: who calls a fight urgent asks for no more than a fight."""
        word = self.prompt.mood_word
        if not word:
            return None
        level, own = moods.level(moods.PLANE[word]), self.state.intensity
        if self.ask.state in presets.GAME_STATES:
            beside = level - moods.level(moods.ANCHORS[self.state.mood])
            level = min(5, max(1, own + min(1, max(-1, beside))))
        return level, "mood", word

    def _leftovers(self) -> None:
        """Note what decided nothing: what came second or was overruled, what nobody does, what was not understood."""
        for kind, hit in (*self.prompt.aside, *self._overruled()):
            self._note(ASIDE, f"{kind} {hit.value}", "prompt", hit.words)
        for hit in self.prompt.not_done:
            self._note(NOT_DONE, hit.value, "prompt", hit.words)
            self.warnings.append(f"{self.ask.cue}: {hit.words!r} is not done: {hit.value}")
        for reading, source in ((self.prompt, "prompt"), (self.identity, "identity")):
            if reading.unread:
                self._note(UNREAD, listed(reading.unread), source, "")
        self.warnings += [f"{self.ask.cue}: {told}" for told in contradictions(self.prompt)]

    def _overruled(self) -> Iterator[tuple[str, Hit]]:
        """What the prompt says of a field that a key, a relation or the zone decided."""
        used = {(choice.field, choice.source) for choice in self.choices}
        for name in ("genre", "mood", "key", "meter", "bars", "duration", "loop", "form"):
            hit: Hit | None = getattr(self.prompt, name)
            if hit is not None and (name, "prompt") not in used:
                yield name, hit
        if self.prompt.tempo is not None and ("bpm", "prompt") not in used:
            yield "tempo", Hit(self.prompt.tempo.words, self.prompt.tempo.words)

    def _theme(self) -> Theme:
        if self.ask.parent is None:
            return self.ask.theme
        return self.ask.parent.controls.theme if self._shares("theme") else self.ask.theme

    def _check(self, controls: Controls) -> None:
        sections = controls.form.count("-") + 1
        if sections > controls.bars:
            raise timing.ImpossibleLengthError(f"{controls.bars} bars are too few for the {sections} sections")


def _named(reading: Reading, source: str, genre: str) -> dict[str, tuple[str, str]]:
    return {_suited(hit.value, hit.words, genre): (source, hit.words) for hit in reading.instruments}


def _suited(name: str, words: str, genre: str) -> str:
    """`guitar` alone is electric where the genre is."""
    if words in ("guitar", "guitars") and genre in ("rock", "metal", "electronic", "synthwave", "city-pop", "house"):
        return "electric guitar"
    return name


def _usual_meter(genre: str) -> tuple[str, str, str]:
    return ("3/4", "genre", genre) if genre == "waltz" else ("4/4", "state", "")


def _usual_form(bars: int, loop: bool) -> str:
    if loop:
        return "loop"
    if bars >= 12:
        return "intro-A-B-A-outro"
    return "A-B-A" if bars >= 6 else "A"
