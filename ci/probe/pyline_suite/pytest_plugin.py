"""A plugin of pytest that leaves out what is not in this part of the suite. Workers of pytest-xdist load it, too."""

import pytest

from pyline_suite.shard import chosen


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    mine = chosen([item.nodeid for item in items])
    if mine is None:
        return
    left = [item for item in items if item.nodeid not in mine]
    items[:] = [item for item in items if item.nodeid in mine]
    if left:
        config.hook.pytest_deselected(items=left)
