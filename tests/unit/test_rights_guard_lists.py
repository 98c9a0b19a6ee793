"""Lists of names are read whole or refused with the file and the line."""

import json
from pathlib import Path

import pytest

from services.rights.guard import Guard, NameListError

HEADER = "name\taliases\tkind\tambiguity\tdied\tsource\tlicence\n"


def row(name: str = "The Lamplighters", aliases: str = "", kind: str = "band", ambiguity: str = "", died: str = "",
        source: str = "own", licence: str = "CC0-1.0") -> str:
    return "\t".join((name, aliases, kind, ambiguity, died, source, licence)) + "\n"


def fault(path: Path) -> str:
    with pytest.raises(NameListError) as raised:
        Guard.load((path,))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def found(path: Path, text: str) -> list[tuple[str, str]]:
    return [(match.name, match.weight) for match in Guard.load((path,), shipped=False).check(text)]


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (HEADER.encode() + b"Qu\xff\t\tband\t\t\town\tCC0-1.0\n", 2, "not UTF-8"),
        (b"", 1, "no column `name`"),
        (b"name\tkind\n", 1, "no column `source`"),
        (HEADER.replace("died", "dead").encode(), 1, "column 'dead'"),
        ((HEADER + row(name="")).encode(), 2, "no name"),
        ((HEADER + row() + row(source="", name="Other")).encode(), 3, "no source"),
        ((HEADER + row(licence=" ")).encode(), 2, "no licence"),
        ((HEADER + row(kind="choir")).encode(), 2, "unknown kind 'choir'"),
        ((HEADER + row(ambiguity="maybe")).encode(), 2, "unknown ambiguity 'maybe'"),
        ((HEADER + row(died="MCM")).encode(), 2, "'MCM' is no year"),
        ((HEADER + row(name="a")).encode(), 2, "'a' would match everywhere"),
        ((HEADER + row(aliases="x")).encode(), 2, "'x' would match everywhere"),
        ((HEADER + row(name="xy")).encode(), 2, "'xy' would match too much"),
        ((HEADER + row(name="120")).encode(), 2, "'120' would match too much"),
        ((HEADER + row(name="!?!")).encode(), 2, "holds no letter"),
        ((HEADER + row(name="\u200b\u0301")).encode(), 2, "holds no letter"),
        ((HEADER + row() + "\n" + row(name="the lamplighters")).encode(), 4, "stands in line 2 too"),
        ((HEADER + row(name="n" * 300)).encode(), 2, "300 characters"),
        ((HEADER + row(aliases="|".join(f"name {n}" for n in range(99)))).encode(), 2, "99 aliases"),
        ((HEADER + "x" * 10_000_000).encode(), 2, "a line of 10,000,000 bytes"),
        ((HEADER + row().rstrip() + "\tmore\n").encode(), 2, "8 fields under 7 columns"),
        ((HEADER + row(name="a\0b")).encode(), 2, "NUL"),
    ],
)
def test_a_hostile_list_is_one_error_with_file_and_line(tmp_path: Path, body: bytes, line: int, words: str) -> None:
    path = tmp_path / "names.tsv"
    path.write_bytes(body)
    said = fault(path)
    assert said.startswith(f"{path}:{line}: ")
    assert words in said
    assert len(said) < 500


@pytest.mark.parametrize(
    ("body", "words"),
    [('{"name": "Lamp"', "not JSON"), ("[1]", "not an object"), ('{"name": 3}', "`name` is no text"),
     ('{"nome": "x"}', "unknown key 'nome'"), ("[" * 5000, "not JSON"),
     ('{"name": "Lamp", "kind": "band"}', "no source")],
)
def test_hostile_json_lines(tmp_path: Path, body: str, words: str) -> None:
    path = tmp_path / "names.jsonl"
    path.write_text(body + "\n")
    assert words in fault(path)
    assert f"{path}:1:" in fault(path)


def test_a_hostile_csv(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text('name,kind,source,licence\n"Lamp,band,own,CC0-1.0\n')
    assert f"{path}:2: not CSV" in fault(path)


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in fault(tmp_path / "missing.tsv")
    assert "holds no list" in fault(tmp_path)
    other = tmp_path / "names.txt"
    other.write_text("Lamp\n")
    assert "name a .tsv, .csv or .jsonl file" in fault(other)
    (tmp_path / "folder.tsv").mkdir()
    assert "holds no list" in fault(tmp_path / "folder.tsv")


def test_all_formats_say_the_same(tmp_path: Path) -> None:
    tsv, csv, lines = tmp_path / "a.tsv", tmp_path / "b.csv", tmp_path / "c.jsonl"
    tsv.write_text("\ufeff" + HEADER + row(aliases="Lamplight Five|Lamp (ordinary)"))
    csv.write_text('name,aliases,kind,source,licence\r\n'
                   '"The Lamplighters","Lamplight Five|Lamp (ordinary)",band,own,CC0-1.0\r\n')
    lines.write_text(json.dumps({"name": "The Lamplighters", "aliases": ["Lamplight Five", "Lamp (ordinary)"],
                                 "kind": "band",
                                 "source": "own", "licence": "CC0-1.0"}) + "\n\n")
    for path in (tsv, csv, lines):
        assert found(path, "lamplighters") == [("The Lamplighters", "refused")]
        assert found(path, "like lamplight five") == [("The Lamplighters", "refused")]
        assert found(path, "a lamp in the hall") == []
        assert found(path, "in the style of Lamp") == [("The Lamplighters", "refused")]


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(HEADER + row(name="Alphabetica"))
    (tmp_path / "b.tsv").write_text(HEADER + row(name="Betabetica"))
    (tmp_path / "notes.txt").write_text("not a list")
    assert found(tmp_path, "alphabetica meets betabetica") == [("Alphabetica", "refused"), ("Betabetica", "refused")]


def test_an_alias_may_be_certain_where_the_name_is_not(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(HEADER + row(name="Lamp", aliases="Lampotronica (certain)", ambiguity="ordinary"))
    assert found(path, "a lamp") == []
    assert found(path, "lampotronica") == [("Lamp", "refused")]


def test_a_phrase_covers_the_names_in_it(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(HEADER + row(name="Lampland", ambiguity="place") + row(name="Lampland blues", kind="phrase"))
    assert found(path, "in the style of Lampland") == [("Lampland", "refused")]
    assert found(path, "in the style of Lampland blues") == []


def test_composers_without_a_year_of_death_are_protected(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(HEADER + row(name="Ada Oldwright", kind="composer", died="1900") + row(name="Bo Newwright",
    kind="composer"))
    assert found(path, "Ada Oldwright and Bo Newwright") == [("Bo Newwright", "refused")]


def test_guards_without_names_find_nothing() -> None:
    guard = Guard.load(shipped=False)
    assert (guard.names, guard.check("Metallica")) == (0, ())
