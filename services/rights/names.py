"""Names of generators, services and licences as people write them, brought to the form that facts are found by.

A name is compared without case, without the address of a hub, and without its owner where none is written; a space, a
hyphen and `_` are one. `*` in a fact's subject stands for any letters. Nothing here knows what is said of a name.
"""

import re
import unicodedata
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
_BEHIND = re.compile(r"/(?:tree|blob|resolve)/|[?#@]|\.git$|/+$")  # a revision or a file behind a hub's address
_GAPS = re.compile(r"[\s_\u2010-\u2015-]+")


@cache
def _aliases() -> dict[str, str]:
    known: dict[str, str] = yaml.load((DATA / "names.yaml").read_bytes(), LOADER)
    return {folded(name): folded(meant) for name, meant in known.items()}


def folded(name: str) -> str:
    """`name` as it is compared: without case and width, its words joined by hyphens."""
    return _GAPS.sub("-", unicodedata.normalize("NFKC", name).strip().casefold())


def plain_name(name: str) -> str:
    """`name` in the form that it is looked up by: `HF.co/Facebook/MusicGen_Small` is `facebook/musicgen-small`."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    if plain.startswith("models--"):
        plain = plain.removeprefix("models--").replace("--", "/", 1)
    for hub in _HUBS:
        plain = plain.removeprefix(hub)
    plain = folded(_BEHIND.split(plain, maxsplit=1)[0])
    return _aliases().get(plain, plain)


def plain_subject(name: str) -> str:
    """The subject under which facts about `name` are found: the name itself, but for what it is an alias of."""
    return name if folded(name) == plain_name(name) else plain_name(name)


class Pattern:
    """A fact's subject, ready to be compared with plain names. Comparing is linear, whatever the pattern."""

    def __init__(self, subject: str) -> None:
        self.text = folded(subject)
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
