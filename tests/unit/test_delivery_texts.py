"""Names, notes and tables of people: what is put on record can be read, and is never a path or a trick."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery import texts
from services.delivery.errors import DeliveryError
from services.delivery.isrc import read_isrcs
from services.delivery.reviews import Decision

TAKES = {"aaaa": "a" * 64, "bbbb": "b" * 64}


def find(name: str) -> str:
    if name not in TAKES:
        raise LookupError(f"no take's id begins with {name!r}")
    return TAKES[name]


@pytest.mark.parametrize(
    "by",
    ["", "  ", "Ada\nL", "Ada\0", "Ada\u202e", "\ud800", "Ada\u200b", "a" * 201, "--", "\u3164", "Ada\ufe0f"],
)
def test_a_name_that_cannot_be_read_is_refused(by: str) -> None:
    with pytest.raises(DeliveryError, match="--by"):
        Decision("approve", by)


@pytest.mark.parametrize("by", ["Ada Lovelace", "Ólafur Arnalds", "久石譲", "  Ada  ", "O'Neill-Smith, Jr."])
def test_names_of_people_are_kept(by: str) -> None:
    assert Decision("approve", by).by == by.strip()


def test_unknown_words_are_told() -> None:
    with pytest.raises(DeliveryError, match="approve, reject"):
        Decision("aprove", "Ada")
    with pytest.raises(DeliveryError, match="kind of contribution"):
        Decision("approve", "Ada", "", ("vibes",))
    with pytest.raises(DeliveryError, match="--note"):
        Decision("approve", "Ada", "\x1b[2J")
    with pytest.raises(DeliveryError, match="--note"):
        Decision("approve", "Ada", "x" * 5000)


@pytest.mark.parametrize("name", ["gold", "Gold 1.0", "v1.2-rc+3", "Größe_2", "2026"])
def test_plain_names_of_releases_are_kept(name: str) -> None:
    assert texts.release_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../gold", "a/b", "a\\b", "C:gold", "gold\0", "gold\n", ".hidden", "-rf", "_x", "gold.", "gold ",
     " gold", "g\u202eold", "g\u200bold", "x" * 129, "a|b", "a*", "\ud800", "~", "$HOME", "%2e%2e"],
)  # fmt: skip
def test_names_that_play_tricks_are_refused(name: str) -> None:
    with pytest.raises(DeliveryError, match="release name"):
        texts.release_name(name)


@given(st.text(max_size=140))
def test_a_name_is_refused_or_kept_as_one_line_without_a_path(name: str) -> None:
    try:
        kept = texts.release_name(name)
    except DeliveryError as error:
        assert str(error).isprintable()
        return
    assert kept == unicodedata.normalize("NFC", name)
    assert kept.isprintable() and not set(kept) & set("/\\:\0") and kept not in (".", "..")


@given(st.text(max_size=300))
def test_a_person_is_refused_or_one_printable_line(text: str) -> None:
    try:
        kept = texts.person(text)
    except DeliveryError:
        return
    assert kept and len(kept.splitlines()) == 1 and "\0" not in kept
    kept.encode()


def test_names_that_look_the_same_are_the_same() -> None:
    assert texts.same_name("Gold", "GOLD")
    assert texts.same_name("Größe", "GRÖSSE")
    assert not texts.same_name("gold", "silver")


def test_isrcs_by_take(tmp_path: Path) -> None:
    table = tmp_path / "isrc.csv"
    table.write_bytes("\ufefftake,isrc,note\r\naaaa,QM-ABC-26-00001,\"x,\ny\"\r\nbbbb,qmabc2600002,\r\n".encode())
    assert read_isrcs(table, find) == {"a" * 64: "QM-ABC-26-00001", "b" * 64: "QM-ABC-26-00002"}


Broken = tuple[bytes, str]
BROKEN: list[Broken] = [
    (b"", r":1: its first line"),
    (b"a,b\n1,2\n", r":1: its first line"),
    (b"take,isrc\ncccc,QM-ABC-26-00001\n", r":2: take: no take"),
    (b"take,isrc\naaaa\n", r":2: isrc"),
    (b"take,isrc\naaaa,12345\n", r":2: isrc"),
    (b"take,isrc\naaaa,QM-ABC-26-00001\naaaa,QM-ABC-26-00002\n", r":3: take a+ has an ISRC"),
    (b"take,isrc\naaaa,QM-ABC-26-00001\nbbbb,QM-ABC-26-00001\n", r":3: .* another take's"),
    (b"\xff\xfe\x00", "no UTF-8"),
    (b'take,isrc\n"aaaa', "is no CSV"),
]


@pytest.mark.parametrize(("data", "told"), BROKEN)
def test_a_table_that_is_wrong_is_told_by_line(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "isrc.csv").write_bytes(data)
    with pytest.raises(DeliveryError, match=told):
        read_isrcs(tmp_path / "isrc.csv", find)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    opened: list[Callable[[], Path]] = [lambda: tmp_path / "none.csv", lambda: tmp_path]
    for place in opened:
        with pytest.raises(DeliveryError, match="can be read"):
            read_isrcs(place(), find)
