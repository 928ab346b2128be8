"""How models write the four numbers of a box."""

from __future__ import annotations

FORMATS = ("corners", "corner_size", "center_size")
"""The four numbers of a box: two corners; left top corner, width and height; centre, width and height."""

Y_FIRST = (1, 0, 3, 2)
"""The order of TensorFlow's corners: ymin, xmin, ymax, xmax."""

X_FIRST = (0, 1, 2, 3)
