"""Model cards: what their heads say is taken as words; whatever else stands there does no harm."""

import os
import time
from pathlib import Path

import pytest

from services.generators.cards import ModelCard, read_card


def card(folder: Path, text: str | bytes) -> ModelCard:
    (folder / "README.md").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_card(folder)


def test_licence_base_models_and_datasets_are_read(tmp_path: Path) -> None:
    found = card(
        tmp_path,
        "---\nlicense: cc-by-nc-4.0\nbase_model: facebook/musicgen-small\ndatasets:\n- own/music\n- other/songs\n"
        "tags: [musicgen]\n---\n# A model\nlicense: mit\n",
    )
    assert found == ModelCard(
        "CC-BY-NC-4.0", "cc-by-nc-4.0", "", ("facebook/musicgen-small",), ("own/music", "other/songs")
    )
    assert found.as_json()["training_data"] == "own/music, other/songs"


@pytest.mark.parametrize(
    "text", ["", "# A model\n", "---\nlicense: mit\n# no second row of dashes\n", "--- license: mit"]
)
def test_a_card_without_a_head_says_nothing(tmp_path: Path, text: str) -> None:
    assert card(tmp_path, text) == ModelCard()


def test_no_card_says_nothing(tmp_path: Path) -> None:
    assert read_card(tmp_path) == ModelCard()


def test_line_ends_and_marks_of_other_systems_are_read(tmp_path: Path) -> None:
    assert card(tmp_path, b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\ntext").licence == "MIT"


def test_a_licence_of_its_own_name_is_kept_as_words(tmp_path: Path) -> None:
    found = card(tmp_path, "---\nlicense: other\nlicense_name: my-own\nlicense_link: LICENSE\n---\n")
    assert (found.licence, found.said, found.link) == ("", "my-own", "LICENSE")
    assert "is no known SPDX expression" in found.warnings[0]


def test_several_licences_all_hold(tmp_path: Path) -> None:
    assert card(tmp_path, "---\nlicense: [mit, cc-by-4.0]\n---\n").licence == "MIT AND CC-BY-4.0"


def test_licences_that_facts_name_are_known(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: LicenseRef-Ours\n---\n")
    assert read_card(tmp_path).licence == ""
    assert read_card(tmp_path, ("LicenseRef-Ours",)).licence == "LicenseRef-Ours"


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [" + ",".join([f"*{chr(97 + n)}"] * 9) + "]\n" for n in range(9)),
    "nesting": "a: " + "[" * 50_000,
    "tag": "license: !!python/object/apply:os.system ['touch ran']",
    "long number": "license: " + "9" * 100_000,
    "second document": "license: mit\n... \n%YAML 1.1\n--- \nlicense: apache-2.0",
    "broken": "license: [mit",
    "list": "- license\n- mit",
    "NUL": "license: m\0it",
    "surrogates": "license: \ud800",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_hostile_heads_are_said_and_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    data = f"---\n{BOMBS[kind]}\n---\n".encode("utf-8", "surrogatepass")
    found = card(tmp_path, data)
    assert found.licence == ""
    assert time.monotonic() - began < 10
    assert not (tmp_path / "ran").exists()
    assert all(warning.isprintable() for warning in found.warnings)


def test_a_card_of_gigabytes_is_read_to_a_bound(tmp_path: Path) -> None:
    with (tmp_path / "README.md").open("wb") as file:
        file.write(b"---\nlicense: mit\n---\n")
        file.truncate(4 << 30)
    assert read_card(tmp_path).licence == "MIT"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "README.md")
    assert "not taken" in read_card(tmp_path).warnings[0]


def test_words_are_bounded_and_printable(tmp_path: Path) -> None:
    words = "\n".join(f"- dataset-{number}" for number in range(500))
    found = card(tmp_path, f"---\nlicense: mit\nbase_model: [{{a: b}}, 'x{'y' * 900}']\ndatasets:\n{words}\n---\n")
    assert len(found.datasets) == 50
    assert [len(name) for name in found.base_models] == [200]
