"""The model's papers, written into its folder: a card for people (README.md) and `training.json` for programs.

Both say what the model was made of, by which program, how well it does and what it cannot do. Nothing here is a licence
fact; what may be done with the model follows from the facts that its registration records.
"""

from pathlib import Path
from typing import Any

from db.training_tables import HELD_OUT, TRAINING
from services.storage.whole import whole_file
from services.training import sources, splitting
from services.training.order import Order, write_json

RECORD, CARD = "training.json", "README.md"
LICENCE = "LicenseRef-Own-Work"


def write_papers(order: Order, folder: Path, left: dict[str, dict[str, Any]]) -> None:
    """Write both papers; `left` is what every stage left."""
    write_json(folder / RECORD, record(order, left))
    with whole_file(folder / CARD) as part:
        part.write_text(card(order, left), encoding="utf-8")


def record(order: Order, left: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What is kept of a run, without what differs from one machine to the next."""
    splits = {row["take"]: row for row in left["dataset"]["entries"]}
    return {
        "training": order.id, "name": order.name, "config": order.config(), "code": dict(order.code),
        "licences": [dict(row) for row in order.licences], "materials": [dict(row) for row in order.materials],
        "held_out_by": left["dataset"]["held_out_by"], "files": left["evaluation"]["files"],
        "manifest_sha256": left["dataset"]["manifest_sha256"],
        "takes": [{"take": item.take, "catalog": item.catalog, "sha256": item.sha256, "pcm_sha256": item.pcm_sha256,
                   "audio_sha256": splits[item.take]["audio_sha256"], "split": splits[item.take]["split"]}
                  for item in order.items],
        "lessons": {name: {key: value for key, value in left[name].items() if key not in ("speed", "stage_s")}
                    for name in ("codec", "model")},
        "evaluation": evaluation(left),
    }  # fmt: skip


def evaluation(left: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures of a run on held-out takes."""
    return {name: left["evaluation"][name] for name in ("codec", "codes", "takes")}


def card(order: Order, left: dict[str, dict[str, Any]]) -> str:
    """The model card, facts at its head as hubs keep them."""
    catalogs = ", ".join(order.catalogs)
    data = left["dataset"]
    head = ["---", "license: other", f"license_name: {LICENCE}", "pipeline_tag: text-to-audio", "tags:", "- musicgen",
            "datasets:", *(f"- {name}" for name in order.catalogs), "---"]  # fmt: skip
    size, codec = order.preset.language, order.preset.codec
    body = f"""
# {order.name}

A text-to-music model of the house: MusicGen's architecture ({size.layers} layers of {size.width}, {codec.codebooks}
streams of {codec.cardinality} codes, {codec.frame_rate} frames a second) with an EnCodec of its own at
{codec.sample_rate} Hz, mono. Trained by Cueworks {order.code["package"] or "(no release)"} with the preset
`{order.preset.name}` and seed {order.seed}.

## Licence and data
Every training item is a take that the built-in composer made for the catalogs {catalogs}: {data["takes"]} takes,
{data["seconds"] / 60:.1f} minutes, {data["held_out"]} of them held out. {sources.in_a_card(order.materials)}
Captions are the words of the takes' own orders. `training.json` lists every take with the digests of its files
(manifest SHA-256 {data["manifest_sha256"]}); the database that made the model lists them too:
`cueworks train --show {order.id[:16]}`. What may be done with the music is the owner's to say; what the register of
licence facts says is shown by `cueworks models show {order.name}`.

## Figures
{splitting.told(data["held_out_by"])}.

{_figures(left)}
## Limits
It knows the composer's genres, instruments and forms, and nothing else: no voices, no recordings, one channel up to
{codec.sample_rate // 2} Hz. It imitates the composer; where the composer itself will do, it is the better musician.
Learned in {left["codec"]["steps"]} steps (codec) and {left["model"]["steps"]} steps (token model).
"""
    return "\n".join(head) + "\n" + body.lstrip("\n")


def _figures(left: dict[str, dict[str, Any]]) -> str:
    found = evaluation(left)
    codec, model, composer = found["codec"], found["takes"]["model"], found["takes"]["composer"]
    losses = [(f"nats a code, {split} takes, caption {how}", _number((found["codes"][split] or {}).get(how)), "-")
              for split in (HELD_OUT, TRAINING) for how in ("told", "untold")]  # fmt: skip
    rows = [
        ("codec: spectral distance", _number(codec["spectral_distance"]), "0"),
        ("codec: loudness error, LU", _number(codec["loudness_error_lu"]), "0"),
        *losses,
        *((name, _number(model[key]), _number(composer[key])) for name, key in (
            ("share accepted", "accepted"), ("share on tempo", "on_tempo"), ("states told right", "states_told"))),
    ]  # fmt: skip
    lines = ["| | model | composer |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    chance = _number(model["chance"])
    told = f"\n{codec['sounds']} sounds through the codec, {found['takes']['orders']} orders rendered anew of at most "
    return "\n".join(lines) + "\n" + told + f"{found['takes']['seconds']:g} s; states by chance: {chance}.\n"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"
