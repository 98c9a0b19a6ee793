"""What an error says and which exit code it has: the one place where what is raised becomes words for a person.

0 done; 1 not everything came out; 2 bad input or usage, nothing written; 3 refused; 4 a check found a difference.
Errors are known here by their class's name, so that no library is imported for the sake of an error that never comes.
A fault of ours has no message here: it keeps its traceback.
"""

import errno
from enum import IntEnum


class Code(IntEnum):
    """Exit codes."""

    DONE = 0
    INCOMPLETE = 1
    BAD_INPUT = 2
    REFUSED = 3
    DIFFERENT = 4


class UsageError(ValueError):
    """Options that do not go together or name nothing there is; the message says what to do."""


CODES = {
    "UsageError": Code.BAD_INPUT,
    "BriefError": Code.BAD_INPUT,
    "SettingError": Code.BAD_INPUT,
    "NoSuchTakeError": Code.BAD_INPUT,
    "ExportError": Code.BAD_INPUT,
    "ForeignStoreError": Code.BAD_INPUT,
    "ScheduleError": Code.BAD_INPUT,
    "UnknownGeneratorError": Code.BAD_INPUT,
    "MissingCheckpointError": Code.BAD_INPUT,
    "CheckpointError": Code.BAD_INPUT,
    "RegisterError": Code.BAD_INPUT,
    "ForeignSchemaError": Code.BAD_INPUT,
    "DeliveryError": Code.BAD_INPUT,
    "FactError": Code.BAD_INPUT,
    "ExpressionError": Code.BAD_INPUT,
    "ClockError": Code.BAD_INPUT,
    "UnusableKeyError": Code.BAD_INPUT,
    "NoProofError": Code.BAD_INPUT,
    "LedgerBrokenError": Code.DIFFERENT,
    "OtherContentError": Code.DIFFERENT,
    "NameListError": Code.BAD_INPUT,
    "AuditError": Code.BAD_INPUT,
    "NoSuchSubjectError": Code.BAD_INPUT,
    "NothingTouchedError": Code.INCOMPLETE,
    "RecordingError": Code.BAD_INPUT,
    "BankError": Code.BAD_INPUT,
    "RefusedError": Code.REFUSED,
    "DamagedMasterError": Code.DIFFERENT,
    "DamagedFactError": Code.DIFFERENT,
    "ChangedMeanwhileError": Code.INCOMPLETE,
    "UnreadableSoundError": Code.BAD_INPUT,
    "CredentialsError": Code.BAD_INPUT,
    "FfmpegMissingError": Code.BAD_INPUT,
    "ImportFaultError": Code.BAD_INPUT,
    "CatalogBusyError": Code.INCOMPLETE,
    "RenderingStoppedError": Code.INCOMPLETE,
    "PrefectServerError": Code.INCOMPLETE,
    "StorageError": Code.INCOMPLETE,
}
STOPPED = "stopped; run the same command again to go on"
AGAIN = "run the same command again, what is finished stays"
SET_WRONG = frozenset({  # what a person put wrong; any other fault of the system may come in the middle of a run
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP,
})  # fmt: skip
LOST_STATES = ("08", "40", "53", "57P")  # SQLSTATE: connection, rollback, resources, shutdown or start of the server
LOST = (  # how SQLite and psycopg, which give no SQLSTATE then, say that a connection or a disk failed under way
    "connection is lost", "connection not open", "closed the connection", "connection already closed",
    "connection is closed", "connection has been closed", "terminating connection", "connection refused",
    "connection reset", "timed out", "timeout expired", "broken pipe", "could not receive data", "could not send data",
    "consuming input failed", "failed to resolve host", "no route to host", "network is unreachable",
    "is shutting down", "is starting up", "in recovery mode", "too many clients", "disk i/o error",
    "input/output error",
)  # fmt: skip
FULL = "the disk is full; free some space and run the same command again, what is finished stays"


def told(error: BaseException) -> tuple[str, Code] | None:
    """The message and exit code of an expected error; None for a fault of ours."""
    if usage := _usage(error):
        return usage, Code.BAD_INPUT
    for kind in type(error).__mro__:
        if kind.__name__ in CODES:
            return str(error), CODES[kind.__name__]
    if type(error).__name__ in ("Abort", "KeyboardInterrupt"):
        return STOPPED, Code.INCOMPLETE
    if isinstance(error, OSError):
        return _system_error(error)
    if type(error).__module__.startswith("sqlalchemy"):
        return _database_error(error)
    return None


def _usage(error: BaseException) -> str | None:
    """The message of an error that the command line parser raised, with where to read on."""
    message = getattr(error, "format_message", None)
    if message is None:
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "cueworks"
    return f"{message().rstrip('.')}; see `{command} --help`"


def _system_error(error: OSError) -> tuple[str, Code]:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return where + FULL, Code.INCOMPLETE
    if error.errno in SET_WRONG:
        return f"{where}{error.strerror}; check the path and CUEWORKS_HOME", Code.BAD_INPUT
    return f"{where}{error.strerror or error}; {AGAIN}", Code.INCOMPLETE


def _database_error(error: BaseException) -> tuple[str, Code]:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    if "is full" in reason or "No space left on device" in reason:
        return f"the database cannot be written: {FULL}", Code.INCOMPLETE
    if "locked" in reason:
        return f"the database is in use ({reason}); run the same command again", Code.INCOMPLETE
    if _is_lost(error, reason):
        return f"the database is out of reach: {reason}; once it is there, {AGAIN}", Code.INCOMPLETE
    remedy = "check CUEWORKS_HOME and CUEWORKS_DATABASE_URL"
    if "not a database" in reason or "malformed" in reason:
        remedy = "its file is damaged: put a copy of cueworks.db back, or set CUEWORKS_HOME to another folder"
    return f"the database cannot be used: {reason}; {remedy}", Code.BAD_INPUT


def _is_lost(error: BaseException, reason: str) -> bool:
    """Whether the connection to the database ended, or its disk failed: nothing that a person set wrong."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    told = any(words in reason.casefold() for words in LOST)
    return told or state.startswith(LOST_STATES) or getattr(error, "connection_invalidated", False)
