"""Brings images to environments, and writes down what was done. Nothing but Python's standard library."""
