"""The ``synthetic`` driver: a rendered RGB-D camera above a table of moving solids, of which all is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from vision_service.camera.driver import CameraDriver
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.rendering.renderer import Renderer, Truth
from vision_service.rendering.scene import COLORS, Scene, pinhole
from vision_service.resources import Resources
from vision_service.types import Frame


@dataclass(frozen=True)
class SyntheticConfig:
    """Attributes of the driver ``synthetic``. The same ones give the same frames, byte for byte."""

    width_px: int = attribute("Width of the images.", default=640, unit="px", minimum=16, maximum=8192)
    height_px: int = attribute("Height of the images.", default=480, unit="px", minimum=16, maximum=8192)
    frame_rate: float = attribute(
        "Frame rate, and the time step of the scene.",
        default=30.0,
        unit="Hz",
        minimum=0.0,
        above_minimum=True,
        maximum=1000.0,
    )
    seed: int = attribute("Random seed of the scene.", default=0, minimum=0, maximum=2**31 - 1)
    objects: int = attribute(
        "Number of solids on the table, each of another colour.", default=5, minimum=0, maximum=len(COLORS)
    )
    noise: float = attribute(
        "Standard deviation of the noise of the colour images.",
        default=2.0,
        unit="grey levels",
        minimum=0.0,
        maximum=64.0,
    )
    speed: float = attribute(
        "Speed factor of the moving solids: 1 = slow, 0 = still.", default=1.0, minimum=0.0, maximum=20.0
    )


class Synthetic(CameraDriver):
    """Renders a moving scene; needs no hardware.

    Frame n shows the scene as it is at n / frame_rate seconds.

    ``Frame.extra`` holds what is true of the frame: ``truth``, a tuple of :class:`~.rendering.Truth`, and ``ids``, an
    (H, W) uint8 array of the ids of the solids that the pixels show, 0 = none.
    """

    commands: ClassVar[dict[str, str]] = {
        "ground_truth": "What the last frame shows: its number, its time in seconds and its objects, boxes in pixels "
        "and metres in the camera's optical frame."
    }

    Config = SyntheticConfig
    sources = ("color", "depth")
    supports_pcd = True

    def __init__(self, config: SyntheticConfig, resources: Resources) -> None:
        super().__init__(config, resources)
        self.frame_rate = config.frame_rate
        self.intrinsics = pinhole(config.width_px, config.height_px)
        scene = Scene.random(
            config.seed, count=config.objects, distinct=True, variety=0.5, occlusion=0.6, speed=config.speed
        )
        self._renderer = Renderer(scene, self.intrinsics, noise=config.noise)
        self._next = 0
        # Number, time and truth of the last frame: replaced as one, so that commands may read it from any thread.
        self._last: tuple[int, float, tuple[Truth, ...]] | None = None

    def read(self) -> Frame:
        """Return the next frame, without waiting; its stamp is left to the caller."""
        number, time = self._next, self._next / self.frame_rate
        rendering = self._renderer.render(time)
        self._next += 1
        self._last = (number, time, rendering.truth)
        return Frame(
            image=Image(rendering.color),
            depth=rendering.depth,
            intrinsics=self.intrinsics,
            extra={"truth": rendering.truth, "ids": rendering.ids},
        )

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the ground truth of the last frame.

        Raises:
            VisionError: NO_FRAME, if no frame has been read yet.
        """
        last = self._last
        if last is None:
            raise VisionError(ErrorCode.NO_FRAME, "the synthetic camera has given no frame yet: read one first")
        return {"frame": last[0], "time": last[1], "objects": [entry.as_dict() for entry in last[2]]}
