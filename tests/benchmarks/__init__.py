"""Benchmarks, run by hand: `python -m tests.benchmarks.NAME`. Each prints its figures and the machine; none is a test.
"""
