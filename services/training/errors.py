"""What a training order or run can fail of. Messages say what, where and what to do; errors that a class of
`flows.cli.errors` names get their exit code there."""

from services.generators.errors import RegisterError

AGAIN = "run the same command again: it goes on from the last checkpoint"


class TrainingError(RegisterError):
    """An order that cannot be carried out; `faults` has every reason, also where it comes from another process."""

    def __reduce__(self) -> tuple[type["TrainingError"], tuple[tuple[str, ...]]]:
        return type(self), (self.faults,)


class OtherFilesError(TrainingError):
    """A run's folder or a stored take is not what is on record."""
