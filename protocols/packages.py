"""Where optional packages lie, without importing them."""

import importlib.util
from pathlib import Path

from protocols.errors import PackageUnavailable


def package_folder(name: str, how: str) -> Path:
    """The folder of an installed package, which is not imported.

    Args:
        name: The package, as Python imports it.
        how: How to get it, for the message.

    Raises:
        PackageUnavailable: It is not installed.
    """
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise PackageUnavailable(name, how)
    return Path(found.origin).parent
