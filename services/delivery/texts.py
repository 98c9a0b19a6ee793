"""What people may write into a record that stays: names, notes and the names of releases. Checks only.

A record is read for years, in terminals, spreadsheets and other people's tools, so what they would obey or what looks
like something else (controls, bidirectional marks, zero-width characters) is refused rather than cleaned away.
"""

import re
import unicodedata

from services.delivery.errors import DeliveryError
from services.planning.faults import shown

LONGEST_PERSON = 200
LONGEST_NOTE = 4_000
LONGEST_RELEASE = 128
KINDS = ("lyrics", "melody", "edit", "arrangement", "performance", "selection", "mixing")
_RELEASE = re.compile(r"[^\W_][\w .+-]*", re.UNICODE)
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing (Unicode's Default_Ignorable_Code_Point beyond the categories above)."""


def person(text: str, option: str = "--by") -> str:
    """A person's name, NFC, without blanks around it. Raises DeliveryError."""
    name = _one_line(text, option, LONGEST_PERSON)
    if not any(char.isalnum() for char in name):
        raise DeliveryError(f"{option}: {shown(text)} names nobody; write who decides, as in --by 'Ada Lovelace'")
    return name


def note(text: str, option: str = "--note") -> str:
    """A note of several lines at most; may be empty. Raises DeliveryError."""
    lines = text.replace("\r\n", "\n").replace("\t", " ").split("\n")
    told = "\n".join(_one_line(line, option, LONGEST_NOTE) for line in lines).strip()
    if len(told) > LONGEST_NOTE:
        raise DeliveryError(f"{option}: {len(told)} characters; write at most {LONGEST_NOTE}, or keep it in a file")
    return told


def reason(text: str) -> str:
    """Why something is called back: a note that says something. Raises DeliveryError."""
    told = note(text, "--reason")
    if not told:
        raise DeliveryError("--reason: is empty; say why, it stays on record")
    return told


def release_name(text: str) -> str:
    """A release's name, NFC: letters, digits, blanks and `.+-_`, beginning with a letter or digit.

    It is never a path: folders are named by --out alone. Raises DeliveryError."""
    name = unicodedata.normalize("NFC", text)
    if len(name) > LONGEST_RELEASE:
        raise DeliveryError(f"release name: {len(name)} characters; write at most {LONGEST_RELEASE}")
    if not _RELEASE.fullmatch(name) or name != name.rstrip(" ."):
        what = "letters, digits, blanks and . + - _, beginning with a letter or digit"
        raise DeliveryError(f"release name {shown(text)}: cannot be used; write {what}, as in gold-1.0")
    return name


def same_name(one: str, other: str) -> bool:
    """Whether two names of releases are told apart by case or look alone."""
    return _folded(one) == _folded(other)


def kind(text: str, option: str = "--kind") -> str:
    """A kind of human contribution. Raises DeliveryError."""
    if text not in KINDS:
        raise DeliveryError(f"{option}: {shown(text)} is no kind of contribution; use one of: {', '.join(KINDS)}")
    return text


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _one_line(text: str, option: str, longest: int) -> str:
    if len(text) > longest:
        raise DeliveryError(f"{option}: {len(text)} characters; write at most {longest}")
    if any(unicodedata.category(char) in _HIDDEN for char in text) or _BLANK.search(text):
        raise DeliveryError(f"{option}: {shown(text)} holds characters that cannot be seen; write plain text")
    return unicodedata.normalize("NFC", text).strip()
