"""What mastering refuses, as one exception that a person can act on."""


class MasteringError(ValueError):
    """A rendition that cannot become a file. The message says what is wrong, with the value, and what to do next."""
