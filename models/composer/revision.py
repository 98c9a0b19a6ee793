"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "0384118c3d40d05d89b6fe66085315e62ebd621771e29ad3e5c5d280fbf64f69"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
