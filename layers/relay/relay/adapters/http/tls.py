"""The TLS context of all connections except those to AWS: one per process, with certifi's authorities."""

import ssl
from functools import cache
from pathlib import Path

import certifi

BY_HASH = "by_hash"
"""A folder beside certifi's bundle in the layer: the same certificates, named by the subject hashes that OpenSSL looks up."""


@cache
def verified() -> ssl.SSLContext:
    """A context that verifies peers. Reading the whole bundle takes a third of a cold start. From the folder OpenSSL reads only
    the file that a peer's certificate needs."""
    bundle = Path(certifi.where())
    folder = bundle.with_name(BY_HASH)
    return ssl.create_default_context(capath=folder) if folder.is_dir() else ssl.create_default_context(cafile=bundle)
