"""A saved diffusion pipeline on disk: what it is, and whether it is whole and can be run as it is.

`inspect` reads the index, configurations and the headers of weight files, `check_values` the weights once. Every fault
is told at once. Nothing here downloads, unpickles or writes, and no code of a checkpoint is run.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.diffusion.abilities import abilities
from models.diffusion.families import FAMILIES
from models.diffusion.revision import revision
from models.diffusion.saved import Component, Saved, saved
from models.diffusion.shape import Shape
from models.diffusion.shapes import shape_of
from models.diffusion.tensors import ConfigError, Needed, class_of, differences, needed, shortened
from models.diffusion.trial import untaken
from models.families import CheckpointError
from models.musicgen.configs import Faults
from models.musicgen.weights import Stored, WeightFileError, read_tensors, stored_tensors
from models.pinning import paths_of, stamp

if TYPE_CHECKING:
    from models.generator import Place
    from models.registry import Abilities


@dataclass(frozen=True)
class Summary:
    """What a pipeline is, without its weights. Implements `models.families.Summary`."""

    folder: Path
    shape: Shape
    files: Mapping[str, Path]
    bytes: int
    format: str = "diffusers"

    @property
    def kind(self) -> str:
        return self.shape.family

    @property
    def title(self) -> str:
        """What it is, for people."""
        sound = f"{'stereo' if self.shape.channels == 2 else 'mono'}, {self.shape.sample_rate} Hz"
        return f"{FAMILIES[self.shape.family].title}, {sound}, up to {self.shape.longest_s:g} s"

    @property
    def parameters(self) -> int:
        return sum(self.shape.parameters.values())

    def shape_json(self) -> dict[str, Any]:
        return self.shape.as_json()

    def options(self, name: str, digest: str) -> dict[str, Any]:
        """What a card keeps to set the generator up again: plain JSON. `digest` is that of all files together."""
        return {
            "id": name,
            "revision": revision(digest),
            "digest": digest,
            "folder": str(self.folder),
            "text_encoder": None,
            "codec": None,
            "format": self.format,
            "stamp": stamp(self.files),
            "shape": self.shape_json(),
        }

    def abilities(self) -> "Abilities":
        return abilities(self.shape_json())

    def places(self) -> "tuple[Place, Place | None]":
        """Where it is set up: on a processor and on a GPU, with the batch that is pinned for either."""
        from models.diffusion.room import places_for

        return places_for(self.shape, self.bytes)


def inspect(folder: Path, text_encoder: Path | None = None, codec: Path | None = None) -> Summary:
    """What lies in `folder`, by its index, configurations and headers alone.

    Raises CheckpointError with every fault."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise CheckpointError([f"{folder}: no such folder"])
    found = saved(folder)
    if text_encoder or codec:
        found.faults.append(f"{folder}: a pipeline brings its own text encoder and codec; name no others")
    whole, parameters = _built(found)
    _check_tokenizers(found, whole)
    shape = shape_of(found, whole, parameters) if found.family and not found.faults else None
    if shape is not None:
        found.faults.extend(untaken(found, shape))
    if shape is None or found.faults:
        raise CheckpointError(found.faults)
    files = paths_of(found.names, folder)
    return Summary(folder, shape, files, sum(path.stat().st_size for path in files.values()))


def _built(found: Saved) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """(whole configurations, numbers) of the components, by name; faults for those that cannot be built or are not
    what their files hold."""
    whole: dict[str, dict[str, Any]] = {}
    parameters: dict[str, int] = {}
    readable = not found.faults
    for name, component in found.components.items():
        if not component.config:
            continue
        if component.part.kind not in ("weights", "scheduler"):
            whole[name] = component.config
            continue
        try:
            if readable or not _doubted(found, name):
                whole[name] = _whole(component)
                if component.part.kind == "weights":
                    parameters[name] = _weighed(found, component)
        except ConfigError as error:
            found.faults.append(f"{found.where(name)}: {error}")
    return whole, parameters


def _doubted(found: Saved, name: str) -> bool:
    """Whether something of a component is wrong already, so that building it would say the same or never end."""
    return any(str(found.folder / name) in fault for fault in found.faults)


def _whole(component: Component) -> dict[str, Any]:
    """A component's configuration with what its class takes for granted."""
    from models.diffusion.loading import quiet

    try:
        cls = class_of(component.library, component.cls)
        with quiet():
            if component.library == "transformers":
                return dict(cls.config_class.from_dict(dict(component.config)).to_dict())
            if component.part.kind == "scheduler":
                return dict(cls.from_config(dict(component.config)).config)
        import inspect as signatures

        told = signatures.signature(cls.__init__).parameters.values()
        return {p.name: p.default for p in told if p.default is not p.empty} | component.config
    except Exception as error:  # whatever the libraries make of a hostile configuration
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"no {component.cls} can be built from it: {said}") from error


def _weighed(found: Saved, component: Component) -> int:
    """How many numbers a component is; faults where its files hold other tensors than it needs."""
    needs = needed(component.library, component.cls, component.config)
    stored, whole = _headers(component, found.faults)
    if whole and component.weights:
        found.faults.extend(differences(str(found.folder / component.name), needs, stored))
    return _numbers(needs)


def _headers(component: Component, faults: Faults) -> tuple[dict[str, Stored], bool]:
    """The tensors of a component's files, and whether all of the files could be read."""
    stored: dict[str, Stored] = {}
    whole = True
    for path in component.weights:
        try:
            stored |= stored_tensors(path)
        except WeightFileError as error:
            faults.append(str(error))
            whole = False
    return stored, whole


def _numbers(needs: Needed) -> int:
    """How many numbers: those that go by several names once."""
    twice = {name for group in needs.alike for name in sorted(group)[1:]}
    return sum(math.prod(sizes) for name, sizes in needs.sizes.items() if name not in twice)


_READ_BY = {"tokenizer": "text_encoder", "tokenizer_2": "text_encoder_2"}


def _check_tokenizers(found: Saved, whole: Mapping[str, Mapping[str, Any]]) -> None:
    """Every tokenizer reads text into tokens that its text encoder knows."""
    from models.musicgen.tokens import TokenizerError, load_tokenizer

    for name, encoder in _READ_BY.items():
        path = found.folder / name / "tokenizer.json"
        if f"{name}/tokenizer.json" not in found.names or encoder not in whole:
            continue
        try:
            tokenizer = load_tokenizer(path)
            tokens, words = tokenizer.encode("calm music").ids, tokenizer.get_vocab(with_added_tokens=True)
        except TokenizerError as error:
            found.faults.append(str(error))
            continue
        known, highest = _vocabulary(whole[encoder]), max([*tokens, *words.values()], default=0)
        if not tokens or highest >= known:
            found.faults.append(
                f"{path}: does not fit the {encoder} ({known} tokens): it knows tokens up to {highest}; fetch the "
                "tokenizer that belongs to the pipeline"
            )


def _vocabulary(config: Mapping[str, Any]) -> int:
    """How many tokens a text encoder knows."""
    parts = (config.get("encoder"), config.get("text_config"), config)  # what is read with stands further in
    told = [part["vocab_size"] for part in parts if isinstance(part, Mapping) and type(part.get("vocab_size")) is int]
    return int(told[0]) if told else 0


_DIRECTIONS = ("weight_v", "parametrizations.weight.original1")  # of weights kept as direction and size


def check_values(summary: Summary, progress: Callable[[str], None] | None = None) -> None:
    """Read every weight once, one tensor at a time; `progress` is told their names.

    Raises CheckpointError that names each tensor with values that are not finite."""
    faults: list[str] = []
    for path in summary.files.values():
        if path.suffix != ".safetensors":
            continue
        try:
            for name, tensor in read_tensors(path):
                if progress:
                    progress(f"{path.parent.name}/{name}")
                if not tensor.is_floating_point() or not tensor.numel():
                    continue
                if not all(bound.isfinite() for bound in tensor.aminmax()):
                    bad = tensor.numel() - int(tensor.isfinite().sum())
                    faults.append(f"{path}: {name}: {bad} of {tensor.numel()} values are NaN or infinite")
                elif name.endswith(_DIRECTIONS) and (still := int((tensor.flatten(1).abs().amax(1) == 0).sum())):
                    faults.append(f"{path}: {name}: {still} of its rows have no direction, which gives NaN")
        except WeightFileError as error:
            raise CheckpointError([str(error)]) from error
    if faults:
        raise CheckpointError(
            [*shortened(faults), f"{summary.folder}: the weights are damaged; fetch the pipeline again"]
        )
