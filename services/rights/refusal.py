"""A refusal by the policy or the prompt guard, as one error with every reason. It decides nothing."""


class RefusedError(RuntimeError):
    """An order or a release may not be. `reasons` are sentences: what, where, why, what to do. Nothing was written."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons
