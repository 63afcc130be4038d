import sys

from slugs.make import slug


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    name = slug(" ".join(words))
    if not name:
        print("slug: nothing to make a name of", file=sys.stderr)
        return 2
    print(name)
    return 0
