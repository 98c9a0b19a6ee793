"""What may be asked of a training run, and what is wrong with it: everything is said before anything begins."""

import errno
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import SafetensorError

from flows.training import _passed_over
from services.generators.known import KnownGenerators
from services.planning.words import USES
from services.training import stages
from services.training.card import card
from services.training.code import ROOT, SOURCES, code_version, meaning
from services.training.curves import write_curve, write_spectra, write_table
from services.training.errors import OtherFilesError, TrainingError
from services.training.evaluation.states import features, taught
from services.training.lessons import codec_lesson
from services.training.loop import Together, rate_at
from services.training.order import read_order, run_folder, write_json
from services.training.planning import Planned, Wish, _preset, begin, sharing, with_steps
from services.training.presets import PRESETS, Course, preset_of
from services.training.publishing import check_registered, checked_out, digests, publish
from services.training.registering import facts_of
from services.training.weighing import Weighed
from services.training.writing import system_errors
from tests.training_runs import MICRO, begun, order, sound


def test_every_fault_of_a_wish_is_told_at_once() -> None:
    wish = Wish((), "composer", "huge", steps=0, minutes=-1.0, seed=-1, by="K" * 190)
    with pytest.raises(TrainingError) as caught:
        _preset(wish, KnownGenerators())
    said = str(caught.value)
    for words in ("built in", "--preset 'huge'", "--steps and --minutes", "--steps 0", "--minutes -1", "--seed -1",
                  "no catalog", "--by 'KK"):  # fmt: skip
        assert words in said
    assert len(caught.value.faults) == 8


def test_fewer_steps_are_fewer_of_both_lessons_and_warm_up_in_time() -> None:
    fewer = with_steps(PRESETS["small"], 150)
    assert (fewer.codec_course.steps, fewer.model_course.steps) == (200, 150)
    assert fewer.model_course.warmup == 37
    assert _preset(Wish(("a",), "house/x", "tiny", steps=7), KnownGenerators()).model_course.steps == 7


def test_faults_come_whole_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(OtherFilesError(["one fault", "another"])))
    assert type(error) is OtherFilesError
    assert error.faults == ("one fault", "another")
    assert str(error) == "one fault\nanother"


def test_who_trains_and_where_it_goes_is_said_anew_and_a_finished_model_stays(tmp_path: Path) -> None:
    told = replace(order(tmp_path), by="Kim, by cueworks train", out=str(tmp_path / "one"))
    planned = Planned(told, run_folder(tmp_path, told.id), (), USES, {}, named_out=True)
    assert (begin(planned).id, begin(planned).by) == (told.id, told.by)
    again = replace(planned, order=replace(told, by="Ada, by cueworks train", out=str(tmp_path / "two")))
    assert (begin(again).by, begin(again).out) == (again.order.by, again.order.out)
    [said] = _passed_over(again, tmp_path / "one")
    assert "two is passed over" in said
    assert _passed_over(planned, tmp_path / "one") == _passed_over(replace(again, named_out=False), tmp_path) == ()


def test_no_more_workers_than_share_every_step_alike() -> None:
    assert [sharing(PRESETS["tiny"], count) for count in (1, 2, 3, 4, 9)] == [1, 2, 2, 4, 4]
    assert [sharing(PRESETS["small"], count) for count in (0, 5, 7, 64)] == [1, 4, 6, 24]


@pytest.mark.parametrize("preset", [*PRESETS.values(), MICRO], ids=lambda preset: preset.name)
def test_presets_survive_json_and_fit_their_windows(preset: object) -> None:
    told = preset_of(json.loads(json.dumps(preset.as_json())))  # type: ignore[attr-defined]
    assert told == preset
    assert told.codec.sample_rate % told.codec.hop == 0
    assert told.model_course.seconds * told.codec.frame_rate <= told.language.window_frames
    assert told.language.text_width != told.language.width  # else there is no projection to learn


def test_the_rate_goes_up_in_a_line_and_down_to_a_tenth() -> None:
    course = Course(steps=100, batch=1, seconds=1.0, rate=1.0, warmup=10)
    rates = [rate_at(course, step, 100) for step in range(101)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)


def test_few_minutes_shorten_the_warm_up_as_few_steps_do(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    stages.run_stage(folder, "dataset")
    told = read_order(folder)
    lesson = codec_lesson(told, folder / "dataset", 4, Together(), fresh=False)
    assert (lesson.course.steps, lesson.course.warmup) == (4, 1)
    assert [rate_at(lesson.course, 0, 4) / lesson.course.rate, rate_at(lesson.course, 4, 4) / lesson.course.rate] == [
        pytest.approx(1), pytest.approx(0.1)
    ]  # fmt: skip


def test_a_full_disk_is_told_as_the_system_tells_it(tmp_path: Path) -> None:
    told = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(OSError, match="No space left") as caught, system_errors(tmp_path):
        raise SafetensorError(told)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(ValueError, match="another"), system_errors(tmp_path):
        raise ValueError("another")


def test_minutes_become_steps_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begun(tmp_path, minutes=0.001)
    stages.run_stage(folder, "dataset")
    monkeypatch.setattr(stages, "seconds_a_step", lambda *_, **__: 0.012)
    left = stages.run_stage(folder, "codec")
    assert left["steps"] == round(0.06 * stages.SHARES["codec"] / 0.012)
    monkeypatch.setattr(stages, "seconds_a_step", lambda *_, **__: pytest.fail("timed again"))
    (folder / "codec.json").unlink()
    assert stages.run_stage(folder, "codec")["curve_sha256"] == left["curve_sha256"]


def test_a_folder_that_cannot_take_the_model_is_told(tmp_path: Path) -> None:
    run = tmp_path / "run"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "new")
    assert checked_out(link / "model", "a" * 64, run) == tmp_path / "new" / "model"
    held = tmp_path / "held"
    held.mkdir()
    (held / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for out in (held, held / "notes.txt", held / "notes.txt" / "model", run / "result", tmp_path, tmp_path / "round"):
        with pytest.raises(TrainingError, match="--out FOLDER"):
            checked_out(out, "a" * 64, run)
    write_json(held / "training.json", {"training": "a" * 64})
    assert checked_out(held, "a" * 64, run) == held
    with pytest.raises(TrainingError):
        checked_out(held, "b" * 64, run)


WEIGHED = Weighed({}, {}, USES, dict.fromkeys(USES, ()), (), ())


def test_the_facts_of_a_model_are_bound_to_its_files_and_say_no_more_than_its_takes(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    write_json(folder / "dataset.json", {"takes": 6, "manifest_sha256": "c" * 64})
    row = type("Row", (), {"generator": "house/test", "digest": "d" * 64})()
    told = replace(read_order(folder), by="Kim, by cueworks train")
    [whole] = facts_of(told, folder, row, WEIGHED)
    assert (whole.subject, whole.revision, whole.use, whole.answer) == ("house/test", "d" * 64, "*", "allowed")
    assert whole.grade == "own"
    assert told.id[:16] in whole.source
    assert "6 takes of made-up" in whole.training_data
    assert "nothing of others" in whole.training_data
    asking = {USES[0]: (), USES[1]: ("Name the composer.",)}
    free = {"role": "theme file", "expression": "CC0-1.0", "source": "a.mid, an archive", "takes": 2}
    some = facts_of(replace(told, materials=(free,)), folder, row, replace(WEIGHED, uses=USES[:2], duties=asking))
    assert {fact.use: fact.duties for fact in some} == asking
    assert "a.mid, an archive (CC0-1.0, 2 takes)" in some[0].training_data
    assert "own music alone" not in some[0].note


def finished(folder: Path) -> Path:
    """The folder of a run that is over, with a model of two small files."""
    from services.training.dataset import export

    told = read_order(folder)
    write_json(folder / "dataset.json", export(told, folder / "dataset"))
    result = folder / "result"
    result.mkdir()
    for name in ("model.safetensors", "config.json"):
        (result / name).write_text(f"{name} of the run", encoding="utf-8")
    figures = {"accepted": 0.5, "on_tempo": None, "states_told": 0.75, "chance": 0.25}
    found = {"codes": {"held-out": {"told": 2.5, "untold": 3.0}, "training": None},
             "codec": {"spectral_distance": 1.234, "loudness_error_lu": None, "sounds": 2},
             "takes": {"model": figures, "composer": figures, "orders": 2, "seconds": 1.0},
             "files": digests(result)}  # fmt: skip
    write_json(folder / "evaluation.json", found)
    for stage in ("codec", "tokens", "model"):
        write_json(folder / f"{stage}.json", {"steps": 8})
    return folder


def test_exchanged_weights_are_neither_published_nor_registered(tmp_path: Path) -> None:
    run = finished(begun(tmp_path))
    told = replace(read_order(run), out=str(tmp_path / "out"))
    out = publish(told, run)
    (out / "README.md").unlink()
    assert publish(told, run) == out
    assert (out / "README.md").is_file()
    made = {name: {"sha256": digest} for name, digest in digests(out).items()}
    check_registered(made, run, out)
    with pytest.raises(OtherFilesError, match=r"added\.bin is not what"):
        check_registered({**made, "added.bin": {"sha256": "e" * 64}}, run, out)
    (out / "model.safetensors").write_text("another model", encoding="utf-8")
    with pytest.raises(OtherFilesError, match=r"model\.safetensors is not what the run made; move the folder away"):
        publish(told, run)
    (run / "result" / "config.json").write_text("another", encoding="utf-8")
    with pytest.raises(OtherFilesError, match=r"config\.json is not what the run made; remove"):
        publish(replace(told, out=str(tmp_path / "new")), run)
    assert not (tmp_path / "new").exists()


def test_the_card_says_what_the_model_is_made_of(tmp_path: Path) -> None:
    told = order(tmp_path)
    figures = {"accepted": 0.5, "on_tempo": None, "states_told": 0.75, "chance": 0.25}
    left = {
        "dataset": {"takes": 6, "held_out": 2, "seconds": 90.0, "manifest_sha256": "e" * 64,
                    "held_out_by": "zone"},
        "codec": {"steps": 8}, "model": {"steps": 9},
        "evaluation": {"codes": {"held-out": {"told": 2.5, "untold": 3.0}, "training": None},
                       "codec": {"spectral_distance": 1.234, "loudness_error_lu": None, "sounds": 2},
                       "takes": {"model": figures, "composer": figures, "orders": 2, "seconds": 1.0}},
    }  # fmt: skip
    text = card(told, left)
    assert text.startswith("---\nlicense: other\nlicense_name: LicenseRef-Own-Work\n")
    assert "- made-up\n" in text
    assert "e" * 64 in text
    assert "no recording and no checkpoint of others went in" in text
    assert "Whole zones were held out" in text
    free = {"role": "theme file", "expression": "CC0-1.0", "source": "a.mid", "takes": 2}
    assert "not all of it the owner's own work" in card(replace(told, materials=(free,)), left)
    assert "| codec: spectral distance | 1.23 | 0 |" in text
    assert "| share on tempo | - | - |" in text
    assert "| nats a code, held-out takes, caption told | 2.50 | - |" in text


def test_the_code_is_known_by_what_it_means() -> None:
    one = 'def f(x):\n    """Says."""\n    return x + 1  # more\n'
    assert meaning(one) == meaning(one.replace("Says", "Tells").replace("# more", ""))
    assert meaning(one) != meaning(one.replace("+ 1", "+ 2"))
    assert all((ROOT / source).exists() for source in SOURCES)
    told = code_version()
    assert len(told["source_sha256"]) == 64
    assert told["libraries"]["torch"].startswith("2.13.0")


def test_curves_and_spectra_are_pictures_and_a_table(tmp_path: Path) -> None:
    curve = np.stack([np.arange(30), np.linspace(3, 1, 30), np.linspace(2, 0.5, 30)], axis=1)
    write_curve(tmp_path / "curve.png", "codec", ["loss", "time"], curve)
    write_curve(tmp_path / "one.png", "codec", ["loss", "time"], curve[:1])
    write_table(tmp_path / "curve.csv", ["loss", "time"], curve)
    write_spectra(tmp_path / "spectra.png", [("one", sound(120, 220, 0.5)), ("short", sound(120, 220, 0.01))], 22050)
    assert Image.open(tmp_path / "curve.png").size == (900, 420)
    assert Image.open(tmp_path / "spectra.png").size == (900, 400)
    assert (tmp_path / "curve.csv").read_text(encoding="utf-8").splitlines()[:2] == ["step,loss,time", "0,3.0,2.0"]


def test_states_are_told_apart_by_their_sound_and_not_by_its_level() -> None:
    high = [sound(90, 1500 + 40 * number, 1.0) for number in range(4)]
    low = [sound(170, 150 + 9 * number, 1.0) for number in range(4)]
    rows = [features(each, 22050) for each in (*high[:3], *low[:3])]
    teacher = taught(rows, ["calm"] * 3 + ["fight"] * 3)
    assert teacher is not None
    assert teacher.tell([features(high[3] * 0.1, 22050), features(low[3] * 2, 22050)]) == ["calm", "fight"]
    assert taught(rows[:3], ["calm"] * 3) is None
