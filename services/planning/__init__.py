"""From a brief to takes: schema, controls, seeds, identities. Nothing here renders, stores or talks to a database."""
