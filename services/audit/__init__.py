"""Answers for those who ask: full audits, what a changed term touches, reports, certificates."""
