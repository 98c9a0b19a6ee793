"""The built-in composer: from controls and a seed to a score, and from the score to sound. No download, no samples."""
