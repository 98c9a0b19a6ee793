"""The tempo of a recording as `services.mastering.listening` hears it, and which genres the report asks it of."""

from services.mastering.listening.tempo import NEAR, error, estimate

__all__ = ["BEATLESS", "NEAR", "error", "estimate"]

BEATLESS = frozenset({"ambient", "horror"})
"""Genres that need not have a beat."""
