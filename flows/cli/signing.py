"""What every command does that puts something on record by hand: look before, sign after. Records nothing itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from flows.cli import output

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from services.settings import Settings


def open_to_record(settings: "Settings") -> "Engine":
    """The database, once it is clear that what is recorded now can be signed and goes on from what was signed."""
    engine = settings.open_database()
    settings.check_ledger(engine)
    return engine


def signs(settings: "Settings", engine: "Engine") -> Callable[[], None]:
    """Signs the ledger up to now; warns of folders that the checkpoint could not go to."""

    def settled() -> None:
        signed = settings.sign_checkpoint(engine)
        for warning in signed.warnings if signed else ():
            output.note(f"warning: {warning}")

    return settled
