"""The revision of how pipelines are called here, part of the revision of every diffusion model. No torch here."""

SOUND_REVISION = 1  # raised when the same weights, prompt and seed would sound different


def revision(digest: str) -> str:
    """The revision of a generator: ours and the weights'. `digest` is what `pinning.whole_digest` returned."""
    return f"pipeline-{SOUND_REVISION}+weights-{digest[:16]}"
