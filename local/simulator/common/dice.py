"""Randomness that can be repeated: one generator per purpose, each from the seed alone."""

from random import Random
from uuid import UUID


class Dice:
    """`of(purpose)` is always the same generator, so that drawing for one purpose never shifts another."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[str, Random] = {}

    def of(self, purpose: str) -> Random:
        """The generator of one purpose."""
        if purpose not in self._generators:
            self._generators[purpose] = Random(f"{self.seed}:{purpose}")
        return self._generators[purpose]

    def once(self, purpose: str) -> Random:
        """A generator for a purpose that comes up once, such as one task's; it is not kept."""
        return Random(f"{self.seed}:{purpose}")

    def uuid(self, purpose: str) -> str:
        """The UUID of a purpose that comes up once."""
        return str(UUID(int=self.once(purpose).getrandbits(128), version=4))
