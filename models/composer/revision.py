"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; the golden digests of
the tests fail when it was not. `BANK_SHA256` is the digest of the sound bank that this revision synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "a9326197c33982ba9feaaa2b769b96bc8742c0107922a58566769128a9d23c02"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
