"""The command line: words in, exit codes and tables out. Work is done by flows and services."""
