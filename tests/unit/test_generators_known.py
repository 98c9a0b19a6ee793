"""The generators that there are, from rows of the register alone; and what to do about those that are not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from db.registrations import REMOVED
from models.families import UnknownFormatError, family_of_format, revision_of
from models.generator import Place, Resources
from models.registry import CARDS, UnknownGeneratorError, is_hub_id
from services.generators.known import KnownGenerators, MissingCheckpointError, add_command
from services.settings import Settings
from tests.registrations import DIGESTS, of_hub, registration

OF_A, OF_B, OF_C = (revision_of("transformers", digest) for digest in DIGESTS)


def settings(home: Path) -> Settings:
    return Settings.from_environment({"CUEWORKS_HOME": str(home)})


def test_without_a_database_there_are_the_built_in_ones_and_nothing_is_made(tmp_path: Path) -> None:
    known = settings(tmp_path / "home").known_generators()
    assert dict(known) == CARDS
    assert list(tmp_path.iterdir()) == []


def test_a_registered_checkpoint_has_a_card_with_all_it_needs() -> None:
    card = KnownGenerators([registration()]).card("my-model")
    assert (card.id, card.revision, card.weights_digest) == ("my-model", OF_A, DIGESTS[0])
    assert (card.batch_size, card.resources) == (4, Resources(2.0, 0.0, 2, 900))
    assert card.place("cuda") == Place("cuda", 32, Resources(2.0, 0.25, 2, 900, 3000))
    assert card.options["stamp"] == {"config.json": [2, 12]}
    assert (card.title, card.licence) == ("A model", "CC0-1.0")
    assert not card.abilities.stems
    assert not card.abilities.melody
    assert card.abilities.continuation
    json.dumps(card.options)


def test_a_pipeline_has_a_card_of_its_own_family() -> None:
    shape = {"family": "nothing that is looked at here"}
    row = registration("noise", format="diffusers", shape=shape, revision="pipeline-1+weights-" + DIGESTS[0][:16])
    assert family_of_format("diffusers").revision_of(DIGESTS[0]) == row.revision
    card = KnownGenerators([registration(), row]).card("noise")
    assert (card.revision, card.prompting) == (row.revision, "models.diffusion.prompting:shaper")
    assert card.abilities.steps is not None
    assert not card.abilities.continuation
    assert family_of_format("audiocraft") is family_of_format("transformers") is not family_of_format("diffusers")


def test_rows_of_a_format_that_only_a_later_release_knows_are_passed_over() -> None:
    known = KnownGenerators([registration("later", format="holograms"), registration()])
    assert set(known) == {"composer", "my-model"}
    assert known.obstacle("later")
    with pytest.raises(UnknownFormatError, match="'holograms' are unknown to this release"):
        family_of_format("holograms")


def test_rows_of_other_releases_have_places_still() -> None:
    """A place may have lost a field since, or gained one; rows are never rewritten."""
    older = {"device": "cpu", "batch_size": 4, "resources": {"cpus": 2.0, "memory_mb": 900, "disks": 7}, "rack": "x"}
    card = KnownGenerators([registration(places={"cpu": older, "cuda": None})]).card("my-model")
    assert card.place("cpu") == Place("cpu", 4, Resources(cpus=2.0, memory_mb=900))


def test_a_melody_checkpoint_follows_melodies_and_one_without_a_gpu_place_has_none() -> None:
    row = registration(shape={"chroma_bins": 12}, places={**registration().places, "cuda": None})
    card = KnownGenerators([row]).card("my-model")
    assert card.abilities.melody
    assert card.cuda is None


def test_what_is_built_in_is_never_hidden_by_a_row() -> None:
    assert KnownGenerators([registration("composer")]).card("composer") is CARDS["composer"]


def test_the_newest_revision_is_used_and_older_ones_are_found_for_reproducing() -> None:
    known = KnownGenerators([registration(number=1), registration(number=2, digest=DIGESTS[1])])
    assert known.card("my-model").revision == OF_B
    older = known.card_of("my-model", OF_A)
    assert older is not None
    assert older.weights_digest == DIGESTS[0]
    assert known.card_of("my-model", OF_C) is None
    assert known.card_of("composer", CARDS["composer"].revision) is CARDS["composer"]
    assert known.card_of("composer", "sound-1+bank") is None
    assert known.card_of("nothing", OF_A) is None


def test_of_one_revision_the_place_where_it_was_registered_last_counts() -> None:
    moved = registration(number=2, folder="/elsewhere")
    known = KnownGenerators([registration(), moved, registration(number=3, digest=DIGESTS[1])])
    card = known.card_of("my-model", OF_A)
    assert card is not None
    assert card.options["folder"] == "/elsewhere"


def test_removed_is_unknown_and_says_how_it_comes_back() -> None:
    rows = [of_hub(), of_hub(number=2, act=REMOVED)]
    known = KnownGenerators(rows)
    assert list(known) == list(CARDS)
    with pytest.raises(UnknownGeneratorError, match=r"was removed .* `cueworks models add facebook/musicgen-small"):
        known.card("facebook/musicgen-small")
    assert "adds it again" in str(known.obstacle("facebook/musicgen-small", OF_A))
    again = KnownGenerators([*rows, of_hub(number=3, digest=DIGESTS[1])])
    assert again.card("facebook/musicgen-small").revision == OF_B
    assert again.card_of("facebook/musicgen-small", OF_A) is None
    said = str(again.obstacle("facebook/musicgen-small", OF_A))
    assert f"needs revision {OF_A}" in said
    assert f"--revision {'c' * 40}` adds it again" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("facebook/musicgen-large", "`cueworks models add facebook/musicgen-large --revision main` fetches"),
        ("me/my-modle", "did you mean 'me/my-model'? `cueworks models add me/my-modle --revision main` fetches"),
        ("compozer", "did you mean 'composer'?"),
        ("my-modle", "did you mean 'my-model'?"),
        ("$(reboot)", "`cueworks models add FOLDER --name NAME` registers"),
    ],
)
def test_an_unknown_name_is_told_which_command_helps(name: str, said: str) -> None:
    known = KnownGenerators([registration(), registration("me/my-model")])
    with pytest.raises(UnknownGeneratorError) as refused:
        known.card(name)
    assert said in str(refused.value)
    assert known.obstacle(name) == str(refused.value)


def test_another_engine_made_it() -> None:
    row = registration(revision="engine-0+weights-" + DIGESTS[0][:16])
    said = str(KnownGenerators([row]).obstacle("my-model", row.revision))
    assert f"this program's engine makes {OF_A}" in said


def test_a_folder_that_is_gone_is_told_with_the_command_that_helps(tmp_path: Path) -> None:
    known = KnownGenerators([registration(folder=str(tmp_path / "gone")), of_hub()])
    with pytest.raises(MissingCheckpointError, match=r"gone is not there; put it back, or .* --name my-model"):
        known.present("my-model")
    with pytest.raises(MissingCheckpointError, match=f"--revision {'c' * 40}` fetches it again"):
        known.present("facebook/musicgen-small")
    with pytest.raises(UnknownGeneratorError):
        known.present("nothing")
    here = KnownGenerators([registration(folder=str(tmp_path), codec=str(tmp_path / "codec"))])
    assert "codec is not there" in str(here.obstacle("my-model"))
    (tmp_path / "codec").mkdir()
    assert here.obstacle("my-model") is None
    assert here.present("my-model", OF_A).id == "my-model"
    assert here.present("composer") is CARDS["composer"]


def test_the_command_that_adds_again_names_everything_and_is_safe_to_paste() -> None:
    row = of_hub("mine", text_encoder="/t 5", codec="/c;reboot", card={"licence": "MIT", "licence_by": "--licence"})
    told = add_command(row)
    assert told == (
        f"cueworks models add facebook/musicgen-small --revision {'c' * 40} --name mine --text-encoder '/t 5' "
        "--codec '/c;reboot' --licence MIT"
    )
    assert add_command(replace(registration(), asked_revision="v1")) == (
        "cueworks models add /nowhere/my-model --revision v1"
    )


def test_names_as_hubs_write_them() -> None:
    assert is_hub_id("facebook/musicgen-small")
    for name in ("composer", "a/b/c", "/etc/passwd", "../x", "a/..", "~/x", "a/b c", "", "a/", "ä/b", "a/" + "b" * 97):
        assert not is_hub_id(name), name


def test_asking_imports_nothing_heavy(tmp_path: Path) -> None:
    """Every planning asks: it must not wait for torch."""
    code = (
        "import sys; from services.settings import Settings; from tests.registrations import registration\n"
        "from services.generators.known import KnownGenerators\n"
        f"Settings.from_environment({{'CUEWORKS_HOME': {str(tmp_path)!r}}}).known_generators()\n"
        "KnownGenerators([registration()]).card('my-model')\n"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub', 'ray') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
