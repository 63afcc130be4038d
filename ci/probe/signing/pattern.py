"""Identities that are meant by a pattern."""


def fits(pattern, name):
    """
    Whether a pattern means a name. `*` stands for any characters; but for one at the end it stands for no `@`: whoever
    may make branches can call one `x@refs/heads/main`. What cannot be seen is in no name that is meant.
    """
    if not name.isprintable():
        return False
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    if not name.startswith(first):
        return False
    at = len(first)
    # The first place is always the best: what is between it and another one had to be without `@` too.
    for part in middle:
        found = name.find(part, at)
        if found < 0 or "@" in name[at:found]:
            return False
        at = found + len(part)
    end = len(name) - len(last)
    return last == "" or (at <= end and name.endswith(last) and "@" not in name[at:end])
