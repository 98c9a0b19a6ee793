"""Trains the house model: a neural generator whose every training item is a take of the same database.

A run is a folder that begins with what was asked (`order`) and is filled stage by stage (`stages`); whatever is killed
goes on from the last whole file. Only `workers` and `many` import ray; nothing here imports prefect.
"""
