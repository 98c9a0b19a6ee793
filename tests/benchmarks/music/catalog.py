"""The catalog that the report measures: every genre as a small game's order, planned like any brief.

Each genre is one brief with two zones (keys, modes and tempi of their own), three states that share theme, key and
tempo grid, and one cue of another state. What cannot be planned is told and left out; nothing is composed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import yaml

from models.controls import Controls
from models.generator import Request
from services.planning.faults import BriefError
from services.planning.order import Delivery, PlannedTake
from services.planning.plan import plan
from services.planning.reader import read_bytes
from tests.cards import cards_at

SEED = 20261122
SECONDS = 28.0
MAIN_STATES = ("exploration", "combat", "boss")
PROMPTS = {
    "exploration": "wandering through the {place}, with time to look around",
    "combat": "an ambush in the {place}, urgent",
    "boss": "the master of the {place} wakes, relentless",
}


@dataclass(frozen=True)
class Style:
    """What a brief of one genre orders: (name, identity, key, bpm) of two zones, a meter, and another cue."""

    near: tuple[str, str, str, float]
    far: tuple[str, str, str, float]
    meter: str
    other: dict[str, object]


def _style(near: str, far: str, meter_: str, /, **other: object) -> Style:
    """Zones are written `name | identity | key | bpm`."""

    def zone(text: str) -> tuple[str, str, str, float]:
        name, identity, key, bpm = (part.strip() for part in text.split("|"))
        return name, identity, key, float(bpm)

    return Style(zone(near), zone(far), meter_, other)


STYLES = {
    "orchestral": _style("vale | green hills | D minor | 88", "peak | snow and wind | Eb lydian | 96", "4/4",
                         state="victory", form="A-B-outro"),
    "ambient": _style("lake | still water | A minor | 72", "cave | blue ice | F lydian | 64", "4/4", state="menu"),
    "jazz": _style("bar | smoke | Bb major | 120", "roof | city night | C dorian | 136", "4/4",
                   state="puzzle", meter="5/4"),
    "bossa-nova": _style("beach | sun | F major | 128", "cafe | rain | D minor | 116", "4/4", state="town"),
    "lo-fi": _style("desk | homework | Eb major | 80", "train | evening | G dorian | 76", "4/4", state="music"),
    "folk": _style("farm | harvest | G major | 104", "moor | fog | E dorian | 92", "4/4", state="town", meter="3/4"),
    "celtic": _style("glen | rain | D mixolydian | 112", "fort | stone | A dorian | 120", "6/8",
                     state="town", form="intro-A-A-B-A-outro"),
    "medieval": _style("tavern | ale | D dorian | 104", "abbey | candles | G mixolydian | 88", "3/4",
                       state="dungeon", meter="4/4"),
    "waltz": _style("palace | ball | C major | 144", "garden | moon | A harmonic minor | 132", "3/4", state="cutscene"),
    "march": _style("square | parade | Bb major | 116", "camp | mud | G minor | 108", "4/4",
                    state="victory", meter="2/4", form="A-B-A"),
    "horror": _style("house | dust | C# phrygian | 72", "crypt | bones | D octatonic | 66", "4/4",
                     state="stealth", meter="5/4"),
    "rock": _style("road | heat | E minor | 128", "garage | oil | A mixolydian | 136", "4/4", state="music"),
    "metal": _style("forge | fire | E phrygian | 148", "pit | ash | D harmonic minor | 160", "4/4",
                    state="combat", meter="7/8", name="charge"),
    "city-pop": _style("avenue | neon | F major | 110", "pier | sunset | A minor | 104", "4/4", state="menu"),
    "electronic": _style("lab | glass | C minor | 126", "port | cranes | G dorian | 120", "4/4", state="low-tension"),
    "synthwave": _style("highway | neon | A minor | 104", "tower | chrome | F# minor | 112", "4/4", state="menu"),
    "house": _style("club | lights | C minor | 124", "terrace | noon | D major | 122", "4/4", state="music"),
    "techno": _style("bunker | concrete | F minor | 132", "plant | steam | B phrygian | 136", "4/4", state="stealth"),
    "drum-and-bass": _style("tunnel | speed | E minor | 174", "dome | stars | D dorian | 170", "4/4", state="music"),
    "trap": _style("block | night | C# minor | 142", "vault | gold | F harmonic minor | 136", "4/4", state="music"),
    "chiptune": _style("field | pixels | C major pentatonic | 140", "castle | bats | A minor pentatonic | 132", "4/4",
                       state="puzzle", meter="7/8"),
}


@dataclass(frozen=True)
class Take:
    """One take of the catalog as the generator gets it. `state` is the cue's, `cue` names it within the genre."""

    genre: str
    state: str
    zone: str
    cue: str
    index: int
    seed: int
    controls: Controls
    delivery: Delivery
    id: str

    @property
    def family(self) -> tuple[str, str, str]:
        """What takes of one cue and point share."""
        return self.genre, self.zone, self.cue

    @property
    def request(self) -> Request:
        return Request(self.id, "", self.seed, self.controls, stems=True, variation=self.index)

    def __str__(self) -> str:
        controls = self.controls
        return (f"{self.genre} {self.state} {self.zone}/{self.cue}#{self.index} seed {self.seed} "
                f"({controls.key}, {controls.meter}, {controls.bpm:g} bpm, {controls.bars} bars)")  # fmt: skip


@dataclass(frozen=True)
class Catalog:
    """The takes, and why what is missing from them is missing."""

    takes: tuple[Take, ...]
    warnings: tuple[str, ...]


def brief(genre: str, seed: int, seconds: float = SECONDS, takes: int = 2) -> dict[str, object]:
    """The order of one genre as the plain data of a brief; `takes` of every cue and zone."""
    style = STYLES[genre]
    zones = [dict(zip(("name", "identity", "key", "bpm"), zone, strict=True)) for zone in (style.near, style.far)]
    main = [
        {"state": state, "prompt": PROMPTS[state].format(place=style.near[0])} for state in MAIN_STATES
    ]
    other = {"name": "other", "prompt": f"something else in the {style.near[0]}", "zones": [style.near[0]]}
    shape = {} if "form" in style.other else {"loop": True}
    return {
        "catalog": f"report-{genre}", "seed": seed, "zones": zones,
        "relations": {
            "combat": {"of": "exploration", "share": ["theme", "key", "tempo-grid"]},
            "boss": {"of": "combat", "share": ["theme", "key", "tempo-grid"]},
        },
        "defaults": {"genre": genre, "meter": style.meter, "duration": seconds, "formats": ["flac"], "stems": True,
                     "takes": takes},
        "cues": [*({**cue, "loop": True} for cue in main), {**other, **shape, **style.other}],
    }  # fmt: skip


def catalog(
    takes: int = 300, *, genres: tuple[str, ...] = (), states: tuple[str, ...] = (), seed: int = SEED,
    seconds: float = SECONDS,
) -> Catalog:
    """`takes` takes, every genre in turn, every state and zone before the second take of any.

    `genres` and `states` keep those named. Fewer takes come back where the orders hold no more."""
    warnings: list[str] = []
    chosen = genres or tuple(STYLES)
    each = max(2, -(-takes // (7 * len(chosen))))
    lists = [_ordered(genre, seed, seconds, each, states, warnings) for genre in chosen]
    rows = [take for row in zip_longest(*lists) for take in row if take is not None]
    return Catalog(tuple(rows[:takes]), tuple(warnings))


def _ordered(
    genre: str, seed: int, seconds: float, each: int, states: tuple[str, ...], warnings: list[str]
) -> list[Take]:
    """The takes of one genre, in the order in which a smaller catalog takes them."""
    text = yaml.safe_dump(brief(genre, seed, seconds, each)).encode()
    try:
        planned = plan(read_bytes(text), cards_at("report"))
    except BriefError as error:
        warnings.append(f"{genre}: cannot be planned: {'; '.join(str(fault) for fault in error.faults)}")
        return []
    meant = {take.controls.genre for take in planned.takes} - {genre}
    warnings += [f"{genre}: planned as {other}" for other in sorted(meant)]
    takes = [_take(genre, each) for each in planned.takes if not states or each.state in states]
    near = STYLES[genre].near[0]
    return sorted(takes, key=lambda take: _place(take, near))


def _take(genre: str, planned: PlannedTake) -> Take:
    return Take(genre, planned.state, planned.zone or "", planned.cue, planned.index, planned.seed, planned.controls,
                planned.delivery, planned.id)  # fmt: skip


def _place(take: Take, near: str) -> tuple[int, int]:
    """A chequerboard of states and zones first, so that both zones are there in a small catalog."""
    state = MAIN_STATES.index(take.cue) if take.cue in MAIN_STATES else len(MAIN_STATES)
    other_zone = (state + (take.zone != near)) % 2
    return 2 * take.index + other_zone, state


def families(takes: tuple[Take, ...]) -> Iterator[tuple[Take, ...]]:
    """Takes of one cue and point together, where there are two or more."""
    groups: dict[tuple[str, str, str], list[Take]] = {}
    for take in takes:
        groups.setdefault(take.family, []).append(take)
    return (tuple(group) for group in groups.values() if len(group) > 1)
