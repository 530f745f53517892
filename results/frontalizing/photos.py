"""The photos of a folder, and what the files that come of them are called."""

import re
from collections import Counter
from pathlib import Path

from protocols.errors import BadInput

_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def find_photos(path: Path, leave_out: Path | None = None) -> list[Path]:
    """A photo, or the photos of a folder and its subfolders, in order.

    Hidden files are no photos: the archives of some systems are full of them.

    Args:
        path: A photo or a folder.
        leave_out: A folder whose pictures do not count: what an earlier run wrote.

    Raises:
        BadInput: There is none.
    """
    if path.is_dir():
        ours = leave_out.resolve() if leave_out else None
        found = sorted(
            one
            for one in path.rglob("*")
            if one.suffix.lower() in _PICTURES
            and not one.name.startswith(".")
            and one.is_file()
            and not (ours and one.resolve().is_relative_to(ours))
        )
        if not found:
            raise BadInput(path, "", f"pictures ({', '.join(_PICTURES)})", "none")
        return found
    if not path.is_file():
        raise BadInput(path, "", "a photo or a folder of photos", "no such file")
    return [path]


def stems(photos: list[Path]) -> list[str]:
    """Each photo's path without its suffix, but with it where another's would be the same."""
    bare = Counter(one.with_suffix("") for one in photos)
    names = [str(one.with_suffix("") if bare[one.with_suffix("")] == 1 else one) for one in photos]
    # A photo that is itself called like the second face of another keeps its suffix, too.
    faces = re.compile(r"-face\d+$")
    return [
        str(photo) if faces.search(name) else name
        for photo, name in zip(photos, names, strict=True)
    ]
