"""A client of OCI registries: tags, artifacts, referrers and copies. Nothing but Python's standard library."""
