"""A brief that mixes the composer and a token model, from the checkpoint's folder to `verify`, by the command line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from command import Cueworks

from tests.checkpoints import write_transformers

MODEL = "studio/tiny-musicgen"
BRIEF = f"""
catalog: mixed
title: Two generators, one game
seed: 7
use: internal-prototype
generator: composer
defaults: {{genre: orchestral, key: D minor, bpm: 120, takes: 2, formats: [flac]}}
cues:
  - {{state: exploration, bars: 2, prompt: calm forest with harp}}
  - {{state: combat, bars: 2, prompt: epic battle with taiko drums, generator: {MODEL}, takes: 3, loop: true}}
  - {{state: menu, duration: 3, prompt: soft piano, generator: {MODEL}, takes: 2, loop: false}}
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(write_transformers(tmp_path_factory.mktemp("models") / "tiny-musicgen", "mono"))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Cueworks:
    """A home with the checkpoint registered, its licence on record, and the mixed brief rendered on Ray actors."""
    cueworks = Cueworks(tmp_path_factory.mktemp("studio") / "home", {"HF_HUB_OFFLINE": "1"})
    _register(cueworks, checkpoint)
    brief = cueworks.home.with_name("mixed.yaml")
    brief.write_text(BRIEF, encoding="utf-8")
    outcome = cueworks.json("generate", brief, "--actors", 1)
    assert outcome["counts"] == {"done": 7}
    return cueworks


def _register(cueworks: Cueworks, folder: Path) -> None:
    cueworks.said("models", "add", folder, "--name", MODEL, "--licence", "MIT")
    fact = {"subject": MODEL, "component": "weights", "answer": "licence", "expression": "MIT"}
    options = [part for name, value in fact.items() for part in (f"--{name}", value)]
    cueworks.said("licences", "add", *options, "--source", "trained in this house", "--grade", "own", "--by", "Kim")


def _of(takes: dict[str, dict[str, Any]], generator: str) -> list[dict[str, Any]]:
    return [take for take in takes.values() if take["generator"] == generator]


def _mix(take: dict[str, Any]) -> tuple[np.ndarray[Any, Any], int]:
    (path,) = (asset["path"] for asset in take["assets"] if asset["role"] == "mix")
    return soundfile.read(path, always_2d=True)


def test_one_brief_is_made_by_two_generators(studio: Cueworks) -> None:
    takes = studio.takes()
    assert (len(_of(takes, "composer")), len(_of(takes, MODEL))) == (2, 5)
    assert len({take["pcm_sha256"] for take in takes.values()}) == 7


def test_a_models_takes_have_the_length_that_was_ordered_and_sound(studio: Cueworks) -> None:
    for take in _of(studio.takes(), MODEL):
        samples, rate = _mix(take)
        assert samples.shape == (4 * rate if take["state"] == "combat" else 3 * rate, 2)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() > 0.01


def test_every_take_is_reproduced_bit_for_bit_alone(studio: Cueworks) -> None:
    again = studio.json("reproduce", *studio.takes())
    assert [row["identical"] for row in again] == [True] * 7


def test_verify_looks_at_every_take_and_file_and_finds_nothing_wrong(studio: Cueworks) -> None:
    files = sum(len(take["assets"]) for take in studio.takes().values())
    assert files >= 7
    found, ledger = studio.said("verify").splitlines()
    assert found == f"7 takes, {files} files: 0 problems"
    assert re.fullmatch(
        r"ledger: ([1-9]\d*) entries, \1 signed by [1-9]\d* checkpoints?, [1-9]\d* rows on record", ledger
    )


def test_models_verify_looks_at_every_file_that_makes_the_sound(studio: Cueworks, checkpoint: Path) -> None:
    (model,) = (row for row in studio.json("models", "list") if row["id"] == MODEL)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in checkpoint.iterdir()}
    assert studio.said("models", "verify") == f"{MODEL} {model['revision']}: 3 files as registered\n"


def test_show_tells_the_models_text_beside_the_users_own(studio: Cueworks) -> None:
    take = next(take for take in _of(studio.takes(), MODEL) if take["state"] == "combat")
    assert take["prompt"] == "epic battle with taiko drums"
    told = studio.said("show", take["id"])
    (line,) = (line for line in told.splitlines() if "model text" in line)
    assert "epic battle with taiko drums" in line
    assert "bpm: 120" in line
    assert "key: d minor" in line


def test_an_order_of_an_unregistered_model_says_which_command_adds_it(studio: Cueworks, tmp_path: Path) -> None:
    brief = tmp_path / "absent.yaml"
    brief.write_text(BRIEF.replace(MODEL, "facebook/musicgen-small"), encoding="utf-8")
    done = studio.run("generate", brief, "--dry-run")
    assert done.returncode in (2, 3)
    assert "facebook/musicgen-small" in done.stderr


def test_a_changed_checkpoint_is_found_and_not_rendered_with(
    tmp_path: Path, cueworks: Cueworks, checkpoint: Path
) -> None:
    folder = Path(write_transformers(tmp_path / "model", "mono"))
    cueworks.settings = {"HF_HUB_OFFLINE": "1", "CUEWORKS_EXECUTOR": "in-process"}
    _register(cueworks, folder)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)
    found = cueworks.run("models", "verify")
    assert found.returncode == 4
    assert "model.safetensors" in found.stderr
    brief = tmp_path / "brief.yaml"
    brief.write_text(BRIEF, encoding="utf-8")
    done = cueworks.run("generate", brief, "--only", "menu")
    assert done.returncode != 0
    assert "model.safetensors" in done.stdout + done.stderr
    assert not _of(cueworks.takes(), MODEL) or all(t["status"] != "done" for t in _of(cueworks.takes(), MODEL))
