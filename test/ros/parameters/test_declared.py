"""Parameters: configuration dataclasses as declared, described, range-checked ROS parameters."""

from array import array
from dataclasses import dataclass

import pytest
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterDescriptor, ParameterType, ParameterValue
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.node import Node
from rclpy.parameter import Parameter, get_parameter_value
from rclpy.serialization import deserialize_message, serialize_message

from vision_service.configuration import attribute, attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.parameters.declared import Parameters
from vision_service.ros.parameters.values import descriptor


@dataclass(frozen=True)
class Settings:
    """One attribute of each form."""

    name: str = attribute("Required.")
    color: str = attribute("One of some.", default="red", choices=("red", "green"))
    on: bool = attribute("A switch.", default=False)
    count: int = attribute("At least one.", default=3, minimum=1)
    share: float = attribute("A part.", default=0.5, unit="of all", minimum=0.0, maximum=1.0)
    above: float = attribute("Above nothing.", default=1.0, minimum=0.0, above_minimum=True)
    any: float = attribute("Any number.", default=0.0)
    switches: tuple[bool, ...] = attribute("Switches.", default=(True,))
    counts: tuple[int, ...] = attribute("Counts.", default=(), minimum=0)
    shares: tuple[float, ...] = attribute("Parts.", default=(0.5, 1.0))
    names: tuple[str, ...] = attribute("Names.", default=())
    limits: dict[str, float] = attribute("By name.", default={}, minimum=0.0, maximum=1.0)


@dataclass(frozen=True)
class Other:
    """Attributes of another one."""

    speed: float = attribute("How fast.", default=1.0)


@dataclass(frozen=True)
class Clash:
    """An attribute that another one has, too."""

    speed: int = attribute("Also how fast.", default=1)
    length: int = attribute("How long.", default=1)


SET = "owner/set_parameters"


class Owner(Node):
    """A node with parameters, which writes down their changes, and refuses what it is told to."""

    def __init__(self, name, **arguments):
        super().__init__(name, **arguments)
        self.validated, self.applied, self.refusal = [], [], None
        self.parameters = Parameters(self, self._check, self.applied.append)
        self.parameters.declare(Settings)

    def _check(self, changes):
        self.validated.append(dict(changes))
        if self.refusal is not None:
            raise self.refusal

    def settings(self, **changes):
        return configure(Settings, self.parameters.values(Settings, changes=changes), of="the owner")


@pytest.fixture
def make(context):
    """Makes an owner with parameters given at the start; nothing spins it."""
    made = []

    def make(overrides=None, kind=Owner):
        given = {"name": "it"} if overrides is None else overrides
        made.append(kind("owner", context=context, parameter_overrides=[Parameter(*item) for item in pairs(given)]))
        return made[-1]

    yield make
    for node in made:
        node.destroy_node()


@pytest.fixture
def owner(spin):
    """An owner that spins, for calls of its parameter services."""
    return spin(Owner, "owner", {"name": "it"})


def pairs(given):
    return [(name, None, value) for name, value in given.items()]


def as_typed(**texts):
    """Return parameter messages as ``ros2 param set`` makes them of what somebody types."""
    return [ParameterMessage(name=name, value=get_parameter_value(text)) for name, text in texts.items()]


def set_one(peer, name, text):
    """Set a parameter as ``ros2 param set`` does, and return the reason of its refusal, empty = it was set."""
    (result,) = peer.call(SetParameters, "owner/set_parameters", parameters=as_typed(**{name: text})).results
    return "" if result.successful else result.reason


def delete(peer, name):
    """Delete a parameter as ``ros2 param delete`` does, and return the reason of its refusal, empty = it is gone."""
    deleted = [ParameterMessage(name=name, value=ParameterValue(type=ParameterType.PARAMETER_NOT_SET))]
    (result,) = peer.call(SetParameters, SET, parameters=deleted).results
    return "" if result.successful else result.reason


class TestAtTheStart:
    def test_defaults_hold_where_nothing_is_given(self, make):
        assert make().settings() == Settings(name="it")

    def test_what_is_given_holds(self, make):
        given = {
            "name": "that", "color": "green", "on": True, "count": 7, "share": 0.25, "switches": [False, True],
            "counts": [1, 2], "shares": [0.1], "names": ["a", "b"], "limits.cat": 0.4, "limits.dog": 0.6,
        }  # fmt: skip
        assert make(given).settings() == Settings(
            name="that", color="green", on=True, count=7, share=0.25, switches=(False, True), counts=(1, 2),
            shares=(0.1,), names=("a", "b"), limits={"cat": 0.4, "dog": 0.6},
        )  # fmt: skip

    def test_whole_numbers_are_floats_where_those_are_meant(self, make):
        settings = make({"name": "it", "share": 1, "shares": [1, 2], "limits.cat": 1}).settings()
        assert (settings.share, settings.shares, settings.limits) == (1.0, (1.0, 2.0), {"cat": 1.0})
        assert [type(value) for value in (settings.share, *settings.shares, *settings.limits.values())] == [float] * 4

    @pytest.mark.parametrize("name", ["switches", "counts", "shares", "names"])
    def test_lists_may_be_empty(self, make, name):
        assert getattr(make({"name": "it", name: []}).settings(), name) == ()

    def test_what_is_required_and_not_given_is_missing(self, make):
        with pytest.raises(VisionError, match=r"the owner: 'name' is missing \(Required\): give a string") as caught:
            make({}).settings()
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("name", 5, "'name' must be a string, not 5"),
            ("color", "blue", "'color' must be one of red, green, not 'blue'"),
            ("on", 1, "'on' must be true or false, not 1"),
            ("count", 0, "'count' must be an integer, at least 1, not 0"),
            ("count", 2.0, "'count' must be an integer"),
            ("count", True, "'count' must be an integer"),
            ("share", "half", "'share' must be a number, at least 0 and at most 1 of all, not 'half'"),
            ("share", 1.5, "not 1.5"),
            ("share", float("nan"), "not nan"),
            ("above", 0.0, "'above' must be a number, above 0, not 0.0"),
            ("counts", [1, -1], "'counts' must be a list, each item an integer, at least 0, not"),
            ("counts", 1, "'counts' must be a list"),
            ("names", "a", "'names' must be a list"),
            ("names", [1], "'names' must be a list"),
            ("limits.cat", 2.0, "'limits.cat' must be a number"),
            ("limits.cat", "much", "'limits.cat' must be a number"),
        ],
    )
    def test_what_is_wrong_is_a_problem_until_it_is_set_right(self, make, name, value, words):
        owner = make({"name": "it", name: value})
        with pytest.raises(VisionError) as caught:
            owner.settings()
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
        assert words in caught.value.message
        right = Settings(name="it", limits={"cat": 0.5})
        key = name.partition(".")[0]
        good = 0.5 if "." in name else getattr(right, key)
        (result,) = owner.set_parameters([Parameter(name, value=list(good) if isinstance(good, tuple) else good)])
        assert result.successful, result.reason
        assert getattr(owner.settings(), key) == getattr(right, key)

    def test_all_that_is_wrong_is_said_at_once(self, make):
        with pytest.raises(VisionError) as caught:
            make({"name": "it", "count": 0, "share": 2.0}).settings()
        assert "'count'" in caught.value.message
        assert "'share'" in caught.value.message

    def test_what_is_to_be_set_counts_as_set_right(self, make):
        owner = make({"name": "it", "count": 0})
        assert owner.settings(count=4).count == 4

    def test_a_name_that_nobody_declared_is_said_with_what_may_be_meant(self, make):
        owner = make({"name": "it", "colour": "red", "zzz": 1, "limit.cat": 1.0})
        colour, zzz, limit = owner.parameters.unknown()
        assert colour == "parameter 'colour' is not known here: did you mean 'color'?"
        assert zzz.startswith("parameter 'zzz' is not known here: known are above, any, color")
        assert limit == "parameter 'limit.cat' is not known here: did you mean 'limits.KEY'?"
        assert owner.parameters.unknown(only_misspelt=True) == [colour, limit]

    def test_names_of_rclpy_are_known(self, make):
        given = {"name": "it", "use_sim_time": False, "qos_overrides./a.publisher.depth": 3}
        assert make(given).parameters.unknown() == []

    def test_nothing_is_validated_or_applied_for_what_is_given_at_the_start(self, make):
        owner = make({"name": "it", "count": 7})
        assert owner.validated == owner.applied == []


class TestWhileItRuns:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("name", "that", "that"),
            ("on", "true", True),
            ("count", "7", 7),
            ("share", "0.25", 0.25),
            ("share", "1", 1.0),
            ("switches", "[false, true]", (False, True)),
            ("counts", "[1, 2]", (1, 2)),
            ("shares", "[0.25, 0.75]", (0.25, 0.75)),
            ("shares", "[1, 2]", (1.0, 2.0)),
            ("names", "[a, b]", ("a", "b")),
            ("switches", "[]", ()),
            ("shares", "[]", ()),
            ("limits.cat", "0.4", {"cat": 0.4}),
            ("limits.cat", "1", {"cat": 1.0}),
        ],
    )
    def test_what_somebody_types_is_set(self, owner, peer, name, text, value):
        assert set_one(peer, name, text) == ""
        assert getattr(owner.settings(), name.partition(".")[0]) == value
        single = value["cat"] if isinstance(value, dict) else value
        assert owner.validated == owner.applied == [{name: single}]
        assert type(owner.applied[0][name]) is type(single)

    def test_what_is_set_to_the_value_that_it_has_is_no_change(self, owner, peer):
        parameters = as_typed(name="it", count="3", share="0.5", shares="[0.5, 1.0]", names="[]", color="green")
        assert all(item.successful for item in peer.call(SetParameters, SET, parameters=parameters[:-1]).results)
        assert owner.validated == owner.applied == []
        assert peer.call(SetParametersAtomically, f"{SET}_atomically", parameters=parameters).result.successful
        assert owner.validated == owner.applied == [{"color": "green"}]

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("name", "5", "Wrong parameter type"),
            ("count", "2.5", "Wrong parameter type"),
            ("count", "0", "count out of range"),
            ("share", "half", "Wrong parameter type"),
            ("share", "1.5", "share out of range"),
            ("share", "-1", "share out of range"),
            ("share", ".nan", "share out of range"),
            ("above", "0", "'above' must be a number, above 0, not 0.0"),
            ("color", "blue", "'color' must be one of red, green, not 'blue'"),
            ("color", "greem", "did you mean 'green'?"),
            ("counts", "[1, -1]", "'counts' must be a list, each item an integer, at least 0, not [1, -1]"),
            ("counts", "[a]", "Wrong parameter type"),
            ("limits.cat", "1.5", "'limits.cat' must be a number, at least 0 and at most 1, not 1.5"),
            ("limits.cat", "much", "'limits.cat' must be a number"),
            ("colour", "red", "parameter 'colour' is not known here: did you mean 'color'?"),
            ("limit.cat", "0.5", "did you mean 'limits.KEY'?"),
        ],
    )
    def test_what_is_wrong_is_refused_with_the_reason_and_changes_nothing(self, owner, peer, name, text, words):
        assert words in set_one(peer, name, text)
        assert owner.settings() == Settings(name="it")
        assert owner.applied == []
        assert not owner.has_parameter("limits.cat")

    def test_a_set_is_validated_and_applied_as_one(self, owner, peer):
        parameters = as_typed(count="7", share="1", **{"limits.cat": "1"})
        result = peer.call(SetParametersAtomically, "owner/set_parameters_atomically", parameters=parameters).result
        assert result.successful, result.reason
        assert owner.validated == owner.applied == [{"count": 7, "share": 1.0, "limits.cat": 1.0}]

    @pytest.mark.parametrize("wrong", [{"share": "2"}, {"color": "blue"}, {"colour": "red"}, {"above": "0"}])
    def test_of_a_set_that_is_wrong_in_part_nothing_is_set(self, owner, peer, wrong):
        parameters = as_typed(count="7", **{"limits.cat": "1"}, **wrong)
        result = peer.call(SetParametersAtomically, "owner/set_parameters_atomically", parameters=parameters).result
        assert not result.successful
        assert next(iter(wrong)) in result.reason
        assert owner.settings() == Settings(name="it")
        assert owner.applied == []
        assert not owner.has_parameter("limits.cat")

    def test_the_owner_may_refuse_with_a_reason(self, owner, peer):
        owner.refusal = VisionError(ErrorCode.INVALID_ARGUMENT, "not now")
        assert set_one(peer, "count", "7") == "not now"
        assert set_one(peer, "limits.cat", "1") == "not now"
        assert owner.settings() == Settings(name="it")
        listed = peer.call(ListParameters, "owner/list_parameters").result.names
        assert "limits.cat" not in listed

    def test_an_owner_that_fails_refuses_and_goes_on(self, owner, peer):
        owner.refusal = ZeroDivisionError("oh")
        assert set_one(peer, "count", "7") == "ZeroDivisionError: oh"
        owner.refusal = None
        assert set_one(peer, "count", "7") == ""

    def test_what_is_declared_cannot_be_deleted(self, owner, peer):
        assert delete(peer, "count")
        assert owner.settings().count == 3

    def test_an_entry_of_a_map_can_be_deleted_and_set_again(self, owner, peer):
        assert set_one(peer, "limits.cat", "0.4") == set_one(peer, "limits.dog", "0.5") == ""
        assert delete(peer, "limits.cat") == ""
        assert owner.applied[-1] == owner.validated[-1] == {"limits.cat": None}
        assert owner.settings().limits == {"dog": 0.5}
        assert "limits.cat" not in peer.call(ListParameters, "owner/list_parameters").result.names
        owner.parameters.undeclare(Settings)
        owner.parameters.declare(Settings)
        assert owner.settings().limits == {"dog": 0.5}
        assert "Wrong parameter type" in set_one(peer, "limits.cat", "much") or not owner.has_parameter("limits.cat")
        assert set_one(peer, "limits.cat", "0.7") == ""
        assert owner.settings().limits == {"dog": 0.5, "cat": 0.7}

    def test_an_entry_that_the_owner_does_not_let_go_stays(self, owner, peer):
        assert set_one(peer, "limits.cat", "0.4") == ""
        owner.refusal = VisionError(ErrorCode.INVALID_ARGUMENT, "not now")
        assert delete(peer, "limits.cat") == "not now"
        owner.refusal = None
        assert owner.settings().limits == {"cat": 0.4}
        assert "'limits.cat' must be a number" in set_one(peer, "limits.cat", "much")
        assert owner.settings().limits == {"cat": 0.4}

    def test_an_entry_that_is_not_there_cannot_be_deleted(self, owner, peer):
        assert "limits.cat" in delete(peer, "limits.cat")

    def test_arrays_of_messages_are_lists(self, owner, peer):
        value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE_ARRAY, double_array_value=array("d", [0.25, 0.75]))
        (result,) = peer.call(
            SetParameters, "owner/set_parameters", parameters=[ParameterMessage(name="shares", value=value)]
        ).results
        assert result.successful
        assert owner.applied == [{"shares": (0.25, 0.75)}]

    def test_parameters_of_rclpy_are_no_concern_of_the_owner(self, owner, peer):
        assert set_one(peer, "use_sim_time", "false") == ""
        assert owner.validated == owner.applied == []


class TestReadOnly:
    @pytest.fixture
    def fixed(self, make):
        owner = make({"name": "it", "speed": 2})
        owner.parameters.declare(Other, read_only=True)
        return owner

    def test_it_has_the_value_given_at_the_start_and_can_never_be_changed(self, fixed):
        assert fixed.describe_parameter("speed").read_only
        assert fixed.describe_parameter("speed").description == "How fast."
        assert not fixed.describe_parameter("count").read_only
        result = fixed.set_parameters_atomically([Parameter("speed", value=3.0)])
        assert "read-only" in result.reason
        assert fixed.parameters.values(Other) == {"speed": 2.0}

    def test_it_may_be_declared_again(self, fixed):
        fixed.parameters.declare(Other, read_only=True)
        assert fixed.parameters.values(Other) == {"speed": 2.0}


class TestDescriptions:
    def test_each_says_what_it_is_and_what_is_allowed(self, owner, peer):
        names = ["count", "share", "color", "counts", "name"]
        count, share, color, counts, name = peer.call(
            DescribeParameters, "owner/describe_parameters", names=names
        ).descriptors
        assert (count.type, count.description) == (ParameterType.PARAMETER_INTEGER, "At least one.")
        assert (count.integer_range[0].from_value, count.integer_range[0].to_value) == (1, 2**63 - 1)
        assert (share.type, share.description) == (ParameterType.PARAMETER_DOUBLE, "A part. [of all]")
        assert (share.floating_point_range[0].from_value, share.floating_point_range[0].to_value) == (0.0, 1.0)
        assert color.additional_constraints == "one of red, green"
        assert counts.type == ParameterType.PARAMETER_INTEGER_ARRAY
        assert counts.additional_constraints == "a list, each item an integer, at least 0"
        assert name.type == ParameterType.PARAMETER_STRING

    @pytest.mark.parametrize("bounds", [(0, 1), (0.0, 1.0), (-0.5, 1000)], ids=str)
    def test_the_range_of_a_float_arrives_also_where_its_bounds_are_integers(self, bounds):
        @dataclass(frozen=True)
        class Bounded:
            part: float = attribute("A part.", default=0.5, minimum=bounds[0], maximum=bounds[1])

        sent = descriptor(attributes(Bounded)["part"], "single")
        (received,) = deserialize_message(serialize_message(sent), ParameterDescriptor).floating_point_range
        assert (received.from_value, received.to_value) == bounds

    def test_values_can_be_read(self, owner, peer):
        values = peer.call(GetParameters, "owner/get_parameters", names=["count", "counts", "name"]).values
        assert [value.type for value in values] == [
            ParameterType.PARAMETER_INTEGER,
            ParameterType.PARAMETER_INTEGER_ARRAY,
            ParameterType.PARAMETER_STRING,
        ]
        assert (values[0].integer_value, list(values[1].integer_array_value), values[2].string_value) == (3, [], "it")


class TestSeveralConfigurations:
    def test_each_has_its_prefix(self, make):
        owner = make({"name": "it", "a.speed": 2, "b.speed": 3.0})
        for prefix in ("a.", "b."):
            owner.parameters.declare(Other, prefix=prefix)
        assert [owner.parameters.values(Other, prefix=prefix) for prefix in ("a.", "b.")] == [
            {"speed": 2.0},
            {"speed": 3.0},
        ]
        assert owner.parameters.unknown() == []

    def test_declaring_again_keeps_what_was_set(self, make):
        owner = make()
        owner.set_parameters([Parameter("count", value=7)])
        owner.parameters.declare(Settings)
        assert owner.settings().count == 7

    def test_what_is_undeclared_is_gone_and_comes_back_as_it_was_set_last(self, make):
        owner = make({"name": "it", "count": 0, "limits.cat": 0.5})
        owner.set_parameters([Parameter("count", value=7), Parameter("limits.dog", value=0.25)])
        owner.parameters.undeclare(Settings)
        assert not any(owner.has_parameter(name) for name in ("name", "count", "limits.cat", "limits.dog"))
        owner.parameters.declare(Settings)
        assert owner.settings() == Settings(name="it", count=7, limits={"cat": 0.5, "dog": 0.25})

    def test_two_with_the_same_name_are_refused_and_leave_the_first_alone(self, make):
        owner = make()
        owner.parameters.declare(Other)
        with pytest.raises(VisionError, match="speed of Clash are taken by Other") as caught:
            owner.parameters.declare(Clash)
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
        owner.parameters.undeclare(Clash)
        assert owner.parameters.values(Other) == {"speed": 1.0}
        assert not owner.has_parameter("length")

    def test_a_default_out_of_its_own_range_is_a_problem_as_well(self, make):
        @dataclass(frozen=True)
        class Wrong:
            size: int = attribute("Too small.", default=0, minimum=1)

        owner = make()
        owner.parameters.declare(Wrong)
        with pytest.raises(VisionError, match="'size'"):
            owner.parameters.values(Wrong)
