"""ECDSA keys on P-256 with SHA-256, as cosign makes them; what is computed, openssl computes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from contextlib import contextmanager

# SubjectPublicKeyInfo of every P-256 key begins with these bytes.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


class KeyProblem(Exception):
    """The key cannot be used; why, in a sentence without the key."""


def _openssl(*arguments: str, data: bytes = b"", files: tuple[int, ...] = ()) -> bytes | None:
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, pass_fds=files, check=False)
    return done.stdout if done.returncode == 0 else None


@contextmanager
def _memory(data: bytes):
    """A file that is on no disk: layers are kept."""
    number = os.memfd_create("pyline")
    try:
        os.write(number, data)
        yield number
    finally:
        os.close(number)


class PrivateKey:
    """A PEM key, or one of `cosign generate-key-pair`; either may be behind a password."""

    def __init__(self, text: bytes, password: bytes):
        self._text = _of_cosign(text, password) if b"SIGSTORE PRIVATE KEY" in text or b"COSIGN PRIVATE KEY" in text else text
        self._password = password
        self.public = self._run("pkey", "-pubout", "-outform", "DER")
        if self.public is None:
            raise KeyProblem("it is not a private key in PEM, or its password is another one")
        if not self.public.startswith(_P256):
            raise KeyProblem("it is not an ECDSA key on the curve P-256")

    def _run(self, command: str, *arguments: str, data: bytes = b"", key: str = "-in") -> bytes | None:
        with _memory(self._text) as text, _memory(self._password) as password:
            # Without one openssl would ask whoever sits there.
            source = f"file:/dev/fd/{password}" if self._password else "pass:"
            secret = (key, f"/dev/fd/{text}", "-passin", source)
            return _openssl(command, *secret, *arguments, data=data, files=(text, password))

    def sign(self, data: bytes) -> bytes:
        signature = self._run("dgst", "-sha256", data=data, key="-sign")
        if signature is None or not verify(self.public, data, signature):
            raise KeyProblem("openssl made no signature with it")
        return signature


def public_key(text: bytes) -> bytes:
    """A public key in PEM as DER."""
    found = _openssl("pkey", "-pubin", "-outform", "DER", data=text)
    if found is None or not found.startswith(_P256):
        raise KeyProblem("it is not a public ECDSA key on the curve P-256 in PEM")
    return found


def hint(public: bytes) -> str:
    """What names a public key in a bundle."""
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


def verify(public: bytes, data: bytes, signature: bytes) -> bool:
    with _memory(public) as key, _memory(signature) as signed:
        arguments = ("-sha256", "-verify", f"/dev/fd/{key}", "-keyform", "DER", "-signature", f"/dev/fd/{signed}")
        return _openssl("dgst", *arguments, data=data, files=(key, signed)) is not None


def _of_cosign(text: bytes, password: bytes) -> bytes:
    """The key in a file of cosign: scrypt and NaCl's secretbox, which openssl does not have."""
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    try:
        box = json.loads(base64.b64decode(_between(text)))
        kdf, cipher = box["kdf"], box["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise KeyProblem("it is encrypted in a way that is not known here")
        cost = {name: int(kdf["params"][name]) for name in ("N", "r", "p")}
        salt, nonce, sealed = (base64.b64decode(each) for each in (kdf["salt"], cipher["nonce"], box["ciphertext"]))
    except (ValueError, LookupError, TypeError) as error:
        raise KeyProblem("it is not a private key of cosign") from error
    key = hashlib.scrypt(password, salt=salt, n=cost["N"], r=cost["r"], p=cost["p"], maxmem=1 << 28, dklen=32)
    try:
        der = SecretBox(key).decrypt(sealed, nonce)
    except CryptoError as error:
        raise KeyProblem("its password is another one") from error
    encoded = base64.encodebytes(der)
    return b"-----BEGIN PRIVATE KEY-----\n" + encoded + b"-----END PRIVATE KEY-----\n"


def _between(text: bytes) -> bytes:
    """What stands between the first and the last line of a PEM file."""
    lines = text.strip().splitlines()
    return b"".join(lines[1:-1])
