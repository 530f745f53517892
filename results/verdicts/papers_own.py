"""Whether the paper's own printed numbers keep its claims."""

from results.paper import TABLES, Claim, Order, paper_value


def keeps(order: Order) -> bool | None:
    """Whether the printed numbers are in an order; None where one is not transcribed.

    Args:
        order: Of a table of the paper.
    """
    better, worse = (
        None if value is None else value.value
        for value in (
            paper_value(order.table, row, order.column) for row in (order.better, order.worse)
        )
    )
    if better is None or worse is None:
        return None
    ahead = better - worse if TABLES[order.table].higher_is_better else worse - better
    return ahead > 0 if order.tolerance is None else ahead + order.tolerance * abs(worse) >= 0


def papers_own(claim: Claim) -> str:
    """How many of a claim's orders the paper's own table keeps, in a sentence.

    Args:
        claim: The claim.

    Returns:
        Empty for a claim without orders.
    """
    if not claim.orders:
        return ""
    kept = [keeps(order) for order in claim.orders]
    known = [one for one in kept if one is not None]
    if not known:
        return "The paper's own numbers for it are not transcribed here."
    broken = [order for order, one in zip(claim.orders, kept, strict=True) if one is False]
    told = f"The paper's own table keeps {sum(known)} of {len(known)} comparisons"
    if broken:
        told += f", not {', '.join(order.column for order in broken)}"
    gaps = len(kept) - len(known)
    return f"{told}; of {gaps} more a number is not transcribed here." if gaps else f"{told}."
