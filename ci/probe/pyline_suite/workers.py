"""How many tests may run side by side in this container."""

import os

# More than this seldom makes a suite faster, and each is a process with all that the project imports.
MOST = 8
# What a worker needs at least, so that none is killed for memory.
BYTES = 400 * 1024 * 1024


def workers(wanted):
    """Number of workers for `auto` or a number; 0 for none, as one alone only costs time."""
    count = int(wanted) if wanted != "auto" else min(cpus(), MOST, max(1, memory() // BYTES))
    return count if count > 1 else 0


def cpus():
    try:
        count = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        count = os.cpu_count() or 1
    quota = cgroup_quota()
    return max(1, min(count, quota) if quota else count)


def cgroup_quota():
    """CPUs that the container is given, rounded up; None where it is not limited."""
    try:
        words = text("/sys/fs/cgroup/cpu.max").split()
        quota, period = words[0], words[1]
    except (OSError, IndexError):
        try:
            quota = text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
            period = text("/sys/fs/cgroup/cpu/cpu.cfs_period_us").strip()
        except OSError:
            return None
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return max(1, -(-int(quota) // int(period)))


def memory():
    """Bytes that are free now, within the container's limit."""
    free = [1 << 62]
    try:
        line = next(line for line in text("/proc/meminfo").splitlines() if line.startswith("MemAvailable:"))
        free.append(int(line.split()[1]) * 1024)
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        limit = text("/sys/fs/cgroup/memory.max").strip()
        if limit.isdigit():
            free.append(int(limit) - int(text("/sys/fs/cgroup/memory.current")))
    except (OSError, ValueError):
        pass
    return max(0, min(free))


def text(path):
    with open(path, encoding="ascii") as file:
        return file.read()
