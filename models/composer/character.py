"""What a state and a mood ask of the music: how the theme is told, how dense, dark, driven and high it is.

States that are not listed in `states.yaml` are read from mood and intensity. Genres know nothing of states, and states
nothing of genres.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from models.controls import Controls


@dataclass(frozen=True)
class Character:
    """A reading of state, mood and intensity.

    `energy` 0..1 decides layers, patterns and loudness, `heat` what is composed (they differ where takes share a
    reference intensity); `melody` how the theme is told (see `develop`); `density` scales the notes of free bars;
    `chord_pace` multiplies the genre's bars per chord; `pedal` holds the bass on the tonic, `riff` makes the ostinato
    out of the motif, `gentle` and `fierce` call the genre's players of peace and of battle, `sustained` holds chords
    instead of striking them (and calls those of a boss), `counter` brings the counter-motif, `soars` lifts the summit
    by an octave; `dark` is the chance of borrowed darker chords; `register` shifts melodies in semitones; `legato`
    scales lengths; `drums` moves the entry of drums and percussion; `dropped` roles stay silent; `drone` pulls the
    harmony back to the tonic.
    """

    state: str
    energy: float
    heat: float
    melody: str
    density: float
    chord_pace: float
    pedal: bool
    riff: bool
    gentle: bool
    fierce: bool
    sustained: bool
    counter: bool
    soars: bool
    dark: float
    register: int
    legato: float
    drums: float
    dropped: tuple[str, ...]
    drone: float

    @property
    def traits(self) -> tuple[str, ...]:
        """Its traits that genres answer (`models.composer.genre.TRAITS`), the most particular first."""
        told = {"sustained": self.sustained, "fierce": self.fierce, "gentle": self.gentle}
        return tuple(name for name, holds in told.items() if holds)


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    text = resources.files("models.composer").joinpath("states.yaml").read_text(encoding="utf-8")
    tables: dict[str, Any] = yaml.safe_load(text)
    return tables


def character_of(controls: Controls) -> Character:
    """How to treat a take. Raises ValueError for an intensity or a reference outside 1..5."""
    for name, heat in (("intensity", controls.intensity), ("reference", controls.reference or controls.intensity)):
        if not 1 <= heat <= 5:
            raise ValueError(f"{name} must be 1 to 5, not {heat}")
    tables = _tables()
    basis = replace(controls, intensity=controls.reference) if controls.reference else controls
    mood = {**tables["mood_defaults"], **tables["moods"].get(controls.mood, {})}
    name = controls.state if controls.state in tables["states"] else _likest(basis)
    state = {**tables["state_defaults"], **tables["states"][name]}
    return Character(
        state=name,
        energy=_energy(controls.intensity, state, mood),
        heat=_energy(basis.intensity, state, mood),
        melody=state["melody"],
        density=state["density"],
        chord_pace=state["chord_pace"],
        pedal=state["pedal"],
        riff=state["riff"],
        gentle=state["gentle"],
        fierce=state["fierce"],
        sustained=state["sustained"],
        counter=state["counter"],
        soars=state["soars"],
        dark=min(0.6, state["dark"] + mood["dark"]),
        register=state["register"] + mood["register"],
        legato=state["legato"] * mood["legato"],
        drums=state["drums"],
        dropped=tuple(state["dropped"]),
        drone=state["drone"],
    )


def _energy(intensity: int, state: dict[str, Any], mood: dict[str, Any]) -> float:
    energy: float = 0.12 + 0.17 * (intensity - 1) + state["energy"] + mood["energy"]
    return min(0.95, max(0.05, energy))


def _likest(controls: Controls) -> str:
    """The listed state that a mood and an intensity come nearest to."""
    fierce = controls.mood in ("urgent", "relentless", "epic", "tense")
    if controls.intensity >= 5 and fierce:
        return "boss"
    if controls.intensity >= 4 and (fierce or controls.mood == "dark"):
        return "combat"
    if controls.mood in ("dark", "mysterious", "tense"):
        return "dungeon" if controls.intensity <= 2 else "stealth"
    if controls.mood == "calm" and controls.intensity <= 1:
        return "ambient"
    return "music"
