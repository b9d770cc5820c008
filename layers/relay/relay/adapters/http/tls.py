"""The TLS context of every connection that is not to AWS: one for the process, with certifi's authorities."""

import ssl
from functools import cache
from pathlib import Path

import certifi

BY_HASH = "by_hash"
"""Beside certifi's bundle, in the layer: the same certificates by the hashes of their subjects, as OpenSSL looks them up."""


@cache
def verified() -> ssl.SSLContext:
    """Verifies peers. Reading the whole bundle takes as long as a third of a cold start; from the folder, one file is read
    when a peer's certificate names it."""
    bundle = Path(certifi.where())
    folder = bundle.with_name(BY_HASH)
    return ssl.create_default_context(capath=folder) if folder.is_dir() else ssl.create_default_context(cafile=bundle)
