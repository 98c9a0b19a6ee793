"""The families of checkpoints that users may register, each behind names that are looked up when they are needed.

To add a family, add its entry to `FAMILIES`; the register, planning and the command line know of no family by name.
Nothing here opens a file of weights, and no library of a family is imported before something of it is asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from models.generator import Place
from models.registry import load

if TYPE_CHECKING:
    from models.registry import Abilities

PIPELINE_INDEX = "model_index.json"  # lies at the head of every saved pipeline of diffusers, and in no other folder


class CheckpointError(ValueError):
    """A checkpoint that cannot be used. `faults` has every reason, each a sentence that says where and what to do."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(self.faults))


class UnknownFormatError(LookupError):
    """A registration of a format that this release does not know: a later one wrote it."""


class Summary(Protocol):
    """What an inspection tells of a checkpoint, without its weights.

    `files` are those that matter, by the names that digests and stamps use (`models.pinning.paths_of` finds them again
    from the names and the folders alone); `bytes` is what they take on disk, `kind` a word or two, `title` a line for
    people, `parameters` how many numbers the weights are."""

    @property
    def folder(self) -> Path: ...

    @property
    def format(self) -> str: ...

    @property
    def files(self) -> Mapping[str, Path]: ...

    @property
    def bytes(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def parameters(self) -> int: ...

    def shape_json(self) -> dict[str, Any]:
        """What the register keeps beside the files, plain JSON: enough for abilities and to set the generator up."""
        ...

    def options(self, name: str, digest: str) -> dict[str, Any]:
        """What a card keeps to build the generator, plain JSON; `digest` is that of all files together."""
        ...

    def abilities(self) -> "Abilities":
        """What an order may ask of it."""
        ...

    def places(self) -> tuple[Place, Place | None]:
        """Where it is set up, on a processor and on a GPU (None: never), with the batch that is pinned for either."""
        ...


@dataclass(frozen=True)
class Family:
    """One family of checkpoints; the fields after `formats` are `module:function`.

    `revision(digest)` is a generator's revision and `abilities(shape)` what may be asked of it: both open no file and
    import no library. `inspect(folder, text_encoder, codec)` and `check_values(summary)` raise CheckpointError with
    every fault. `factory` and `prompting` are as in `models.registry.Card`. `nested`: its files lie in folders
    below its own too."""

    name: str
    formats: tuple[str, ...]
    revision: str
    abilities: str
    inspect: str
    check_values: str
    factory: str
    prompting: str
    nested: bool = False

    def revision_of(self, digest: str) -> str:
        """The revision of weights of that digest, as this release's code plays them."""
        return str(load(self.revision)(digest))

    def abilities_of(self, shape: Mapping[str, Any]) -> "Abilities":
        """What a checkpoint of that shape may be asked for."""
        return cast("Abilities", load(self.abilities)(shape))

    def inspected(self, folder: Path, text_encoder: Path | None = None, codec: Path | None = None) -> Summary:
        """What lies in a folder, by configurations and headers alone. Raises CheckpointError with every fault."""
        return cast(Summary, load(self.inspect)(folder, text_encoder, codec))

    def check(self, summary: Summary, progress: Callable[[str], None] | None = None) -> None:
        """Read every weight once; `progress` is told their names. Raises CheckpointError for values that are none."""
        load(self.check_values)(summary, progress)


MUSICGEN = Family(
    name="musicgen",
    formats=("transformers", "audiocraft"),
    revision="models.musicgen.revision:revision",
    abilities="models.musicgen.abilities:abilities",
    inspect="models.musicgen.checkpoint:inspect",
    check_values="models.musicgen.checkpoint:check_values",
    factory="models.musicgen.generator:create",
    prompting="models.musicgen.prompting:shaper",
)
DIFFUSION = Family(
    name="diffusion",
    formats=("diffusers",),
    revision="models.diffusion.revision:revision",
    abilities="models.diffusion.abilities:abilities",
    inspect="models.diffusion.checkpoint:inspect",
    check_values="models.diffusion.checkpoint:check_values",
    factory="models.diffusion.generator:create",
    prompting="models.diffusion.prompting:shaper",
    nested=True,
)
FAMILIES = (MUSICGEN, DIFFUSION)


def family_of_folder(folder: Path) -> Family:
    """The family that a folder's checkpoint would be of, by what lies at its top; its inspection says whether it is."""
    return DIFFUSION if (folder / PIPELINE_INDEX).exists() else MUSICGEN


def is_known_format(format: str) -> bool:
    """Whether some family has checkpoints of that format."""
    return any(format in family.formats for family in FAMILIES)


def family_of_format(format: str) -> Family:
    """The family of a registration. Raises UnknownFormatError."""
    for family in FAMILIES:
        if format in family.formats:
            return family
    known = ", ".join(format for family in FAMILIES for format in family.formats)
    raise UnknownFormatError(f"checkpoints of format {format!r} are unknown to this release, which knows {known}")


def revision_of(format: str, digest: str) -> str:
    """The revision of weights of that format and digest, as this release's code plays them."""
    return family_of_format(format).revision_of(digest)
