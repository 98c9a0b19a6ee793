"""What an order brings with it and under which licence: the theme file of a brief, what a take was made from.

Nothing here decides whether that is allowed.
"""

from collections.abc import Iterable
from typing import Any

import yaml

from services.rights.names import LOADER
from services.rights.policy import Material

ROLES = {"import": "imported audio", "reference": "reference audio"}
OWN_WORK = ("conversion", "signing", "release", "edit")  # made from the take itself


def theme_material(file: str | None, licence: str | None, source: str | None) -> tuple[Material, ...]:
    """The theme file of a brief; nothing where the theme is drawn."""
    if not file:
        return ()
    return (Material("theme file", licence or "", f"{file}, {source}" if source else file),)


def brief_materials(text: bytes) -> tuple[Material, ...]:
    """The materials of a brief that was stored; its text was checked when it was read."""
    if b"theme" not in text or b"file" not in text:
        return ()
    try:
        brief = yaml.load(text, LOADER)
    except yaml.YAMLError:
        return (Material("order", "", "its text cannot be read"),)
    theme = brief.get("theme") if isinstance(brief, dict) else None
    if not isinstance(theme, dict):
        return ()
    return theme_material(*(_text(theme.get(name)) for name in ("file", "licence", "source")))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def derived_materials(stated: Iterable[tuple[str, str, str]]) -> tuple[Material, ...]:
    """What a take was made from, by (kind, expression, source)."""
    others = (row for row in stated if row[0] not in OWN_WORK)
    return tuple(dict.fromkeys(Material(ROLES.get(kind, kind), licence, source) for kind, licence, source in others))
