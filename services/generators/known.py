"""Which generators there are: the built-in ones and the registered checkpoints, as cards.

Made from the register's rows alone: no file of a checkpoint is opened, no library of it imported, so that planning may
ask for it every time. Whether the files are still there is asked where it matters (`present`), never whether they are
unchanged: that is the generator's own look when it loads, and `cueworks models verify`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from shlex import quote
from typing import Any

from db.registrations import ADDED, HUB, RegistrationRow, holding
from models.families import family_of_format, is_known_format, revision_of
from models.generator import Place, Resources
from models.pinning import CODEC, OPTIONS, TEXT_ENCODER
from models.registry import CARDS, Card, UnknownGeneratorError, is_hub_id
from services.planning.faults import nearest, shown

LICENCE_OPTION = "--licence"


class MissingCheckpointError(LookupError):
    """A registered generator cannot be loaded here; the message says which command puts that right."""


class KnownGenerators(Mapping[str, Card]):
    """Cards by the names that orders use. A registered name gives the revision that was added last."""

    def __init__(self, rows: Iterable[RegistrationRow] = (), builtin: Mapping[str, Card] | None = None) -> None:
        """`rows` are all of the register, by generator and in order; those of a format that only a later release knows
        are passed over, for nothing of theirs can be set up here."""
        self._cards = dict(CARDS if builtin is None else builtin)
        self._rows: dict[str, list[RegistrationRow]] = {}
        for row in (row for row in rows if is_known_format(row.format)):
            self._rows.setdefault(row.generator, []).append(row)
        self._builtin = frozenset(self._cards)
        newest = {name: held[-1] for name, found in self._rows.items() if (held := holding(found))}
        self._cards = {name: card_of_row(row) for name, row in newest.items()} | self._cards

    def __getitem__(self, name: str) -> Card:
        return self._cards[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)

    def card(self, name: str) -> Card:
        """The card that `name` means now. Raises UnknownGeneratorError saying which command fetches or adds it."""
        if name not in self._cards:
            raise UnknownGeneratorError(self._unknown(name))
        return self._cards[name]

    def card_of(self, name: str, of_revision: str) -> Card | None:
        """The card of a generator at one revision, older ones too; None where this program cannot set it up."""
        card = self._cards.get(name)
        if card is not None and card.revision == of_revision:
            return card
        found = [row for row in self.rows(name) if row_revision(row) == of_revision]
        return card_of_row(found[-1]) if found else None

    def present(self, name: str, of_revision: str | None = None) -> Card:
        """The card of a generator whose folders are there. Raises UnknownGeneratorError, MissingCheckpointError."""
        if said := self.obstacle(name, of_revision):
            self.card(name)
            raise MissingCheckpointError(said)
        card = self.card(name) if of_revision is None else self.card_of(name, of_revision)
        assert card is not None
        return card

    def obstacle(self, name: str, of_revision: str | None = None) -> str | None:
        """Why a generator cannot be set up here, and the command that puts it right; None where nothing is in the way.

        `of_revision` None: whichever it is at now."""
        if name not in self._cards and not self._known_once(name, of_revision):
            return self._unknown(name)
        card = self._cards.get(name) if of_revision is None else self.card_of(name, of_revision)
        if card is None:
            return self._other_revision(name, of_revision)
        return gone_text(self._row_of(card)) if name not in self._builtin else None

    def rows(self, name: str) -> list[RegistrationRow]:
        """The registrations of a name that hold, the one in use last; none for a built-in generator."""
        return [] if name in self._builtin else holding(self._rows.get(name, ()))

    def history(self, name: str) -> list[RegistrationRow]:
        """Every row of a name, in order, removals too."""
        return list(self._rows.get(name, ()))

    @property
    def builtin(self) -> frozenset[str]:
        """The names that no checkpoint may have."""
        return self._builtin

    @property
    def names_ever(self) -> list[str]:
        """Every name that is or was registered."""
        return sorted(self._rows)

    def _row_of(self, card: Card) -> RegistrationRow:
        return next(row for row in reversed(self.rows(card.id)) if row_revision(row) == card.revision)

    def _known_once(self, name: str, of_revision: str | None) -> bool:
        return of_revision is not None and any(row_revision(row) == of_revision for row in self.history(name))

    def _other_revision(self, name: str, of_revision: str | None) -> str:
        """A revision that is not registered now: it was removed, it never was, or another engine made it."""
        what = f"needs revision {of_revision} of {name}"
        for row in reversed(self.history(name)):
            if row_revision(row) == of_revision:
                return f"{what}, which was removed from the register; `{add_command(row)}` adds it again"
            if weights_of(of_revision or "") == weights_of(row.revision):
                return f"{what}; this program's engine makes {row_revision(row)}: use the release that made it"
        here = f"; registered is {self._cards[name].revision}" if name in self._cards else ""
        if name in self._builtin:
            return f"{what}; this is {self._cards[name].revision}"
        return f"{what}{here}; `cueworks models add {quote(name)} --revision REVISION` adds another one"

    def _unknown(self, name: str) -> str:
        what = f"unknown generator {shown(name)}"
        rows = self._rows.get(name)
        if rows and rows[-1].act != ADDED:
            removed = f"{what}: it was removed from the register on {rows[-1].at:%Y-%m-%d}"
            return f"{removed}; `{add_command(rows[-1])}` adds it again"
        close = nearest(name, sorted(self._cards))
        if is_hub_id(name):
            meant = f" {close}" if close.endswith("?") else ""
            fetch = f"`cueworks models add {quote(name)} --revision main` fetches and registers it"
            return f"{what}: no such checkpoint is registered;{meant} {fetch}"
        add = "`cueworks models add FOLDER --name NAME` registers a checkpoint, `cueworks models list` shows them"
        return f"{what}; {close} {add}" if close.endswith("?") else f"{what}; {close}; {add}"


def row_revision(row: RegistrationRow) -> str:
    """The revision of a registration as this release plays it; the row itself says what it was when it was entered."""
    return revision_of(row.format, row.digest)


def weights_of(of_revision: str) -> str:
    """The part of a revision that names the weights, without the engine that plays them."""
    return of_revision.rpartition("+")[2]


def add_command(row: RegistrationRow) -> str:
    """The command that enters a registration again, with the very same files."""
    words = ["cueworks", "models", "add", quote(row.source if row.origin == HUB else row.folder)]
    if row.origin == HUB or row.asked_revision:
        words += ["--revision", quote(row.commit_id or row.asked_revision)]
    if row.generator != default_name(row.origin, row.source, row.folder):
        words += ["--name", quote(row.generator)]
    for option, folder in zip(OPTIONS.values(), (row.text_encoder, row.codec), strict=True):
        words += [option, quote(folder)] if folder else []
    if row.card.get("licence_by") == LICENCE_OPTION:
        words += [LICENCE_OPTION, quote(str(row.card["licence"]))]
    return " ".join(words)


def default_name(origin: str, source: str, folder: str) -> str:
    """What a checkpoint is called where nobody names it: its hub's id, or its folder's name."""
    return source if origin == HUB else Path(folder).name


def gone_text(row: RegistrationRow) -> str | None:
    """What to do where a folder of a registration is not there any more; None where all are."""
    folders = (row.folder, row.text_encoder, row.codec)
    gone = [folder for folder in folders if folder and not Path(folder).is_dir()]
    if not gone:
        return None
    what = f"{row.generator}: its folder {gone[0]} is not there"
    if row.origin == HUB:
        return f"{what}; `{add_command(row)}` fetches it again"
    return f"{what}; put it back, or register it where it lies now: `cueworks models add FOLDER --name {row.generator}`"


def card_of_row(row: RegistrationRow) -> Card:
    """The card of a registered checkpoint."""
    cpu, cuda, family = place_of(row.places["cpu"]), row.places.get("cuda"), family_of_format(row.format)
    return Card(
        id=row.generator,
        title=str(row.card.get("title") or row.generator),
        revision=row_revision(row),
        factory=family.factory,
        batch_size=cpu.batch_size,
        resources=cpu.resources,
        weights_digest=row.digest,
        licence=str(row.card.get("licence") or ""),
        training_data=str(row.card.get("training_data") or ""),
        cuda=place_of(cuda) if cuda else None,
        options=options_of(row),
        abilities=family.abilities_of(row.shape),
        prompting=family.prompting,
    )


def options_of(row: RegistrationRow) -> dict[str, Any]:
    """What the generator is built with, plain JSON: as `models.families.Summary.options`."""
    return {
        "id": row.generator,
        "revision": row_revision(row),
        "digest": row.digest,
        "folder": row.folder,
        TEXT_ENCODER: row.text_encoder,
        CODEC: row.codec,
        "format": row.format,
        "stamp": stamp_of(row),
        "shape": dict(row.shape),
    }


def stamp_of(row: RegistrationRow) -> dict[str, list[int]]:
    """Size and time (nanoseconds) of every file that matters, as they were when they were hashed."""
    return {name: [int(told["bytes"]), int(told["mtime_ns"])] for name, told in row.files.items()}


def place_of(told: Mapping[str, Any]) -> Place:
    """The inverse of `dataclasses.asdict` for a place read from the database, whose rows are never rewritten: what
    another release wrote beside is passed over, what it did not know has its default."""
    asked = told.get("resources", {})
    known = {field.name: asked[field.name] for field in fields(Resources) if field.name in asked}
    return Place(str(told["device"]), int(told["batch_size"]), Resources(**known))
