"""The textures of a room's surfaces."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.rendering.scene import Surface

TILE = 1024
"""The edge of a texture's square tile, pixels."""


def texture(surface: Surface, seed: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the surface's texture: a square tile of values around 0, mostly from -1 to 1, that repeats seamlessly."""
    return TEXTURES[surface.texture](np.random.default_rng(seed))


def _cloud(rng: np.random.Generator, columns: int, rows: int) -> NDArray[np.float32]:
    """Return smooth noise with so many bumps across and down a tile."""
    grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    grid = np.pad(grid, 2, mode="wrap")
    scale_x, scale_y = TILE // columns, TILE // rows
    large = cv2.resize(grid, None, fx=scale_x, fy=scale_y, interpolation=cv2.INTER_CUBIC)
    return large[2 * scale_y :, 2 * scale_x :][:TILE, :TILE]  # type: ignore[return-value]


def _plain(rng: np.random.Generator) -> NDArray[np.float32]:
    return _cloud(rng, 4, 4)


def _stone(rng: np.random.Generator) -> NDArray[np.float32]:
    return 0.4 * _cloud(rng, 8, 8) + 0.3 * _cloud(rng, 64, 64) + 0.5 * _cloud(rng, 512, 512)  # type: ignore[no-any-return]


def _checks(rng: np.random.Generator) -> NDArray[np.float32]:
    cells = np.arange(TILE) // (TILE // 16) % 2
    pattern = (cells[:, None] + cells) - 1.0
    return (0.8 * pattern + 0.3 * _cloud(rng, 512, 512)).astype(np.float32)  # type: ignore[no-any-return]


def _wood(rng: np.random.Generator) -> NDArray[np.float32]:
    planks = 8
    height = TILE // planks
    grain = 0.35 * _cloud(rng, 4, 128) + 0.35 * _cloud(rng, 4, 32) + 0.15 * _cloud(rng, 32, 512)
    for plank in range(planks):
        # Each plank is another piece of wood: with a joint somewhere, and a tone of its own on either side.
        rows = grain[plank * height : (plank + 1) * height]
        joint = int(rng.integers(TILE // 3, TILE * 2 // 3))
        rows[:, :joint] += rng.uniform(-0.5, 0.5)
        rows[:, joint:] += rng.uniform(-0.5, 0.5)
        for seam in (rows[:3], rows[:, :3], rows[:, joint : joint + 3]):
            seam -= 1.0
        rows[:] = np.roll(rows, int(rng.integers(TILE)), axis=1)
    return grain


TEXTURES: dict[str, Callable[[np.random.Generator], NDArray[np.float32]]] = {
    "plain": _plain,
    "stone": _stone,
    "checks": _checks,
    "wood": _wood,
}
"""How surfaces are patterned."""
