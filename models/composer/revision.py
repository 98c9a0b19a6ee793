"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "0edff817d9d74fe5453e8050c16548baa4a59c8d8b1fef2e14c463861b01063d"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
