"""The camera node: a driver's frames as topics, and on request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sensor_msgs.msg import CameraInfo
from sensor_msgs.srv import SetCameraInfo
from std_msgs.msg import Header

from vision_service.camera import DRIVERS
from vision_service.camera.calibration import Calibration, ExtrinsicsConfig
from vision_service.camera.calibration_file import write_camera_info
from vision_service.camera.contents import (
    mime_types_of,
)
from vision_service.camera.driver import CameraDriver
from vision_service.camera.geometries import Box, BoxConfig, make_box
from vision_service.camera.transform import Transform
from vision_service.concurrency import Worker
from vision_service.errors import ErrorCode, VisionError, reason, shortened
from vision_service.frames import Demand, FrameSlot
from vision_service.ros import conversion
from vision_service.ros.camera.answers import CameraAnswers
from vision_service.ros.camera.capture import Capture, with_names
from vision_service.ros.camera.outputs import TOPICS, CameraOutput
from vision_service.ros.execution.calls import Call, too_late
from vision_service.ros.json_fields import json_object
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.node.services import SERVICE_QOS
from vision_service.ros.parameters.candidates import Candidate
from vision_service.ros.parameters.of_drivers import DriverParameters
from vision_service.ros.resources.by_name import NodeResources
from vision_service.ros.resources.feeds import Feed
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.static_transforms import StaticTransforms, available, transform_message
from vision_service.settings.camera import CameraConfiguration
from vision_service.srv import GetCameraProperties, GetGeometries
from vision_service.types import CameraIntrinsics, Frame


class CameraNode(ServiceNode):
    """Reads a camera and shares what it sees: by topics, on request, and by reference within the process."""

    Configuration = CameraConfiguration
    settings: CameraConfiguration

    def __init__(self, name: str, *, local_nodes: LocalNodes | None = None, **arguments: Any) -> None:
        """Make the node.

        Args:
            name: The camera's.
            local_nodes: The other nodes of its process, which take the camera's frames by reference.
            **arguments: Further ones of rclpy's Node.
        """
        super().__init__(name, **arguments)
        self._driver: CameraDriver | None = None
        self._candidate: Any = None
        self._driver_parameters = DriverParameters(self.parameters)
        self._calibration: Calibration | None = None
        self._static_transforms: StaticTransforms | None = None
        self._extrinsics: ExtrinsicsConfig | None = None
        self._seen_frame_id = ""
        self._capture: Capture | None = None
        self._outputs: dict[str, CameraOutput] = {}
        self._active = False
        self._feed = Feed(FrameSlot(), Demand(self._follow_demand), self._silence, self._holds)
        self._shared: dict[str, Frame] = {}  # the newest frame that was published on each topic that is subscribed to
        self._feed.slot.listen(self._share, failing=self._sharing_failed)
        local_nodes = local_nodes or LocalNodes()
        self._resources = NodeResources(self, local_nodes)
        self._local = local_nodes.feeds
        self._topic = self.resolve_topic_name("~/image_raw")
        self._local.add(self._topic, self._feed)
        local_nodes.cameras[self.get_fully_qualified_name()] = self
        self._commands = Worker(f"{name}/commands")  # a driver's command may even hang
        self._answers = CameraAnswers(self, self._feed)
        self.offer(GetCameraProperties, "get_properties", self._get_properties, always=True)
        self.offer(GetGeometries, "get_geometries", self._get_geometries)
        self.create_service(
            SetCameraInfo,
            "~/set_camera_info",
            self._set_camera_info,
            qos_profile=SERVICE_QOS,
            callback_group=self.group,
        )

    @property
    def driver(self) -> CameraDriver | None:
        """What reads the camera; None while the node is not configured."""
        return self._driver

    @property
    def intrinsics(self) -> CameraIntrinsics | None:
        """Of the camera's images: given to the node, else as the driver knows them; None = not calibrated."""
        driver = self._driver
        known = driver.intrinsics if driver is not None else None
        return known if self._calibration is None else self._calibration.of(known)

    @property
    def uses(self) -> frozenset[str]:
        """The full names of the nodes that the driver names."""
        return self._resources.uses

    # Lifecycle.

    def preparation(self) -> Candidate:
        """Return the driver and the calibration, which are opened and read beside the node."""
        driver_class = DRIVERS.get(self.settings.driver)
        self._driver_parameters.declare(self.settings.driver, driver_class)
        config = self._driver_parameters.config()
        read_calibration = self._driver_parameters.calibration(self.get_name())

        def make() -> tuple[CameraDriver, Calibration, NodeResources]:
            resources = self._resources.beside()
            try:
                calibration = read_calibration()
                return driver_class(config, resources), calibration, resources
            except BaseException:
                self._resources.uses = resources.uses  # while it waits for others, it is known that it needs them
                self._resources.leave(resources)
                raise

        def drop(made: tuple[CameraDriver, Calibration, NodeResources]) -> None:
            self._resources.leave(made[2])
            made[0].close()

        values = self.settings.driver, config, read_calibration.args
        return Candidate(what=f"the driver {self.settings.driver}", configuration=values, make=make, drop=drop)

    def configure(self) -> None:
        """Use the driver that was opened."""
        for label in self.settings.geometries:
            self.parameters.declare(BoxConfig, prefix=f"{label}.")
        self._boxes()
        try:
            driver, self._calibration, resources = self.prepared(self.preparation())
            self._driver = driver
            self._resources.adopt(resources)
            self._place_camera(driver)
        except VisionError as error:
            self._feed.slot.fail(VisionError(ErrorCode.CAMERA_ERROR, f"the camera is not configured: {error.message}"))
            raise
        self._capture = Capture(
            driver,
            self._feed.slot,
            complete=self._named,
            failing=lambda why: self.diagnostics.report("camera", why),
            name=f"{self.get_name()}/driver",
        )
        names = [name for source in driver.sources for name in TOPICS[source]]
        names += ["points"] if self._supports_pcd(driver) else []
        self._outputs = {name: CameraOutput(self, name) for name in names}

    def _place_camera(self, driver: CameraDriver) -> None:
        """Publish where the camera is, if the parameters say so, and how the view of a transform camera is turned."""
        extrinsics = self._driver_parameters.extrinsics()
        extrinsics.pose()
        if extrinsics.parent_frame:
            self._static_transforms = StaticTransforms(self, "extrinsic_parameters.parent_frame")
            self._extrinsics = extrinsics
            self._place(self._given_frame_id())
        elif isinstance(driver, Transform) and driver.turn and available():
            self._static_transforms = StaticTransforms(self, "the transform rotate")

    def _place(self, frame_id: str) -> None:
        """Publish where the frame of the images is."""
        transforms, extrinsics = self._static_transforms, self._extrinsics
        if transforms is not None and extrinsics is not None:
            transforms.publish(transform_message(extrinsics.parent_frame, frame_id, *extrinsics.pose()))
        elif transforms is not None and isinstance(self._driver, Transform) and self._driver.parent_frame:
            transforms.publish(transform_message(self._driver.parent_frame, frame_id, *self._driver.pose()))

    def activate(self) -> None:
        """Read from now on while somebody wants frames."""
        self._active = True
        self._feed.demand.tell()

    def deactivate(self) -> None:
        """Stop reading; the driver stays open."""
        self._active = False
        self._feed.demand.tell()

    def cleanup(self) -> None:
        """Close the driver."""
        if self._capture is not None and not self._capture.close():
            self.get_logger().warning("the driver has not returned from its last read; it is left behind")
        self._capture = self._driver = None
        self._resources.close()
        for output in self._outputs.values():
            output.destroy()
        self._outputs = {}
        self._shared.clear()
        if self._static_transforms is not None:
            self._static_transforms.close()
        self._static_transforms = self._extrinsics = None
        self._seen_frame_id = ""
        self.diagnostics.clear()

    def close(self) -> None:
        """Stop reading and take the node off the graph."""
        self._local.remove(self._topic)
        self._answers.close()
        self._commands.close()
        super().close()
        self._resources.end()

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Refuse changes that the driver cannot take while it holds its device, and values that are wrong."""
        self._boxes(changes)
        self._candidate = None
        if self._driver is None:
            return
        self._driver_parameters.refuse_fixed(changes)
        if self._driver_parameters.concern_driver(changes):
            self._candidate = self._driver_parameters.config(changes)

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Let the driver use changed live attributes."""
        if self._candidate is not None and self._driver is not None:
            self._driver.update(self._candidate)
        self._candidate = None

    def housekeep(self) -> None:
        """Read while a topic has a listener, or the parameters say so."""
        if self.settings.keep_reading or any(output.wanted for output in self._outputs.values()):
            self._feed.demand.hold(self)
        else:
            self._feed.demand.release(self)
        self._feed.demand.refresh()
        self._resources.tend()
        self._share_held()
        self._watch()

    def _watch(self) -> None:
        """Say once when the driver gives nothing, not even an error, and once when it does again; and its remarks."""
        for number, remark in enumerate(self._driver.remarks if self._driver is not None else ()):
            self.diagnostics.report(f"remark {number}", remark)
        rate = self._driver.frame_rate if self._driver is not None else 0.0
        own = self._driver.patience if self._driver is not None else 0.0
        patience = max(self.settings.silence, 2 / rate if rate else 0.0, own)
        silent = self._feed.quiet_for() > patience and self._feed.slot.error is None
        why = f"no frame for {patience:g} s: the driver {self.settings.driver} has not returned from its last read"
        self.diagnostics.report("silence", why if silent else "")

    def summary(self) -> str:
        """Return the driver, and what it reads."""
        sources = self._driver.sources if self._driver is not None else ()
        return f"{self.settings.driver}, reads {', '.join(sources) or 'points'}"

    def status(self) -> dict[str, Any]:
        """Return how the frames come."""
        age = self._feed.slot.age
        return {
            "driver": self.settings.driver,
            **(self._driver.facts if self._driver is not None else {}),
            "frames": self._feed.slot.count,
            "rate": round(self._feed.slot.rate, 2),
            "age": None if age is None else round(age, 3),
            "uses": sorted(self.uses),
        }

    def _holds(self) -> bool:
        """Return whether the newest frame holds until there is another one."""
        driver = self._driver
        return driver is not None and self._feed.slot.error is None and driver.held is not None

    def _silence(self) -> str:
        """Return why no frame comes, where that is known."""
        ago = f"{self._feed.slot.age or 0.0:.1f} s ago"
        return f"it was published once by a latched publisher, {ago}: a max_age of 0 takes it" if self._holds() else ""

    def _follow_demand(self) -> None:
        """Read while frames are wanted; in the thread of whoever wants them."""
        capture = self._capture
        if capture is not None:
            if self._active and self._feed.demand.wanted:
                capture.run()
            else:
                capture.pause()

    def _named(self, frame: Frame) -> Frame:
        """Return the driver's frame with what only the node knows: names, time, calibration; in the capture thread."""
        now = self.get_clock().now().nanoseconds
        frame = with_names(frame, camera_name=self.get_name(), frame_id=self._given_frame_id(), stamp=now)
        if self._calibration is not None:
            self.diagnostics.report("calibration", self._calibration.misfit(frame) or self._calibration.missing)
            frame = self._calibration.complete(frame)
        if frame.frame_id != self._seen_frame_id:
            self._seen_frame_id = frame.frame_id
            self._place(frame.frame_id)
        return frame

    def _given_frame_id(self) -> str:
        return self.settings.frame_id or f"{self.get_name()}_optical_frame"

    def _frame_id(self) -> str:
        """Return the coordinate frame of the images; where the driver says which, it is known with the first one."""
        return self._seen_frame_id or self._given_frame_id()

    # Topics.

    def _share(self, frame: Frame) -> None:
        """Publish a frame where somebody listens; in the capture thread."""
        for name, output in self._outputs.items():
            if output.wanted:
                self._shared[name] = frame
                output.put(frame)

    def _share_held(self) -> None:
        """Publish a frame that holds, once, to who has begun to listen since it came."""
        for name, output in self._outputs.items():
            if not output.wanted:
                self._shared.pop(name, None)
            elif name not in self._shared:
                held = self._feed.held()
                if held is not None:
                    self._shared[name] = held
                    output.put(held)

    def _sharing_failed(self, error: BaseException | None) -> None:
        why = "" if error is None else f"frames cannot be published: {reason(error)}"
        self.diagnostics.report("topics", why)

    # Services.

    async def _get_properties(self, request: Any, response: Any, call: Call) -> None:
        driver = self._driver
        if driver is None:
            return
        response.frame_id = self._frame_id()
        response.supports_pcd = self._supports_pcd(driver)
        response.source_names = list(driver.sources)
        response.mime_types = mime_types_of(driver.sources)
        response.frame_rate = float(driver.frame_rate)
        if self.intrinsics is not None:
            header = Header(frame_id=response.frame_id)
            response.camera_info = conversion.camera_info_to_message(self.intrinsics, header)
        if self._extrinsics is not None:
            pose = self._extrinsics.pose()
            response.extrinsics = transform_message(self._extrinsics.parent_frame, response.frame_id, *pose)

    async def _get_geometries(self, request: Any, response: Any, call: Call) -> None:
        json_object(request.extra, "extra")
        boxes = self._boxes()
        if not boxes:
            msg = f"camera {self.get_name()!r} does not know its geometries: name them in its parameter 'geometries'"
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        response.labels = [box.label for box in boxes]
        response.header.frame_id = self._frame_id()
        response.geometries = [conversion.box_to_message(box) for box in boxes]

    def _boxes(self, changes: Mapping[str, Any] | None = None) -> list[Box]:
        """Return what the camera takes up, as the parameters say or, with changes, would say."""
        labels = self.settings.geometries
        values = self.parameters.values
        return [make_box(label, values(BoxConfig, prefix=f"{label}.", changes=changes)) for label in labels]

    async def command(self, command: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a command of the driver's own."""
        driver = self._driver
        if driver is None:
            raise VisionError(ErrorCode.NOT_ACTIVE, "the camera is not configured")
        return await call.wait(self._commands.submit(lambda: driver.do_command(command)), late=lambda: too_late(call))

    def _set_camera_info(self, request: Any, response: Any) -> Any:
        """Calibrate the camera, and write the calibration where the parameters say; SetCameraInfo has no error code."""
        try:
            response.status_message = self._calibrate(request.camera_info)
            response.success = True
        except Exception as error:
            response.success = False
            response.status_message = shortened(error.message if isinstance(error, VisionError) else repr(error))
        return response

    def _calibrate(self, info: CameraInfo) -> str:
        """Use a calibration from now on; return a message that says how long.

        Raises:
            VisionError: What is wrong with it, or why it cannot be kept.
        """
        driver, calibration = self._driver, self._calibration
        if driver is None or calibration is None:
            raise VisionError(ErrorCode.NOT_ACTIVE, f"the camera is {self.state}: {self.last_error or 'configure it'}")
        intrinsics = conversion.calibration_from_message(info)
        rectification, projection = conversion.rectification_from_message(info)
        calibration.replace(intrinsics, self._image_size(driver))
        if "points" not in self._outputs and self._supports_pcd(driver):
            # A new mapping, because the capture thread may be looking at the old one.
            self._outputs = {**self._outputs, "points": CameraOutput(self, "points")}
        if calibration.file is None:
            return "used until the camera is configured again: camera_info_url names no file:// to write it to"
        try:
            write_camera_info(
                calibration.file,
                intrinsics,
                camera_name=self.get_name(),
                rectification=rectification,
                projection=projection,
            )
        except VisionError as error:  # it is used all the same, as camera_info_manager does it
            msg = f"used until the camera is configured again, but not kept: {error.message}"
            raise VisionError(error.code, msg) from error
        return f"used from now on, and written to {calibration.file}"

    def _image_size(self, driver: CameraDriver) -> tuple[int, int]:
        """Return width and height of the images; 0, 0 = not known yet."""
        frame, known = self._feed.slot.fresh(math.inf), driver.intrinsics
        if frame is not None:
            return frame.size
        return (0, 0) if known is None else (known.width, known.height)

    def _supports_pcd(self, driver: CameraDriver) -> bool:
        """Return whether frames have points, or depth and a calibration to make them of."""
        calibrated = self._calibration is not None and self._calibration.intrinsics is not None
        return driver.supports_pcd or ("depth" in driver.sources and calibrated)
