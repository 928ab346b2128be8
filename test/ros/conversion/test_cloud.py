"""Point clouds as ROS messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.conversion import cloud_from_message, cloud_to_message
from vision_service.types import PointCloud

NOTHING = st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf])
FLOATS = st.floats(-(2**36), 2**36, width=32) | NOTHING
NEAR_FLOATS = st.floats(-900, 900, width=32) | NOTHING
TYPES = {
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
    PointField.UINT32: "u4",
    PointField.INT32: "i4",
    PointField.UINT16: "u2",
    PointField.UINT8: "u1",
}


def message_of(columns, shape, *, gaps=(), row_padding=0, big_endian=False):
    """Return the message of columns (name, datatype, values), each after a gap of some bytes."""
    order = ">" if big_endian else "<"
    offset, fields = 0, []
    for (name, datatype, _), gap in zip(columns, [*gaps, *[0] * len(columns)], strict=False):
        fields.append(PointField(name=name, offset=offset + gap, datatype=datatype, count=1))
        offset += gap + np.dtype(TYPES[datatype]).itemsize
    layout = {
        "names": [field.name for field in fields],
        "formats": [order + TYPES[field.datatype] for field in fields],
        "offsets": [field.offset for field in fields],
        "itemsize": offset,
    }
    points = np.zeros(shape, np.dtype(layout))
    for name, _, values in columns:
        points[name] = values.reshape(shape)
    rows = np.frombuffer(points.tobytes(), np.uint8).reshape(shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, row_padding)), constant_values=0xAB)
    message = PointCloud2(height=shape[0], width=shape[1], point_step=offset, is_bigendian=big_endian, fields=fields)
    message.row_step = rows.shape[1]
    message.data.frombytes(rows.tobytes())
    return message


def message(names="xyz", **changes):
    """Return a cloud of two points."""
    fields = [PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, name in enumerate(names)]
    filled = PointCloud2(height=1, width=2, point_step=12, row_step=24, fields=fields)
    for name, value in changes.items():
        setattr(filled, name, value)
    filled.data.frombytes(np.arange(1, 7, dtype="<f4").tobytes())
    return filled


def measured(xyz):
    """Return coordinates with NaN where there was no measurement."""
    exists = np.isfinite(xyz).all(axis=-1) & xyz.any(axis=-1)
    return np.where(exists[..., None], xyz, np.float32(np.nan))


def packed(rgb):
    red, green, blue = np.moveaxis(rgb.astype(np.uint32), -1, 0)
    return 0xFF000000 | red << 16 | green << 8 | blue


@given(st.data())
def test_points_are_read_whatever_the_fields_order_padding_and_byte_order(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    big_endian = data.draw(st.booleans())
    xyz = data.draw(nps.arrays(np.float32, (*shape, 3), elements=NEAR_FLOATS))
    rgb = data.draw(nps.arrays(np.uint8, (*shape, 3)))
    kind = data.draw(st.sampled_from([PointField.FLOAT32, PointField.FLOAT64]))
    columns = [(name, kind, xyz[..., index]) for index, name in enumerate("xyz")]
    colour = data.draw(st.sampled_from(["none", "rgb", "rgba", "r, g, b"]))
    if colour in {"rgb", "rgba"}:
        columns.append((colour, PointField.UINT32, packed(rgb)))
    elif colour == "r, g, b":
        columns += [(name, PointField.UINT8, rgb[..., index]) for index, name in enumerate("rgb")]
    columns.append(("ring", PointField.UINT16, np.full(shape, 7)))
    made = message_of(
        data.draw(st.permutations(columns)),
        shape,
        gaps=data.draw(st.lists(st.integers(0, 5), min_size=len(columns), max_size=len(columns))),
        row_padding=data.draw(st.integers(0, 9)),
        big_endian=big_endian,
    )
    if colour in {"rgb", "rgba"} and data.draw(st.booleans()):
        # PCL declares the very same bytes as a float.
        next(field for field in made.fields if field.name == colour).datatype = PointField.FLOAT32
    cloud = cloud_from_message(made)
    assert cloud.organized == (shape[0] > 1)
    assert cloud.xyz.dtype == np.dtype("=f4")
    expected = measured(xyz)
    np.testing.assert_array_equal(cloud.xyz, expected if shape[0] > 1 else expected[0])
    if colour == "none":
        assert cloud.rgb is None
    else:
        np.testing.assert_array_equal(cloud.rgb, rgb if shape[0] > 1 else rgb[0])


@st.composite
def clouds(draw):
    shape = draw(st.one_of(st.tuples(st.integers(0, 20)), st.tuples(st.integers(2, 6), st.integers(1, 6))))
    xyz = draw(nps.arrays(np.float32, (*shape, 3), elements=FLOATS))
    rgb = draw(st.one_of(st.none(), nps.arrays(np.uint8, (*shape, 3))))
    labels = draw(st.one_of(st.none(), nps.arrays(np.int32, shape, elements=st.integers(0, 2**31 - 1))))
    return PointCloud(xyz, rgb), labels


@given(clouds())
def test_what_is_written_is_read(made):
    cloud, labels = made
    written = cloud_to_message(cloud, Header(frame_id="camera"), labels=labels)
    back = cloud_from_message(written)
    assert written.header.frame_id == "camera"
    assert written.is_dense == np.isfinite(cloud.xyz).all()
    assert len(written.data) == written.row_step * written.height
    assert len(back) == len(cloud)
    np.testing.assert_array_equal(back.xyz, measured(cloud.xyz))
    if len(cloud):
        assert (back.rgb is None) == (cloud.rgb is None)
        np.testing.assert_array_equal(back.rgb, cloud.rgb)
    assert ("label" in {field.name for field in written.fields}) == (labels is not None)


def test_the_fields_that_are_written_are_those_of_pcl():
    cloud = PointCloud(np.array([[1, 2, 3]], np.float32), np.array([[255, 1, 2]], np.uint8))
    written = cloud_to_message(cloud, Header(), labels=np.array([70000]))
    described = [(field.name, field.offset, field.datatype, field.count) for field in written.fields]
    floats = [(name, 4 * index, PointField.FLOAT32, 1) for index, name in enumerate(("x", "y", "z", "rgb"))]
    assert described == [*floats, ("label", 16, PointField.UINT32, 1)]
    np.testing.assert_array_equal(np.frombuffer(written.data, "<f4")[:3], [1, 2, 3])
    np.testing.assert_array_equal(np.frombuffer(written.data, "<u4")[3:], [0x00FF0102, 70000])


def test_the_points_do_not_share_the_memory_of_their_message():
    filled = message()
    cloud = cloud_from_message(filled)
    filled.data[3] = 0x41
    assert cloud.xyz.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("is_dense", [False, True])
@pytest.mark.parametrize("nothing", [(np.nan, 1, 2), (0, 0, 0), (-0.0, 0, 0), (1, np.inf, 2), (1, 2, -np.inf)])
def test_what_was_not_measured_is_no_point_whatever_is_dense_says(nothing, is_dense):
    xyz = np.array([nothing, [0, 0, 1e-30]], np.float32)
    written = cloud_to_message(PointCloud(xyz), Header())
    written.is_dense = is_dense
    np.testing.assert_array_equal(cloud_from_message(written).xyz, [[np.nan] * 3, xyz[1]])


@pytest.mark.parametrize("size", [{}, {"height": 1}, {"width": 1}, {"height": 1, "row_step": 9}])
@pytest.mark.parametrize("names", ["", "xyz", "xy"])
def test_a_cloud_without_points_is_a_cloud(size, names):
    empty = PointCloud2(fields=message(names).fields, point_step=12, **size)
    assert cloud_from_message(empty).xyz.shape == (0, 3)


@pytest.mark.parametrize(
    "size",
    [
        {"row_step": 0},
        {"row_step": 2},  # in points, not in bytes
        {"row_step": 9600},
        {"height": 2, "width": 1, "row_step": 24},  # that of the cloud before it was organized
        {"height": 2, "width": 1, "row_step": 13},
        {"height": 0},
        {"height": 0, "row_step": 0},
    ],
)
def test_numbers_that_follow_from_others_do_not_decide(size):
    assert cloud_from_message(message(**size)).xyz.reshape(-1, 3).tolist() == [[1, 2, 3], [4, 5, 6]]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_where_the_data_are_as_many_as_the_points_any_row_step_will_do(height, width, row_step, padding):
    xyz = np.arange(1, height * width * 3 + 1, dtype=np.float32).reshape(height, width, 3)
    columns = [(name, PointField.FLOAT32, xyz[..., index]) for index, name in enumerate("xyz")]
    packed, padded = (message_of(columns, (height, width), row_padding=each) for each in (0, padding))
    packed.row_step = row_step
    for made in (packed, padded):
        np.testing.assert_array_equal(cloud_from_message(made).xyz.reshape(height, width, 3), xyz)


def test_the_last_row_needs_no_padding():
    xyz = np.arange(1, 13, dtype=np.float32).reshape(2, 2, 3)
    made = message_of([(name, PointField.FLOAT32, xyz[..., i]) for i, name in enumerate("xyz")], (2, 2), row_padding=5)
    del made.data[-5:]
    np.testing.assert_array_equal(cloud_from_message(made).xyz, xyz)


# Large coordinates

MAP = np.array((492818.04, 5527515.85, 100.0))
NEAR = np.array([(0, 0, 0.001), (0.25, -3, 1), (np.nan, 1, 1), (40, 60, 2)])


def large(points=NEAR + MAP, shape=(1, 4)):
    return message_of([(name, PointField.FLOAT64, points[:, index]) for index, name in enumerate("xyz")], shape)


def test_large_coordinates_are_counted_from_an_origin_of_whole_metres_near_them():
    cloud = cloud_from_message(large())
    assert cloud.xyz.dtype == np.float32
    assert np.abs(np.array(cloud.origin) - MAP).max() < 5
    assert [number.is_integer() for number in cloud.origin] == [True] * 3
    np.testing.assert_allclose(cloud.absolute[[0, 1, 3]], (NEAR + MAP)[[0, 1, 3]], atol=1e-5)
    assert np.isnan(cloud.xyz[2]).all()


def test_they_are_given_back_as_they_came():
    written = cloud_to_message(cloud_from_message(large()), Header(), labels=np.arange(4))
    assert [(f.name, f.offset, f.datatype) for f in written.fields] == [
        *((name, 8 * index, PointField.FLOAT64) for index, name in enumerate("xyz")),
        ("label", 24, PointField.UINT32),
    ]
    points = np.frombuffer(written.data, np.dtype([("xyz", "<f8", 3), ("label", "<u4")]))
    np.testing.assert_allclose(points["xyz"][[0, 1, 3]], (NEAR + MAP)[[0, 1, 3]], atol=1e-5)
    assert points["label"].tolist() == [0, 1, 2, 3]
    assert written.point_step == 28


def test_a_cloud_of_double_precision_is_sent_as_what_it_is():
    written = cloud_to_message(PointCloud((NEAR + MAP)[[0, 1, 3]]), Header())
    points = np.frombuffer(written.data, "<f8").reshape(-1, 3)
    np.testing.assert_allclose(points, (NEAR + MAP)[[0, 1, 3]], atol=1e-5)
    near = cloud_to_message(PointCloud(NEAR[[0, 1, 3]]), Header())
    assert {field.datatype for field in near.fields} == {PointField.FLOAT32}


def test_unmeasured_points_neither_move_the_origin_nor_become_points():
    cloud = cloud_from_message(large(np.where([[True], [False], [False], [False]], NEAR + MAP, 0.0)))
    np.testing.assert_allclose(cloud.absolute[0], MAP + NEAR[0], atol=1e-5)
    assert np.isnan(cloud.xyz[1:]).all()


def test_near_coordinates_of_any_precision_have_no_origin():
    assert cloud_from_message(large(NEAR + 900)).origin == (0, 0, 0)
    assert cloud_from_message(large(np.zeros((4, 3)))).origin == (0, 0, 0)


def test_a_count_of_zero_means_one_as_in_pcl():
    filled = message()
    filled.fields[0].count = 0
    assert len(cloud_from_message(filled)) == 2


def field(name, datatype=PointField.FLOAT32, offset=0, count=1):
    return PointField(name=name, datatype=datatype, offset=offset, count=count)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message(names="xy"), "no field z: the cloud's fields are x, y"),
        (message(names=""), "no field x, y, z: the cloud's fields are none"),
        (
            message(height=2),
            "2×2 points of 12 bytes .* are 48 bytes, 24 are there, and row_step 24 times height 2 is 48",
        ),
        (message(width=3, row_step=36), "3×1 points of 12 bytes .* are 36 bytes, 24 are there"),
        (message(width=1, row_step=12), "1×1 points of 12 bytes .* are 12 bytes, 24 are there"),
        (message(width=0), "0×1 points of 12 bytes .* are 0 bytes, 24 are there"),
        (message(width=1, height=0), "1×0 points of 12 bytes"),
        (message(point_step=0), "2×1 points of 0 bytes .*must set width, height and point_step to what is in data"),
        (
            message(fields=[field("x", PointField.INT32), field("y"), field("z")]),
            "field x has the datatype 5, not one of",
        ),
        (message(fields=[field("x"), field("y", count=3), field("z")]), "field y has count 3, not 1"),
        (
            message(fields=[field("x"), field("y"), field("z", offset=9)]),
            "field z ends at byte 13, beyond the point_step 12",
        ),
    ],
)
def test_a_wrong_cloud_is_refused_with_the_reason(wrong, reason):
    with pytest.raises(VisionError, match=reason) as caught:
        cloud_from_message(wrong)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_colour_in_another_type_is_left_out():
    columns = [(name, PointField.FLOAT32, np.zeros((1, 2))) for name in "xyz"]
    made = message_of([*columns, ("rgb", PointField.FLOAT64, np.zeros((1, 2)))], (1, 2))
    assert cloud_from_message(made).rgb is None


@pytest.mark.parametrize("colour", [{"count": 3, "datatype": PointField.UINT8}, {"offset": 10}, {"count": 4}])
def test_colour_is_lost_rather_than_points(colour):
    made = message()
    made.fields.append(field("rgb", **{"offset": 8, **colour}))
    cloud = cloud_from_message(made)
    assert cloud.rgb is None
    assert cloud.xyz.tolist() == [[1, 2, 3], [4, 5, 6]]
