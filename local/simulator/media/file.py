"""A media file as a list of repeating parts. It can have any size, because it is never held in memory as a whole."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

BLOCK = 65_536


@dataclass(frozen=True)
class Part:
    """`length` bytes: `unit` repeated, and cut at the end."""

    unit: bytes
    length: int

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop) of this part in pieces of at most one unit."""
        while start < stop:
            offset = start % len(self.unit)
            piece = self.unit[offset : offset + stop - start]
            yield piece
            start += len(piece)


@dataclass(frozen=True)
class MediaFile:
    """A deterministic file of a known media type."""

    media_type: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """The size in bytes."""
        return sum(part.length for part in self.parts)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes [start, stop) in pieces of at most about 64 KiB."""
        stop = self.size if stop is None else stop
        for part in self.parts:
            yield from part.read(max(start, 0), min(stop, part.length))
            start, stop = start - part.length, stop - part.length

    def sha256(self) -> str:
        """The SHA-256 of the whole file in hex, computed piece by piece."""
        digest = hashlib.sha256()
        for piece in self.read():
            digest.update(piece)
        return digest.hexdigest()


def whole(content: bytes) -> Part:
    """A part that does not repeat."""
    return Part(content, len(content))


@lru_cache(maxsize=64)
def noise(seed: str) -> bytes:
    """One block of random bytes. The same seed gives the same block."""
    return Random(seed).randbytes(BLOCK)


def padding(total: int, largest: int, smallest: int, wrap: Callable[[int], bytes]) -> tuple[Part, ...]:
    """Parts with `total` bytes in all. Each piece is wrap(size), smallest <= size <= largest. Empty if total < smallest."""
    if total < smallest:
        return ()
    count, rest = divmod(total, largest)
    ends = [rest] if rest else []
    if 0 < rest < smallest:
        count, ends = count - 1, [largest - smallest, rest + smallest]
    pieces = [Part(wrap(largest), largest * count)] if count else []
    return (*pieces, *(whole(wrap(size)) for size in ends))
