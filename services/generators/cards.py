"""What the makers of a checkpoint say of it: the facts at the head of its README, as hubs keep them.

A card is hostile text: it is read by the bounded reader that briefs are read by, and what cannot be read is said, never
fatal. What a card says is recorded as its words; what may be done follows from licence facts (`services.rights`).
"""

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.planning import document
from services.planning.faults import printable, shown
from services.rights.expressions import ExpressionError, read_expression

NAME = "README.md"
FENCE = "---"
MOST_BYTES = 1 << 20
MOST_WORDS, LONGEST_WORD = 50, 200
UNSAID = ("other", "unknown")


@dataclass(frozen=True)
class ModelCard:
    """What a card says. `licence` is SPDX (of several, all), "" where none or no known one is stated; `said` are the
    words for it; `warnings` what could not be read."""

    licence: str = ""
    said: str = ""
    link: str = ""
    base_models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is kept of it, without what is not said."""
        told = {
            "licence": self.licence, "licence_said": self.said, "licence_link": self.link,
            "base_models": list(self.base_models), "training_data": ", ".join(self.datasets),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}


def read_card(folder: Path, registered: Collection[str] = ()) -> ModelCard:
    """The card in a folder; an empty one where there is none. `registered` are licences that facts name."""
    try:
        head = _head(_text(folder / NAME))
    except FileNotFoundError:
        return ModelCard()
    except (OSError, document.UnreadableError) as error:
        return ModelCard(warnings=(_unread(getattr(error, "strerror", None) or str(error)),))
    if head is None:
        return ModelCard()
    tree, flaws = document.read_document(head)
    plain = document.plain(tree) if tree is not None else None
    if not isinstance(plain, dict):
        return ModelCard(warnings=(_unread(flaws[-1].what if flaws else "it is no mapping"),))
    return _card(plain, registered)


def _unread(why: str) -> str:
    return f"{NAME}: what stands at its head is not taken: {printable(why)}"


def _text(path: Path) -> str:
    """The beginning of a card. Raises OSError, UnreadableError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        data = file.read(MOST_BYTES)
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _head(text: str) -> str | None:
    """What stands between the first two rows of dashes; None where a card begins otherwise."""
    first, _, rest = text.partition("\n")
    if first.rstrip() != FENCE:
        return None
    head, fence, _ = f"\n{rest}\n".partition(f"\n{FENCE}\n")
    return document.decode(head.encode("utf-8", "replace")) if fence else None


def _card(plain: Mapping[str, Any], registered: Collection[str]) -> ModelCard:
    named = _words(plain.get("license"))
    said = _words(plain.get("license_name")) if not named or named[0].casefold() in UNSAID else named
    licence, warnings = "", list[str]()
    if said:
        licence = spdx(" AND ".join(said), registered)
        if not licence:
            warnings.append(f"{NAME}: its licence {shown(', '.join(said))} is no known SPDX expression")
    return ModelCard(
        licence,
        ", ".join(said or named),
        next(iter(_words(plain.get("license_link"))), ""),
        _words(plain.get("base_model")),
        _words(plain.get("datasets")),
        tuple(warnings),
    )


def spdx(text: str, registered: Collection[str] = ()) -> str:
    """A licence in the form that facts name it by (`cc-by-nc-4.0` is `CC-BY-NC-4.0`); "" for what is none."""
    try:
        return str(read_expression(text, registered))
    except ExpressionError:
        return ""


def _words(value: Any) -> tuple[str, ...]:
    """A word or a list of them, as far as they can be shown and kept."""
    values = value if isinstance(value, list) else [value]
    words = (printable(str(word).strip())[:LONGEST_WORD] for word in values if isinstance(word, str | int | float))
    return tuple(word for word in words if word)[:MOST_WORDS]
