"""Sampling units of pairs, and drawing them with replacement."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64

_BLOCK = 1_000_000
Weights = Int32[np.ndarray, " u"]
"""How often each unit was drawn, and a 1 at the end: see :class:`Draws`."""


@dataclass(frozen=True, eq=False)
class Units:
    """Whose the two sides of each pair are: people, or templates, whatever was sampled.

    ``Units(pairs.left, pairs.right, templates.subjects)`` draws people, and so all pairs of a
    person together.

    Attributes:
        left: ``(p,)`` rows of ``unit``.
        right: ``(p,)`` likewise.
        unit: ``(t,)`` a number for each unit, from 0.
        stratum: ``(t,)`` units are drawn within strata, whose sizes the design fixes; a unit in two
            strata counts as two. One stratum by default.
    """

    left: Int32[np.ndarray, " p"]
    right: Int32[np.ndarray, " p"]
    unit: Int64[np.ndarray, " t"]
    stratum: Int64[np.ndarray, " t"] | None = None

    def __post_init__(self) -> None:
        """Refuse what points nowhere.

        Raises:
            ValueError: A pair points outside the rows, or a unit is negative, that is unknown.
        """
        for side in (self.left, self.right):
            if len(side) and not (side.min() >= 0 and side.max() < len(self.unit)):
                raise ValueError(f"a pair points outside the {len(self.unit)} rows of units")
        if len(self.unit) and self.unit.min() < 0:
            first = int(np.argmax(self.unit < 0))
            raise ValueError(f"row {first}: its unit is {self.unit[first]}, expected 0 or more")

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def of(cls, unit: Int64[np.ndarray, " n"]) -> "Units":
        """One row, one unit: pictures or probes of people."""
        each = np.arange(len(unit), dtype=np.int32)
        return cls(each, each, unit)

    @classmethod
    def each(cls, count: int) -> "Units":
        """Every pair a unit of its own: for lists that do not say who is in them.

        That is the plain bootstrap. Where people (or pictures) stand in several pairs, its
        intervals are too narrow.
        """
        return cls.of(np.arange(count, dtype=np.int64))

    def within(self, stratum: Int32[np.ndarray, " p"]) -> "Units":
        """The same pairs, in strata: the units of each stratum's pairs are drawn among them."""
        count = len(self)
        each = np.arange(2 * count, dtype=np.int32)
        both = np.concatenate([self.unit[self.left], self.unit[self.right]])
        strata = np.concatenate([stratum, stratum]).astype(np.int64)
        return Units(each[:count], each[count:], both, strata)


class Draws:
    """Draws of the units that stand in any pair.

    A pair counts as often as both its sides were drawn: w_a · w_b times for two units, and w_a
    times if both sides are the same one. That is the vertex bootstrap (Snijders and Borgatti,
    "Non-parametric standard errors and tests for network statistics", 1999). They also fill in
    pairs between two copies of one vertex; here these would be neither genuine nor impostor pairs
    of the protocol, and there are none, as in Fogliato, Patil and Perona, "Confidence intervals for
    error rates in 1:1 matching tasks" (IJCV 2024, arXiv:2306.01198), who compare ways of resampling
    people.

    Args:
        units: Whose the pairs are.

    Attributes:
        count: How many units there are.
        fewest: How many there are in the smallest stratum; with one, its draws are all the same.
    """

    def __init__(self, units: Units) -> None:
        self.units = units
        rows = np.zeros(len(units.unit), bool)
        for start in range(0, len(units), _BLOCK):
            rows[units.left[start : start + _BLOCK]] = True
            rows[units.right[start : start + _BLOCK]] = True
        used, number = np.unique(units.unit[rows], return_inverse=True)
        stratum = np.zeros(len(number), np.int64)
        if units.stratum is not None:
            kept, stratum = np.unique(units.stratum[rows], return_inverse=True)
            pairs, number = np.unique(stratum * len(used) + number, return_inverse=True)
            self._sizes = np.bincount(pairs // len(used), minlength=len(kept))
        else:
            self._sizes = np.array([len(used)])
        self.count = int(self._sizes.sum())
        self.fewest = min(self._sizes.tolist(), default=0)
        self._number = np.full(len(units.unit), -1, np.int32)
        self._number[rows] = number

    def weights(self, rng: np.random.Generator) -> Weights:
        """How often each unit is drawn, as many draws in each stratum as it has units."""
        drawn = [np.bincount(rng.integers(0, n, n), minlength=n) for n in self._sizes]
        return np.concatenate([*drawn, [1]]).astype(np.int32)

    def each_stratum(self, chosen: Bool[np.ndarray, " u"]) -> bool:
        """Whether there is a chosen unit in each stratum; laid out as the weights are."""
        stratum = np.repeat(np.arange(len(self._sizes)), self._sizes)
        return bool(np.bincount(stratum[chosen[:-1]], minlength=len(self._sizes)).all())

    def sides(
        self, pairs: slice | np.ndarray
    ) -> tuple[Int32[np.ndarray, " q"], Int32[np.ndarray, " q"]]:
        """Positions in the weights whose product is a pair's weight."""
        left = self._number[self.units.left[pairs]]
        right = self._number[self.units.right[pairs]]
        return left, np.where(left == right, np.int32(self.count), right)


class Totals:
    """The weight of all impostor pairs under any draw, without going through the pairs again."""

    def __init__(self, draws: Draws, genuine: Bool[np.ndarray, " p"]) -> None:
        from scipy.sparse import coo_array, csr_array

        shape = (draws.count + 1, draws.count + 1)
        self._counts = csr_array(shape)
        for start in range(0, len(genuine), _BLOCK):
            pairs = start + np.flatnonzero(~genuine[start : start + _BLOCK])
            sides = np.sort(np.stack(draws.sides(pairs)), axis=0)
            ones = np.ones(sides.shape[1])
            self._counts = self._counts + coo_array((ones, tuple(sides)), shape=shape).tocsr()

    def impostors(self, weights: Weights) -> int:
        """Σ of the impostor pairs' weights; exact below 2⁵³."""
        wide = weights.astype(np.float64)
        return int(wide @ (self._counts @ wide))
