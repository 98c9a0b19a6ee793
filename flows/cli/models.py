"""`cueworks models`: the generators that there are, and the register of checkpoints that users bring."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import Code
from flows.cli.options import Json, Quiet
from flows.cli.signing import open_to_record, signs

if TYPE_CHECKING:
    from services.generators.known import KnownGenerators
    from services.generators.register import Entered
    from services.generators.verifying import Verification

MIB = 1 << 20
models_app = typer.Typer(help="The generators: list, show, verify, add a checkpoint of yours, remove one.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A generator, as `cueworks models list` shows it.")]


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, json: Json = False) -> None:
    """List the generators; register checkpoints."""
    if context.invoked_subcommand is None:
        list_(json)


@models_app.command("list")
def list_(json: Json = False) -> None:
    """List the built-in and the registered generators."""
    from services.generators.listing import listed
    from services.settings import Settings

    rows = listed(Settings.from_environment().known_generators())
    if json:
        output.print_json(rows)
        return
    columns = ["generator", "revision", "licence", "training data", "title", "from", "files"]
    cells = (_cells(row) for row in rows)
    output.print_table(columns, cells, ("training data", "title"))


def _cells(row: dict[str, Any]) -> list[object]:
    files = "there" if row["present"] else "missing"
    return [row["id"], row["revision"], row["licence"], row["training_data"], row["title"], row["origin"], files]


@models_app.command("show")
def show(name: Name, json: Json = False) -> None:
    """Show a generator: card, digest, files, places, and what may be made with it."""
    from services.generators.listing import shown_row
    from services.settings import Settings

    settings = Settings.from_environment()
    row = shown_row(settings.known_generators(), name, settings.read_register())
    if row.get("registration"):
        from services.training.listing import of_model

        row["trained"] = of_model(settings.open_for_reading(), row["registration"]["digest"])
    if json:
        output.print_json(row)
        return
    _show(row)


def _show(row: dict[str, Any]) -> None:
    registered = row.get("registration") or {}
    lines = [(name, row[name]) for name in ("id", "title", "revision", "origin")]
    lines += [(name, registered.get(name)) for name in
              ("source", "asked_revision", "commit_id", "folder", "text_encoder", "codec", "format", "at")]  # fmt: skip
    lines += [("digest", row["weights_digest"]), ("licence (card)", row["licence"])]
    lines += [("licence (facts)", row["licence_by_facts"]), ("training data", row["training_data"])]
    lines += [("older revisions", ", ".join(row["older_revisions"])), ("missing", row.get("missing"))]
    lines += [("on the processor", _place(row["batch_size"], row["resources"]))]
    lines += [("on a GPU", _place(row["cuda"]["batch_size"], row["cuda"]["resources"]) if row["cuda"] else "")]
    lines += [("may be asked for", _abilities(row["abilities"]))]
    lines += [("trained here", _trained(run)) for run in row.get("trained", ())]
    for name, value in lines:
        if value:
            output.line(f"{name:16} {value}")
    if registered:
        output.line("")
        files = sorted(registered["files"].items())
        output.print_table(["file", "bytes", "sha256"], [[name, fact["bytes"], fact["sha256"]] for name, fact in files])
    output.line("")
    kinds = ["company", "individual", "academic"]
    output.print_table(["use", *kinds], [[use["use"], *(use[kind] for kind in kinds)] for use in row["uses"]])
    for text in row.get("notes", ()):
        output.note(f"note: {text}")


_ASKED = {"stems": "stems", "midi": "theme files, MIDI", "forms": "forms", "intensities": "intensities",
          "sound_bank": "sound banks", "melody": "melody", "continuation": "continue", "variation": "vary",
          "negative": "negative"}  # fmt: skip


def _abilities(able: dict[str, Any]) -> str:
    """What a brief may ask of a generator, by the brief's words."""
    words = [*able["kinds"], *(word for name, word in _ASKED.items() if able[name])]
    words += [f"{name} {able[name][0]:g} to {able[name][1]:g}" for name in ("steps", "guidance") if able[name]]
    return f"{', '.join(words)}; at most {able['longest_s']:g} s"


def _trained(run: dict[str, Any]) -> str:
    """A training run in a line."""
    made = ", ".join(sorted({f"{one['generator']} {one['revision']}" for one in run["licences"]}))
    data = f"{run['takes']} takes of {', '.join(run['catalogs'])} made by {made}"
    return f"run {run['id'][:16]} on {data}; `cueworks train --show {run['id'][:16]}` lists them"


def _place(batch: int, needs: dict[str, Any]) -> str:
    gpu = f", {needs['gpus']:g} GPU with {needs['gpu_memory_mb']} MB free" if needs["gpus"] else ""
    takes, processors = output.counted(batch, "take"), output.counted(needs["cpus"], "processor")
    return f"{takes} a batch, {processors}, {needs['memory_mb']} MB{gpu}"


@models_app.command("add")
def add(
    source: Annotated[
        str, typer.Argument(metavar="PATH|HUB-ID", help="A folder, or a hub's id as facebook/musicgen-small.")
    ],
    revision: Annotated[
        str | None, typer.Option("--revision", help="Tag, branch or commit; needed for a hub's id.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What briefs call it (default: the hub's id, the folder's name).")
    ] = None,
    text_encoder: Annotated[
        Path | None, typer.Option("--text-encoder", metavar="DIR", help="Its T5, where the folder holds none.")
    ] = None,
    codec: Annotated[
        Path | None, typer.Option("--codec", metavar="DIR", help="Its EnCodec, where the folder holds none.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="SPDX", help="What its weights are under, as CC-BY-4.0.")
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Verify a checkpoint, pin it by the digest of its files, and register it.

    Nothing else ever fetches: with HF_HUB_OFFLINE set a hub's id is looked for in the cache alone.
    """
    from db.engine import writing
    from db.ledger import append
    from services.generators.register import Asked, enter, prepare
    from services.rights.keeping import moment
    from services.settings import Settings

    settings = Settings.from_environment()
    register = settings.read_register()
    asked = Asked(source, revision, name, text_encoder, codec, licence)
    licences = tuple(register.known(moment(register)).licences)
    with _Reading(quiet) as watching:
        plain = quiet or not sys.stderr.isatty()
        prepared = prepare(asked, settings.known_generators(), licences, watching, plain)
    engine = open_to_record(settings)
    with writing(engine) as session:
        entered, entries = enter(session, prepared.row)
        append(session, entries)
    signs(settings, engine)()
    from services.generators.rights import notes, same_weights

    known, register = settings.known_generators(), settings.read_register()
    others = [row for other in known for row in known.rows(other)]
    said = [*prepared.warnings, *notes(register, entered.row), *same_weights(entered.row, others)]
    if json:
        from services.generators.listing import registration_json

        output.print_json({"outcome": entered.outcome, "notes": said, **registration_json(entered.row)})
        return
    for text in said:
        output.note(f"warning: {text}")
    output.line(_told(entered))


def _told(entered: "Entered") -> str:
    """What entering changed, in a line."""
    row, before = entered.row, entered.before
    pinned = f"{row.generator} {row.revision}"
    if entered.outcome == "same":
        return f"{pinned} is registered already, with the same files; nothing changed"
    where = f"{len(row.files)} files in {row.folder}"
    if entered.outcome == "again":
        return f"{pinned}: the same files; where they lie, their times and their card are recorded anew ({where})"
    if entered.outcome == "revised" and before is not None:
        kept = f"{before.revision} stays for takes that were made with it"
        return f"{pinned} is registered as a new revision ({where}); {kept}"
    return f"{pinned} is registered ({where}); name it in a brief: `generator: {row.generator}`"


@models_app.command("verify")
def verify(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this generator.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Hash the files of registered generators again; ask what a hub's tag means now.

    Exit code 4 where a file is not the one that was registered.
    """
    from services.generators.verifying import bytes_of
    from services.generators.verifying import verify as verify_one
    from services.settings import Settings

    known = Settings.from_environment().known_generators()
    names = _registered(known, name)
    with _Reading(quiet) as reading:
        reading.stage("reading files", bytes_of([known.rows(one)[-1] for one in names]))
        found = [verify_one(known, one, reading.read) for one in names]
    if json:
        output.print_json([_verification_json(one) for one in found])
    else:
        _show_verified(found)
    if not all(one.ok for one in found):
        raise typer.Exit(Code.DIFFERENT)


def _registered(known: "KnownGenerators", name: str | None) -> list[str]:
    if name is None:
        return [one for one in sorted(known) if known.rows(one)]
    known.card(name)
    return [name] if known.rows(name) else []


def _show_verified(found: list["Verification"]) -> None:
    if not found:
        output.line("no checkpoint is registered here; what is built in needs none")
    for one in found:
        for finding in one.findings:
            output.error(finding.text)
        for note in one.notes:
            output.note(f"note: {note}")
        tag = f"; tag {one.tag}" if one.tag else ""
        told = f"{output.counted(one.files, 'file')} as registered"
        if wrong := len(one.findings):
            told = f"{wrong} of its files {'differs' if wrong == 1 else 'differ'}"
        output.line(f"{one.generator} {one.revision}: {told}{tag}")


def _verification_json(one: "Verification") -> dict[str, Any]:
    return {
        "generator": one.generator, "revision": one.revision, "digest": one.digest, "ok": one.ok, "files": one.files,
        "findings": [vars(finding) for finding in one.findings], "tag": one.tag, "notes": list(one.notes),
    }  # fmt: skip


@models_app.command("remove")
def remove(name: Name, json: Json = False) -> None:
    """Take a checkpoint out of the register. Its files and every take made with it stay."""
    from db.engine import writing
    from db.ledger import append
    from services.generators.errors import RegisterError
    from services.generators.known import add_command
    from services.generators.listing import registration_json
    from services.generators.register import remove as remove_row
    from services.settings import Settings

    settings = Settings.from_environment()
    known = settings.known_generators()
    if name in known.builtin:
        raise RegisterError([f"{name} is built in; it cannot be removed"])
    if not known.history(name):
        known.card(name)
    engine = open_to_record(settings)
    with writing(engine) as session:
        row, entries = remove_row(session, name)
        append(session, entries)
    signs(settings, engine)()
    if json:
        output.print_json({"command": add_command(row), **registration_json(row)})
        return
    output.line(f"{name} is removed; its files and takes stay. `{add_command(row)}` adds it again")


class _Reading:
    """Shows what `models add` and `verify` are at: a bar in MiB on a terminal, nothing when quiet."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._bytes, self._told = quiet, 0, 0
        self._counter: output.Counter | None = None

    def __enter__(self) -> "_Reading":
        return self

    def __exit__(self, *_: object) -> None:
        if self._counter is not None:
            self._counter.__exit__()

    def stage(self, what: str, total: int = 0) -> None:
        """Something begins; `total` bytes will be told of."""
        self.__exit__()
        self._bytes = self._told = 0
        self._counter = output.Counter(f"{what} (MiB)" if total else what, max(1, -(-total // MIB)), self._quiet)
        self._counter.__enter__()

    def read(self, count: int) -> None:
        """So many more bytes were read."""
        self._bytes += count
        whole = self._bytes // MIB - self._told
        if whole and self._counter is not None:
            self._told += whole
            self._counter.add(whole)
