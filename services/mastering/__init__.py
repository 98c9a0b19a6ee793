"""From a generator's float rendition to finished, measured, encoded files: the one master chain and what follows it.

Nothing here composes, stores, records or knows of databases, flows or Ray. Same rendition, delivery and engine profile
(`profile.profile`): same PCM.
"""
