"""The revision of our engine's sound, which is part of the revision of every token model. No torch here."""

SOUND_REVISION = 1  # raised when the same weights, prompt and seed would sound different


def revision(digest: str) -> str:
    """The revision of a generator: our engine's and the weights'. `digest` is what `pinning.whole_digest` returned."""
    return f"engine-{SOUND_REVISION}+weights-{digest[:16]}"
