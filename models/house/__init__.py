"""The house model while it learns: tensors in, losses out. Knows nothing of files, catalogs or how training is run."""
