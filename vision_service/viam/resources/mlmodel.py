"""An ML model of ours as an ML model of Viam's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from viam.services.mlmodel import Metadata, MLModel

from vision_service.errors import ErrorCode, VisionError
from vision_service.viam import translation
from vision_service.viam.asking import answered

SENDABLE = frozenset({"float32", "float64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))})
"""The types of tensors that Viam's messages have."""


class GatewayMLModel(MLModel):
    """An ML model of ours."""

    def __init__(self, name: str, client: Any) -> None:
        """Take the name that Viam's clients know it by, and our client of it."""
        super().__init__(name)
        self.client = client

    async def infer(
        self,
        input_tensors: dict[str, NDArray[Any]],
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> dict[str, NDArray[Any]]:
        """Return what the model makes of tensors."""
        outputs = await answered(
            lambda left: self.client.infer_async(input_tensors, timeout=left, extra=dict(extra or {})), timeout
        )
        for name, tensor in outputs.items():
            if tensor.dtype.name not in SENDABLE:
                msg = f"the output {name!r} is {tensor.dtype.name}, which Viam's messages do not have"
                raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        return dict(outputs)

    async def metadata(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **_: Any
    ) -> Metadata:
        """Return what the model is."""
        return translation.model_metadata(
            await answered(lambda left: self.client.get_metadata_async(timeout=left), timeout)
        )

    async def get_status(self, *, timeout: float | None = None, **_: Any) -> Mapping[str, Any]:
        """Return how the model is."""
        return await answered(lambda left: self.client.get_status_async(timeout=left), timeout)

    async def close(self) -> None:
        """End our client of it; the model goes on."""
        self.client.close()
