"""The tree of RFC 9162: known answers, and every proof against the definition written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provenance import merkle

# The inputs and answers that Certificate Transparency's implementations share.
LEAVES = [
    merkle.leaf_hash(bytes.fromhex(leaf))
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [bytes.fromhex(root) for root in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)]  # fmt: skip
A, B, C = ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
           "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
           "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")  # fmt: skip
D, E, F = ("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
           "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
           "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a")  # fmt: skip
INCLUSION = [
    (0, 8, [A, B, C]),
    (5, 8, [D, E, ROOTS[4].hex()]),
    (2, 3, [ROOTS[2].hex()]),
    (1, 5, [ROOTS[1].hex(), B, D]),
]
CONSISTENCY = [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4].hex()]), (2, 5, [B, D])]

leaf_hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def naive(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written."""
    if len(leaves) < 2:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(naive(leaves[:split]), naive(leaves[split:]))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_known_ones(size: int) -> None:
    assert merkle.root(LEAVES[:size]) == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_inclusion_proofs_are_the_known_ones(index: int, size: int, path: list[str]) -> None:
    found = merkle.proof(merkle.inclusion_ranges(index, size), LEAVES)
    assert [step.hex() for step in found] == path
    assert merkle.verify_inclusion(index, size, LEAVES[index], found, ROOTS[size]) is None


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_consistency_proofs_are_the_known_ones(old: int, new: int, path: list[str]) -> None:
    found = merkle.proof(merkle.consistency_ranges(old, new), LEAVES)
    assert [step.hex() for step in found] == path
    assert merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], found) is None


@given(leaf_hashes, st.integers(0, 70))
def test_a_tree_that_grew_in_two_steps_is_the_tree_grown_at_once(leaves: list[bytes], first: int) -> None:
    begun = merkle.Frontier()
    begun.extend(leaves[:first])
    resumed = merkle.Frontier(begun.size, begun.roots)
    resumed.extend(leaves[first:])
    assert resumed.root() == naive(leaves)
    assert (resumed.size, len(resumed.roots)) == (len(leaves), len(leaves).bit_count())


@given(leaf_hashes, st.data())
def test_inclusion_is_proved_for_its_leaf_and_for_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.proof(merkle.inclusion_ranges(index, size), leaves)
    root = naive(leaves)
    assert merkle.verify_inclusion(index, size, leaves[index], path, root) is None
    assert merkle.verify_inclusion(index, size, merkle.leaf_hash(b"other"), path, root)
    assert merkle.verify_inclusion(index, size, leaves[index], [*path, root], root)
    assert merkle.verify_inclusion(size, size, leaves[index], path, root)
    if path:
        assert merkle.verify_inclusion(index, size, leaves[index], path[:-1], root)
        broken = bytearray(path[0])
        broken[data.draw(st.integers(0, 31))] ^= 1
        assert merkle.verify_inclusion(index, size, leaves[index], [bytes(broken), *path[1:]], root)


@given(leaf_hashes, st.data())
def test_consistency_is_proved_for_its_trees_and_for_no_others(leaves: list[bytes], data: st.DataObject) -> None:
    new = len(leaves)
    old = data.draw(st.integers(1, new))
    path = merkle.proof(merkle.consistency_ranges(old, new), leaves)
    before, after = naive(leaves[:old]), naive(leaves)
    assert merkle.verify_consistency(old, new, before, after, path) is None
    assert merkle.verify_consistency(old, new, merkle.leaf_hash(before), after, path)
    assert merkle.verify_consistency(old, new, before, merkle.leaf_hash(after), path)
    assert merkle.verify_consistency(old, new, before, after, [*path, before])
    if path:
        assert merkle.verify_consistency(old, new, before, after, path[:-1])


@given(leaf_hashes, st.integers(-1, 71), st.integers(-1, 71), st.lists(st.binary(min_size=32, max_size=32)))
def test_made_up_proofs_prove_nothing(leaves: list[bytes], index: int, size: int, path: list[bytes]) -> None:
    other = merkle.leaf_hash(b"a root that nobody signed")
    assert merkle.verify_inclusion(index, size, leaves[0], path, other)
    assert merkle.verify_consistency(index, size, other, merkle.leaf_hash(other), path)


@pytest.mark.parametrize(("size", "roots"), [(3, 1), (0, 1), (-1, 0), (4, 2)])
def test_a_frontier_that_cannot_be_is_refused(size: int, roots: int) -> None:
    with pytest.raises(ValueError, match="do not make a tree"):
        merkle.Frontier(size, [merkle.EMPTY_ROOT] * roots)


def test_proofs_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="has no leaf 3"):
        merkle.inclusion_ranges(3, 3)
    with pytest.raises(ValueError, match="no tree of 0 leaves"):
        merkle.consistency_ranges(0, 3)
    with pytest.raises(ValueError, match="only 2 leaves"):
        merkle.proof(merkle.inclusion_ranges(0, 3), LEAVES[:2])
