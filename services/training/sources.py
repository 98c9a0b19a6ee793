"""What went into a model in words: for its card and its licence fact, from what is on record of its takes alone.

Nothing here asks a database.
"""

from collections.abc import Mapping, Sequence
from typing import Any

OWN_WORK = "LicenseRef-Own-Work"
MOST_NAMED = 5
LONGEST = 200  # of what a source is called

Materials = Sequence[Mapping[str, Any]]


def is_owners(materials: Materials) -> bool:
    """Whether nothing of others was brought to the takes' orders."""
    return all(one["expression"] == OWN_WORK for one in materials)


def brought(materials: Materials) -> str:
    """Everything that was brought, with its licence and in how many takes; "" where nothing was."""
    named = [f"{one['role']} {_line(one['source'])} ({_line(one['expression'])}, {one['takes']} takes)"
             for one in materials[:MOST_NAMED]]  # fmt: skip
    more = [f"{len(materials) - MOST_NAMED} more"] if len(materials) > MOST_NAMED else []
    return "; ".join([*named, *more])


def _line(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."


def training_data(materials: Materials) -> str:
    """What a licence fact says of the data, behind how many takes there are."""
    if not materials:
        return "takes of the composer, listed with the training run; nothing of others"
    whose = "the owner's own works" if is_owners(materials) else "works under licences that ask for nothing"
    composed = "takes of the composer, listed with the training run"
    return f"{composed}; brought to their orders, {whose}: {brought(materials)}"


def ownership(materials: Materials) -> str:
    """Whose the model's output is, as far as its data says."""
    own = "whoever trained it: its training data is their own composer output"
    return own if is_owners(materials) else f"{own}, some of it from others' works that are free to use"


def note(materials: Materials) -> str:
    """A licence fact's note."""
    if is_owners(materials):
        return "Trained here on the owner's own music alone."
    return "Trained here on the owner's composer takes; what others made of them is free to use and asks for nothing."


def in_a_card(materials: Materials) -> str:
    """Sentences about what went in."""
    rule = "The composer writes by rule"
    if not materials:
        return f"{rule} and plays a sound bank that it computes; no recording and no checkpoint of others went in."
    whose = "all of it the owner's own work" if is_owners(materials) else "not all of it the owner's own work"
    return f"{rule}; brought to its orders, {whose}, and under licences that ask for nothing: {brought(materials)}."
