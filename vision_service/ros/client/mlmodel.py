"""The client of an ML model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from vision_service import srv
from vision_service.ros import conversion
from vision_service.ros.client.base import NamedClient
from vision_service.ros.client.requests import as_json
from vision_service.ros.client.results import ModelMetadata
from vision_service.ros.client.twins import later


class MLModelClient(NamedClient):
    """An ML model.

    Example::

        with MLModelClient("solids_model") as model:
            (image,) = model.get_metadata().inputs
            outputs = model.infer({image.name: np.zeros(image.shape, image.dtype)})
    """

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        *,
        timeout: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return what the model makes of tensors.

        Args:
            inputs: Arrays by the names of the model's inputs; that of a single one may be empty.
            timeout: Seconds; None = the node's default.
            extra: Further options, by name; unknown ones are ignored.

        Returns:
            Arrays by the names of the model's outputs.

        Raises:
            VisionError: INVALID_ARGUMENT, if names, types or shapes are not the model's; MODEL_ERROR, if it fails;
                OVERLOADED, if too many calls wait for it.
        """
        request = srv.Infer.Request(inputs=conversion.tensors_to_message(inputs), extra=as_json(extra))
        return self._call(srv.Infer, "infer", request, _outputs, timeout)

    infer_async = later(infer)

    def get_metadata(self, *, timeout: float | None = None) -> ModelMetadata:
        """Return what the model is: its name, and its inputs and outputs.

        Args:
            timeout: Seconds; None = 10.

        Returns:
            What the model is.

        Raises:
            VisionError: Only what every method may raise.
        """
        return self._call(srv.GetMetadata, "get_metadata", srv.GetMetadata.Request(), _metadata, timeout)

    get_metadata_async = later(get_metadata)


def _outputs(response: Any) -> dict[str, NDArray[Any]]:
    return conversion.tensors_from_message(response.outputs, ())


def _metadata(response: Any) -> ModelMetadata:
    return ModelMetadata(
        name=response.name,
        type=response.type,
        description=response.description,
        inputs=tuple(map(conversion.info_from_message, response.inputs)),
        outputs=tuple(map(conversion.info_from_message, response.outputs)),
    )
