"""What the composer's sound is called. Imported when planning, so nothing heavy is imported here.

`SOUND_REVISION` is raised by hand whenever the same controls and seed would give other samples; the golden digests of
the tests fail when it was not. `BANK_SHA256` is the digest of the sound bank that this revision synthesises.
"""

SOUND_REVISION = 1
BANK_SHA256 = "fe5b343656b0dc4dacd0c361721a776e9dbc0aa232329789cf0ab0ae0dd5f070"
REVISION = f"sound-{SOUND_REVISION}+bank-{BANK_SHA256[:16]}"
