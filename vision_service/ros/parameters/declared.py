"""Configuration dataclasses as declared, described, range-checked ROS parameters: the one mechanism for all of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter, get_parameter_value

from vision_service.attribute_owners import owned_elsewhere
from vision_service.configuration import Attribute, attributes, check, close_names, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.compat import parameter_overrides
from vision_service.ros.parameters.builds import ParameterBuilds
from vision_service.ros.parameters.candidates import Built, Candidate
from vision_service.ros.parameters.lists import ParameterLists
from vision_service.ros.parameters.network_values import NetworkValues
from vision_service.ros.parameters.values import TYPES, as_declared, descriptor, plain, single
from vision_service.settings.node import DECLARED_BY_ROS

LETTERS = 2
"""How much longer or shorter a misspelt name is at most."""


def takes_undeclared(node: Node, name: str) -> bool:
    """Return whether a node can be given a parameter that nobody declared."""
    try:
        node.describe_parameter(name)
    except ParameterNotDeclaredException:
        return False
    return True


class ParameterRefused(ParameterNotDeclaredException):
    """A parameter that cannot be declared; the parameter services answer with its message, instead of rclpy's."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)


class Parameters:
    """The parameters of a node, by the configuration dataclasses that describe them.

    A value that is wrong at the start is kept as a problem, which the node reports when it is configured; the parameter
    itself stays at its default, so that it can be set right while the node runs.

    Attributes:
        lists: Those of them that are lists of names, below each of which there are further ones.
    """

    def __init__(
        self,
        node: Node,
        validate: Callable[[Mapping[str, Any]], None],
        apply: Callable[[Mapping[str, Any]], None],
        candidate: Callable[[Mapping[str, Any]], Candidate | None] = lambda changes: None,
        outdated: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """Watch the node's parameters.

        Args:
            node: Whose.
            validate: Called with the changed values before they are set; raises VisionError to refuse them all.
            apply: Called with the changed values when they are set.
            candidate: Called with the changed values when they are valid; returns what has to be built before they are
                set, None = nothing, or raises VisionError to refuse them all.
            outdated: Returns whether a parameter that is set to the value that it has is to count as changed, because
                what stands behind it has: the content of a file.
        """
        self._node = node
        self._outdated = outdated
        self._validate = validate
        self._apply = apply
        self._candidate = candidate
        self._attributes: dict[str, Attribute] = {}
        self._maps: dict[str, Attribute] = {}
        self._owners: dict[str, type] = {}
        self.lists = ParameterLists(self)
        self._new: list[str] = []
        self._changes: dict[str, Any] = {}
        self._builds = ParameterBuilds()
        self._problems: dict[str, str] = {}
        # Of an empty list rclpy's parser makes nothing at all.
        self._overrides: dict[str, Any] = {
            name: [] if value is None else value for name, value in parameter_overrides(node).items()
        }
        self._network = NetworkValues(
            self._overrides, lambda: self._attributes, self._allowed, node_name=node.get_name()
        )  # fmt: skip
        self._foreign: dict[str, Any] = {}  # what was last set over the network
        self._declaring = False
        node.add_pre_set_parameters_callback(self._prepare)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._applied)

    def declare(self, configuration: type, *, prefix: str = "", read_only: bool = False) -> None:
        """Declare a configuration's attributes, with the values given at the start, or set since.

        Args:
            configuration: The dataclass.
            prefix: Goes before each name, with its dot.
            read_only: Whether they can never be changed; each must have a default then.

        Raises:
            VisionError: INVALID_ARGUMENT, if another configuration has declared an attribute of the same name.
        """
        wanted = attributes(configuration)
        self._own(configuration, [prefix + name for name in wanted])
        for attribute in wanted.values():
            name = prefix + attribute.name
            if attribute.form == "map":
                self._maps[name] = attribute
                entries = [override for override in self._overrides if override.startswith(f"{name}.")]
                for entry in entries:
                    self._declare(entry, attribute, "single", None)
            else:
                self._declare(name, attribute, attribute.form, attribute.default)
                if read_only or attribute.start_only:
                    self._make_read_only(name, attribute)

    def declared_below(self, configuration: type) -> list[str]:
        """Return the names below which a configuration is declared."""
        own = [name.partition(".")[0] for name, owner in self._owners.items() if owner is configuration]
        return list(dict.fromkeys(own))

    def undeclare(self, configuration: type, *, prefix: str = "") -> None:
        """Take back the declaration of a configuration's attributes; their values are kept for the next one."""
        for attribute in attributes(configuration).values():
            name = prefix + attribute.name
            if self._owners.get(name) is not configuration:
                continue
            del self._owners[name]
            entries = [] if self._maps.pop(name, None) is None else list(self._attributes)
            for declared in [*([name] if name in self._attributes else []), *entries]:
                if declared == name or declared.startswith(f"{name}."):
                    self._forget(declared)

    def values(
        self, configuration: type, *, prefix: str = "", changes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return a configuration's values by attribute name, as :func:`configuration.configure` takes them.

        Args:
            configuration: The dataclass.
            prefix: As declared.
            changes: Values that are to be set, by parameter name; they go before those that are set. None = it is an
                entry of a map that is to be deleted.

        Raises:
            VisionError: INVALID_ARGUMENT with every value that was wrong at the start and has not been set since.
        """
        changes = changes or {}
        names = []
        for attribute in attributes(configuration):
            own = prefix + attribute
            if own in self._attributes:
                names.append(own)
            if own in self._maps:
                names += [name for name in self._attributes if name.startswith(f"{own}.")]
        problems = [self._problems[name] for name in names if name in self._problems and name not in changes]
        if problems:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, "; ".join(problems))
        found = {}
        for name in names:
            if name in changes:
                if changes[name] is not None:
                    found[name.removeprefix(prefix)] = changes[name]
            else:
                parameter = self._node.get_parameter_or(name)
                if parameter.type_ != Parameter.Type.NOT_SET:
                    found[name.removeprefix(prefix)] = parameter.value
        return found

    def unknown(self, *, only_misspelt: bool = False) -> list[str]:
        """Return a message for each value given at the start that nobody declared.

        Args:
            only_misspelt: Only those that look like a declared one with a letter or two wrong.
        """
        return [
            self._unknown(name)
            for name in self._overrides
            if not self._node.has_parameter(name)
            and not name.startswith(DECLARED_BY_ROS)
            and (not only_misspelt or self._is_misspelt(name))
        ]

    def _is_misspelt(self, name: str) -> bool:
        """Whether it is a declared name with a letter or two wrong: `model_path` is none of `model`."""
        return any(abs(len(name) - len(close)) <= LETTERS for close in close_names(name, self._known()))

    def to_set(self, given: Sequence[Parameter]) -> list[Parameter]:
        """Return what is left to be set of what is given: what is read-only and has its value already is not."""
        wanted = []
        for parameter in given:
            if not self._has(parameter):
                wanted.append(parameter)
            elif not self._node.describe_parameter(parameter.name).read_only:
                wanted.append(self._node.get_parameter(parameter.name))  # of the type declared
        return wanted

    def admit(self, given: Sequence[Parameter]) -> None:
        """Refuse what may not be set over the network; what a parameter has already may be set again.

        Raises:
            VisionError: INVALID_ARGUMENT, saying what to do.
        """
        for parameter in given:
            attribute = self._attribute(parameter.name)
            if attribute is None or self._has(parameter):
                continue
            if attribute.start_only:
                msg = (
                    f"{parameter.name!r} can be given at the start only: put it into the node's parameter file or"
                    " on its command line (-p), and start the node again"
                )
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
            self._network.check(parameter.name, attribute, plain(parameter.value))
            self._foreign[parameter.name] = plain(parameter.value)

    def _allowed(self, name: str) -> Sequence[str]:
        """Return the value of a parameter that says what is allowed; nothing is, where it was given wrong."""
        if name in self._problems or not self._node.has_parameter(name):
            return ()
        return list(self._node.get_parameter(name).value or ())

    def try_to_set(
        self, parameters: Sequence[Parameter], built: Built | None = None
    ) -> SetParametersResult | Candidate:
        """Set parameters, all or none, unless something has to be built first.

        Args:
            parameters: What to set; types, ranges and read-only are checked before anything is built.
            built: What was built for them; it is used if that is what they need now.

        Returns:
            What came of it, or what has to be built first.
        """
        return self._builds.attempt(lambda: self._node.set_parameters_atomically(list(parameters)), built)

    def drop_built(self) -> None:
        """Let go of what was built for a change that did not come about."""
        self._builds.drop()

    def _has(self, parameter: Parameter) -> bool:
        """Return whether a parameter has the value already, also as ``ros2 param load`` makes it of a dump's text.

        That makes a whole number of the text "1", and a text of the number 1e-05.
        """
        now = self._node.get_parameter_or(parameter.name)
        if parameter.name in self._problems or now.type_ == Parameter.Type.NOT_SET:
            return False
        given = parameter.get_parameter_value()
        try:
            return bool(given in (now.get_parameter_value(), get_parameter_value(str(plain(now.value)))))
        except Exception:  # of a text that looks like YAML, and is none
            return False

    def _make_read_only(self, name: str, attribute: Attribute) -> None:
        described = descriptor(attribute, attribute.form)
        described.type = TYPES[attribute.form, attribute.type].value
        described.read_only = True
        if not self._node.describe_parameter(name).read_only:
            self._node.set_descriptor(name, described)

    def _unknown(self, name: str) -> str:
        hint = owned_elsewhere(name) or did_you_mean(name, self._known())
        return f"parameter {name!r} is not known here{hint}"

    def _known(self) -> list[str]:
        return [*self._attributes, *(f"{name}.KEY" for name in self._maps)]

    def _own(self, configuration: type, names: Collection[str]) -> None:
        """Note whose the names are; two configurations with the same name would share one value."""
        taken = sorted(name for name in names if self._owners.get(name, configuration) is not configuration)
        if taken:
            msg = (
                f"the parameters {', '.join(taken)} of {configuration.__name__} are taken by "
                f"{self._owners[taken[0]].__name__} already: its author has to rename them"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._owners.update(dict.fromkeys(names, configuration))

    def _forget(self, name: str) -> None:
        del self._attributes[name]
        self._problems.pop(name, None)
        self._node.undeclare_parameter(name)

    def _declare(self, name: str, attribute: Attribute, form: str, default: Any) -> None:
        if name in self._attributes:
            return
        kind = TYPES[form, attribute.type]
        value = default
        if name in self._overrides:
            try:
                value = check(single(attribute, name) if form == "single" else attribute, self._overrides[name])
                if name in self._foreign and plain(self._overrides[name]) == self._foreign[name]:
                    self._network.check(name, attribute, self._foreign[name])  # it may have named nothing before
            except VisionError as error:
                self._problems[name] = error.message
        self._attributes[name] = single(attribute, name) if form == "single" else attribute
        self._declaring = True
        try:
            self._node.declare_parameter(name, kind, descriptor(attribute, form), ignore_override=True)
            if value is not None:
                value = list(value) if form == "list" else value
                (result,) = self._node.set_parameters([Parameter(name, kind, value)])
                if not result.successful:
                    self._problems.setdefault(name, f"{name!r}: {result.reason}")
        finally:
            self._declaring = False

    def _prepare(self, parameters: Sequence[Parameter]) -> list[Parameter]:
        """Return the parameters as declared, before rclpy compares their types; maps get their new entries."""
        if self._declaring:
            return list(parameters)
        for parameter in parameters:
            if self._is_deletion(parameter):  # rclpy deletes only what may be of any type
                self._node.set_descriptor(parameter.name, ParameterDescriptor(dynamic_typing=True))
        self.lists.declare_new(parameters)
        known = {parameter.name: self._attribute(parameter.name) for parameter in parameters}
        prepared = [as_declared(parameter, known[parameter.name]) for parameter in parameters]
        new = [name for name in known if not self._node.has_parameter(name)]
        self._new = [name for name in new if known[name] is not None]
        unknown = [name for name in new if known[name] is None and not takes_undeclared(self._node, name)]
        if unknown:
            messages = [self._unknown(name) for name in unknown]
            self.lists.forget_new()
            raise ParameterRefused("; ".join(messages))
        if self._new:
            try:  # before an entry is declared, because rclpy does not tell us when it refuses a value
                for parameter in prepared:
                    if (attribute := known[parameter.name]) is not None:
                        check(attribute, parameter.value)
            except VisionError as error:
                self.lists.forget_new()
                raise ParameterRefused(error.message) from None
        for name, attribute in known.items():
            if attribute is not None:
                self._declare(name, attribute, attribute.form, None)  # does nothing to those that are declared
        return prepared

    def _is_deletion(self, parameter: Parameter) -> bool:
        """Return whether an entry of a map is to be deleted, as ``ros2 param delete`` asks for it."""
        return (
            parameter.type_ == Parameter.Type.NOT_SET
            and parameter.name in self._attributes
            and any(parameter.name.startswith(f"{of}.") for of in self._maps)
        )

    def _attribute(self, name: str) -> Attribute | None:
        """Return the attribute of a parameter, also of an entry that a map does not have yet; None = there is none."""
        if name in self._attributes:
            return self._attributes[name]
        of = next((attribute for prefix, attribute in self._maps.items() if name.startswith(f"{prefix}.")), None)
        return None if of is None else single(of, name)

    def _check(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        if self._declaring:
            return SetParametersResult(successful=True)
        self.drop_built()
        self._changes = {}
        changed = {
            name: value
            for name, value in self._ours(parameters).items()
            if name in self._problems or plain(self._node.get_parameter_or(name).value) != value or self._outdated(name)
        }
        if not changed:
            return SetParametersResult(successful=True)
        try:
            deleted = {parameter.name for parameter in parameters if self._is_deletion(parameter)}
            changes = {
                name: None if name in deleted else check(self._attributes[name], value)
                for name, value in changed.items()
            }
            self._validate(changes)
            if not self._builds.have(self._candidate(changes)):
                return self._refuse("something has to be built first")
        except VisionError as error:
            return self._refuse(error.message)
        except BaseException as error:  # a library may even raise SystemExit
            self._node.get_logger().error(f"checking parameters failed: {traceback.format_exc()}")
            return self._refuse(f"{type(error).__name__}: {error}")
        self._changes = changes
        return SetParametersResult(successful=True)

    def _refuse(self, reason: str) -> SetParametersResult:
        for name in self._new:
            self._forget(name)
        self.lists.forget_new()
        return SetParametersResult(successful=False, reason=reason)

    def _applied(self, parameters: Sequence[Parameter]) -> None:
        if self._declaring:
            return
        changes, self._changes = self._changes, {}
        built = self._builds.take()
        self.lists.forget_others(changes)  # whatever state the node is in
        for name, value in changes.items():
            self._problems.pop(name, None)
            if value is None:
                del self._attributes[name]
                self._overrides.pop(name, None)
            else:
                self._overrides[name] = value  # what was set last holds, also if it is declared anew
        if changes:
            self._apply(changes)
        if built is not None:
            built.use()

    def _ours(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        return {item.name: plain(item.value) for item in parameters if item.name in self._attributes}
