"""Parts of run_tests.py. The name is one that no project has: it is imported beside its code."""
