"""How the seeds of the takes of one cue and point follow from one another, so that a take can tell its elders' seeds.

The takes of a point form a Weyl sequence: a first seed (drawn by planning from SHA-256 of the order) and a fixed odd
step modulo 2^53. Every consumer hashes a seed before it draws from it, so neighbours have nothing in common. 53 bits,
because every JSON reader keeps them whole. Nothing here is random.
"""

MODULUS = 1 << 53
STEP = 0x13C6EF372FE94F  # odd: the fractional part of the golden ratio in 53 bits


def seed_of(first: int, index: int) -> int:
    """The seed of the take with this index, where the take with index 0 has the seed `first`."""
    return (first + index * STEP) % MODULUS


def elder(seed: int, by: int) -> int:
    """The seed of the take that stands `by` places before the one with `seed`."""
    return (seed - by * STEP) % MODULUS
