"""The gRPC services: the SDK's own, but for what it does not have, or does with more than is needed."""

from __future__ import annotations

import asyncio
import re
import secrets
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from weakref import WeakKeyDictionary

from google.protobuf.struct_pb2 import Struct, Value
from grpclib.const import Cardinality, Handler
from viam.components.camera.service import CameraRPCService
from viam.gen.component.camera.v1.camera_pb2 import GetImagesResponse, Image
from viam.proto.app.data import Annotations
from viam.proto.app.data import Classification as Annotation
from viam.proto.common import DoCommandResponse, GetStatusResponse, ResourceName
from viam.proto.robot import GetMachineStatusResponse, GetVersionResponse, ResourceNamesResponse, ResourceStatus
from viam.proto.service.mlmodel import InferResponse
from viam.proto.service.vision import GetClassificationsResponse, GetDetectionsResponse
from viam.robot.service import RobotService
from viam.services.mlmodel.service import MLModelRPCService
from viam.services.mlmodel.utils import flat_tensors_to_ndarrays, ndarrays_to_flat_tensors
from viam.services.vision.service import VisionRPCService
from viam.utils import struct_to_dict

from vision_service.errors import ErrorCode, VisionError
from vision_service.viam import legacy, translation
from vision_service.viam.directory import Directory

API_VERSION = "v0.1"


def remaining(stream: Any) -> float | None:
    """Return how long the caller of a method still waits, seconds; None = for ever."""
    return stream.deadline.time_remaining() if stream.deadline else None


def plain(value: Struct) -> dict[str, Any]:
    """Return a Struct's values; whole numbers, which a Struct holds as floats, as integers: JSON has both.

    The SDK's own ``struct_to_dict`` has 0 where there is a null.
    """
    return {key: _plain(each) for key, each in value.fields.items()}


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    if kind in (None, "null_value"):
        return None
    found = getattr(value, kind)
    whole = isinstance(found, float) and found.is_integer() and abs(found) < 2**53
    return int(found) if whole else found


class Cameras(CameraRPCService):
    """The SDK's service with annotations of images, and with the removed GetImage."""

    async def GetImages(self, stream: Any) -> None:  # noqa: N802
        """Return a camera's images; each is annotated with its imager's name, as Viam's data collectors do it."""
        request = await stream.recv_message()
        camera = self.get_resource(request.name)
        images, metadata = await camera.get_images(
            timeout=remaining(stream),
            extra=struct_to_dict(request.extra),
            filter_source_names=list(request.filter_source_names),
        )
        messages = [
            Image(
                source_name=image.name,
                mime_type=image.mime_type,
                image=image.data,
                annotations=Annotations(classifications=[Annotation(label=image.name)]),
            )
            for image in images
        ]
        await stream.send_message(GetImagesResponse(images=messages, response_metadata=metadata))

    async def GetImage(self, stream: Any) -> None:  # noqa: N802
        """Return a camera's image; for clients of before 2026."""
        request = await stream.recv_message()
        camera: Any = self.get_resource(request.name)
        data, mime_type = await camera.get_image(
            request.mime_type, extra=struct_to_dict(request.extra), timeout=remaining(stream)
        )
        await stream.send_message(legacy.GetImageResponse(mime_type=mime_type, image=data))

    async def DoCommand(self, stream: Any) -> None:  # noqa: N802
        """Run a command of a camera's driver."""
        request = await stream.recv_message()
        camera = self.get_resource(request.name)
        await _do_command(stream, request, camera)

    async def GetStatus(self, stream: Any) -> None:  # noqa: N802
        """Return how a camera is."""
        request = await stream.recv_message()
        await _get_status(stream, self.get_resource(request.name))

    def __mapping__(self) -> dict[str, Handler]:
        handler = Handler(self.GetImage, Cardinality.UNARY_UNARY, legacy.GetImageRequest, legacy.GetImageResponse)
        return {**super().__mapping__(), legacy.METHOD: handler}


class VisionServices(VisionRPCService):
    """The SDK's service, which here takes images as their bytes."""

    async def GetDetections(self, stream: Any) -> None:  # noqa: N802
        """Return what is found in an image."""
        request = await stream.recv_message()
        vision: Any = self.get_resource(request.name)
        found = await vision.get_detections(
            request.image, extra=struct_to_dict(request.extra), timeout=remaining(stream)
        )
        await stream.send_message(GetDetectionsResponse(detections=found))

    async def GetClassifications(self, stream: Any) -> None:  # noqa: N802
        """Return what an image shows."""
        request = await stream.recv_message()
        vision: Any = self.get_resource(request.name)
        found = await vision.get_classifications(
            request.image, request.n, extra=struct_to_dict(request.extra), timeout=remaining(stream)
        )
        await stream.send_message(GetClassificationsResponse(classifications=found))

    async def DoCommand(self, stream: Any) -> None:  # noqa: N802
        """Run a command of a vision service's model."""
        request = await stream.recv_message()
        vision = self.get_resource(request.name)
        await _do_command(stream, request, vision)

    async def GetStatus(self, stream: Any) -> None:  # noqa: N802
        """Return how a vision service is."""
        request = await stream.recv_message()
        await _get_status(stream, self.get_resource(request.name))


class MLModels(MLModelRPCService):
    """The SDK's service, which here converts tensors beside the event loop: they may be large, and the SDK is slow."""

    async def Infer(self, stream: Any) -> None:  # noqa: N802
        """Return what a model makes of tensors."""
        request = await stream.recv_message()
        model: Any = self.get_resource(request.name)
        loop = asyncio.get_running_loop()
        inputs = await loop.run_in_executor(None, _tensors, request.input_tensors)
        outputs = await model.infer(inputs, extra=struct_to_dict(request.extra), timeout=remaining(stream))
        message = await loop.run_in_executor(
            None, lambda: InferResponse(output_tensors=ndarrays_to_flat_tensors(outputs))
        )
        await stream.send_message(message)

    async def GetStatus(self, stream: Any) -> None:  # noqa: N802
        """Return how an ML model is."""
        request = await stream.recv_message()
        await _get_status(stream, self.get_resource(request.name))


class Robot(RobotService):
    """The machine: which resources it has, and which of them are ready; nothing of the cloud."""

    def __init__(self, manager: Directory) -> None:
        """Take what knows the resources."""
        super().__init__(manager=manager)
        self._directory = manager
        self._salts: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    async def ResourceNames(self, stream: Any) -> None:  # noqa: N802
        """Return the resources; from a connection's second call on, the list differs from that of all others.

        The SDK's clients that were made before a connection was lost use the new one only if the list that is asked for
        second there, for the first one it only looks whether it is answered, is another than the one before. So it has
        an entry more then, of this connection, which the SDK keeps and makes nothing of. Before 0.85 it could not do
        without it again; there the order differs, which is not enough for one resource, and for two only by chance.
        For the same reason a gateway that has just begun looks at the graph first.
        """
        await stream.recv_message()
        await self._directory.looked()
        names = sorted(self._generate_metadata(), key=lambda each: (each.subtype, each.name))
        connection = stream._stream.connection
        salt = self._salts.get(connection)
        if salt is None:
            self._salts[connection] = secrets.token_hex(8)
        elif _takes_other_names(stream.metadata.get("viam_client", "")):
            names.append(ResourceName(namespace="vision_service", type="gateway", subtype="connection", name=salt))
        else:
            names.sort(key=lambda each: hash((salt, each.subtype, each.name)))
        await stream.send_message(ResourceNamesResponse(resources=names))

    async def GetMachineStatus(self, stream: Any) -> None:  # noqa: N802
        """Return the resources that are on the graph now; what the cloud would say of them is empty."""
        await stream.recv_message()
        state = ResourceStatus.State.STATE_READY
        resources = [ResourceStatus(name=name, state=state) for name in self.manager.resources]
        await stream.send_message(
            GetMachineStatusResponse(state=GetMachineStatusResponse.State.STATE_RUNNING, resources=resources)
        )

    async def GetVersion(self, stream: Any) -> None:  # noqa: N802
        """Return which gateway this is."""
        await stream.recv_message()
        try:
            own = version("vision_service")
        except PackageNotFoundError:
            own = "unknown"
        await stream.send_message(GetVersionResponse(platform="vision_service", version=own, api_version=API_VERSION))


def _tensors(message: Any) -> dict[str, Any]:
    """Return the tensors of a request by name.

    Raises:
        VisionError: INVALID_ARGUMENT, if the numbers of one do not fit its shape.
    """
    try:
        return dict(flat_tensors_to_ndarrays(message))
    except (ValueError, OverflowError) as error:
        msg = f"the numbers of an input tensor do not fit its shape: {error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def _takes_other_names(client: str) -> bool:
    """Return whether a client is Viam's SDK for Python from 0.85 on, by what it says of itself."""
    found = re.match(r"python;v(\d+)\.(\d+)", str(client))
    return found is not None and tuple(map(int, found.groups())) >= (0, 85)


async def _do_command(stream: Any, request: Any, resource: Any) -> None:
    result = await resource.do_command(plain(request.command), timeout=remaining(stream))
    await stream.send_message(DoCommandResponse(result=translation.struct(result)))


async def _get_status(stream: Any, resource: Any) -> None:
    result = await resource.get_status(timeout=remaining(stream))
    await stream.send_message(GetStatusResponse(result=translation.struct(result)))
