"""The files of a saved pipeline: its index, and of every component the configuration, the weights or the tokenizer.

Names are never trusted as paths, pickles are never opened, and JSON is bounded before anything is built from it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.diffusion.believing import unbelievable
from models.diffusion.families import FAMILIES, UNREACHED, Family, Part, family_of_class
from models.families import PIPELINE_INDEX
from models.musicgen.configs import Faults, read_json

CONFIGS = {"weights": "config.json", "scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json",
           "extractor": "preprocessor_config.json"}  # fmt: skip
WEIGHTS = {"transformers": "model.safetensors"}
OTHER_WEIGHTS = "diffusion_pytorch_model.safetensors"
_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt", "spiece.model", "tokenizer.model",
)  # fmt: skip
_KNOWN = ("diffusers", "transformers", *(name for family in FAMILIES.values() for part in family.parts.values()
                                         for name in part.libraries))  # fmt: skip
_READ = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".gguf", ".onnx", ".py",
         ".index.json", ".index.fp16.json")  # fmt: skip
_ADAPTER = "adapter_config.json"  # weights of another folder would be laid over those of this one
_MOST_TOLD = 5


@dataclass
class Component:
    """A component of a saved pipeline: where it lies, its class and configuration; `weights` are its files of them."""

    name: str
    library: str
    cls: str
    part: Part
    config: dict[str, Any] = field(default_factory=dict)
    weights: list[Path] = field(default_factory=list)


@dataclass
class Saved:
    """What the files of a folder say, as far as it could be read."""

    folder: Path
    family: Family | None = None
    components: dict[str, Component] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)  # of the files that matter, below the folder
    faults: Faults = field(default_factory=Faults)

    def where(self, name: str) -> str:
        """The configuration of a component, for people."""
        return str(self.folder / name / CONFIGS[self.components[name].part.kind])

    def config(self, name: str) -> dict[str, Any]:
        return self.components[name].config if name in self.components else {}


def saved(folder: Path) -> Saved:
    """What lies in a folder; faults are gathered in it."""
    found = Saved(folder)
    where = folder / PIPELINE_INDEX
    index = read_json(where, found.faults)
    if not index:
        return found
    found.names.append(PIPELINE_INDEX)
    found.faults.extend(unbelievable(str(where), index))
    told = index.get("_class_name")
    found.family = family_of_class(told) if isinstance(told, str) else None
    if found.family is None:
        known = ", ".join(family.classes[0] for family in FAMILIES.values())
        what = f"{where}: the pipeline is {str(told)[:80]}"
        found.faults.append(f"{what}{_custom(told)}; one of {known} is needed")
        return found
    for name, entry in index.items():
        if name not in found.family.parts and isinstance(entry, list) and entry != [None, None]:
            found.faults.append(f"{where}: {name[:80]!r} is no component of a {told}; take it out of the index")
    for name, part in found.family.parts.items():
        _take(found, name, part, index.get(name))
    return found


def _custom(told: Any) -> str:
    return ", code of its own, which is never run" if isinstance(told, list) else ""


def _take(found: Saved, name: str, part: Part, entry: Any) -> None:
    """Enter a component, and look at its files; faults where it cannot be."""
    where, faults = found.folder / PIPELINE_INDEX, found.faults
    if entry in (None, [None, None]):
        if not part.optional:
            faults.append(f"{where}: the component {name} is missing ({part.classes[0]}); fetch the whole pipeline")
        return
    if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(word, str) for word in entry):
        faults.append(f"{where}: {name} is {str(entry)[:80]}; a library and a class are needed")
        return
    library, cls = entry
    if said := _wrong_class(name, library, cls, part):
        faults.append(f"{where}: {said}")
        return
    component = Component(name, library, cls, part)
    found.components[name] = component
    home = found.folder / name
    if not home.is_dir():
        faults.append(f"{home}: no such folder, so the component {name} is missing; fetch the whole pipeline")
        return
    if not home.resolve().is_relative_to(found.folder.resolve()):
        faults.append(f"{home}: leads out of the folder; put the files themselves there")
        return
    _take_files(found, component, home)


def _take_files(found: Saved, component: Component, home: Path) -> None:
    """Enter a component's files; faults for what is missing of them, or not to be believed."""
    config, faults = CONFIGS[component.part.kind], found.faults
    component.config = read_json(home / config, faults)
    if component.config:
        found.names.append(f"{component.name}/{config}")
        faults.extend(unbelievable(str(home / config), component.config))
        _check_names(str(home / config), component, faults)
    if component.part.kind == "weights":
        _take_weights(found, component, home)
    elif component.part.kind == "tokenizer":
        more = [file for file in _TOKENIZER_FILES if file != config and (home / file).is_file()]
        found.names += [f"{component.name}/{file}" for file in more]
        if "tokenizer.json" not in more:
            faults.append(
                f"{home / 'tokenizer.json'}: no such file, so no prompt can be read; fetch it with the pipeline, or "
                "write it with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(folder)"
            )
    faults.extend(_unlisted(found, component.name, home))


def _unlisted(found: Saved, name: str, home: Path) -> list[str]:
    """What lies in a component's folder that a library might read instead of, or beside, the files that are looked at,
    a sentence each: nothing of it is inspected or hashed."""
    listed = {Path(file).name for file in found.names if Path(file).parent.name == name}
    astray = sorted(path.name for path in home.iterdir() if path.name.endswith(_READ) or path.name == _ADAPTER)
    told = [file for file in astray if file not in listed]
    if not found.components[name].weights and found.components[name].part.kind == "weights":
        told = [file for file in told if file.endswith((".py", _ADAPTER))]  # the rest is told with what is missing
    more = [f"{home}: {len(told) - _MOST_TOLD} more such files"] if len(told) > _MOST_TOLD else []
    return [
        f"{home / file}: belongs to no part of the pipeline as it is read here, and might be taken for one; take it "
        "out of the folder" for file in told[:_MOST_TOLD]
    ] + more  # fmt: skip


def _wrong_class(name: str, library: str, cls: str, part: Part) -> str:
    if library not in _KNOWN:
        return f"{name} is {cls[:80]} of {library[:80]}: code of its own, which is never run; take another pipeline"
    if library in part.libraries and cls in part.classes:
        return ""
    known = " or ".join(part.classes)
    if part.kind == "scheduler" and cls in UNREACHED:
        return f"the scheduler {cls} {UNREACHED[cls]}; save the pipeline with {known}"
    if part.kind == "scheduler":
        return f"the pipeline cannot use the scheduler {cls[:80]}; {known} is needed"
    return f"{name} is {cls[:80]} of {library[:80]}; {known} is needed"


def _check_names(where: str, component: Component, faults: Faults) -> None:
    told = component.config.get("_class_name")
    if told is not None and told != component.cls and component.part.kind in ("weights", "scheduler"):
        faults.append(f"{where}: is of a {str(told)[:80]}, the index says {component.cls}; fetch the pipeline again")


def _take_weights(found: Saved, component: Component, home: Path) -> None:
    file = WEIGHTS.get(component.library, OTHER_WEIGHTS)
    index = f"{file}.index.json"
    if (home / file).is_file():
        names = [file]
    elif (home / index).is_file():
        names = _shards(home, index, found.faults)
        found.names.append(f"{component.name}/{index}")
    else:
        names = []
        found.faults.append(_no_weights(home, file))
    component.weights = [home / name for name in names]
    found.names += [f"{component.name}/{name}" for name in names]


def _no_weights(home: Path, file: str) -> str:
    others = sorted(path.name for path in home.iterdir() if path.suffix in (".bin", ".pt", ".ckpt", ".safetensors"))
    if pickles := [name for name in others if not name.endswith(".safetensors")]:
        return (
            f"{home / pickles[0]}: a pickle, and reading it could run code from the file; it is refused. Ask for "
            f"{file}, or convert it on a machine that you can lose: pipeline.save_pretrained(folder)"
        )
    variants = f" ({', '.join(others[:3])} is another; rename it)" if others else ""
    return f"{home / file}: no such file, so there are no weights{variants}; fetch the whole pipeline"


def _shards(home: Path, index: str, faults: Faults) -> list[str]:
    """The files that an index of shards names: plain names of files in the folder, and nothing else."""
    mapped = read_json(home / index, faults).get("weight_map")
    shards = sorted({str(name) for name in mapped.values()}) if isinstance(mapped, dict) else []
    for name in shards:
        if Path(name).name != name or not name.endswith(".safetensors"):
            faults.append(f"{home / index}: names {name[:80]!r}, which is no .safetensors file of this folder")
        elif not (home / name).is_file():
            faults.append(f"{home / name}: no such file, though {index} names it; fetch it again")
    if not shards:
        faults.append(f"{home / index}: names no files")
    return [name for name in shards if Path(name).name == name and name.endswith(".safetensors")
            and (home / name).is_file()]  # fmt: skip
