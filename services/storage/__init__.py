"""Where files live: blobs addressed by their SHA-256, and the readable tree that points at them."""
