"""What can be wrong with what somebody wants to register."""

from collections.abc import Iterable


class RegisterError(ValueError):
    """Nothing was registered; the message has a line for every fault, and what to do."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(self.faults))
