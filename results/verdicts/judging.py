"""From records to verdicts: one a claim and body of data."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from results.paper import CLAIMS, SECONDS_PER_IMAGE, Claim
from results.record import RunRecord, World
from results.verdicts.evidence import evidence
from results.verdicts.orders import ABLATIONS, RESTORED, orders_of, stands_for
from results.verdicts.papers_own import papers_own
from results.verdicts.types import FEWEST_TRAININGS, Evidence, Outcome, Verdict
from results.verdicts.words import sentence

DATA: dict[World, str] = {"real": "real data", "synthetic": "synthetic world"}
NOTHING = "–"


def judge(records: Sequence[RunRecord], names: Sequence[str] = ()) -> list[Verdict]:
    """What the records say of each claim of the paper.

    A claim is reproduced where every order of it holds over three trainings or more: the paired
    95 % interval lies above 0, or within what the order tolerates. It is not reproduced where all
    were measured over as many and one does not hold, or where one goes the other way, however few
    the trainings. Else it is not testable here.

    Args:
        records: Of any tables.
        names: What to call them; their tables by default.

    Returns:
        In the order of the claims, one for each record that is about the claim and each world that
        it was measured on; one that says what is missing where there is no such record.

    Raises:
        ValueError: There are names, but not as many as records.
    """
    named = list(zip(names or [one.table for one in records], records, strict=True))
    verdicts = []
    for claim in CLAIMS:
        found = [one for name, record in named for one in _of_record(claim, name, record)]
        verdicts += found or [_without_record(claim)]
    return verdicts


def _of_record(claim: Claim, name: str, record: RunRecord) -> Iterator[Verdict]:
    orders = orders_of(claim, record)
    if not orders:
        return
    shown = [evidence(order, record) for order in orders]
    notes = _said(papers_own(claim), claim.note, stands_for(claim, record))
    worlds: list[World | None] = [one.world for one in shown if one.world is not None]
    for world in dict.fromkeys(worlds or [None]):
        own = [one if one.world in (None, world) else _elsewhere(one) for one in shown]
        data = NOTHING if world is None else DATA[world]
        yield Verdict(claim, outcome(own), sentence(own), data, name, notes)


def _said(*notes: str) -> tuple[str, ...]:
    return tuple(filter(None, notes))


def _elsewhere(one: Evidence) -> Evidence:
    """The same, to those who look at another world."""
    there = NOTHING if one.world is None else DATA[one.world]
    return replace(one, state="not measured", reason=one.reason or f"only on {there}")


def outcome(shown: Sequence[Evidence]) -> Outcome:
    """What the orders of a claim come to.

    Args:
        shown: What a record shows of each of them, on one body of data.
    """
    states = {one.state for one in shown}
    if "goes the other way" in states:
        return "not reproduced"
    if "not measured" in states or min(one.seeds for one in shown) < FEWEST_TRAININGS:
        return "not testable here"
    return "reproduced" if states == {"holds"} else "not reproduced"


def _without_record(claim: Claim) -> Verdict:
    tables = dict.fromkeys(order.table for order in claim.orders)
    if claim.name == "speed":
        told = (
            f"The paper's {SECONDS_PER_IMAGE.value:g} s were measured on a GPU that it does not "
            "name, so that no time of another machine is evidence for or against them; what an "
            "image takes here is measured by python scripts/bench.py restore."
        )
    else:
        needed = tables or (RESTORED if claim.name in ABLATIONS else ())
        told = f"Nothing was measured: there is no record of {' or '.join(needed)}."
    notes = _said(papers_own(claim), claim.note)
    return Verdict(claim, "not testable here", told, NOTHING, None, notes)
