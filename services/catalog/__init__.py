"""The catalog: what was ordered, made and recorded. The bridge between planned takes, recordings and the database."""
