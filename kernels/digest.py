"""The hash of cache keys and checksums: BLAKE2b, 32 bytes.

Taken from the module below hashlib where there is one: hashlib loads OpenSSL, 4 ms of a warm start.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b


def digest(data: bytes) -> bytes:
    """32 bytes that nobody finds other data for."""
    return blake2b(data, digest_size=32).digest()


def read(file: str) -> bytes:
    """All of a file: sources, whose digest is part of a key."""
    with open(file, "rb", buffering=0) as f:
        return f.read()
