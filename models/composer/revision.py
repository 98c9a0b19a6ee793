"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "f3f277621b3827cd667e88d8003cbb5d1cb9e29832a16db2fca3500f5d77e99d"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
