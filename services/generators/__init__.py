"""The register of generators: the built-in ones, and checkpoints that users bring, pinned to their files' digest."""
