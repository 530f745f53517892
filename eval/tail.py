"""The upper end of millions of impostor scores, without sorting all of them.

Where few false accepts are allowed, only the highest impostor scores matter. The k-th highest is
found exactly by counting 16 bits of the floating-point pattern at a time (a radix selection), and
what lies above it is gathered. Both go block by block and hold little beside the scores.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

_BLOCK = 1 << 18
_DIGIT = 16
_DIGITS = 1 << _DIGIT


def check_scores(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], what: str = "pair"
) -> None:
    """Refuse what no threshold can be compared with.

    Args:
        scores: Similarities; −∞ stands for a failure to enrol.
        genuine: Which pairs are of one person.
        what: What a score belongs to, for the message.

    Raises:
        ValueError: A score is NaN or +∞; names the first.
    """
    if not len(scores) or scores.max() < np.inf:  # the maximum of anything with NaN is NaN
        return
    first = int(np.argmin(scores < np.inf))
    raise ValueError(f"{what} {first}: its score is {scores[first]}, expected a number or −∞")


def kth_largest_impostor(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], k: int
) -> np.floating:
    """The k-th largest impostor score, where equal scores count as often as they occur.

    Args:
        scores: Similarities without NaN.
        genuine: Which pairs are of one person.
        k: From 1 to the number of impostor pairs.
    """
    unsigned = np.dtype(f"u{scores.itemsize}")
    patterns = scores.view(unsigned)
    digit = np.arange(_DIGITS)
    # The first digit starts with the sign: patterns of negative numbers grow downwards.
    falling = np.concatenate([digit[_DIGITS // 2 - 1 :: -1], digit[_DIGITS // 2 :]])
    prefix = 0
    for shift in range(8 * scores.itemsize - _DIGIT, -1, -_DIGIT):
        counts = _count_digits(patterns, genuine, shift, prefix)[falling]
        reached = np.cumsum(counts)
        place = int(np.searchsorted(reached, k))
        k -= int(reached[place] - counts[place])
        if shift == 8 * scores.itemsize - _DIGIT:
            negative = falling[place] >= _DIGITS // 2
            prefix, falling = int(falling[place]), digit if negative else digit[::-1]
        else:
            prefix = prefix << _DIGIT | int(falling[place])
    return np.array([prefix], unsigned).view(scores.dtype)[0]


def impostors_above(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], floor: np.floating
) -> tuple[Float[np.ndarray, " above"], int]:
    """The impostor scores above ``floor``, in no order, and how many are equal to it."""
    parts: list[np.ndarray] = [np.empty(0, scores.dtype)]
    equal = 0
    for block, others in _blocks(scores, genuine):
        parts.append(block[(block > floor) & others])
        equal += int(np.count_nonzero((block == floor) & others))
    return np.concatenate(parts), equal


def impostors_from(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], floor: np.floating
) -> np.ndarray:
    """Positions of the impostor pairs with a score of at least ``floor``, and above −∞."""
    parts = [np.empty(0, np.int64)]
    start = 0
    for block, others in _blocks(scores, genuine):
        parts.append(start + np.flatnonzero((block >= floor) & (block > -np.inf) & others))
        start += len(block)
    return np.concatenate(parts)


def failed_impostors(scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"]) -> int:
    """How many impostor pairs have a score of −∞."""
    if not len(scores) or scores.min() > -np.inf:
        return 0
    return sum(
        int(np.count_nonzero((block == -np.inf) & others))
        for block, others in _blocks(scores, genuine)
    )


def _blocks(scores: np.ndarray, genuine: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Scores with a mask of the impostors, a block at a time."""
    for start in range(0, len(scores), _BLOCK):
        yield scores[start : start + _BLOCK], ~genuine[start : start + _BLOCK]


def _count_digits(patterns: np.ndarray, genuine: np.ndarray, shift: int, prefix: int) -> np.ndarray:
    """How often each value of 16 bits occurs among impostors whose higher bits are ``prefix``."""
    first = shift + _DIGIT == 8 * patterns.itemsize
    counts = np.zeros(_DIGITS, np.int64)
    for block, others in _blocks(patterns, genuine):
        if first:
            digits = (block >> shift).astype(np.uint16)
            counts += np.bincount(digits, minlength=_DIGITS)
            counts -= np.bincount(digits[~others], minlength=_DIGITS)
        else:
            inside = block[(block >> (shift + _DIGIT) == prefix) & others]
            counts += np.bincount((inside >> shift).astype(np.uint16), minlength=_DIGITS)
    return counts
