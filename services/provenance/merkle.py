"""The Merkle tree of RFC 9162 (section 2.1): roots, inclusion and consistency proofs, and their verification.

Rules, and where they come from:
- A leaf's hash is SHA-256(0x00 || leaf), a node's SHA-256(0x01 || left || right), the empty tree's SHA-256 of nothing.
- A tree of n > 1 leaves splits at the largest power of two below n.
- The roots of the perfect subtrees that n leaves consist of (a `Frontier`) are all that is needed to go on.

A proof is a list of ranges of leaves first, of their roots then, so that one pass over the leaves in order makes any
number of proofs and memory stays at a few hashes. Nothing here reads a database or signs.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
Range = tuple[int, int]  # the leaves from the first up to, not including, the second


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf. 32 bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others. 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect subtrees of the first `size` leaves, largest first: enough to add leaves and for roots.

    Raises ValueError where `roots` are not as many as `size` has bits set.
    """

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self._roots = list(roots)
        if size < 0 or len(self._roots) != size.bit_count() or any(len(root) != 32 for root in self._roots):
            raise ValueError(f"{len(self._roots)} subtrees do not make a tree of {size} leaves")

    @property
    def roots(self) -> tuple[bytes, ...]:
        return tuple(self._roots)

    def append(self, leaf: bytes) -> None:
        """Add one leaf, given by its hash."""
        roots, rest, digest = self._roots, self.size, leaf
        while rest & 1:
            digest = sha256(b"\x01" + roots.pop() + digest).digest()
            rest >>= 1
        roots.append(digest)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves, given by their hashes."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root of the tree so far."""
        if not self._roots:
            return EMPTY_ROOT
        digest = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            digest = node_hash(left, digest)
        return digest


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves, given by their hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose roots prove that leaf `index` is in the tree of `size` leaves, nearest first (2.1.3.1).

    Raises ValueError where there is no such leaf."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return list(_path(index, 0, size))[::-1]


def _path(index: int, low: int, high: int) -> Iterator[Range]:
    """From the root down."""
    while high - low > 1:
        split = low + _split(high - low)
        if index < split:
            yield split, high
            high = split
        else:
            yield low, split
            low = split


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The subtrees whose roots prove that the tree of `old` leaves begins the tree of `new` leaves (2.1.4.1).

    Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"no tree of {old} leaves begins one of {new}")
    ranges: list[Range] = []
    low, high, whole = 0, new, True
    while old < high:
        split = low + _split(high - low)
        if old <= split:
            ranges.append((split, high))
            high = split
        else:
            ranges.append((low, split))
            low, whole = split, False
    if not whole:
        ranges.append((low, high))
    return ranges[::-1]


def _split(leaves: int) -> int:
    """The largest power of two below `leaves` (> 1)."""
    return 1 << ((leaves - 1).bit_length() - 1)


def subtree_roots(ranges: Iterable[Range], leaves: Iterable[bytes]) -> dict[Range, bytes]:
    """The roots of ranges that do not overlap, from one pass over the hashes of all leaves in order.

    Raises ValueError where the leaves end before the ranges do."""
    found: dict[Range, bytes] = {}
    position, stream = 0, iter(leaves)
    for low, high in sorted(set(ranges)):
        frontier = Frontier()
        for leaf in stream:
            position += 1
            if position > low:
                frontier.append(leaf)
            if position == high:
                break
        if frontier.size != high - low:
            raise ValueError(f"only {position} leaves for a proof over {high}")
        found[low, high] = frontier.root()
    return found


def proof(ranges: Sequence[Range], leaves: Iterable[bytes]) -> list[bytes]:
    """The hashes of a proof, in its order."""
    roots = subtree_roots(ranges, leaves)
    return [roots[low, high] for low, high in ranges]


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], expected: bytes) -> str | None:
    """Why `path` does not prove that the leaf hash `leaf` is at `index` of the tree `expected`; None where it does.

    RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return f"a tree of {size} leaves has no leaf {index}"
    position, last, digest = index, size - 1, leaf
    for step in path:
        if last == 0:
            return "the proof is too long"
        if position & 1 or position == last:
            digest = node_hash(step, digest)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            digest = node_hash(digest, step)
        position, last = position >> 1, last >> 1
    if last:
        return "the proof is too short"
    return None if digest == expected else "the proof leads to another root"


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> str | None:
    """Why `path` does not prove that the tree `old_root` of `old` leaves begins `new_root` of `new` leaves.

    None where it does. RFC 9162, 2.1.4.2."""
    if not 0 < old <= new:
        return f"no tree of {old} leaves begins one of {new}"
    if old == new:
        return "a proof of a tree's consistency with itself is empty" if path else _same(old_root, new_root)
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return "the proof is too short"
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return "the proof is too long"
        if position & 1 or position == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, step)
        position, last = position >> 1, last >> 1
    if last:
        return "the proof is too short"
    return _same(before, old_root) or _same(after, new_root)


def _same(found: bytes, expected: bytes) -> str | None:
    return None if found == expected else "the proof leads to another root"
