"""
Signatures without a key of one's own, as Sigstore makes them: a CI host vouches for who signs, Fulcio gives a certificate for
minutes, Rekor keeps the signature in a public log, and a timestamp says when. All of it is in the bundle.

`python -m signing.keyless sign [--identity-file F | --identity-url-file F --identity-token-file F] --output FILE STATEMENT…`
signs in-toto statements; `NAME.sigstore.json` beside FILE.
`python -m signing.keyless verify --identity PATTERN --issuer URL --digest D --output FILE BUNDLE…` says which bundles count.
`--sigstore FILE` is the client trust configuration of another Sigstore than the public one.

It exits 0 and writes what came of it: `{"schema": 1, "ok": true, …}` or `{"schema": 1, "ok": false, "kind": …, "message": …}`.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
import traceback

# Sites with an authority of their own put it there. These libraries bring lists of their own else.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
if os.path.exists(AUTHORITIES):
    os.environ.setdefault("REQUESTS_CA_BUNDLE", AUTHORITIES)
    os.environ.setdefault("SSL_CERT_FILE", AUTHORITIES)

# A proxy is for other machines than this one.
_here = ["localhost", "127.0.0.1", "::1"]
os.environ["no_proxy"] = ",".join([*filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY")]), *_here])

import requests
from cryptography import x509
from cryptography.hazmat import asn1
from registry.identity import IdentityError, issued
from registry.shown import hide, shown
from sigstore.dsse import Statement
from sigstore.errors import Error as SigstoreError
from sigstore.errors import TUFError, VerificationError
from sigstore.models import Bundle, ClientTrustConfig, InvalidBundle
from sigstore.oidc import ExpiredIdentity, IdentityToken
from sigstore.oidc import IdentityError as TokenError
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import OIDCIssuer

from signing import bundle as envelope
from signing.pattern import fits

AUDIENCE = "sigstore"
# Seconds between attempts, and for one of them: a log answers when the entry is in it, which takes some.
PAUSES = (2, 8)
PATIENCE = 120
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
_USERNAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")


class KeylessError(Exception):
    """`kind`: identity (the one that was given is not taken), trust (the configuration is none) or unreachable."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def sign(args):
    signed, who = _patiently(lambda: _sign(args), args)
    return {"identity": who[0], "issuer": who[1], "signed": signed}


def _sign(args):
    # The shorter it lives, the better: it is asked for when everything else is there.
    token = IdentityToken(_identity(args))
    trust = _trust(args)
    try:
        with SigningContext.from_trust_config(trust).signer(token) as signer:
            made = {path: signer.sign_dsse(Statement(_read(path))) for path in args.files}
    except InvalidBundle as error:
        # The library goes on without a timestamp that it could not get, and is then without one.
        hosts = [_netloc(each.url) for each in trust.signing_config.get_tsas()]
        raise KeylessError("unreachable", f"{' '.join(hosts) or 'Sigstore'} gives no timestamp") from error
    verifier = Verifier(trusted_root=trust.trusted_root)
    signed = []
    for path, each in made.items():
        # What others will say of it is known now, or never.
        verifier.verify_dsse(each, Anyone())
        name = f"{os.path.splitext(os.path.basename(path))[0]}.sigstore.json"
        with open(os.path.join(os.path.dirname(args.output), name), "w", encoding="utf-8") as file:
            file.write(each.to_json())
        signed.append(name)
    return signed, _who(each.signing_certificate)


def verify(args):
    verifier = Verifier(trusted_root=_patiently(lambda: _trust(args), args).trusted_root)
    policy = Signer(args.identity, args.issuer)
    good, bad = [], []
    for path in args.files:
        name = os.path.basename(path)
        try:
            each = Bundle.from_json(envelope.contents(path))
            kind, payload = verifier.verify_dsse(each, policy)
            if kind != envelope.PAYLOAD_TYPE:
                raise envelope.BundleError("its payload is no in-toto statement")
            predicate_type, digests, predicate = envelope.statement(payload)
            if args.digest not in digests:
                raise envelope.BundleError("it speaks of another image")
        except InvalidBundle:
            bad.append({"file": name, "why": "it was not signed by an identity"})
        except (VerificationError, envelope.BundleError) as error:
            bad.append({"file": name, "why": _sentence(error)})
        # Whoever may push can attach anything: what a library does not expect must not stand in the way of a good one.
        except BaseException as error:
            # Libraries in Rust panic with something that is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            bad.append({"file": name, "why": f"it cannot be read ({type(error).__name__})"})
        else:
            who = _who(each.signing_certificate, policy.meant)
            found = {"identity": who[0], "issuer": who[1], "predicateType": predicate_type, "predicate": predicate}
            good.append({"file": name, **found})
    return {"good": good, "bad": bad}


class Anyone:
    """Whoever it was: the certificate was made for us a moment ago, and who that is is said."""

    def verify(self, certificate):
        pass


class Signer:
    """Who has to have signed: an identity, in which `*` stands for any characters, and who vouches for it."""

    def __init__(self, identity, issuer):
        self._identity = identity
        self._issuer = OIDCIssuer(issuer)

    def meant(self, name):
        return fits(self._identity, name)

    def verify(self, certificate):
        names = _names(certificate)
        if not any(self.meant(name) for name in names):
            raise VerificationError(f"it was signed by {' '.join(names) or 'nobody that is named'}")
        try:
            self._issuer.verify(certificate)
        except VerificationError as error:
            raise VerificationError(f"{_who(certificate)[1]} vouches for who signed it") from error


def _who(certificate, meant=lambda name: True):
    """The identity, of several the one that is meant, and who vouches for it; for people."""
    try:
        issuer = certificate.extensions.get_extension_for_oid(OIDCIssuer.oid).value.value.decode(errors="replace")
    except x509.ExtensionNotFound:
        issuer = "nobody that is named"
    name = next(filter(meant, _names(certificate)), "nobody that is named")
    return shown(name, most=2000), shown(issuer)


def _names(certificate):
    """All that the certificate says of who it is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    others = [each.value for each in found.get_values_for_type(x509.OtherName) if each.type_id == _USERNAME]
    return [
        *found.get_values_for_type(x509.UniformResourceIdentifier),
        *found.get_values_for_type(x509.RFC822Name),
        *(asn1.decode_der(str, value) for value in others),
    ]


def _identity(args):
    if args.identity_file:
        identity = _text(args.identity_file)
    else:
        identity = issued(AUDIENCE, _text(args.identity_url_file), _text(args.identity_token_file), _log)
    hide(identity, *identity.split("."))
    if not _TOKEN.fullmatch(identity):
        raise KeylessError("identity", "it is no token of OpenID Connect")
    return identity


def _trust(args):
    if args.sigstore is None:
        return ClientTrustConfig.production()
    try:
        trust = ClientTrustConfig.from_json(_read(args.sigstore))
        # Both are read when they are asked for.
        trust.trusted_root, trust.signing_config
        return trust
    except Exception as error:
        raise KeylessError("trust", f"it is no client trust configuration: {_sentence(error)}") from error


def _patiently(work, args):
    for attempt, pause in enumerate((*PAUSES, None), 1):
        try:
            return _in_time(work)
        except Exception as error:
            trouble = _trouble(error)
            if trouble is None:
                raise
            if trouble.kind != "unreachable" or pause is None:
                raise trouble from error
            _log(f"{trouble}: trying again in {pause} s")
        time.sleep(pause)


def _in_time(work):
    def over(*_):
        raise TimeoutError(f"no answer within {PATIENCE} s")

    # The library waits for some answers without end.
    signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE)
    try:
        return work()
    finally:
        signal.alarm(0)


def _trouble(error):
    """What an exception of the library, or of what it uses, is to whoever signs; None for one of our own making."""
    if isinstance(error, KeylessError):
        return error
    if isinstance(error, IdentityError):
        return KeylessError("unreachable" if error.passing else "identity", str(error))
    if isinstance(error, ExpiredIdentity):
        return KeylessError("identity", "it is not valid any more")
    if isinstance(error, TokenError):
        return KeylessError("identity", f"{_sentence(error)} (it has to be made for the audience {AUDIENCE})")
    for cause in _causes(error):
        if isinstance(cause, requests.HTTPError) and cause.response is not None:
            return _refused(cause.response)
        if isinstance(cause, requests.exceptions.JSONDecodeError):
            return KeylessError("unreachable", "what answers in place of Sigstore is no JSON")
        if isinstance(cause, (requests.RequestException, OSError)):
            return KeylessError("unreachable", f"{_host(error)} cannot be reached: {_innermost(cause)}")
    if isinstance(error, TUFError):
        return KeylessError("unreachable", f"{_sentence(error)}: {_innermost(error)}")
    if isinstance(error, SigstoreError) or _within_library(error):
        return KeylessError("trust", f"what Sigstore answered does not fit its configuration: {_sentence(error)}")
    return None


def _within_library(error):
    """Whether it is of the library, or of what the library did with an answer that it did not expect."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(name.partition(".")[0] == "sigstore" for name in (type(error).__module__, *(frame.f_globals.get("__name__", "") for frame, _ in frames)))


def _refused(response):
    host = _netloc(response.url)
    try:
        said = str(response.json()["message"])
    except (ValueError, LookupError, TypeError):
        said = response.reason
    said = shown(said)
    # 4xx is what a certificate authority says to an identity that it does not know; nothing else is asked with it.
    if response.status_code in (400, 401, 403) and "signingCert" in response.url:
        return KeylessError("identity", f"{host} does not take it: {response.status_code} {said}")
    return KeylessError("unreachable", f"{host} answers {response.status_code} {said}")


def _causes(error):
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__ or next((each for each in error.args if isinstance(each, BaseException)), None)


def _host(error):
    for cause in _causes(error):
        url = getattr(getattr(cause, "request", None), "url", None)
        # Of urllib3, which says it in two ways.
        host = getattr(getattr(cause, "pool", None) or getattr(cause, "conn", None), "host", None)
        if url or host:
            return _netloc(url) if url else host
    return "Sigstore"


def _netloc(url):
    return requests.utils.urlparse(url).netloc.rpartition("@")[2]


def _innermost(error):
    last = error
    for each in _causes(error):
        last = each
    return _sentence(last)


def _sentence(error):
    """An exception in one line of bounded length."""
    return shown(error, most=600).rstrip(".") or type(error).__name__


def _log(line):
    print(line, flush=True)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _text(path):
    """What is in a secret."""
    text = _read(path).decode(errors="replace").strip()
    hide(text)
    return text


def parser():
    made = argparse.ArgumentParser(prog="signing.keyless", description=__doc__)
    commands = made.add_subparsers(required=True)
    signs = commands.add_parser("sign")
    signs.set_defaults(work=sign)
    signs.add_argument("--identity-file", help="a token that the CI host issued for the audience sigstore")
    signs.add_argument("--identity-url-file", help="where the CI host issues such tokens")
    signs.add_argument("--identity-token-file", help="with which it does")
    verifies = commands.add_parser("verify")
    verifies.set_defaults(work=verify)
    for name in ("identity", "issuer", "digest"):
        verifies.add_argument("--" + name, required=True)
    for command in (signs, verifies):
        command.add_argument("--sigstore")
        command.add_argument("--output", required=True)
        command.add_argument("files", nargs="+")
    return made


def main(arguments):
    args = parser().parse_args(arguments)
    try:
        result = {"schema": 1, "ok": True, **args.work(args)}
    except KeylessError as error:
        result = {"schema": 1, "ok": False, "kind": error.kind, "message": str(error)}
        print(error, file=sys.stderr)
    except Exception:
        for line in traceback.format_exc().splitlines():
            print(shown(line), file=sys.stderr)
        return 1
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
