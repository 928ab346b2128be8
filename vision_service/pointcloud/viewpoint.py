"""Where the sensor was that measured the points of a PCD file."""

from __future__ import annotations

_MOST = 1 << 16  # bytes that a header may have


def viewpoints_of(data: bytes) -> tuple[tuple[float, float, float], ...]:
    """Return the place that the line VIEWPOINT of a PCD file's header tells, in the frame of its points.

    How the sensor was turned is not needed: it saw the points.

    Args:
        data: The file, or as much of its beginning as there is.

    Returns:
        x, y and z, metres; empty if the header does not tell it.
    """
    for line in data[:_MOST].splitlines():
        key, *words = line.decode("ascii", "replace").split() or [""]
        if key == "DATA":
            break
        if key == "VIEWPOINT" and len(words) >= 3:
            try:
                x, y, z = map(float, words[:3])
            except ValueError:
                break
            return ((x, y, z),)
    return ()
