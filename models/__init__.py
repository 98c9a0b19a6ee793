"""Generators: they turn requests into audio. Nothing here knows of databases, flows, Ray or the files of a catalog."""
