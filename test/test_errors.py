"""Errors: a code a program can act on, and a message a person can act on."""

import pytest

from vision_service.errors import ErrorCode, VisionError, asking, missing_package


def test_the_codes_are_the_constants_of_the_message():
    message = pytest.importorskip("vision_service.msg", reason="the generated interfaces are not installed")
    constants = {
        name: getattr(message.ErrorCode, name)
        for name in dir(message.ErrorCode)
        if name.isupper() and name != "SLOT_TYPES"
    }
    assert {code.name: code.value for code in ErrorCode} == constants


def test_an_error_shows_its_message_of():
    error = VisionError(ErrorCode.NO_FRAME, "no frame of 'cam1' in 2 s: is it running?")
    assert (error.code, error.message, str(error)) == (
        ErrorCode.NO_FRAME,
        *["no frame of 'cam1' in 2 s: is it running?"] * 2,
    )


def test_a_missing_package_is_named_with_the_way_to_get_it():
    error = missing_package("ai-edge-litert", "the model 'fruit.tflite'", extra="litert")
    assert error.code is ErrorCode.NOT_SUPPORTED
    assert error.message == (
        "the model 'fruit.tflite' needs the package ai-edge-litert: pip install ai-edge-litert"
        " (or: pip install 'vision-service[litert]')"
    )


def test_a_missing_package_without_an_extra_has_one_way():
    assert (
        missing_package("open3d", "reading PLY").message == "reading PLY needs the package open3d: pip install open3d"
    )


def test_an_error_of_somebody_else_names_him():
    with pytest.raises(VisionError) as caught, asking("the ML model '/net'", "/net"):
        raise VisionError(ErrorCode.NOT_ACTIVE, "the node is inactive")
    assert caught.value.code == ErrorCode.NOT_ACTIVE
    assert caught.value.message == str(caught.value) == "the ML model '/net': the node is inactive"


def test_an_error_that_names_him_already_stays():
    with pytest.raises(VisionError, match=r"^no service /net/infer$"), asking("the ML model '/net'", "/net"):
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, "no service /net/infer")
