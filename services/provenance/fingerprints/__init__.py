"""Acoustic fingerprints: extracted by chromaprint, found again through a sparse index, judged by calibrated thresholds.

Pure of the database: `db.fingerprints` keeps the words, `services.provenance.trace` brings both together.
"""
