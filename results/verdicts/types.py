"""What is said of a claim, and what it rests on."""

from dataclasses import dataclass
from typing import Literal

from results.paper import Claim, Order
from results.record import World

Outcome = Literal["reproduced", "not reproduced", "not testable here"]
State = Literal["holds", "not decided", "goes the other way", "not measured"]
FEWEST_TRAININGS = 3
"""Of each row: fewer say something of those networks, and nothing of how they were trained."""


@dataclass(frozen=True)
class Verdict:
    """What one body of data says of a claim.

    Attributes:
        claim: The claim.
        outcome: What it comes to.
        sentence: The numbers, and what is missing, in words.
        data: ``real data`` or ``synthetic world``; – where nothing was measured.
        record: The name of the record; None where there is none.
        notes: What the paper's own numbers say of the claim, what it leaves open, and how this
            test differs from the paper's; each complete in itself.
    """

    claim: Claim
    outcome: Outcome
    sentence: str
    data: str
    record: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What a record shows of an order.

    Attributes:
        order: With its rows as the record calls them.
        state: Whether it holds.
        world: What the photos show; None where nothing was measured.
        difference: The row that has to do well minus the other, in the column's own unit.
        interval: Two-sided 95 % interval of it.
        allowed: By how much the row may fall short; None where it has to win.
        seeds: Over how many trainings of both rows the difference is the mean.
        reason: Why it was not measured.
    """

    order: Order
    state: State
    world: World | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    allowed: float | None = None
    seeds: int = 1
    reason: str = ""
