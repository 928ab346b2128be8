"""GetImage of cameras, which Viam removed in 2026, with its messages as they were on the wire."""

from __future__ import annotations

from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

METHOD = "/viam.component.camera.v1.CameraService/GetImage"
_PACKAGE = "vision_service.viam.legacy"
_TEXT, _BYTES, _MESSAGE = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_BYTES,
    FieldDescriptorProto.TYPE_MESSAGE,
)


def _message(name: str, *fields: tuple[str, int, Any, str]) -> DescriptorProto:
    made = DescriptorProto(name=name)
    for field, number, kind, type_name in fields:
        made.field.add(
            name=field, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL, type_name=type_name or None
        )
    return made


def _messages() -> tuple[Any, Any]:
    # A pool of its own: an SDK of before the removal has these messages under their own names.
    pool = DescriptorPool()
    structs = FileDescriptorProto()
    struct_pb2.DESCRIPTOR.CopyToProto(structs)
    pool.Add(structs)
    request = _message(
        "GetImageRequest",
        ("name", 1, _TEXT, ""),
        ("mime_type", 2, _TEXT, ""),
        ("extra", 99, _MESSAGE, ".google.protobuf.Struct"),
    )
    response = _message("GetImageResponse", ("mime_type", 1, _TEXT, ""), ("image", 2, _BYTES, ""))
    file = FileDescriptorProto(
        name=f"{_PACKAGE}.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[structs.name],
        message_type=[request, response],
    )
    pool.Add(file)
    found = [GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{each.name}")) for each in (request, response)]
    return found[0], found[1]


GetImageRequest, GetImageResponse = _messages()
