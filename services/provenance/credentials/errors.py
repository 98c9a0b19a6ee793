"""What can go wrong while a file is tagged and signed, in words for a person. No message ever holds key material."""


class CredentialsError(ValueError):
    """A file cannot be tagged or signed; the message says what, which file, and what to do."""


def clipped(text: object, most: int = 300) -> str:
    """One line of what a library or a hostile file said, without control characters, at most `most` characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())
    return line if len(line) <= most else line[: most - 1] + "…"
