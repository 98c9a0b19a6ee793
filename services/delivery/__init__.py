"""What leaves the catalog and what comes in: reviews, contributions, releases, imports."""
