"""Comparisons of templates: NIST's lists of them, and pairs that a list has twice."""

from pathlib import Path

import numpy as np
from jaxtyping import Int32, Int64

from protocols.columns import read_whole_numbers
from protocols.errors import BadInput
from protocols.rows import BLOCK, count_repeats, pair_keys
from protocols.types import Pairs, Templates


def read_comparisons(path: Path, templates: Templates, what: str, how: str) -> Pairs:
    """Read ``t1,t2`` lines without a header; a pair is genuine when both have one subject.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, or names an unknown template or one template twice; names
            the line.
    """
    left, right = read_whole_numbers(path, 2, what, how, comma=True)
    for side in (left, right):
        find_templates(path, side, templates.ids, "a template of the lists of faces")
    same = np.flatnonzero(left == right)
    if len(same):
        raise BadInput(path, f"line {same[0] + 1}", "two different templates", "the same one twice")
    genuine = np.empty(len(left), bool)
    for start in range(0, len(left), BLOCK):  # an index is widened: never all at once
        part = slice(start, start + BLOCK)
        genuine[part] = templates.subjects[left[part]] == templates.subjects[right[part]]
    return Pairs(left, right, genuine)


def find_templates(
    path: Path, side: Int32[np.ndarray, " p"], ids: Int64[np.ndarray, " t"], expected: str
) -> None:
    """Put the positions of templates in the place of their numbers, some at a time.

    Args:
        path: The list of pairs, a pair a line.
        side: ``(p,)`` one template of each pair, by its number; changed in place.
        ids: ``(t,)`` the known numbers, ascending.
        expected: What a number has to be, for messages.

    Raises:
        BadInput: A number is unknown; names the line.
    """
    import pandas as pd

    index = pd.Index(ids)
    for start in range(0, len(side), BLOCK):
        part = side[start : start + BLOCK]
        found = index.get_indexer(part)
        unknown = np.flatnonzero(found < 0)
        if len(unknown):
            row = int(unknown[0])
            raise BadInput(path, f"line {start + row + 1}", expected, str(part[row]))
        part[:] = found


def check_repeats(path: Path, pairs: Pairs, templates: int, *, official: bool) -> str:
    """What to say of pairs that stand in a list again, in either order.

    In a list of the official length they stay, because published results count them twice as well.
    In a user's own they are a mistake, and so they are wherever the answers differ.

    Args:
        path: The list, a pair a line.
        pairs: What it holds.
        templates: How many templates there are.
        official: Whether the list has the official length.

    Returns:
        Words for the rule; empty if every pair stands there once.

    Raises:
        BadInput: A pair stands there again, and may not.
    """
    repeats = count_repeats(pair_keys(pairs.left, pairs.right, templates))
    if not repeats:
        return ""
    keys = pair_keys(pairs.left, pairs.right, templates).astype(np.int64)
    order = np.argsort(keys, kind="stable")
    one, other = order[:-1], order[1:]
    again = keys[one] == keys[other]
    differ = again & (pairs.genuine[one] != pairs.genuine[other])
    if official and not differ.any():
        return f", {repeats:,} pairs listed again"
    which = differ if differ.any() else again
    row = int(other[which].min())
    earlier = int((keys == keys[row]).argmax())
    found = f"that of line {earlier + 1} again" + (", with another answer" if differ.any() else "")
    raise BadInput(path, f"line {row + 1}", "each pair once, in either order", found)
