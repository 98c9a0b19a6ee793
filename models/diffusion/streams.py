"""The random stream of a take: a generator of torch's on the processor, filled from the take's seed alone.

torch seeds the generator of its processor with 32 bits: seeds that differ only above them would be the same noise. So
its whole state is filled by Philox, whose raw output is fixed by its definition, with the seed for a key. Nothing here
depends on batch, row or device, and no global generator is touched.
"""

import numpy as np
import torch

SEEDS = 1 << 64
_WORDS = 624  # of the Mersenne twister's state, 32 bits each, kept as 64
_FIRST = 24  # bytes before them: the seed, how many words are left, whether it was seeded, which word is next


def stream(seed: int) -> torch.Generator:
    """A generator for the noise of one take; `initial_seed` tells the seed."""
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed {seed} is not a whole number from 0 to 2^64 - 1")
    made = torch.Generator("cpu").manual_seed(seed)
    state = made.get_state()
    words = (np.random.Philox(key=seed).random_raw(_WORDS) >> np.uint64(32)).astype(np.uint64)
    state[_FIRST : _FIRST + 8 * _WORDS] = torch.from_numpy(words.view(np.uint8))
    made.set_state(state)
    return made


def noise(generator: torch.Generator, sizes: tuple[int, ...]) -> torch.Tensor:
    """The next standard normal numbers of a stream, float32 [1, *sizes] on the processor."""
    return torch.randn((1, *sizes), generator=generator, dtype=torch.float32)
