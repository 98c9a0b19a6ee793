"""A brief becomes takes, by the command line alone: what is printed, what lies on disk, what a second run does."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas
import pyloudnorm
import pytest
import scipy.signal
import soundfile
import yaml
from command import TINY, Cueworks, Rendered

LOUDNESS, CEILING_DBTP = -23.0, -1.0
TAKE_FIELDS = {
    "id", "catalog", "zone", "cue", "state", "index", "prompt", "seed", "generator", "status", "pcm_sha256", "assets",
}  # fmt: skip
CONTROLS = {"genre", "bpm", "key", "meter", "instruments", "excluded", "mood", "duration", "form", "intensity"}


def _mixes(take: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {asset["media_type"]: asset for asset in take["assets"] if asset["role"] == "mix"}


def _pcm_sha256(path: Path) -> str:
    """SHA-256 of a 24-bit master's samples: little-endian, three bytes each, interleaved."""
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    little = (samples >> 8).astype("<i4").tobytes()
    return hashlib.sha256(np.frombuffer(little, np.uint8).reshape(-1, 4)[:, :3].tobytes()).hexdigest()


def test_a_brief_becomes_takes_with_all_their_files(rendered: Rendered) -> None:
    assert rendered.outcome["counts"] == {"done": 6}
    assert rendered.outcome["ordered"] == rendered.outcome["rendered"] == len(rendered.takes) == 6
    assert {take["state"] for take in rendered.takes.values()} == {"exploration", "combat", "boss"}
    for take in rendered.takes.values():
        assert set(take) >= TAKE_FIELDS
        assert (take["catalog"], take["generator"], take["status"]) == ("tiny", "composer", "done")
        assert {asset["role"] for asset in take["assets"]} >= {"mix", "midi", "picture"}
        for asset in take["assets"]:
            path = Path(asset["path"])
            assert path.is_absolute()
            assert hashlib.sha256(path.read_bytes()).hexdigest() == asset["sha256"]


def test_masters_are_what_the_rows_say(rendered: Rendered) -> None:
    for take in rendered.takes.values():
        master = _mixes(take)["audio/flac"]
        about = soundfile.info(master["path"])
        assert (about.samplerate, about.channels, about.subtype) == (48000, 2, "PCM_24")
        assert about.frames / about.samplerate == pytest.approx(master["duration_s"], abs=1e-9)
        assert _pcm_sha256(Path(master["path"])) == master["pcm_sha256"] == take["pcm_sha256"]
        delivered = _mixes(take)["audio/ogg"]
        assert soundfile.info(delivered["path"]).duration == pytest.approx(master["duration_s"], abs=0.001)


def test_masters_meet_loudness_and_true_peak(rendered: Rendered) -> None:
    for take in rendered.takes.values():
        samples, rate = soundfile.read(_mixes(take)["audio/flac"]["path"])
        assert pyloudnorm.Meter(rate).integrated_loudness(samples) == pytest.approx(LOUDNESS, abs=0.2)
        oversampled = scipy.signal.resample_poly(samples, 8, 1, axis=0)
        assert 20 * np.log10(np.abs(oversampled).max()) <= CEILING_DBTP


def test_takes_differ_from_each_other(rendered: Rendered) -> None:
    assert len({take["pcm_sha256"] for take in rendered.takes.values()}) == len(rendered.takes)


def test_the_page_names_every_take(rendered: Rendered) -> None:
    page = Path(rendered.outcome["page"])
    assert page.is_absolute()
    text = page.read_text(encoding="utf-8")
    for take in rendered.takes.values():
        assert take["id"][:12] in text


def test_a_second_run_renders_nothing_and_starts_neither_prefect_nor_ray(rendered: Rendered) -> None:
    log = rendered.cueworks.home / "prefect" / "server.log"
    started = log.stat().st_mtime_ns
    again = rendered.cueworks.json("generate", TINY)
    assert (again["ordered"], again["rendered"], again["counts"]) == (6, 0, {})
    assert again["registered"]["inserted"] == again["registered"]["superseded"] == 0
    assert set(again["stages"]) == {"plan", "total"}
    assert log.stat().st_mtime_ns == started
    assert rendered.cueworks.takes() == rendered.takes


def test_what_is_asked_again_is_told_plainly(rendered: Rendered) -> None:
    done = rendered.cueworks.run("generate", TINY)
    assert done.returncode == 0
    assert "tiny: 6 takes ordered, 0 new; 0 to render" in done.stderr
    assert "nothing to render" in done.stdout
    assert f"listen: {rendered.outcome['page']}" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    quiet = rendered.cueworks.run("generate", TINY, "--quiet")
    assert quiet.stderr == ""
    assert quiet.stdout.splitlines()[-1] == f"listen: {rendered.outcome['page']}"


def test_a_dry_run_shows_the_takes_with_their_controls_and_writes_nothing(
    rendered: Rendered, cueworks: Cueworks
) -> None:
    planned = cueworks.json("generate", TINY, "--dry-run")
    assert not cueworks.home.exists()
    assert [row["id"] for row in planned] == list(rendered.takes)
    for row in planned:
        assert row["seed"] == rendered.takes[row["id"]]["seed"]
        assert set(row["controls"]) >= CONTROLS
        assert row["controls"]["key"] == "D minor"
    assert {row["state"]: row["controls"]["bpm"] for row in planned} == {"exploration": 120, "combat": 160, "boss": 200}
    assert "flute" in planned[-1]["controls"]["excluded"]


def test_a_sentence_is_an_order(cueworks: Cueworks) -> None:
    rows = cueworks.json("generate", "--prompt", "an upbeat jazz piano piece", "--takes", 4, "--dry-run")
    assert not cueworks.home.exists()
    assert len({row["seed"] for row in rows}) == len(rows) == 4
    for row in rows:
        assert row["controls"]["genre"] == "jazz"
        assert "piano" in row["controls"]["instruments"]


def test_another_home_with_one_actor_and_one_state_gives_the_same_sound(rendered: Rendered, quick: Cueworks) -> None:
    quick.settings["CUEWORKS_EXECUTOR"] = "ray"
    outcome = quick.json("generate", TINY, "--only", "combat", "--actors", 1, "--executor", "in-process")
    assert outcome["counts"] == {"done": 2}
    for id_, take in quick.takes().items():
        assert take["state"] == "combat"
        assert take["pcm_sha256"] == rendered.takes[id_]["pcm_sha256"]


def test_an_edited_brief_renders_only_what_is_new(quick: Cueworks, tmp_path: Path) -> None:
    brief = tmp_path / "edited.yaml"
    order = {
        "catalog": "edited", "seed": 3, "use": "internal-prototype", "defaults": {"bars": 2, "loop": True, "bpm": 180},
        "cues": [{"state": "combat", "prompt": "taiko", "takes": 2}, {"state": "boss", "prompt": "low brass"}],
    }  # fmt: skip
    brief.write_text(yaml.safe_dump(order))
    quick.json("generate", brief)
    first = quick.takes()
    order["cues"] = [{"state": "combat", "prompt": "taiko", "takes": 3}]
    brief.write_text(yaml.safe_dump(order))
    outcome = quick.json("generate", brief)
    assert outcome["counts"] == {"done": 1}
    assert (outcome["registered"]["inserted"], outcome["registered"]["superseded"]) == (1, 1)
    second = quick.takes()
    assert {id_: row["pcm_sha256"] for id_, row in first.items()}.items() <= {
        id_: row["pcm_sha256"] for id_, row in second.items()
    }.items()
    assert sorted((row["state"], row["status"]) for row in second.values()) == [
        ("boss", "superseded"), ("combat", "done"), ("combat", "done"), ("combat", "done"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["takes.csv", "takes.parquet"])
def test_takes_open_as_a_table(rendered: Rendered, tmp_path: Path, name: str) -> None:
    rendered.cueworks.said("takes", "--out", tmp_path / name)
    table = pandas.read_csv(tmp_path / name) if name.endswith("csv") else pandas.read_parquet(tmp_path / name)
    assert list(table["id"]) == list(rendered.takes)
    assert list(table["seed"]) == [take["seed"] for take in rendered.takes.values()]
    assert list(table["pcm_sha256"]) == [take["pcm_sha256"] for take in rendered.takes.values()]
    assert all(Path(path).is_file() for path in table["mix_path"])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        (["--state", "boss"], 2), (["--status", "done"], 6), (["--status", "failed"], 0), (["--catalog", "tiny"], 6),
        (["--catalog", "tiny", "--state", "combat", "--status", "done"], 2),
    ],
)  # fmt: skip
def test_takes_can_be_chosen(rendered: Rendered, choice: list[str], count: int) -> None:
    assert len(rendered.cueworks.json("takes", *choice)) == count


def test_a_catalog_that_is_not_there_is_told_with_those_that_are(rendered: Rendered) -> None:
    refused = rendered.cueworks.run("takes", "--catalog", "none")
    assert refused.returncode == 2
    assert "no catalog 'none'" in refused.stderr and "there are: tiny" in refused.stderr


def test_a_take_is_shown_by_the_beginning_of_its_id(rendered: Rendered) -> None:
    id_, take = next(iter(rendered.takes.items()))
    shown = rendered.cueworks.json("show", id_[:8])
    assert {name: shown[name] for name in take} == take
    assert shown["attempts"][-1]["outcome"] == "done"
    assert shown["measurements"]["integrated_lufs"] == pytest.approx(LOUDNESS, abs=0.2)
    assert shown["brief"]["sha256"] == hashlib.sha256(TINY.read_bytes()).hexdigest()
    assert {"generator", "mastering"} <= set(shown["engine_profile"])
    assert take["prompt"] in rendered.cueworks.said("show", id_[:8])


def test_runs_tell_what_was_done(rendered: Rendered) -> None:
    first = rendered.cueworks.json("runs")[-1]
    assert first["id"] == rendered.outcome["run"]
    assert (first["status"], first["ordered"], first["to_render"], first["done"], first["failed"]) == (
        "done",
        6,
        6,
        6,
        0,
    )


def test_plain_tables_have_a_line_a_take(rendered: Rendered) -> None:
    lines = rendered.cueworks.said("takes").splitlines()
    assert len(lines) == 1 + len(rendered.takes)
    assert {len(line.split("\t")) for line in lines} == {len(lines[0].split("\t"))}


def test_nothing_is_there_before_the_first_order_and_asking_leaves_nothing(cueworks: Cueworks) -> None:
    assert cueworks.json("takes") == cueworks.json("runs") == []
    assert cueworks.json("verify")["ok"] is True
    assert not cueworks.home.exists()


def test_words_schema_doctor_and_models_speak_json(cueworks: Cueworks) -> None:
    words = cueworks.json("words")
    assert {"jazz", "orchestral"} <= set(words["genres"])
    assert {"exploration", "combat", "boss"} <= set(words["states"])
    schema = json.loads(cueworks.said("brief", "schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(TINY.read_text()))
    assert {finding["name"] for finding in cueworks.json("doctor")} >= {"python", "ray", "prefect", "home", "database"}
    assert "composer" in {card["id"] for card in cueworks.json("models")}
    assert cueworks.json("brief", "check", TINY)["takes"] == 6
    assert not cueworks.home.exists()
