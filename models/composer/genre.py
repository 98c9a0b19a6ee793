"""What a style of music sounds like, read from one data file a genre (`models/composer/genres/<name>.yaml`).

A new genre is one new file and its word in `models.words.GENRES`. The fields are described in `genres/README.md`.
Everything in a file is checked when it is read: whatever is unknown or does not fit is named by file and field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from models.composer.fills import BUILDS, FILLS, KEYS
from models.composer.form import KINDS as SECTIONS
from models.composer.groove import KINDS, bars_of, kind_of, named
from models.composer.instruments import INSTRUMENTS, ROLES
from models.composer.meter import Meter
from models.composer.score import Desk
from models.words import MODES

LEVELS = ("light", "steady", "driving")
TRAITS = ("gentle", "fierce", "sustained")
"""What of a character (`models.composer.character`) a genre may answer with other players or another way of playing."""
EXTENSIONS = ("triad", "sixth", "seventh", "ninth", "add9", "sus", "quintal", "power")
NOISES = ("", "vinyl", "tape", "air")
MANNERS = ("plain", "vocal", "improvised", "riff", "fiddle", "bells", "chip", "dotted", "lilting", "modal")
STYLES = {
    "harmony": (
        "", "held", "strum", "power", "three", "four", "block", "stab", "offbeat", "waltz", "stride", "alberti",
        "rolled", "quartal", "drone", "tremolo", "riff",
    ),
    "pads": ("", "held", "rolled", "drone", "tremolo"),
    "ostinato": ("", "three", "power", "waltz", "alberti", "rolled", "drone", "tremolo", "riff"),
    "bass": ("", "walking", "bossa", "octaves", "eighths", "sub", "rolling", "ostinato", "drone", "march"),
}  # fmt: skip
# Marks of the rows of a role; other roles are played in held notes.
MARKS = {
    "drums": "Xxgo.f2345678",
    "percussion": "Xxgo.f2345678",
    "bass": "R35678-.",
    "harmony": "Xx-.",
    "ostinato": "01234567.",
    "pads": "Xx-.",
}
_GENRE_KEYS = (
    "tempo bpm mode usual gentle fierce sustained suggests space desk swing swing_grid timing_ms touch melody fills "
    "build crash harmony roles"
)
# Tastes of the harmony: what they are where a file says nothing, and the most they may be.
_TASTES = {
    "sequences": 0.15, "inversions": 0.5, "mixture": 0.0, "deceptive": 0.15, "pedal": 0.1, "areas": 0.35,
}  # fmt: skip
_HARMONY_KEYS = " ".join(("extension bars_per_chord idiom applied calm major minor", *_TASTES))
_CHAIR_KEYS = "play from mix style patterns late sections register keeps"


@dataclass(frozen=True)
class Chair:
    """How a genre fills a role: players best first, the energy it enters at, its mix.

    `turned` is the same chair as some of TRAITS would have it.
    `patterns` maps a level to rows of steps (see `groove`) by kind of meter; `style` names the way of playing; `late`
    how many milliseconds a voice (`""`: all) comes behind the beat; `sections` what a kind of section makes of a voice:
    another one, or `""` for silence; `register` moves it up or down, in semitones;
    `keeps` lets an ostinato play its own rows where others take up the motif."""

    instruments: tuple[str, ...]
    turned: dict[str, "Chair"] = field(default_factory=dict)
    enters: float = 0.0
    gain_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.2
    echo: float = 0.0
    style: str = ""
    patterns: dict[str, Any] = field(default_factory=dict)
    late: dict[str, float] = field(default_factory=dict)
    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    register: float = 0.0
    keeps: bool = False

    @property
    def everyone(self) -> tuple[str, ...]:
        """All players of the chair, its own first, each once."""
        chairs = (self, *self.turned.values())
        return tuple(dict.fromkeys(name for chair in chairs for name in chair.instruments))

    def pattern(self, energy: float) -> Any:
        """The pattern for an energy: the level's own, else the nearest calmer, else the calmest there is."""
        wanted = LEVELS.index(level_of(energy))
        known = [name for name in LEVELS[: wanted + 1] if name in self.patterns]
        fallback = [name for name in LEVELS if name in self.patterns]
        return self.patterns[(known[-1:] or fallback[:1])[0]]

    def rows(self, energy: float, meter: Meter) -> Any:
        """The pattern for an energy in a meter: a row, rows by voice, or a list of either to choose from."""
        pattern = self.pattern(energy)
        if isinstance(pattern, Mapping):
            pattern = pattern[kind_of(pattern, meter)]
        return pattern


@dataclass(frozen=True)
class Genre:
    """One genre.

    `tempo` is its range in BPM and `bpm` its usual one; `mode` that of a piece whose mood nobody named (empty: the
    mood's); `usual` are the players of a piece that names none, `turned` those that some of TRAITS ask for instead,
    `suggests` the instruments that make one think of it; `swing` where the off-beat falls within its pair (0.5
    straight), on the grid of `swing_grid` quarters; `timing_ms` and `touch` are how loosely people play it;
    `fills` are kinds of drum fills, `build` what grows before a drop, `crash` the voice that opens sections."""

    name: str
    tempo: tuple[float, float]
    bpm: float
    mode: str
    usual: tuple[str, ...]
    turned: dict[str, tuple[str, ...]]
    suggests: frozenset[str]
    desk: Desk
    swing: float
    swing_grid: float
    timing_ms: float
    touch: float
    extension: str
    bars_per_chord: float
    idiom: float
    applied: float
    calm: float
    melody: str
    fills: tuple[str, ...]
    build: str
    crash: str
    sequences: float
    inversions: float
    mixture: float
    deceptive: float
    pedal: float
    areas: float
    idioms: dict[str, tuple[tuple[str, ...], ...]]
    roles: dict[str, Chair]

    def chairs(self, traits: tuple[str, ...]) -> "Genre":
        """The genre with its chairs as a character with these traits has them."""
        turned = {
            role: next((chair.turned[trait] for trait in traits if trait in chair.turned), chair)
            for role, chair in self.roles.items()
        }
        return replace(self, roles=turned)


def level_of(energy: float) -> str:
    """`light`, `steady` or `driving`."""
    return LEVELS[0] if energy < 0.38 else LEVELS[1] if energy < 0.62 else LEVELS[2]


@lru_cache(maxsize=64)
def genre(name: str) -> Genre:
    """The genre of that name. Raises ValueError where there is no data file for it or the file is wrong."""
    file = resources.files("models.composer.genres").joinpath(f"{name}.yaml")
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise ValueError(
            f"genre {name!r} has no data file in models/composer/genres; see `cueworks words` for the list"
        )
    return read_genre(name, file.read_text(encoding="utf-8"))


def read_genre(name: str, text: str) -> Genre:
    """A genre from the text of its file. Raises ValueError naming the file and the field that is wrong."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"genres/{name}.yaml is no YAML: {error}") from None
    try:
        return _Reader(name).genre(data)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"genres/{name}.yaml: {type(error).__name__}: {error}") from None


class _Reader:
    """Reads one file; knows its name for the errors."""

    def __init__(self, name: str) -> None:
        self.name = name

    def wrong(self, where: str, what: str) -> ValueError:
        return ValueError(f"genres/{self.name}.yaml, {where}: {what}")

    def genre(self, data: dict[str, Any]) -> Genre:
        self._known("", data, _GENRE_KEYS, required="tempo bpm usual space timing_ms touch harmony roles")
        harmony, tempo = self._harmony(data["harmony"]), self._tempo(data)
        suggests, usual = (self._players(key, data.get(key, ())) for key in ("suggests", "usual"))
        fills = data.get("fills", ())
        return Genre(
            name=self.name,
            tempo=tempo,
            bpm=self._number("bpm", data["bpm"], *tempo),
            mode=self._word("mode", data.get("mode", ""), ("", *MODES)),
            usual=usual,
            turned={trait: self._players(trait, data[trait]) for trait in TRAITS if trait in data},
            suggests=frozenset(suggests),
            desk=self._desk(data),
            swing=self._number("swing", data.get("swing", 0.5), 0.5, 0.75),
            swing_grid=self._number("swing_grid", data.get("swing_grid", 0.5), 0.25, 0.5),
            timing_ms=self._number("timing_ms", data["timing_ms"], 0, 40),
            touch=self._number("touch", data["touch"], 0, 20),
            melody=self._word("melody", data.get("melody", "plain"), MANNERS),
            fills=tuple(self._word("fills", word, FILLS) for word in ((fills,) if isinstance(fills, str) else fills)),
            build=self._word("build", data.get("build", ""), ("", *BUILDS)),
            crash=self._word("crash", data.get("crash", ""), ("", *KEYS)),
            roles={role: self._chair(role, row) for role, row in data["roles"].items()},
            **harmony,
        )

    def _known(self, where: str, data: Any, keys: str, required: str = "") -> None:
        if not isinstance(data, dict):
            raise self.wrong(where or "the file", f"a mapping is expected, not {data!r}")
        if unknown := sorted(str(key) for key in data if key not in keys.split()):
            raise self.wrong(where or "the file", f"unknown: {', '.join(unknown)}; there are {keys}")
        if missing := [key for key in required.split() if key not in data]:
            raise self.wrong(where or "the file", f"missing: {', '.join(missing)}")

    def _number(self, where: str, value: Any, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(where, f"a number from {low:g} to {high:g} is expected, not {value!r}")
        return float(value)

    def _word(self, where: str, value: Any, known: Any) -> str:
        if value not in known:
            raise self.wrong(where, f"{value!r} is unknown; there are {', '.join(word for word in known if word)}")
        return str(value)

    def _players(self, where: str, names: Any) -> tuple[str, ...]:
        for name in names:
            self._word(where, name, INSTRUMENTS)
        return tuple(names)

    def _tempo(self, data: dict[str, Any]) -> tuple[float, float]:
        low, high = (self._number("tempo", value, 20, 300) for value in data["tempo"])
        if low > high:
            raise self.wrong("tempo", f"{low:g} is above {high:g}")
        return low, high

    def _harmony(self, row: Any) -> dict[str, Any]:
        self._known("harmony", row, _HARMONY_KEYS, required="extension bars_per_chord idiom applied calm")
        shares = {key: self._number(f"harmony.{key}", row[key], 0, 1) for key in ("idiom", "applied", "calm")}
        shares |= {key: self._number(f"harmony.{key}", row.get(key, usual), 0, 1) for key, usual in _TASTES.items()}
        shares["bars_per_chord"] = self._number("harmony.bars_per_chord", row["bars_per_chord"], 0.5, 4)
        idioms = {family: tuple(tuple(line.split()) for line in row.get(family, ())) for family in ("major", "minor")}
        return {"extension": self._word("harmony.extension", row["extension"], EXTENSIONS), "idioms": idioms, **shares}

    def _desk(self, data: dict[str, Any]) -> Desk:
        try:
            desk = Desk(**{"space": data["space"], **data.get("desk", {})})
        except TypeError as error:
            raise self.wrong("desk", str(error)) from None
        self._word("desk.noise", desk.noise, NOISES)
        return desk

    def _chair(self, role: str, row: Any) -> Chair:
        """A chair and what it turns into; one that is `sustained` is what the `fierce` one is but for its own keys."""
        where = f"roles.{role}"
        self._word("roles", role, ROLES)
        self._known(where, row, f"{_CHAIR_KEYS} {' '.join(TRAITS)}", required="play")
        own = {key: value for key, value in row.items() if key not in TRAITS}
        chair = self._seated(role, where, own)
        changed = {trait: self._changed(f"{where}.{trait}", row[trait]) for trait in TRAITS if trait in row}
        if "sustained" in changed:
            changed["sustained"] = changed.get("fierce", {}) | changed["sustained"]
        turned = {trait: self._seated(role, f"{where}.{trait}", own | keys) for trait, keys in changed.items()}
        return replace(chair, turned=turned)

    def _changed(self, where: str, value: Any) -> dict[str, Any]:
        """The keys of a chair that a trait replaces; a list names its players."""
        keys = {"play": value} if isinstance(value, list) else value
        self._known(where, keys, _CHAIR_KEYS)
        return dict(keys)

    def _seated(self, role: str, where: str, row: dict[str, Any]) -> Chair:
        mix = row.get("mix", [0, 0, 0.2])
        if not isinstance(mix, list) or len(mix) not in (3, 4):
            raise self.wrong(f"{where}.mix", f"gain, pan, reverb and perhaps echo are expected, not {mix!r}")
        limits = ((-40, 12), (-1, 1), (0, 1), (0, 1))
        gain, pan, reverb, echo = (
            self._number(f"{where}.mix", value, *limit) for value, limit in zip([*mix, 0][:4], limits, strict=True)
        )
        return Chair(
            instruments=self._players(f"{where}.play", row["play"]),
            enters=self._number(f"{where}.from", row.get("from", 0.0), 0, 1),
            gain_db=gain,
            pan=pan,
            reverb=reverb,
            echo=echo,
            style=self._word(f"{where}.style", row.get("style", ""), STYLES.get(role, ("",))),
            patterns=self._patterns(role, f"{where}.patterns", row.get("patterns", {})),
            late=self._late(where, row.get("late", {})),
            sections=self._sections(where, row.get("sections", {})),
            register=self._number(f"{where}.register", row.get("register", 0), -24, 24),
            keeps=bool(row.get("keeps", False)),
        )

    def _late(self, where: str, late: Any) -> dict[str, float]:
        table = late if isinstance(late, dict) else {"": late}
        for voice in table:
            self._word(f"{where}.late", voice, ("", *KEYS))
        return {voice: self._number(f"{where}.late.{voice}", value, -40, 40) for voice, value in table.items()}

    def _sections(self, where: str, table: Any) -> dict[str, dict[str, str]]:
        for kind, row in table.items():
            self._word(f"{where}.sections", kind, SECTIONS)
            for voice, other in row.items():
                self._word(f"{where}.sections.{kind}", voice, KEYS)
                self._word(f"{where}.sections.{kind}.{voice}", other, ("", *KEYS))
        return {kind: dict(row) for kind, row in table.items()}

    def _patterns(self, role: str, where: str, table: Any) -> dict[str, Any]:
        self._known(where, table, " ".join(LEVELS))
        if table and role not in MARKS:
            raise self.wrong(where, "this role plays no patterns")
        return {level: self._level(role, f"{where}.{level}", value) for level, value in table.items()}

    def _level(self, role: str, where: str, value: Any) -> Any:
        kit = role in ("drums", "percussion")
        if isinstance(value, dict):
            self._known(where, value, " ".join(KINDS), required="simple")
            return {kind: self._choice(role, f"{where}.{kind}", kind, row) for kind, row in value.items()}
        if kit:
            raise self.wrong(where, "rows by kind of meter are expected")
        return self._choice(role, where, "simple", value)

    def _choice(self, role: str, where: str, kind: str, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(self._choice(role, where, kind, each) for each in value)
        if role not in ("drums", "percussion"):
            return self._row(role, where, kind, value)
        if not isinstance(value, dict):
            raise self.wrong(where, f"rows by voice are expected, not {value!r}")
        return {voice: self._voice(role, f"{where}.{voice}", kind, voice, row) for voice, row in value.items()}

    def _voice(self, role: str, where: str, kind: str, voice: str, row: Any) -> Any:
        self._word(where, voice, KEYS)
        if isinstance(row, list):
            return tuple(self._row(role, where, kind, each) for each in row)
        return self._row(role, where, kind, row)

    def _row(self, role: str, where: str, kind: str, row: Any) -> str:
        try:
            text = named(kind, row)
            _, rows = bars_of(text)
        except (ValueError, TypeError, AttributeError) as error:
            raise self.wrong(where, str(error)) from None
        for bar in rows:
            if strange := sorted(set(bar) - set(MARKS[role])) if not bar.startswith("E") else []:
                raise self.wrong(where, f"{role} know no mark {', '.join(strange)} (of {MARKS[role]})")
        return text
