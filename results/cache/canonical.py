"""One text for equal configurations, to name by its digest what was computed with them."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(config: Mapping[str, Any]) -> str:
    """One text for equal configurations: JSON with sorted keys, the same in every process.

    ``1``, ``1.0`` and ``true`` are three different values; a tuple is a list.

    Raises:
        TypeError: There is something in it that JSON has no plain value for.
        ValueError: A number is not finite.
    """
    return json.dumps(_plain(config), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """The same with dicts and lists alone; JSON would quietly make text of other keys.

    Raises:
        TypeError: There is something else in it.
    """
    if isinstance(value, Mapping):
        wrong = [key for key in value if type(key) is not str]
        if wrong:
            raise TypeError(f"a configuration's keys have to be text, not {wrong[0]!r:.80}")
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is not None and type(value) not in (str, int, float, bool):
        raise TypeError(f"a configuration cannot hold {type(value).__name__} {value!r:.80}")
    return value
