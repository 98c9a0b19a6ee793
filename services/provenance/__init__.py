"""Where sound comes from and what was done with it: fingerprints, traces, credentials, the ledger."""
