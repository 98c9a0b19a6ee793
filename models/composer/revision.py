"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; the golden digests of
the tests fail when it was not. `BANK_SHA256` is the digest of the sound bank that this revision synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "c55b5b3cfd376804d3180dbfbb6f5531d690e2d296e7c0d741d9b7885050545a"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
