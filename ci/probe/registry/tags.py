"""Moves tags, but never one that is to stay."""


def put_tags(repository, manifest, tags):
    """
    Puts tags on a manifest that is there, byte for byte. `tags` maps each to how it may change: `move`; `stay`, which
    is an error where it is on something else; `keep`, which leaves it there then.

    Gives a list of {tag, result, was}: `new`, `same`, `moved`, `kept`, or `taken`; where one is taken, none is put.
    """
    digest = manifest.digest
    found = {tag: repository.digest(tag) for tag in tags}
    results = {tag: _result(found[tag], digest, rule) for tag, rule in tags.items()}
    taken = "taken" in results.values()
    for tag, result in results.items():
        if result in ("new", "moved") and not taken:
            repository.put(tag, manifest)
    return [
        {"tag": tag, "result": result, **({} if found[tag] is None else {"was": found[tag]})}
        for tag, result in results.items()
        if not taken or result == "taken"
    ]


def _result(was, digest, rule):
    if was is None:
        return "new"
    if was == digest:
        return "same"
    return {"move": "moved", "stay": "taken", "keep": "kept"}[rule]
