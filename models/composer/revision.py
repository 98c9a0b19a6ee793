"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; golden tests of notes,
premasters, rooms and bank notice what changed. `BANK_SHA256` is the digest of the sound bank that this revision
synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "46168bb5ef7954a423ea52ea05daae863a3a7f43542cea578bdbe47fff499618"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
