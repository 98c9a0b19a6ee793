"""What a token model's sound is called: the engine's own revision and the digest of the weights. Nothing heavy here."""

SOUND_REVISION = 1  # raised by hand whenever the same controls, seed and weights would give other samples


def revision(digest: str) -> str:
    """The generator's revision of weights with that whole digest (SHA-256, hex)."""
    return f"engine-{SOUND_REVISION}+weights-{digest[:16]}"
