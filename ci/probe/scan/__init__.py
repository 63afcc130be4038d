"""Looks for secrets in what is about to be published."""
