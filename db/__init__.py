"""Tables, sessions, queries and migrations. Nothing here knows of briefs, generators, flows or files."""
