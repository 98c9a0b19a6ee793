"""Which takes are good enough, which of them are kept, and how many more are to be made: rules, and nothing but rules.

A take is judged by what anyone hears of it (`services.mastering.listening`) against what was ordered. Hard faults
reject it:

- silence: longer than `silence` seconds before or between sounds, or more than half of the whole;
- clipping: samples at full scale in a row, or crowded at one level (0.05 % and more of them);
- an abrupt end: the last 50 ms less than 10 dB under the three seconds before. A loop has a seam instead: the step from
  its last sample to its first, or the rise of its frequencies there, more than 1.5 times what 99 of 100 places inside
  stay under, or an end that has died away by 25 dB. A transition leads on, so it may do both;
- samples that are no numbers, an offset of more than 1 % of full scale;
- tempo: farther than `tempo` percent from the ordered one. Half, double and other octaves of it count as right: which
  of them is the beat is a matter of taste, not of hearing; in compound meters the dotted quarter is as right;
- key: `exact` asks for the tonic and for major or minor (all modes with a minor third count as minor), `related` takes
  the same tonic, the same notes, or signatures a fifth apart;
- neither beat nor key, where both were asked for and the genre has a beat: noise is no take;
- near-duplicates: as good as the same music as an earlier take of the point that is accepted;
- a score under `score`.

Tempo is not judged where no beat is heard (of a third of the strength that steady music has), in genres that need none,
and of less than 6 s; key not where no pitches stand out or agree with any; neither of stingers and transitions.

The score is the weighted mean of the parts that were judged, each from 0 to 1: tempo 0.35 (0 at 4 % off), key 0.30
(related 0.6), sound 0.15 (the share that is not silent), clean 0.10 (no clipping, no offset), ending 0.10 (the end, or
the seam). What was ordered and cannot be heard counts half. The best `keep` by score are kept, of equals the earlier;
other accepted ones are spare. Nothing here reads sound, files or a database.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from models.controls import Controls

if TYPE_CHECKING:
    from services.mastering.listening import Hearing

KEPT, SPARE, REJECTED = "kept", "spare", "rejected"
KEYS = ("exact", "related", "any")
TEMPO_PERCENT, SILENCE_S = 2.0, 2.0
BUDGET_FACTOR = 3  # takes made in all for each one kept, where the brief says nothing
WEIGHTS = {"tempo": 0.35, "key": 0.30, "sound": 0.15, "clean": 0.10, "ending": 0.10}
BEATLESS = frozenset({"ambient", "horror"})
"""Genres that need not have a beat."""
_SILENT_SHARE = 0.5
_CROWDING, _CLIPPED = 2.5, 0.0005
_END_DB, _DEAD_LOOP_DB, _SEAM = -10.0, -25.0, 1.5
_OFFSET = 0.01
_NO_PULSE, _NO_KEY = 0.2, 0.65
_TEMPO_SCALE = 0.04
_RELATED = 0.6
NO_BEAT, NO_KEY = "no beat was heard, so its tempo was not judged", "no key was heard, so it was not judged"
UNHEARD = 0.5
"""What a part counts that was ordered and cannot be heard; tempo that is kept and a related key count more."""
_AT_ONCE = 128  # takes that are compared with all others at once
_ONE_MUSIC_S = 6.0  # shorter takes of one cue are too much alike to tell a double by anything but its samples


Faults = list[tuple[str, str]]  # in a word, and in a sentence


@dataclass(frozen=True)
class Rule:
    """What a cue asks of its takes. `keep` are wanted, at most `budget` made; None stands for `any`: not judged."""

    keep: int
    budget: int
    tempo: float | None = TEMPO_PERCENT
    key: str = "related"
    silence: float | None = SILENCE_S
    clipping: bool = True
    end: bool = True
    duplicates: bool = True
    score: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Judged:
    """What became of a take by itself: `reasons` are sentences, first why it is rejected, then what was not judged;
    `faults` say in a word each of what kind the former are."""

    accepted: bool
    score: float
    reasons: tuple[str, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """A take of a point that has been heard. `pcm_sha256` tells its sound."""

    take_id: str
    index: int
    pcm_sha256: str
    hearing: "Hearing"
    controls: Controls


@dataclass(frozen=True)
class Decided:
    """A take's place among those of its point."""

    take: Heard
    outcome: str
    judged: Judged


def judge(hearing: "Hearing", controls: Controls, rule: Rule) -> Judged:
    """One take by itself; doubles are found by `decide`, which sees all of a point."""
    faults: list[tuple[str, str]] = []
    remarks: list[str] = []
    parts = {
        "tempo": _tempo(hearing, controls, rule, faults, remarks),
        "key": _key(hearing, controls, rule, faults, remarks),
        "sound": _sound(hearing, rule, faults),
        "clean": _clean(hearing, rule, faults),
        "ending": _ending(hearing, controls, rule, faults),
    }
    if _is_unmusical(hearing, controls, rule):
        faults.append(("unmusical", "neither beat nor key is heard"))
    told = {name: round(value, 4) for name, value in parts.items() if value is not None}
    weight = sum(WEIGHTS[name] for name in told)
    score = round(sum(WEIGHTS[name] * value for name, value in told.items()) / weight, 4)
    if score < rule.score:
        faults.append(("score", f"its score of {score:.2f} is under the {rule.score:g} asked for"))
    kinds = tuple(dict.fromkeys(kind for kind, _ in faults))
    return Judged(not faults, score, (*(said for _, said in faults), *remarks), told, kinds)


def decide(takes: Sequence[Heard], rule: Rule, descriptors: Mapping[str, bytes] | None = None) -> list[Decided]:
    """Every take of a point, in the order of indices: kept, spare or rejected. What is heard decides, not the order in
    which takes came. `descriptors` are those of their sounds, where `hearing` was read without."""
    ordered = sorted(takes, key=lambda take: take.index)
    judged = [judge(take.hearing, take.controls, rule) for take in ordered]
    if rule.duplicates:
        judged = _without_doubles(ordered, judged, descriptors or {})
    accepted = sorted(
        ((take, found) for take, found in zip(ordered, judged, strict=True) if found.accepted),
        key=lambda pair: (-pair[1].score, pair[0].index),
    )
    kept = {take.take_id for take, _ in accepted[: rule.keep]}
    return [
        Decided(take, REJECTED if not found.accepted else KEPT if take.take_id in kept else SPARE, found)
        for take, found in zip(ordered, judged, strict=True)
    ]


def ordered_count(takes: int, enough: int, budget: int, accepted: Sequence[bool | None], there: int = 0) -> int:
    """How many takes of a point are to be made in all, by what became of those there are: `accepted` by index, None
    where one is not settled yet (False: rejected, failed, quarantined). `there` are made or planned already: what is
    there stays ordered up to the budget.

    First `takes`; once all of them are settled, as many more as are missing, and so on until enough are accepted or the
    budget is spent."""
    count = min(max(takes, there), max(takes, budget))
    while count < budget and len(accepted) >= count and None not in accepted[:count]:
        missing = enough - sum(map(bool, accepted[:count]))
        if missing <= 0:
            break
        count = min(count + missing, budget)
    return count


def _without_doubles(
    takes: Sequence[Heard], judged: Sequence[Judged], descriptors: Mapping[str, bytes]
) -> list[Judged]:
    """The same, each rejected that is as good as the same music as one that is accepted before it."""
    places = [place for place, found in enumerate(judged) if found.accepted]
    if len(places) < 2:
        return list(judged)
    import numpy as np

    from services.mastering.listening.likeness import SAME

    found, accepted = list(judged), np.zeros(len(places), dtype=bool)
    for row, alike in enumerate(_alike([takes[place] for place in places], descriptors)):
        doubles = np.flatnonzero(accepted[:row] & (alike[:row] >= SAME))
        accepted[row] = not len(doubles)
        if len(doubles):
            first, alone = int(doubles[0]), found[places[row]]
            what = f"sounds like take {takes[places[first]].index} ({alike[first]:.2f} alike; "
            what += f"from {SAME:g} on it is one music)"
            found[places[row]] = Judged(False, alone.score, (what, *alone.reasons), alone.parts, ("duplicate",))
    return found


def _alike(takes: Sequence[Heard], descriptors: Mapping[str, bytes]) -> Iterator[Any]:
    """Of every take, how alike it is to each of them."""
    import numpy as np

    from services.mastering.listening.likeness import Shelf

    sounds = np.array([take.pcm_sha256 for take in takes])
    long_enough = np.array([take.hearing.seconds >= _ONE_MUSIC_S for take in takes])
    shelf = Shelf([descriptors.get(take.pcm_sha256, take.hearing.descriptor) for take in takes])
    for first in range(0, len(takes), _AT_ONCE):
        last = min(first + _AT_ONCE, len(takes))
        music = np.where(long_enough[first:last, None] & long_enough, shelf.alike(first, last), 0.0)
        yield from np.where(sounds[first:last, None] == sounds, 1.0, music)


def _is_unmusical(hearing: "Hearing", controls: Controls, rule: Rule) -> bool:
    """Whether tempo and key were asked for, and neither can be heard of a sound that is one, as of noise. Music of
    genres without a beat is judged by its key alone, and none of it may be clear."""
    asked = rule.tempo is not None and controls.bpm > 0 and rule.key != "any" and bool(controls.key)
    if not asked or _is_short(controls) or controls.genre in BEATLESS:
        return False
    long_enough = hearing.seconds >= _ONE_MUSIC_S and hearing.silent_share < 1
    return long_enough and not _has_beat(hearing) and not _has_key(hearing)


def _has_beat(hearing: "Hearing") -> bool:
    return hearing.bpm is not None and (hearing.pulse or 0.0) >= _NO_PULSE


def _has_key(hearing: "Hearing") -> bool:
    return hearing.key is not None and (hearing.key_strength or 0.0) >= _NO_KEY


def _tempo(
    hearing: "Hearing", controls: Controls, rule: Rule, faults: Faults, remarks: list[str]
) -> float | None:
    if rule.tempo is None or controls.bpm <= 0 or _is_short(controls) or controls.genre in BEATLESS:
        return None
    if hearing.bpm is None and hearing.seconds < _ONE_MUSIC_S:
        return None
    if hearing.bpm is None or not _has_beat(hearing):
        remarks.append(NO_BEAT)
        return UNHEARD
    from services.mastering.listening.tempo import error

    off = error(hearing.bpm, controls.bpm, controls.meter)
    if off * 100 > rule.tempo:
        what = f"its tempo is heard as {hearing.bpm:.1f} bpm, {off * 100:.1f} % from the {controls.bpm:g} ordered"
        faults.append(("tempo", f"{what} or an octave of it ({rule.tempo:g} % allowed)"))
    return max(0.0, 1 - off / _TEMPO_SCALE)


def _key(hearing: "Hearing", controls: Controls, rule: Rule, faults: Faults, remarks: list[str]) -> float | None:
    if rule.key == "any" or not controls.key or _is_short(controls):
        return None
    if hearing.key is None or not _has_key(hearing):
        remarks.append(NO_KEY)
        return UNHEARD
    how = kin(hearing.key, controls.key)
    if how == "other" or (how == "related" and rule.key == "exact"):
        related = " or one related to it" if rule.key == "related" else ""
        faults.append(("key", f"its key is heard as {hearing.key}, not the {controls.key} ordered{related}"))
    return {"exact": 1.0, "related": _RELATED, "other": 0.0}[how]


def kin(heard: str, ordered: str) -> str:
    """How a heard key stands to an ordered one: `exact`, `related` or `other`."""
    from services.mastering.listening.key import sounding
    from services.planning.kinship import are_akin

    if sounding(heard) == sounding(ordered):
        return "exact"
    return "related" if are_akin(heard, ordered) else "other"


def _sound(hearing: "Hearing", rule: Rule, faults: Faults) -> float:
    if rule.silence is not None:
        faults += (("silence", said) for said in _silences(hearing, rule.silence))
    return max(0.0, 1 - hearing.silent_share)


def _silences(hearing: "Hearing", most: float) -> Iterator[str]:
    if hearing.silent_share >= 1:
        yield "it is silent"
        return
    if hearing.leading_silence_s > most:
        yield f"begins with {hearing.leading_silence_s:.1f} s of silence ({most:g} s allowed)"
    if hearing.inner_silence_s > most:
        yield f"is silent for {hearing.inner_silence_s:.1f} s in the middle ({most:g} s allowed)"
    if hearing.silent_share > _SILENT_SHARE:
        yield f"{hearing.silent_share * 100:.0f} % of it are silence"


def _clean(hearing: "Hearing", rule: Rule, faults: Faults) -> float:
    if hearing.broken:
        faults.append(("broken", f"{hearing.broken * 100:.2g} % of its samples are no numbers"))
    if abs(hearing.dc) > _OFFSET:
        what = f"its samples are off centre by {abs(hearing.dc) * 100:.1f} % of full scale (1 % allowed)"
        faults.append(("offset", what))
    crowded = hearing.crowded if hearing.crowding >= _CROWDING else 0.0
    clipped = max(hearing.clipped, crowded)
    if rule.clipping and clipped >= _CLIPPED:
        faults.append(("clipping", f"clipped: {clipped * 100:.2g} % of its samples stand at one level"))
    return max(0.0, 1 - clipped / (4 * _CLIPPED))


def _ending(hearing: "Hearing", controls: Controls, rule: Rule, faults: Faults) -> float | None:
    if not rule.end or controls.destination is not None:
        return None
    if not controls.loop:
        if hearing.end_db > _END_DB:
            what = f"ends abruptly: its last 50 ms are {-hearing.end_db:.1f} dB under the seconds before"
            faults.append(("end", f"{what} ({-_END_DB:g} dB at least)"))
        return min(1.0, max(0.0, hearing.end_db / (2 * _END_DB)))
    jump, flux = hearing.seam_jump or 0.0, hearing.seam_flux or 0.0
    if jump > _SEAM:
        what = f"its seam clicks: the step there is {jump:.1f} times the largest usual one ({_SEAM:g} allowed)"
        faults.append(("seam", what))
    elif flux > _SEAM:
        what = f"its seam shows: the change there is {flux:.1f} times the largest usual one ({_SEAM:g} allowed)"
        faults.append(("seam", what))
    if hearing.end_db < _DEAD_LOOP_DB:
        what = f"dies away before its seam: its end is {-hearing.end_db:.0f} dB under the seconds before"
        faults.append(("seam", what))
    return max(0.0, 1 - max(0.0, max(jump, flux) - 1))


def _is_short(controls: Controls) -> bool:
    """Whether it is a stinger or a transition."""
    return bool(controls.stinger) or controls.destination is not None
