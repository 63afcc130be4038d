"""Signatures as cosign makes and reads them: in-toto statements in DSSE envelopes in Sigstore bundles, with a key."""
