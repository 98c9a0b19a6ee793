"""Hostile YAML to a small tree of plain values that remembers its lines.

Read from the parser's events rather than through PyYAML's composer, so that nothing recurses, no tag constructs
anything and aliases are counted before they are followed. Scalars follow the YAML 1.2 core schema: `no`, `on` and
`1:30` are words, not a boolean and ninety. Nothing here knows what a brief is.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MOST_BYTES = 1 << 20
MOST_DEPTH = 16
MOST_NODES = 100_000  # aliases counted as if they were written out
MOST_DIGITS = 300

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TAGS = {"str", "int", "float", "bool", "null", "map", "seq"}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# Controls but tab and line ends, bidirectional overrides, private line separators, byte-order marks, non-characters.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass
class Scalar:
    value: str | int | float | bool | None
    line: int
    size: int = 1


@dataclass
class Sequence:
    line: int
    items: list["Node"] = field(default_factory=list)
    size: int = 1


@dataclass
class Mapping:
    """`entries` maps a key to the line it stands on and its value."""

    line: int
    entries: dict[str, tuple[int, "Node"]] = field(default_factory=dict)
    size: int = 1


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True)
class Flaw:
    """A fault of the document itself: its line, what it is, the value if one is to blame, what to do."""

    line: int | None
    what: str
    remedy: str
    value: object = None


class UnreadableError(Exception):
    """Reading cannot go on; carries the flaw that stopped it."""

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw.what)


def decode(data: bytes) -> str:
    """The text of a document. Raises UnreadableError where it is too long, not UTF-8, or holds characters that do not
    belong into a text file."""
    if len(data) > MOST_BYTES:
        raise UnreadableError(Flaw(None, f"{len(data)} bytes are too many", f"stay under {MOST_BYTES} bytes"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = f"byte 0x{data[error.start]:02x}"
        raise UnreadableError(Flaw(line, f"not UTF-8 ({bad})", "save the file as UTF-8")) from None
    bad_char = forbidden(text)
    if bad_char is not None:
        line = text.count("\n", 0, text.index(bad_char)) + 1
        raise UnreadableError(Flaw(line, f"character U+{ord(bad_char):04X} does not belong into a brief", "remove it"))
    return text


def forbidden(text: str) -> str | None:
    """The first character of `text` that no brief may hold (control, bidirectional override, surrogate), or None."""
    match = _FORBIDDEN.search(text)
    return match.group() if match else None


def plain(node: Node) -> Any:
    """The tree as dicts, lists and scalars. Safe to recurse: depth is bounded when reading."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def line_of(node: Node, path: tuple[str | int, ...]) -> int:
    """The line (from 1) of what stands at `path`, or of the innermost thing on the way that is there.

    A key's own line is meant, not that of its value; a path that leads nowhere gives its parent's line."""
    line = node.line
    for step in path:
        if isinstance(node, Mapping) and step in node.entries:
            line, node = node.entries[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            break
    return line


def read_document(text: str) -> tuple[Node | None, list[Flaw]]:
    """The tree of a YAML text and all flaws that did not stop the reading (duplicate keys, tags, ...).

    The tree is None where the text cannot be read on; the last flaw then says why."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except UnreadableError as stop:
        return None, [*builder.flaws, stop.flaw]
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        return None, [*builder.flaws, _syntax(error)]
    if builder.root is None:
        return None, [*builder.flaws, Flaw(1, "the brief is empty", "write at least `catalog` and `cues`")]
    return builder.root, builder.flaws


def _syntax(error: Exception) -> Flaw:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0][:100]
    return Flaw(mark.line + 1 if mark else None, f"not YAML: {problem}", "check indentation, quotes and brackets")


class _Builder:
    """Grows the tree event by event. `open` holds the containers not yet closed, with the anchor of each."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.flaws: list[Flaw] = []
        self.nodes = 0
        self.documents = 0
        self.open: list[tuple[Sequence | Mapping, str | None]] = []
        self.keys: list[tuple[str, int] | None] = []
        self.anchors: dict[str, Node] = {}

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise UnreadableError(Flaw(line, "a second document begins", "keep one brief in one file"))
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            node, anchor = self.open.pop()
            self.keys.pop()
            self._attach(node, anchor)

    def _begin(self, event: Any, line: int) -> None:
        if len(self.open) >= MOST_DEPTH:
            raise UnreadableError(Flaw(line, f"nested deeper than {MOST_DEPTH} levels", "a brief needs six"))
        if self._expects_key():
            raise UnreadableError(Flaw(line, "a key is a list or a mapping", "write keys as plain words"))
        kind, name = (Mapping, "map") if isinstance(event, yaml.MappingStartEvent) else (Sequence, "seq")
        self._check_tag(event.tag, line, {name})
        self._count(1, line)
        self.open.append((kind(line), event.anchor))
        self.keys.append(None)

    def _scalar(self, event: Any, line: int) -> None:
        self._count(1, line)
        bad = forbidden(event.value)
        if bad is not None:
            self.flaws.append(Flaw(line, f"character U+{ord(bad):04X} does not belong into a brief", "remove it"))
        if self._expects_key():
            self._key(event.value, line)
            return
        tag = self._check_tag(event.tag, line, _TAGS - {"map", "seq"})
        value = self._resolve(event, tag, line)
        self._attach(Scalar(value, line), event.anchor)

    def _resolve(self, event: Any, tag: str | None, line: int) -> str | int | float | bool | None:
        text: str = event.value
        if tag == "str" or event.tag == "!" or (tag is None and not event.implicit[0]):
            return text
        if len(text) > MOST_DIGITS and (_INT.match(text) or _FLOAT.match(text)):
            self.flaws.append(Flaw(line, f"a number of {len(text)} characters", "write a shorter number", text))
            return 0
        value = scalar_of(text)
        if tag is not None and not _fits(value, tag):
            self.flaws.append(Flaw(line, f"not a !!{tag}", "remove the tag", text))
        return value

    def _key(self, text: str, line: int) -> None:
        node = self.open[-1][0]
        if isinstance(node, Mapping) and text in node.entries:
            first = node.entries[text][0]
            self.flaws.append(Flaw(line, f"duplicate key, first on line {first}", "keep one of the two", text))
        self.keys[-1] = (text, line)

    def _alias(self, event: Any, line: int) -> None:
        node = self.anchors.get(event.anchor)
        if node is None:
            what = "an alias to something that is not complete before it"
            raise UnreadableError(Flaw(line, what, "write the value out", "*" + event.anchor))
        if self._expects_key():
            raise UnreadableError(Flaw(line, "a key is an alias", "write keys as plain words", "*" + event.anchor))
        self._count(node.size, line)
        self._attach(node, None)

    def _attach(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1][0]
        parent.size += node.size
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self.keys[-1]
        if key is not None:
            parent.entries[key[0]] = (key[1], node)
            self.keys[-1] = None

    def _expects_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1][0], Mapping) and self.keys[-1] is None

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            what = f"more than {MOST_NODES} values, aliases written out"
            raise UnreadableError(Flaw(line, what, "split the brief, or use axes and zones instead of copies"))

    def _check_tag(self, tag: str | None, line: int, allowed: set[str]) -> str | None:
        """The short name of a core tag. Any other tag is a flaw: nothing is ever constructed from one."""
        if tag is None or tag == "!":
            return None
        name = tag.removeprefix(_CORE)
        if tag.startswith(_CORE) and name in allowed:
            return name
        self.flaws.append(Flaw(line, "tags are not allowed in a brief", "remove the tag", tag[:80]))
        return None


def scalar_of(text: str) -> str | int | float | bool | None:
    """A plain scalar by the YAML 1.2 core schema (without octal, hexadecimal, infinity and not-a-number)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _fits(value: object, tag: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
    return isinstance(value, kinds[tag]) and (tag == "bool" or not isinstance(value, bool))
