"""Names of generators, services and licences as people write them, brought to the form that facts are found by.

A name is compared without case, without the address of a hub, and without its owner where none is written; `*` in a
fact's subject stands for any letters. Nothing here knows what is said of a name.
"""

from functools import cache
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "data"
LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast, where it is built in
SPDX = "spdx:"
OBLIGATIONS = ("law:", "market:")
FEWEST_LETTERS = 3  # before the first `*` of a subject: a pattern that means everything means nothing
_HUBS = (
    "https://", "http://", "www.", "hf://", "hf:", "huggingface:", "huggingface.co/", "hf.co/", "github.com/",
    "models/",
)  # fmt: skip


@cache
def _aliases() -> dict[str, str]:
    known: dict[str, str] = yaml.load((DATA / "names.yaml").read_bytes(), LOADER)
    return known


def plain_name(name: str) -> str:
    """`name` in the form that it is looked up by: `HF.co/Facebook/MusicGen-Small` is `facebook/musicgen-small`."""
    plain = " ".join(name.split()).casefold()
    for hub in _HUBS:
        plain = plain.removeprefix(hub)
    if plain.startswith("models--"):
        plain = plain.removeprefix("models--").replace("--", "/", 1)
    plain = plain.split("/tree/")[0].rstrip("/")
    return _aliases().get(plain, plain)


class Pattern:
    """A fact's subject, ready to be compared with plain names. Comparing is linear, whatever the pattern."""

    def __init__(self, subject: str) -> None:
        self.text = " ".join(subject.split()).casefold()
        self._parts = self.text.split("*")
        self.exact = len(self._parts) == 1
        self.letters = sum(map(len, self._parts)) + (1_000 if self.exact else 0)  # the more, the closer is the match

    def matches(self, name: str) -> bool:
        """Whether `name` (plain) is meant."""
        if self.exact:
            return name == self.text
        first, *middle, last = self._parts
        if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
            return False
        at, end = len(first), len(name) - len(last)
        for part in middle:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    def matches_without_owner(self, name: str) -> bool:
        """Whether `name`, which has no owner, is what this subject calls somebody's."""
        owner, slash, own = self.text.partition("/")
        named = bool(slash) and "*" not in owner and len(own.partition("*")[0]) >= FEWEST_LETTERS
        return named and Pattern(own).matches(name)
