"""What an order brings with it and under which licence: the theme file and the sound bank of a brief, what a take was
made from, what its generator was given from folders of their own.

Nothing here decides whether that is allowed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from services.planning.brief import RECORDINGS
from services.planning.draft import Draft
from services.rights.names import LOADER
from services.rights.policy import Material
from services.rights.register import Register

REFERENCE = "reference"
ROLES = {"import": "imported audio", REFERENCE: "reference audio"}
OWN_WORK = ("conversion", "signing", "release", "edit")  # made from the take itself


def theme_material(file: str | None, licence: str | None, source: str | None) -> tuple[Material, ...]:
    """The theme file of a brief; nothing where the theme is drawn."""
    if not file:
        return ()
    return (Material("theme file", licence or "", f"{file}, {source}" if source else file),)


def bank_material(file: str | None, licence: str | None, source: str | None) -> tuple[Material, ...]:
    """The SoundFont that plays; nothing where it is the composer's own bank."""
    if not file:
        return ()
    return (Material("sound bank", licence or "", f"{file}, {source}" if source else file),)


def reference_material(licence: str, file: str, source: str | None) -> Material:
    """A recording that takes follow, its tune or its sound."""
    return Material(ROLES[REFERENCE], licence, f"{file}, {source}" if source else file)


def part_materials(register: Register, generator: str, revision: str, known_at: datetime) -> tuple[Material, ...]:
    """What a registered checkpoint was given from folders of their own, under what their cards say; of a component that
    facts are about, these count instead, and it is none."""
    files = register.checkpoints.find(generator, revision)
    if files is None or not files.parts:
        return ()
    about = {fact.component for fact, _ in register.known(known_at).about(generator) if files.meant(fact)}
    return tuple(
        Material(part.component.replace("-", " "), part.expression, f"{generator}, {part.folder}")
        for part in files.parts if part.component not in about
    )  # fmt: skip


def references_by_cue(text: bytes) -> dict[str, Material]:
    """The recordings that a stored order names, by the cue that follows them."""
    draft = Draft(_part({"order": yaml.load(text, LOADER)}, "order"))
    found: dict[str, Material] = {}
    for cue in draft.cues:
        for told in (_part(cue, key) for key in RECORDINGS):
            licence, file, source = (_text(told, name) for name in ("licence", "file", "source"))
            if file and (name := draft.name(cue)) is not None:
                found[name] = reference_material(licence or "", file, source)
    return found


@dataclass(frozen=True)
class Brought:
    """What a stored order brings with it. `plan` is the maker's plan, of audio that was imported; `theme` and `bank`
    the files, of which a later order may say better whose they are."""

    materials: tuple[Material, ...] = ()
    plan: str = "*"
    theme: str | None = None
    bank: str | None = None


def brought_by(text: bytes) -> Brought:
    """What the text of a stored order says; it was checked when it was read, or written by an import."""
    if b"import" not in text and b"file" not in text:
        return Brought()
    try:
        brief = yaml.load(text, LOADER)
    except yaml.YAMLError:
        return Brought((Material("order", "", "its text cannot be read"),))
    theme, told = _part(brief, "theme"), _part(brief, "import")
    bank = _part(brief, "sound_bank")
    materials = theme_material(*(_text(theme, name) for name in ("file", "licence", "source")))
    materials += bank_material(*(_text(bank, name) for name in ("file", "licence", "source")))
    if told:
        imported = Material(ROLES["import"], _text(told, "licence") or "", _text(told, "source") or "")
        return Brought((*materials, imported), _text(told, "plan") or "*")
    return Brought(materials, theme=_text(theme, "file"), bank=_text(bank, "file"))


def restated(brought: Brought, newest: Brought) -> Brought:
    """What an order brought, as the newest one states it: a brief is corrected by an edited one, also where no take
    changes by it. Other files say nothing of these."""
    files = brought.theme, brought.bank
    return newest if any(files) and (newest.theme, newest.bank) == files else brought


def _part(brief: Any, name: str) -> dict[str, Any]:
    part = brief.get(name) if isinstance(brief, Mapping) else None
    return part if isinstance(part, dict) else {}


def _text(part: dict[str, Any], name: str) -> str | None:
    value = part.get(name)
    return None if value is None else str(value)


def derived_materials(stated: Iterable[tuple[str, str, str]]) -> tuple[Material, ...]:
    """What a take was made from, by (kind, expression, source)."""
    others = (row for row in stated if row[0] not in OWN_WORK)
    return tuple(dict.fromkeys(Material(ROLES.get(kind, kind), licence, source) for kind, licence, source in others))
