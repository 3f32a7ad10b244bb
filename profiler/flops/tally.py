"""What ran between two points of a program: FLOPs by kind of arithmetic, what they leave out, and what is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...analysis.words import LEFT_OUT


@dataclass(slots=True)
class Tally:
    """A sum that grows; `flops` is what may be said of it."""

    products: dict[str, int] = field(default_factory=dict)
    """FLOPs by rate: the type computed with, or tf32."""
    elements: int = 0
    """What was computed element by element, one FLOP each."""
    unknown: dict[str, None] = field(default_factory=dict)
    """Why something was not counted, each reason once."""

    def count(self, rate: str, flops: int) -> None:
        """FLOPs of one operation."""
        self.products[rate] = self.products.get(rate, 0) + flops

    def add(self, other: Tally) -> None:
        """What ran in a part ran in the whole."""
        for rate, flops in other.products.items():
            self.count(rate, flops)
        self.elements += other.elements
        self.unknown.update(other.unknown)

    def become(self, other: Tally) -> None:
        """Say what another says, whatever was counted here."""
        self.products, self.elements, self.unknown = dict(other.products), other.elements, dict(other.unknown)

    @property
    def flops(self) -> int | None:
        """The count where it is right within LEFT_OUT, None where it is not; 0: nothing was computed at all."""
        counted = sum(self.products.values())
        return None if self.unknown or self.elements > LEFT_OUT * counted else counted
