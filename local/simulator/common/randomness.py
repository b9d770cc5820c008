"""Repeatable randomness: one generator for each purpose, made from the seed alone."""

from random import Random
from uuid import UUID


class Randomness:
    """Generators by purpose. Drawing for one purpose never changes what another purpose draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[str, Random] = {}

    def generator(self, purpose: str) -> Random:
        """The generator for a purpose: the same object each time."""
        if purpose not in self._generators:
            self._generators[purpose] = Random(f"{self.seed}:{purpose}")
        return self._generators[purpose]

    def single_use(self, purpose: str) -> Random:
        """A new generator for a purpose that occurs once, such as that of one task. It is not kept."""
        return Random(f"{self.seed}:{purpose}")

    def uuid(self, purpose: str) -> str:
        """The UUID for a purpose that occurs once."""
        return str(UUID(int=self.single_use(purpose).getrandbits(128), version=4))
