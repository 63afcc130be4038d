"""
Sigstore bundles 0.3 with a DSSE envelope (https://github.com/secure-systems-lab/dsse) around an in-toto statement.

A signature with a key of one's own has no certificate and no entry in a log: whoever verifies needs the public key.
"""

from __future__ import annotations

import base64
import binascii
import json
import os

# Bytes. Bundles have some thousand; to read what is as large as a registry takes it costs a minute.
MOST = 4 << 20

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class BundleError(Exception):
    """It is no bundle, or not one that this reads."""


def encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of DSSE."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def make(payload: bytes, signature: bytes, hint: str) -> bytes:
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": envelope,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def contents(path: str) -> bytes:
    """What is in a file that may be a bundle."""
    if os.path.getsize(path) > MOST:
        raise BundleError(f"it has more than {MOST >> 20} MiB")
    with open(path, "rb") as file:
        return file.read()


def read(data: bytes) -> tuple[bytes, list[bytes]]:
    """Payload and signatures. Nothing of it is to be believed before a signature was verified."""
    try:
        envelope = json.loads(data)["dsseEnvelope"]
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise BundleError("its payload is no in-toto statement")
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]]
    except (ValueError, LookupError, TypeError, RecursionError, binascii.Error) as error:
        raise BundleError("it is not a bundle of an in-toto statement") from error
    return payload, signatures


def statement(payload: bytes) -> tuple[str, list[str], object]:
    """Predicate type, the sha256 of each subject, and the predicate of an in-toto statement."""
    try:
        document = json.loads(payload)
        if document["_type"] != "https://in-toto.io/Statement/v1":
            raise BundleError("it is no in-toto statement of version 1")
        digests = [f"sha256:{subject['digest']['sha256']}" for subject in document["subject"]]
        predicate_type = document["predicateType"]
        if not (isinstance(predicate_type, str) and predicate_type.isprintable()):
            raise BundleError("it is not a readable statement")
        return predicate_type, digests, document.get("predicate")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BundleError("it is not a readable statement") from error
