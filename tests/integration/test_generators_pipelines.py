"""Pipelines of diffusers in the register: pinned by the files of all their parts, known again without opening them."""

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import reading, writing
from db.ledger import append
from db.registrations import registrations
from models.families import CheckpointError, family_of_folder
from models.pinning import file_digests, whole_digest
from services.generators.errors import RegisterError
from services.generators.known import KnownGenerators, options_of
from services.generators.register import Asked, enter, prepare
from services.generators.verifying import CHANGED, MISSING, paths_of_row, verify
from tests.pipelines import write

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved pipeline of less than 1 MB. Read only."""
    return write(tmp_path_factory.mktemp("pipelines") / "tiny", "stable-audio")


@pytest.fixture
def tiny(written: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(written, tmp_path / "tiny"))


def known(engine: Engine) -> KnownGenerators:
    with reading(engine) as session:
        return KnownGenerators(registrations(session))


def test_a_pipeline_is_pinned_to_the_files_of_its_parts(engine: Engine, tiny: Path) -> None:
    row = prepare(Asked(str(tiny)), known(engine)).row
    assert {"model_index.json", "scheduler/scheduler_config.json", "vae/config.json", WEIGHTS} <= row.files.keys()
    digests = file_digests({name: tiny / name for name in row.files})
    assert {name: fact["sha256"] for name, fact in row.files.items()} == digests
    assert (row.format, row.digest) == ("diffusers", whole_digest(digests))
    assert row.revision == f"pipeline-1+weights-{row.digest[:16]}"
    with writing(engine) as session:
        entered, made = enter(session, row)
        append(session, made)
    assert entered.outcome == "new"
    summary, held = family_of_folder(tiny).inspected(tiny), known(engine)
    assert paths_of_row(row) == dict(summary.files)
    assert options_of(row) == summary.options("tiny", row.digest) == held.card("tiny").options
    assert held.card("tiny").revision == row.revision
    assert held.card("tiny").abilities == summary.abilities()
    assert held.card("tiny").abilities.variation
    assert verify(held, "tiny").ok

    os.utime(tiny / WEIGHTS, ns=(1, 1))
    assert any("another time" in note for note in verify(held, "tiny").notes)
    with (tiny / WEIGHTS).open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\0\0\0")
    (tiny / "vae" / "config.json").unlink()
    assert {finding.file: finding.kind for finding in verify(held, "tiny").findings} == {
        WEIGHTS: CHANGED, "vae/config.json": MISSING,
    }  # fmt: skip
    shutil.rmtree(tiny)
    assert held.card("tiny").abilities == summary.abilities()
    assert "its folder" in str(held.obstacle("tiny"))


def test_what_a_pipeline_may_not_be_made_of_is_told_and_nothing_kept(written: Path, tmp_path: Path) -> None:
    def refused(folder: Path, **said: Path) -> str:
        with pytest.raises((CheckpointError, RegisterError)) as caught:
            prepare(Asked(str(folder), **said), KnownGenerators())
        return str(caught.value)

    def copy(name: str) -> Path:
        return Path(shutil.copytree(written, tmp_path / name))

    pickled, linked, foreign = copy("pickled"), copy("linked"), copy("foreign")
    (pickled / WEIGHTS).rename(pickled / WEIGHTS.replace(".safetensors", ".bin"))
    assert "a pickle" in refused(pickled)
    (linked / "vae" / "config.json").unlink()
    (linked / "vae" / "config.json").symlink_to("/etc/passwd")
    assert "vae/config.json: a link that leads out of the folder" in refused(linked)
    (foreign / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    assert "StableDiffusionPipeline" in refused(foreign)
    assert "brings its own text encoder" in refused(written, codec=foreign)
