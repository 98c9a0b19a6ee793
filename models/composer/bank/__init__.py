"""The built-in sound bank: one SoundFont 2 file that our own code synthesises, the same on every machine.

No recording and no third party's sample is in it. Composing reads `PRESETS`; whoever renders calls
`models.composer.bank.store.ensure_bank`. Importing this package costs nothing: synthesis is imported when it is needed.
"""

from models.composer.bank.presets import PRESETS, Preset

__all__ = ["PRESETS", "Preset"]
