"""When and in what order: Prefect flows, the command line, example briefs. The only place that imports prefect."""
