"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 3
BANK_SHA256 = "2d07c6b122e5f060b3cf78e2727c364bce5b90c6020f4e12e97975e29d491551"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
