"""The parameters of a camera's driver, of the parts that it has, and of the calibration that any camera may have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from vision_service.camera.calibration import Calibration, CalibrationConfig, ExtrinsicsConfig, IntrinsicsConfig
from vision_service.camera.driver import CameraDriver
from vision_service.configuration import Attribute, PartType, attributes, below, configure
from vision_service.ros.parameters.declared import Parameters
from vision_service.ros.parameters.values import refuse_fixed

EXTRINSICS = "extrinsic_parameters."


class DriverParameters:
    """Declares what a driver can be told, and reads it."""

    def __init__(self, parameters: Parameters) -> None:
        """Declare nothing yet.

        Args:
            parameters: The node's.
        """
        self._parameters = parameters
        self._calibration: list[tuple[str, type]] = []
        self._driver: list[tuple[str, type]] = []
        self._config: type = object  # of no driver
        self._name = ""

    def declare(self, name: str, driver_class: type[CameraDriver]) -> None:
        """Declare a driver's parameters; those of the one before go, and their values are kept.

        What a list of parts names is declared below its names, as far as it is known what the parts are.

        Args:
            name: The driver's.
            driver_class: The driver.

        Raises:
            VisionError: INVALID_ARGUMENT, if a name is taken already, or a value is wrong on which others depend.
        """
        config = driver_class.Config
        if config is not self._config:
            self._change(self._calibration, [])
            self._change(self._driver, [])
        self._name, self._config = name, config
        calibration: list[tuple[str, type]] = [("", CalibrationConfig), (EXTRINSICS, ExtrinsicsConfig)]
        if "intrinsic_parameters" not in attributes(config):
            calibration.append(("", IntrinsicsConfig))
        self._change(self._calibration, calibration)
        self._change(self._driver, [("", config), *(item for item in self._driver if item != ("", config))])
        while set(wanted := self._wanted()) != set(self._driver):
            self._change(self._driver, wanted)

    def _wanted(self) -> list[tuple[str, type]]:
        """Return the prefixes and configurations of the driver, as far as what is declared tells."""
        telling = [item for item in self._driver if item[1] in (self._config, PartType)]
        return [("", self._config), *below(self._config, self._values(telling, {}))]

    def _change(self, declared: list[tuple[str, type]], wanted: list[tuple[str, type]]) -> None:
        """Take back what is no longer wanted, and declare what is; what is declared already stays as it is."""
        for prefix, configuration in [item for item in declared if item not in wanted]:
            self._parameters.undeclare(configuration, prefix=prefix)
            declared.remove((prefix, configuration))
        for prefix, configuration in [item for item in wanted if item not in declared]:
            self._parameters.declare(configuration, prefix=prefix)
            declared.append((prefix, configuration))

    def _values(self, configurations: list[tuple[str, type]], changes: Mapping[str, Any]) -> dict[str, Any]:
        return {
            f"{prefix}{name}": value
            for prefix, configuration in configurations
            for name, value in self._parameters.values(configuration, prefix=prefix, changes=changes).items()
        }

    def config(self, changes: Mapping[str, Any] | None = None) -> Any:
        """Return the driver's configuration, or what changes would make of it.

        Raises:
            VisionError: INVALID_ARGUMENT with all that is wrong.
        """
        return configure(self._config, self._values(self._driver, changes or {}), of=f"the driver {self._name}")

    def calibration(self, camera_name: str) -> partial[Calibration]:
        """Return what makes the calibration that the parameters give, and may read a file for it.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is wrong.
        """
        values = self._parameters.values(CalibrationConfig)
        config = configure(CalibrationConfig, values, of="the calibration")
        given = self._parameters.values(IntrinsicsConfig) if ("", IntrinsicsConfig) in self._calibration else {}
        intrinsics = configure(IntrinsicsConfig, given, of="the calibration").intrinsic_parameters
        return partial(Calibration, config, intrinsics, camera_name=camera_name)

    def extrinsics(self) -> ExtrinsicsConfig:
        """Return where the camera is.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is wrong.
        """
        values = self._parameters.values(ExtrinsicsConfig, prefix=EXTRINSICS)
        return configure(ExtrinsicsConfig, values, of=EXTRINSICS.rstrip("."))

    def refuse_fixed(self, changes: Mapping[str, Any]) -> None:
        """Refuse changes of what is not live.

        Raises:
            VisionError: INVALID_ARGUMENT, saying when it can be changed.
        """
        refuse_fixed(self._concerned([*self._driver, *self._calibration], changes), changes)

    def concern_driver(self, changes: Mapping[str, Any]) -> bool:
        """Return whether the changes are of the driver's own parameters, or its parts'."""
        return bool(self._concerned(self._driver, changes))

    def _concerned(self, declared: list[tuple[str, type]], changes: Mapping[str, Any]) -> dict[str, Attribute]:
        """Return the attributes that the changes belong to, entries of maps included."""
        known = {
            f"{prefix}{name}": item
            for prefix, configuration in declared
            for name, item in attributes(configuration).items()
        }
        maps = [(f"{name}.", item) for name, item in known.items() if item.form == "map"]
        entries = {name: item for name in changes for prefix, item in maps if name.startswith(prefix)}
        return {name: known[name] for name in changes if name in known} | entries
