"""What is done: plain Python services. They never import prefect; only `services.rendering` imports ray."""
