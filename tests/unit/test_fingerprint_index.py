"""The sparse index: finds where words stand despite wrong bits, keeps in step with what there is, mends itself."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.provenance.fingerprints.extract import Words
from services.provenance.fingerprints.index import MOST_SEGMENTS, Index, Segment


def name(number: int) -> str:
    return f"{number:064x}"


def words(number: int, count: int = 400) -> Words:
    """Words that change slowly, as chromaprint's do."""
    rng = np.random.default_rng(number)
    flips = np.uint32(1) << rng.integers(0, 32, (count, 3)).astype(np.uint32)
    return np.bitwise_xor.accumulate(np.bitwise_xor.reduce(flips, axis=1)) ^ np.uint32(rng.integers(0, 1 << 32))


class Library:
    """Fingerprints by name, and what was read of them."""

    def __init__(self, *numbers: int) -> None:
        self.all = {name(number): words(number) for number in numbers}
        self.read: list[str] = []

    def __call__(self, names: Sequence[str]) -> Iterable[tuple[str, Words]]:
        self.read += names
        return [(one, self.all[one]) for one in names]


def opened(folder: Path, library: Library) -> Index:
    index = Index(folder)
    index.refresh(sorted(library.all), library)
    return index


def noisy(query: Words, errors: int, seed: int = 0) -> Words:
    rng = np.random.default_rng(seed)
    for _ in range(errors):
        query = query ^ (np.uint32(1) << rng.integers(0, 32, query.size).astype(np.uint32))
    return query


@pytest.mark.parametrize("errors", [0, 1, 2])
@pytest.mark.parametrize("start", [0, 1, 2, 3, 201])
def test_a_piece_is_found_at_its_offset(tmp_path: Path, start: int, errors: int) -> None:
    index = opened(tmp_path, Library(*range(30)))
    best = index.candidates(noisy(words(17)[start : start + 60], errors), errors)[0]
    assert (best.name, best.offset) == (name(17), start)


def test_a_file_longer_than_the_take_finds_it_inside(tmp_path: Path) -> None:
    index = opened(tmp_path, Library(*range(10)))
    best = index.candidates(np.concatenate([words(100), words(4), words(101)]))[0]
    assert (best.name, best.offset) == (name(4), -400)


def test_short_fingerprints_are_indexed_whole(tmp_path: Path) -> None:
    library = Library()
    library.all = {name(n): words(n, 5) for n in range(10)}
    best = opened(tmp_path, library).candidates(words(3, 5)[1:4])[0]
    assert (best.name, best.offset, best.votes) == (name(3), 1, 3)


def test_nothing_is_found_in_an_empty_index_or_with_an_empty_query(tmp_path: Path) -> None:
    empty = opened(tmp_path / "a", Library())
    assert empty.candidates(words(1)) == []
    library = Library(1)
    library.all[name(2)] = words(2, 0)
    assert opened(tmp_path / "b", library).candidates(words(1, 0)) == []


def test_only_what_is_new_is_read_again(tmp_path: Path) -> None:
    opened(tmp_path, Library(1, 2))
    library = Library(1, 2, 3)
    index = opened(tmp_path, library)
    assert library.read == [name(3)]
    assert {index.candidates(words(n)[50:110])[0].name for n in (1, 2, 3)} == {name(1), name(2), name(3)}
    again = Library(1, 2, 3)
    opened(tmp_path, again)
    assert again.read == []


def test_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    opened(tmp_path, Library(1, 2, 3))
    index = opened(tmp_path, Library(1, 3))
    assert index.candidates(words(2)[:60], wrong=0) == []


def test_an_index_is_opened_as_it_is_without_asking(tmp_path: Path) -> None:
    assert Index(tmp_path).open() == 0
    opened(tmp_path, Library(1, 2))
    opened(tmp_path, Library(1, 2, 3))
    index = Index(tmp_path)
    assert index.open() == 3
    assert index.candidates(words(3)[9:69])[0].name == name(3)


def test_many_segments_become_one(tmp_path: Path) -> None:
    for count in range(1, MOST_SEGMENTS + 3):
        index = opened(tmp_path, Library(*range(count)))
    assert len(list(tmp_path.iterdir())) <= MOST_SEGMENTS
    assert index.candidates(words(0)[:60])[0].name == name(0)


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "text", "pickle"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    opened(tmp_path, Library(1, 2))
    file = next(tmp_path.glob("*/places.npy"))
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-8])
        case "empty":
            file.write_bytes(b"")
        case "missing":
            file.unlink()
        case "text":
            file.write_text("no array")
        case "pickle":
            np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    index = opened(tmp_path, Library(1, 2))
    assert index.candidates(words(2)[7:67])[0].name == name(2)


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    index = opened(tmp_path / "file", Library(1))
    assert index.candidates(words(1)[:60])[0].name == name(1)


def test_words_found_everywhere_do_not_drown_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.provenance.fingerprints.index.MOST_HITS", 500)
    library = Library(*range(20))
    for one in library.all:
        library.all[one] = np.concatenate([np.full(800, 7, dtype=np.uint32), library.all[one]])
    query = np.concatenate([np.full(20, 7, dtype=np.uint32), words(5)[:60]])
    best = opened(tmp_path, library).candidates(query)[0]
    assert (best.name, best.offset) == (name(5), 780)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=90), max_size=6), st.lists(st.integers(0, 2**32 - 1)))
def test_any_words_can_be_indexed_and_asked_for(stored: list[list[int]], asked: list[int]) -> None:
    segment = Segment.build((name(n), np.array(w, dtype=np.uint32)) for n, w in enumerate(stored))
    for found in segment.candidates(np.array(asked, dtype=np.uint32), 1, 10):
        length = len(stored[int(found.name, 16)])
        assert -len(asked) < found.offset < length
