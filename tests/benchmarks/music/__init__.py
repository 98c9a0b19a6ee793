"""Measures of composed music, one noun a file; `tests.benchmarks.music_report` prints them. Nothing is composed here,
and no measure believes what the composer says of its own work: notes are read from scores, sound from the masters.
"""
