"""
`python -m signing sign KEY PASSWORD OUTPUT STATEMENT…` signs in-toto statements; `NAME.sigstore.json` beside OUTPUT's result.
`python -m signing verify KEY DIGEST OUTPUT BUNDLE…` says which bundles are signed with the key and speak of the digest.

Like the registry program it exits 0 and writes what came of it: `{"schema": 1, "ok": …}`.
"""

import json
import os
import sys

from signing import bundle, keys


def sign(key_file, password_file, output, *statements):
    private = keys.PrivateKey(_read(key_file), _read(password_file).rstrip(b"\r\n") if password_file else b"")
    hint = keys.hint(private.public)
    signed = []
    for path in statements:
        payload = _read(path)
        predicate_type, _, _ = bundle.statement(payload)
        signature = private.sign(bundle.encoding(bundle.PAYLOAD_TYPE, payload))
        name = f"{os.path.splitext(os.path.basename(path))[0]}.sigstore.json"
        with open(os.path.join(os.path.dirname(output), name), "wb") as file:
            file.write(bundle.make(payload, signature, hint))
        signed.append({"file": name, "predicateType": predicate_type})
    return {"key": hint, "signed": signed}


def verify(key_file, digest, output, *bundles):
    public = keys.public_key(_read(key_file))
    good, bad = [], []
    for path in bundles:
        name = os.path.basename(path)
        try:
            payload, signatures = bundle.read(bundle.contents(path))
            signed = bundle.encoding(bundle.PAYLOAD_TYPE, payload)
            if not any(keys.verify(public, signed, signature) for signature in signatures):
                raise bundle.BundleError("it is signed with another key, or was changed")
            predicate_type, digests, predicate = bundle.statement(payload)
            if digest not in digests:
                raise bundle.BundleError("it speaks of another image")
        except bundle.BundleError as error:
            bad.append({"file": name, "why": str(error)})
        else:
            good.append({"file": name, "predicateType": predicate_type, "predicate": predicate})
    return {"key": keys.hint(public), "good": good, "bad": bad}


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def main(command, *arguments):
    output = arguments[2]
    try:
        result = {"schema": 1, "ok": True, **{"sign": sign, "verify": verify}[command](*arguments)}
    except keys.KeyProblem as error:
        result = {"schema": 1, "ok": False, "message": str(error)}
    with open(output, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


sys.exit(main(*sys.argv[1:]))
