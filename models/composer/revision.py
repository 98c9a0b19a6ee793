"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "4b3dbb8d149aceb408a2041924a287695fcd5e3cf01d65fa0718c936acd6a8b6"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
