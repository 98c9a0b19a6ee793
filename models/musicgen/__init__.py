"""MusicGen checkpoints as a generator: loading, prompting and our own decoder engine."""
