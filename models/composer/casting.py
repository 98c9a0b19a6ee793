"""Who plays what: asked-for instruments first, then the genre's own players, and nobody who is excluded.

Every asked-for instrument gets a seat, in a role of `models.composer.instruments.ROLES`. States shade the roles: who
stays out of a fight, who carries a boss. Nothing is written out here.
"""

from dataclasses import dataclass, replace

from models.composer.character import Character
from models.composer.dice import Dice
from models.composer.genre import Chair, Genre
from models.composer.instruments import INSTRUMENTS, banned
from models.composer.piece import Seat
from models.controls import Controls

_ORDER = ("melody", "bass", "pads", "harmony", "ostinato", "drums", "percussion", "counter")
_SHARED = ("melody", "bass", "drums")  # cast by the theme, so that all cues of a zone have the same leaders
_CARRIERS = ("pads", "harmony", "ostinato", "bass")
_PLAIN = Chair(instruments=(), patterns={"light": "0...1...2...1...", "steady": "0.1.2.1.0.1.2.1."})


@dataclass(frozen=True)
class Shade:
    """What a state makes of a role, in every genre: `out` leaves it to those who were asked for, `always` lets it play
    throughout, and it is moved by semitones and dB."""

    out: bool = False
    always: bool = False
    register: float = 0.0
    gain_db: float = 0.0


# A fight is told apart from a boss by who plays where: high short figures without pads, or a low held layer.
_SHADES: dict[str, dict[str, Shade]] = {
    "combat": {
        "pads": Shade(out=True),
        "ostinato": Shade(always=True, register=7),
        "harmony": Shade(register=2),
        "melody": Shade(register=4, gain_db=1.5),
        "bass": Shade(gain_db=1.0),
    },
    "boss": {
        "pads": Shade(always=True, register=-9, gain_db=5.0),
        "ostinato": Shade(register=-9, gain_db=-2.5),
        "harmony": Shade(register=-4, gain_db=-1.5),
        "drums": Shade(gain_db=-1.5),
        "melody": Shade(register=-5),
        "bass": Shade(always=True, gain_db=1.0),
    },
}


def cast(controls: Controls, genre: Genre, character: Character, seed: int) -> list[Seat]:
    """The seats of a take, in the order of `_ORDER`. Raises ValueError for an instrument that nobody knows."""
    genre = genre.chairs(character.traits)
    unknown = [name for name in controls.instruments if name not in INSTRUMENTS]
    if unknown:
        raise ValueError(f"instruments: {', '.join(unknown)} not known; see `cueworks words` for the list")
    out = banned(controls.excluded) - (set(controls.instruments) - set(controls.excluded))
    asked = [name for name in dict.fromkeys(controls.instruments) if name not in out]
    seats = _asked_seats(asked, genre, character)
    taken = {seat.role for seat in seats}
    for role in _ORDER:
        if role not in taken and role in genre.roles and not _silent(role, character):
            seat = _own_seat(
                role,
                genre,
                character,
                out,
                {seat.instrument for seat in seats},
                controls.theme.seed if role in _SHARED else seed,
            )
            if seat:
                seats.append(seat)
    seats = _carried([_shaded(_timed(seat, seed), character) for seat in seats])
    return sorted(seats, key=lambda seat: (_ORDER.index(seat.role), seat.doubles)) or [_last_resort(out)]


def _silent(role: str, character: Character) -> bool:
    return role in character.dropped or _SHADES.get(character.state, {}).get(role, Shade()).out


def _shaded(seat: Seat, character: Character) -> Seat:
    """The seat as its state wants it."""
    shade = _SHADES.get(character.state, {}).get(seat.role, Shade())
    chair = replace(
        seat.chair,
        enters=-9.0 if shade.always else seat.chair.enters,
        register=seat.chair.register + shade.register,
        gain_db=seat.chair.gain_db + shade.gain_db,
    )
    return replace(seat, chair=chair)


def _carried(seats: list[Seat]) -> list[Seat]:
    """Somebody always carries the harmony, so that no section is empty: pads, else chords, figures or the bass."""
    able = [seat for role in _CARRIERS for seat in seats if seat.role == role]
    carrier = min(able, key=lambda seat: seat.chair.enters, default=None)
    return [replace(seat, chair=replace(seat.chair, enters=-9.0)) if seat is carrier else seat for seat in seats]


def _timed(seat: Seat, seed: int) -> Seat:
    """Takes differ in when their players come in."""
    late = Dice("entry", seed, seat.role, seat.instrument).uniform(-0.04, 0.04) if seat.chair.enters > 0 else 0.0
    return replace(seat, chair=replace(seat.chair, enters=seat.chair.enters + late))


def _asked_seats(asked: list[str], genre: Genre, character: Character) -> list[Seat]:
    seats: list[Seat] = []
    taken: set[str] = set()
    for name in sorted(asked, key=lambda name: (len(INSTRUMENTS[name].suits), asked.index(name))):
        wishes = _wishes(name, genre, character)
        role = next((role for role in wishes if role not in taken), wishes[0])
        seats.append(Seat(role, name, _chair(genre, role, name), asked=True, doubles=role in taken))
        taken.add(role)
    for seat in list(seats):
        if "melody" not in taken and _leads_too(seat, seats, genre):
            seats.append(Seat("melody", seat.instrument, _chair(genre, "melody", seat.instrument), asked=True))
            taken.add("melody")
    return seats


def _leads_too(seat: Seat, seats: list[Seat], genre: Genre) -> bool:
    """Whether a player of chords takes the tune as well: where nobody else is asked for, or where the genre seats him
    in both chairs (the piano of a trio) and nobody else who was asked for could lead."""
    instrument = INSTRUMENTS[seat.instrument]
    if not instrument.chords or "melody" not in instrument.suits or seat.doubles:
        return False
    if sum(INSTRUMENTS[other.instrument].pitched for other in seats) <= 1:
        return True
    both = all(
        role in genre.roles and seat.instrument in genre.roles[role].instruments[:1] for role in ("melody", seat.role)
    )
    return both and seat.role != "melody"


def _wishes(name: str, genre: Genre, character: Character) -> list[str]:
    """The roles of an instrument, best first: where the genre itself seats it, then its own order; riffs pull strings
    and plucked players to the ostinato."""
    suits = list(INSTRUMENTS[name].suits)
    own = [role for role in suits if role in genre.roles and name in genre.roles[role].instruments]
    wishes = list(dict.fromkeys([*own, *suits]))
    if character.riff and "ostinato" in wishes and wishes[0] == "pads":
        wishes.remove("ostinato")
        wishes.insert(0, "ostinato")
    return wishes


def _chair(genre: Genre, role: str, name: str) -> Chair:
    chair = genre.roles.get(role)
    if chair is None:
        defaults = {"melody": (0.0, 0.0, 0.25), "bass": (-2.0, 0.0, 0.05), "drums": (-4.0, 0.0, 0.1)}
        gain, pan, reverb = defaults.get(role, (-5.0, 0.2, 0.25))
        chair = replace(_PLAIN, gain_db=gain, pan=pan, reverb=reverb, patterns=_own_patterns(role))
    if not chair.patterns and role in ("bass", "drums", "percussion", "ostinato"):
        chair = replace(chair, patterns=_own_patterns(role))
    return replace(chair, instruments=(name,))


def _own_patterns(role: str) -> dict[str, object]:
    """What a role plays in a genre that has no such chair."""
    if role == "bass":
        return {"light": "R...............", "steady": "R.......5......."}
    if role == "drums":
        return {"light": {"simple": {"kick": "x.......x.......", "hat": "x...x...x...x..."}}}
    if role == "percussion":
        return {"light": {"simple": {"shaker": "x.x.x.x.x.x.x.x.", "low tom": "X.......x......."}}}
    return _PLAIN.patterns if role == "ostinato" else {}


def _own_seat(
    role: str, genre: Genre, character: Character, out: frozenset[str], used: set[str], seed: int
) -> Seat | None:
    chair = genre.roles[role]
    allowed = [name for name in chair.instruments if name not in out]
    free = [name for name in allowed if name not in used] or allowed or _substitutes(role, out)
    if not free:
        return None
    name = Dice("cast", role, seed).pick(free, [4.0 / (place + 1) for place in range(len(free))])
    return Seat(role, name, replace(chair, instruments=(name,)), asked=False)


def _substitutes(role: str, out: frozenset[str]) -> list[str]:
    """Players of any genre for a role whose own players are all excluded; drums and percussion stay away. The tune is
    never left out: whoever is left takes it, best who suits it."""
    if role in ("drums", "percussion", "counter"):
        return []
    left = {name: instrument for name, instrument in INSTRUMENTS.items() if name not in out and instrument.pitched}
    first = [name for name, instrument in left.items() if instrument.suits[0] == role]
    if role == "melody":
        first += [name for name, instrument in left.items() if role in instrument.suits]
        first += list(left)
    return first[:1]


def _last_resort(out: frozenset[str]) -> Seat:
    """Somebody who may still play when everybody else is excluded. Raises ValueError when nobody is left."""
    left = [name for name, instrument in INSTRUMENTS.items() if "melody" in instrument.suits and name not in out]
    left = left or [name for name in INSTRUMENTS if name not in out]
    if not left:
        raise ValueError("excluded: every instrument is excluded; leave at least one to play")
    role = INSTRUMENTS[left[0]].suits[0]
    return Seat(role, left[0], replace(_PLAIN, instruments=(left[0],)), asked=False)
