"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "87d26a767b241dac996a6fae924e41d2a2afdb72b2a5d2884a5d4fdb027f5a01"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
