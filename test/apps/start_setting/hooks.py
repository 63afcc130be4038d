"""Nothing that could be started."""
