"""Publishing an sdist and a wheel to a Python package index."""
