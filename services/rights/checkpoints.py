"""Which files a registered generator's name stands for, so that a fact about a name is not taken for one about them.

Facts go by name, and a checkpoint in any folder may be registered under any name. Rules, for a registered checkpoint:
- A fact is about its files (`Checkpoint.meant`) where it names their revision or their digest; where a person recorded
  it under exactly the checkpoint's name after these files were registered under it; and where they were fetched from
  the hub as that very name, which is the one whose facts are on record.
- A folder of its own that was registered beside it (text encoder, codec) is none of the hub's: there only the first two
  hold, and facts about that component.
- Any other fact under the name binds where it forbids, and never allows anything.
- Facts about the hub's id that these files came from bind in the same way, whatever they are registered as: the same
  files, or the same largest file of weights, were fetched as it under any name, or their folder is the hub's own of it.
  They give way to closer facts about that id, not to facts about the name.
- Which files these are is no matter of when it was known: it is told by what is registered now.

What is no registered checkpoint (the composer, services, what was imported) is asked about by its name alone. Nothing
here weighs facts or reads files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from db.registrations import HUB, RegistrationRow
from services.rights.facts import ANY, Fact
from services.rights.names import Pattern, folded, plain_name
from services.rights.seeds import AUTHOR

WEIGHTS = "weights"
_WEIGHTS = (".safetensors", ".bin", ".pt", ".th", ".ckpt")
_COMMON = ("text_encoder", "codec", "compression_state_dict")  # parts of a folder that other models have too
TEXT_ENCODER, CODEC = COMPONENTS = ("text-encoder", "codec")  # that may be registered from folders of their own


@dataclass(frozen=True)
class Part:
    """A component from a folder of its own. `expression` is what its card says, "" where it says no known licence."""

    component: str
    expression: str
    folder: str


@dataclass(frozen=True)
class Checkpoint:
    """The files of a revision. `since` is when they were registered under the name first; `of_hub` whether they were
    fetched from the hub as that name; `source` where they are from; `origins` the hub's ids, other than the name, that
    they came from."""

    generator: str
    digest: str
    since: datetime
    of_hub: bool
    source: str
    parts: tuple[Part, ...] = ()
    origins: tuple[str, ...] = ()

    def is_named(self, revision: str) -> bool:
        """Whether a fact's revision is that of these files, whichever engine plays them; their digest is one too."""
        return revision == self.digest or weights_of(revision) == f"weights-{self.digest[:16]}"

    def meant(self, fact: Fact) -> bool:
        """Whether a fact about the name is one about these files."""
        if self.is_named(fact.revision) or self._was_told(fact):
            return True
        return self.of_hub and fact.component not in {part.component for part in self.parts}

    def _was_told(self, fact: Fact) -> bool:
        exact = "*" not in fact.subject and Pattern(fact.subject).text == folded(self.generator)
        since = fact.recorded_at is not None and fact.recorded_at >= self.since
        return exact and since and fact.recorded_by != AUTHOR


@dataclass(frozen=True)
class Checkpoints:
    """The registered checkpoints by name, removed ones too: takes that were made with them stay."""

    rows: Mapping[str, tuple[RegistrationRow, ...]] = field(default_factory=dict)
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the hub's ids of files, by their digest
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the same, by plain names, of any revision

    @classmethod
    def of(cls, rows: Iterable[RegistrationRow]) -> "Checkpoints":
        """`rows` are all of the register, by generator and in order."""
        found: dict[str, tuple[RegistrationRow, ...]] = {}
        same: dict[str, tuple[str, ...]] = {}  # by the digest of all files, and by that of the largest one
        for row in rows:
            found[row.generator] = (*found.get(row.generator, ()), row)
            for key in _marks(row):
                same[key] = tuple(dict.fromkeys((*same.get(key, ()), *_origins(row))))
        origins: dict[str, tuple[str, ...]] = {}
        aliases: dict[str, tuple[str, ...]] = {}
        for row in (row for mine in found.values() for row in mine):
            ids = [origin for key in _marks(row) for origin in same[key]]
            origins[row.digest] = tuple(dict.fromkeys((*origins.get(row.digest, ()), *ids)))
            name = plain_name(row.generator)
            others = (origin for origin in ids if origin != name)
            aliases[name] = tuple(dict.fromkeys((*aliases.get(name, ()), *others)))
        return cls(found, origins, aliases)

    def find(self, generator: str, revision: str) -> Checkpoint | None:
        """The checkpoint that a generator is at a revision (of `*`: the newest); None where that is none."""
        mine = self.rows.get(generator, ())
        if revision == ANY:
            alike = [row for row in mine if row.digest == mine[-1].digest]
        else:
            alike = [row for row in mine if weights_of(revision) == f"weights-{row.digest[:16]}"]
        return _checkpoint(alike, self.origins.get(alike[0].digest, ())) if alike else None


def weights_of(revision: str) -> str:
    """The part of a revision that names the weights, without the engine that plays them."""
    return revision.rpartition("+")[2]


def _marks(row: RegistrationRow) -> list[str]:
    """What other registrations of the same checkpoint share with a row: all of its files, or the largest of weights. A
    component from elsewhere is none of it, nor is a text encoder that many models have."""
    weights = {
        str(said["sha256"]): int(said["bytes"]) for name, said in row.files.items()
        if name.endswith(_WEIGHTS) and not any(part in name.replace("-", "_") for part in _COMMON)
    }  # fmt: skip
    return [row.digest, *([max(weights, key=lambda sha256: weights[sha256])] if weights else [])]


def _origins(row: RegistrationRow) -> tuple[str, ...]:
    """The hub's id that a row says its files came from: it was fetched as, or by the name of a folder of its cache."""
    if row.origin == HUB:
        return (plain_name(row.source),)
    return tuple(plain_name(part) for part in Path(row.source).parts if part.casefold().startswith("models--"))


def _checkpoint(rows: list[RegistrationRow], origins: Iterable[str]) -> Checkpoint:
    """Of rows of one name and the same files: where they lie and what their cards say now is told by the last."""
    name, last = rows[0].generator, rows[-1]
    owned = plain_name(name) if "/" in name else ""  # whose a name without an owner is, is only guessed
    fetched = [row for row in rows if row.origin == HUB and plain_name(row.source) == owned]
    stated = last.card.get("parts") or {}
    folders = ((TEXT_ENCODER, "text_encoder", last.text_encoder), (CODEC, "codec", last.codec))
    parts = (Part(part, str(stated.get(key) or ""), Path(at).name) for part, key, at in folders if at)
    others = tuple(origin for origin in origins if origin != plain_name(name))
    return Checkpoint(name, last.digest, rows[0].at, bool(fetched), last.source, tuple(parts), others)
