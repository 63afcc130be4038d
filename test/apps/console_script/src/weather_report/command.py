import sys
from importlib.metadata import version


def main() -> int:
    place = sys.argv[1] if len(sys.argv) > 1 else "here"
    print(f"hello from a command {version('weather-report')}: sunny {place}")
    return 0


def debug() -> None:
    print(sys.path)
