"""A brief file to a checked brief, or to all that is wrong with it, each fault with its line.

The only place in planning that reads briefs from disk. A file that is too long, no regular file or no UTF-8 is refused
before it is parsed. Nothing here decides what music a brief means.
"""

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from models.controls import AudioReference, SoundBank, Theme
from services.planning import document
from services.planning.brief import (
    RECORDINGS,
    AcceptOrder,
    Brief,
    Cue,
    Licensee,
    RecordingOrder,
    Relation,
    SoundBankOrder,
    ThemeOrder,
    VaryOrder,
    Zone,
)
from services.planning.checks import Clash, clashes
from services.planning.document import Flaw, Node, UnreadableError
from services.planning.faults import MOST_FAULTS, BriefError, Fault, at_most, how_to_add, nearest, printable, shown
from services.planning.theme import ThemeFileError, theme_from_file
from services.planning.values import MOST_CUES


@dataclass(frozen=True)
class Recording:
    """A recording that a cue follows, and where it lies."""

    reference: AudioReference
    file: Path


@dataclass(frozen=True)
class ReadBrief:
    """A brief that keeps to the schema. `text` is what was read, byte for byte, `sha256` its digest; `theme` is the
    motif of a theme file, if one is named; `sound_bank` what plays, if a SoundFont is named, and `sound_bank_file`
    where it lies; `recordings` are what cues follow, by the number of the cue; `warnings` are what does not stop the
    order."""

    brief: Brief
    text: bytes
    sha256: str
    path: Path | None = None
    theme: Theme | None = None
    warnings: tuple[str, ...] = ()
    tree: Node | None = field(default=None, repr=False, compare=False)
    sound_bank: SoundBank | None = None
    sound_bank_file: Path | None = None
    recordings: Mapping[int, Recording] = field(default_factory=dict)

    def fault(self, path: tuple[str | int, ...], what: str, remedy: str, value: object = None) -> Fault:
        """A fault at a place of this brief, with its file and line; of an order by one sentence, with the key alone."""
        if self.path is None and path[:2] == ("cues", 0) and len(self.brief.cues) == 1:
            path = path[2:]
        return _Place(self.path, self.tree).fault(path, what, remedy, value)


@dataclass(frozen=True)
class _Place:
    """Where a brief came from: turns paths into fields and lines."""

    file: Path | None
    tree: Node | None

    def fault(self, path: tuple[str | int, ...], what: str, remedy: str, value: object = None) -> Fault:
        line = document.line_of(self.tree, path) if self.tree is not None and self.file is not None else None
        text = shown(value) if value is not None else None
        return Fault(_field(path), what, remedy, text, printable(str(self.file)) if self.file else None, line)

    def flaw(self, flaw: Flaw) -> Fault:
        value = shown(flaw.value) if flaw.value is not None else None
        return Fault("", flaw.what, flaw.remedy, value, printable(str(self.file)) if self.file else None,
                     flaw.line if self.file else None)


def read_brief(path: Path | str, generators: Collection[str] | None = None) -> ReadBrief:
    """The brief in the file `path`. `generators` are the known generator ids (None: not checked here).

    Raises BriefError with every fault found."""
    file = Path(path)
    try:
        data = _read_regular(file, document.MOST_BYTES)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        shown_file = printable(str(file))
        raise BriefError([Fault("", f"cannot be read: {why}", "name a brief file", file=shown_file)]) from None
    except UnreadableError as stop:
        raise BriefError([_Place(file, None).flaw(stop.flaw)]) from None
    return read_bytes(data, file, generators)


def read_bytes(
    data: bytes, file: Path | None = None, generators: Collection[str] | None = None, sound_bank: Path | None = None
) -> ReadBrief:
    """The brief in `data`, as read from `file` (None: it came from no file, so faults carry no line). `sound_bank` is
    where the SoundFont lies that it names, where that is not beside it.

    Raises BriefError with every fault found."""
    try:
        text = document.decode(data)
    except UnreadableError as stop:
        raise BriefError([_Place(file, None).flaw(stop.flaw)]) from None
    tree, flaws = document.read_document(text)
    place = _Place(file, tree)
    faults = [place.flaw(flaw) for flaw in flaws]
    if tree is None:
        raise BriefError(faults)
    found = clashes(plain) if isinstance(plain := document.plain(tree), dict) else []
    brief = _validated(plain, place, faults)
    faults += [_told(place, clash) for clash in found if not clash.warning]
    theme = _theme_of(plain, place, faults)
    bank, bank_file = _sound_bank_of(plain, place, sound_bank, faults)
    recordings = _recordings_of(plain, place, faults)
    _check_generators(plain, place, generators, faults)
    if faults or brief is None:
        raise BriefError(at_most(_by_line(faults)))
    warnings = tuple(str(_told(place, clash)) for clash in found if clash.warning)
    sha256 = hashlib.sha256(data).hexdigest()
    return ReadBrief(brief, data, sha256, file, theme, warnings, tree, bank, bank_file, recordings)


def _told(place: _Place, clash: Clash) -> Fault:
    return place.fault(clash.path, clash.what, clash.remedy, clash.value)


def _by_line(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.line or 0)


def _read_regular(file: Path, most: int) -> bytes:
    """The bytes of a regular file of at most `most` bytes; longer ones are refused unread.

    Raises OSError, or UnreadableError for what is no regular file or too long."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(Flaw(None, "not a regular file", "name a file"))
        if status.st_size > most:
            raise UnreadableError(Flaw(None, f"{status.st_size} bytes are too many", f"stay under {most} bytes"))
        data = stream.read(most + 1)
    if len(data) > most:
        raise UnreadableError(Flaw(None, "the file grew while it was read", f"stay under {most} bytes"))
    return data


def _check_generators(
    plain: Any, place: _Place, generators: Collection[str] | None, faults: list[Fault]
) -> None:
    if generators is None or not isinstance(plain, dict):
        return
    cues = plain.get("cues")
    named: list[tuple[tuple[str | int, ...], Any]] = [(("generator",), plain.get("generator"))]
    for at, cue in enumerate(cues[:MOST_CUES] if isinstance(cues, list) else ()):
        named.append((("cues", at, "generator"), cue.get("generator") if isinstance(cue, dict) else None))
    known: dict[str, bool] = {}
    listed = [((*path, at), one) for path, name in named if isinstance(name, list) for at, one in enumerate(name)]
    for path, name in (*named, *listed[:MOST_CUES]):
        if isinstance(name, str) and name and not known.setdefault(name, name in generators):
            faults.append(place.fault(path, "unknown generator", how_to_add(name, generators), name))


def _theme_of(plain: Any, place: _Place, faults: list[Fault]) -> Theme | None:
    """The motif of the theme file that a brief names; the file lies in the brief's folder or below."""
    order = plain.get("theme") if isinstance(plain, dict) else None
    name = order.get("file") if isinstance(order, dict) else None
    if not isinstance(name, str) or not name:
        return None
    try:
        return theme_from_file(name, _read_regular(_inside(name, place.file), document.MOST_BYTES))
    except UnreadableError as stop:
        what, remedy = stop.flaw.what, stop.flaw.remedy
    except (OSError, ValueError) as error:
        what, remedy = f"cannot be read: {getattr(error, 'strerror', None) or error}", "name a file beside the brief"
    except ThemeFileError as error:
        what, remedy = str(error), "give a MIDI or ABC file with one melody of 2 to 128 notes in 8 bars"
    faults.append(place.fault(("theme", "file"), what, remedy, name))
    return None


def _sound_bank_of(
    plain: Any, place: _Place, elsewhere: Path | None, faults: list[Fault]
) -> tuple[SoundBank | None, Path | None]:
    """The SoundFont that a brief names, by its digest, and where it lies: `elsewhere`, or beside the brief."""
    order = plain.get("sound_bank") if isinstance(plain, dict) else None
    name = order.get("file") if isinstance(order, dict) else None
    if not isinstance(order, dict) or not isinstance(name, str) or not name:
        return None, None
    from models.composer.foreign import BankError, checked

    try:
        path = elsewhere or _inside(name, place.file)
        return SoundBank(checked(path), str(order.get("licence"))), path
    except UnreadableError as stop:
        what, remedy = stop.flaw.what, stop.flaw.remedy
    except BankError as error:
        what, remedy = str(error), "give a General MIDI SoundFont (.sf2)"
    except (OSError, ValueError) as error:
        what, remedy = f"cannot be read: {getattr(error, 'strerror', None) or error}", "name a file beside the brief"
    faults.append(place.fault(("sound_bank", "file"), what, remedy, name))
    return None, None


def _recordings_of(plain: Any, place: _Place, faults: list[Fault]) -> dict[int, Recording]:
    """The recordings that cues follow, by the number of the cue; each file is looked at once."""
    from models.references import RecordingError, checked

    digests: dict[Path, str] = {}
    found: dict[int, Recording] = {}
    for at, key, order in _recordings_named(plain):
        try:
            path = _inside(order["file"], place.file)
            digests[path] = digests.get(path) or checked(path)
            reference = AudioReference(RECORDINGS[key], digests[path], str(order.get("licence")))
            found[at] = Recording(reference, path)
            continue
        except UnreadableError as stop:
            what, remedy = stop.flaw.what, stop.flaw.remedy
        except RecordingError as error:
            what, _, remedy = printable(str(error)).rpartition("; ")
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or str(error)
            what, remedy = f"cannot be read: {told}", "name a file beside the brief"
        faults.append(place.fault(("cues", at, key, "file"), what, remedy, order["file"]))
    return found


def _recordings_named(plain: Any) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(number of the cue, key, order) wherever a cue names a recording's file."""
    cues = plain.get("cues") if isinstance(plain, dict) else None
    for at, cue in enumerate(cues[:MOST_CUES] if isinstance(cues, list) else ()):
        for key in RECORDINGS:
            order = cue.get(key) if isinstance(cue, dict) else None
            if isinstance(order, dict) and isinstance(order.get("file"), str) and order["file"]:
                yield at, key, order


def _inside(name: str, brief: Path | None) -> Path:
    """The file `name` beside the brief. Raises UnreadableError where it leads out of the brief's folder."""
    if brief is None:
        raise UnreadableError(Flaw(None, "a file needs a brief file beside it", "write the brief to a file"))
    folder = brief.resolve().parent
    relative = Path(name)
    outside = Flaw(None, "a path outside the brief's folder", "put the file beside the brief and name it alone")
    if relative.is_absolute() or ".." in relative.parts or "\\" in name:
        raise UnreadableError(outside)
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder):
        raise UnreadableError(outside)
    return path


def _validated(plain: Any, place: _Place, faults: list[Fault]) -> Brief | None:
    if not isinstance(plain, dict):
        faults.append(place.fault((), "a brief is a mapping of keys", "begin with `catalog: name`", plain))
        return None
    try:
        return Brief.model_validate(plain)
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults += [_schema_fault(place, plain, detail) for detail in details[: 2 * MOST_FAULTS]]
        return None


def _schema_fault(place: _Place, plain: Any, detail: Any) -> Fault:
    path = _existing(plain, detail["loc"], keep_last=detail["type"] == "missing")
    context = detail.get("ctx", {})
    value = None if detail["type"] == "missing" else detail["input"]
    if detail["type"] == "extra_forbidden":
        remedy = nearest(path[-1], _keys_at(path[:-1]))
        return place.fault(path, "unknown key", remedy, path[-1])
    if detail["type"] == "missing":
        return place.fault(path[:-1], f"missing key `{path[-1]}`", f"add `{path[-1]}`")
    if "known" in context:
        return place.fault(path, context["what"], nearest(context["word"], context["known"]), value)
    if "remedy" in context:
        return place.fault(path, context["what"], context["remedy"], value)
    what = _CLUTTER.sub("", detail["msg"]).replace("Input should", "should")
    return place.fault(path, what, _REMEDIES.get(detail["type"], "change the value"), value)


_CLUTTER = re.compile(r"valid | after validation|(String|List|Dictionary|Tuple) (?=should)")
_REMEDIES = {
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "float_type": "write a number",
    "string_type": "write a word, in quotes if it looks like a number",
    "string_pattern_mismatch": "use letters, digits, - and _, at most 64, a letter or digit first",
    "list_type": "write a list, as [a, b]",
    "dict_type": "write a mapping, as {name: value}",
    "model_type": "write a mapping, as {name: value}",
    "greater_than": "raise it",
    "greater_than_equal": "raise it",
    "less_than_equal": "lower it",
    "too_short": "name at least one",
    "too_long": "split the brief",
    "string_too_short": "write something, or remove the key",
    "string_too_long": "shorten it",
    "finite_number": "write a number that is not infinite",
}


def _existing(plain: Any, loc: tuple[str | int, ...], keep_last: bool) -> tuple[str | int, ...]:
    """A schema location without the steps that are not in the document (`[key]`, names of union members)."""
    path: list[str | int] = []
    for step in loc:
        there = step in plain if isinstance(plain, dict) else isinstance(plain, list) and step in range(len(plain))
        if there:
            plain = plain[step]
            path.append(step)
    if keep_last:
        path.append(loc[-1])
    return tuple(path)


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand in the mapping at `path`."""
    models: dict[str, type[BaseModel]] = {
        "zones": Zone, "relations": Relation, "defaults": Cue, "cues": Cue, "theme": ThemeOrder, "licensee": Licensee,
        "sound_bank": SoundBankOrder,
    }
    model = models[str(path[0])] if path else Brief
    if model is Cue and path[-1] in RECORDINGS:
        model = VaryOrder if path[-1] == "vary" else RecordingOrder
    if model is Cue and path[-1] == "accept":
        model = AcceptOrder
    fields = model.model_fields
    return [field.alias or name for name, field in fields.items()]


def _field(path: tuple[str | int, ...]) -> str:
    """`("cues", 0, "bpm")` as people write it: `cues[0].bpm`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:64]}" for step in path)
    return printable(text.removeprefix("."))
