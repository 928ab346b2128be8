"""PCD files: all three forms, real ones, and everything that can be wrong with one."""

import lzf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import testdata
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields, write_pcd
from vision_service.types import PointCloud

FLOATS = st.floats(2.0**-20, 2**20, width=32)
CLOUDS = [
    "capture0001.pcd",
    "colored_cloud.pcd",
    "five_people.pcd",
    "min_cut_segmentation_tutorial.pcd",
    "osd_learn33.pcd",
    "table_scene_mug_stereo_textured.pcd",
]


def pcd(body=b"1 2 3\n4 5 6\n", **changes):
    """Return a PCD file of two points; a change of None leaves the line out."""
    header = {
        "VERSION": "0.7",
        "FIELDS": "x y z",
        "SIZE": "4 4 4",
        "TYPE": "F F F",
        "COUNT": "1 1 1",
        "WIDTH": "2",
        "HEIGHT": "1",
        "VIEWPOINT": "0 0 0 1 0 0 0",
        "POINTS": "2",
        "DATA": "ascii",
    } | changes
    return "".join(f"{key} {value}\n" for key, value in header.items() if value is not None).encode() + body


def compressed(data):
    packed = lzf.compress(data, 2 * len(data) + 16)
    return np.array([len(packed), len(data)], "<u4").tobytes() + packed


@st.composite
def clouds(draw):
    shape = draw(st.one_of(st.tuples(st.integers(0, 20)), st.tuples(st.integers(2, 6), st.integers(2, 6))))
    xyz = draw(nps.arrays(np.float32, (*shape, 3), elements=FLOATS))
    xyz[draw(nps.arrays(bool, shape))] = np.nan
    rgb = draw(st.one_of(st.none(), nps.arrays(np.uint8, (*shape, 3))))
    return PointCloud(xyz, rgb)


def assert_same(cloud, other):
    assert cloud.organized == other.organized
    np.testing.assert_array_equal(cloud.xyz, other.xyz)
    if cloud.rgb is None:
        assert other.rgb is None
    else:
        np.testing.assert_array_equal(cloud.rgb, other.rgb)


@pytest.mark.parametrize("name", CLOUDS)
def test_a_real_file_has_the_measured_points(name):
    cloud = read_pcd(testdata.path(f"clouds/{name}"))
    facts = testdata.expected()["clouds"][name]
    finite = cloud.xyz[np.isfinite(cloud.xyz).all(axis=-1)].astype(np.float64)
    assert (len(cloud), len(finite)) == (facts["points"], facts["finite_points"])
    assert cloud.organized == facts["organized"]
    if cloud.organized:
        assert cloud.xyz.shape == (facts["height"], facts["width"], 3)
    assert (cloud.rgb is not None) == bool({"rgb", "rgba"} & set(facts["fields"]))
    for measured, key in ((finite.min(0), "min"), (finite.max(0), "max"), (finite.mean(0), "mean")):
        np.testing.assert_allclose(measured, facts[key], atol=1e-4)


def test_other_fields_of_a_real_file_are_read_by_name():
    fields = read_pcd_fields(testdata.path("clouds/osd_learn33.pcd"))
    assert list(fields) == ["label", "x", "y", "z", "rgba"]
    assert fields["label"].shape == (480, 640)
    facts = testdata.expected()["clouds"]["osd_learn33.pcd"]["ground_truth_by_label"]
    xyz = np.stack([fields[axis] for axis in "xyz"], axis=-1)
    for label, truth in facts.items():
        points = xyz[(fields["label"] == int(label)) & np.isfinite(xyz).all(axis=-1)]
        assert len(points) == truth["points"]
        np.testing.assert_allclose(points.mean(axis=0, dtype=float), truth["centroid"], atol=1e-3)


@pytest.mark.parametrize("name", ["table_scene_mug_stereo_textured.pcd", "osd_learn33.pcd"])
def test_a_real_cloud_survives_being_written(name):
    cloud = read_pcd(testdata.path(f"clouds/{name}"))
    assert_same(read_pcd(write_pcd(cloud)), cloud)


@given(clouds(), st.sampled_from(["binary", "ascii"]))
def test_what_is_written_is_read(cloud, form):
    assert_same(read_pcd(write_pcd(cloud, form)), cloud)


@given(clouds(), st.sampled_from(["binary", "ascii"]))
def test_labels_are_written_as_a_field_of_their_own(cloud, form):
    labels = np.arange(len(cloud), dtype=np.uint32).reshape(cloud.xyz.shape[:-1]) * 1_000_000
    data = write_pcd(cloud, form, labels=labels)
    assert_same(read_pcd(data), cloud)
    read = read_pcd_fields(data)["label"]
    assert read.dtype == np.uint32
    np.testing.assert_array_equal(read.reshape(-1), labels.reshape(-1))


def test_the_header_names_the_labels_last():
    cloud = PointCloud(np.zeros((2, 3), np.float32), np.full((2, 3), (255, 1, 2), np.uint8))
    lines = write_pcd(cloud, "ascii", labels=np.array([0, 4294967295])).decode().splitlines()
    assert lines[2:6] == ["FIELDS x y z rgb label", "SIZE 4 4 4 4 4", "TYPE F F F U U", "COUNT 1 1 1 1 1"]
    assert lines[-2:] == ["0 0 0 16711938 0", "0 0 0 16711938 4294967295"]


def test_another_form_is_not_written():
    with pytest.raises(VisionError, match="binary or ascii, not as 'binary_compressed'"):
        write_pcd(PointCloud(np.zeros((1, 3), np.float32)), "binary_compressed")


def test_the_header_that_is_written_is_complete():
    cloud = PointCloud(np.zeros((2, 3, 3), np.float32), np.full((2, 3, 3), (255, 1, 2), np.uint8))
    lines = write_pcd(cloud, "ascii").decode().splitlines()
    assert lines[1:] == [
        "VERSION 0.7",
        "FIELDS x y z rgb",
        "SIZE 4 4 4 4",
        "TYPE F F F U",
        "COUNT 1 1 1 1",
        "WIDTH 3",
        "HEIGHT 2",
        "VIEWPOINT 0 0 0 1 0 0 0",
        "POINTS 6",
        "DATA ascii",
        *["0 0 0 16711938"] * 6,
    ]


@given(nps.arrays(np.float32, (12, 3), elements=FLOATS), nps.arrays(np.uint16, (12, 5)), st.permutations(range(4)))
def test_fields_of_any_order_type_and_count_are_read_in_every_form(xyz, histogram, order):
    columns = [
        ("x", "F", 4, 1, xyz[:, 0].astype("<f4")),
        ("y", "F", 4, 1, xyz[:, 1].astype("<f4")),
        ("z", "F", 4, 1, xyz[:, 2].astype("<f4")),
        ("histogram", "U", 2, 5, histogram.astype("<u2")),
    ]
    columns = [columns[index] for index in order]
    header = {
        key: " ".join(str(column[index]) for column in columns)
        for index, key in enumerate(("FIELDS", "TYPE", "SIZE", "COUNT"))
    }
    header |= {"WIDTH": "4", "HEIGHT": "3", "POINTS": "12"}
    points = np.empty(12, [(name, values.dtype, values.shape[1:]) for name, _, _, _, values in columns])
    for name, *_, values in columns:
        points[name] = values
    text = "\n".join(" ".join(str(v) for field in point for v in np.atleast_1d(field).tolist()) for point in points)
    files = [
        pcd(points.tobytes(), DATA="binary", **header),
        pcd(compressed(b"".join(values.tobytes() for *_, values in columns)), DATA="binary_compressed", **header),
        pcd(text.encode(), DATA="ascii", **header),
    ]
    for file in files:
        np.testing.assert_array_equal(read_pcd(file).xyz, xyz.reshape(3, 4, 3))
        np.testing.assert_array_equal(read_pcd_fields(file)["histogram"], histogram.reshape(3, 4, 5))


def test_a_colour_may_be_kept_in_a_float():
    bits = np.array([0x00FF0102], np.uint32).view(np.float32)
    body = np.concatenate([np.array([1, 2, 3], np.float32), bits]).tobytes()
    file = pcd(
        body, DATA="binary", FIELDS="x y z rgb", SIZE="4 4 4 4", TYPE="F F F F", COUNT="1 1 1 1", WIDTH=1, POINTS=1
    )
    np.testing.assert_array_equal(read_pcd(file).rgb, [[255, 1, 2]])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_spaces_comments_line_endings_and_left_out_lines_are_as_in_real_files(ending):
    text = b"# a comment\n\n" + pcd(b"  1   2\t3\n 4 5 nan \n", COUNT=None, VERSION=".7", VIEWPOINT=None, POINTS=None)
    cloud = read_pcd(text.replace(b"\n", ending))
    np.testing.assert_array_equal(cloud.xyz, [[1, 2, 3], [np.nan, np.nan, np.nan]])


XYZ = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


def four(field, kind="F", size="4", count="1"):
    """Return the header's lines of x, y, z and another field."""
    return {"FIELDS": f"x y z {field}", "TYPE": f"F F F {kind}", "SIZE": f"4 4 4 {size}", "COUNT": f"1 1 1 {count}"}


@pytest.mark.parametrize(
    "file",
    [
        pcd(TYPE="f f f"),
        pcd(TYPE="Float float F32"),
        pcd(TYPE=None),
        pcd(TYPE=None, SIZE=None, COUNT=None),
        pcd().replace(b"FIELDS", b"COLUMNS"),
        pcd().replace(b"TYPE", b"SENSOR a b c d\nTYPE"),
        b"\xef\xbb\xbf" + pcd(),
        pcd(DATA="ASCII"),
        pcd(XYZ.tobytes(), DATA="Binary"),
        pcd(WIDTH=None),
        pcd(HEIGHT=None),
        pcd(WIDTH=None, HEIGHT=None),
        pcd(WIDTH=None, POINTS=None),
        pcd(HEIGHT=None, POINTS=None),
        pcd(WIDTH=None, HEIGHT=None, POINTS=None),
        pcd(XYZ.tobytes(), WIDTH=None, HEIGHT=None, POINTS=None, DATA="binary"),
        pcd(compressed(XYZ.T.tobytes()), WIDTH=None, HEIGHT=None, POINTS=None, DATA="binary_compressed"),
        pcd(WIDTH="0"),
        pcd(HEIGHT="0"),
        pcd(WIDTH="", HEIGHT=""),
        pcd(WIDTH="7"),
        pcd(POINTS="7"),
        pcd(POINTS="0"),
        pcd(XYZ.tobytes(), WIDTH="7", DATA="binary"),
        pcd(XYZ.tobytes(), POINTS="7", DATA="binary"),
        pcd(compressed(XYZ.T.tobytes()), HEIGHT="9", DATA="binary_compressed"),
        pcd(b"1 2 3\n# between\n\n4 5 6\n7 8 9\n"),
        pcd(b"1 2 3 9.5\n4 5 6 -1\n", **four("intensity", "U")),
        pcd(b"1 2 3 nan\n4 5 6 1e40\n", **four("ring", "I", "2")),
        pcd(b"1 2 3 wall\n4 5 6 floor\n", **four("label", "U")),
        pcd(b"1 2 3 9\n4 5 6 9\n", **four("thing", "Q", "3")),
        pcd(b"1 2 3 1\n4 5 6 0\n", **four("valid", "B", "1")),
        pcd(b"1 2 3\n4 5 6\n", **four("_", "U", "1", "0")),
    ],
)
def test_what_is_not_needed_does_not_decide(file):
    np.testing.assert_array_equal(read_pcd(file).xyz, XYZ)


def test_size_and_data_that_agree_make_rows_and_columns():
    text = b"".join(b"%d 1 1\n" % x for x in range(1, 7))
    for missing in ("WIDTH", "HEIGHT", "POINTS"):
        lines = {"WIDTH": "3", "HEIGHT": "2", "POINTS": "6"} | {missing: None}
        assert read_pcd(pcd(text, **lines)).xyz[..., 0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert read_pcd(pcd(text, WIDTH="3", HEIGHT="2", POINTS="60")).xyz.shape == (2, 3, 3)
    assert read_pcd(pcd(text, WIDTH="3", HEIGHT="20", POINTS="6")).xyz.shape == (6, 3)


@pytest.mark.parametrize(
    "nothing", ["nan nan nan", "NaN 1 1", "-nan 1 1", "-nan(ind) 1 1", "1.#QNAN 1 1", "inf 1 1", "0 0 0"]
)
def test_what_was_not_measured_is_no_point(nothing):
    cloud = read_pcd(pcd(f"{nothing}\n4 5 6\n".encode()))
    np.testing.assert_array_equal(cloud.xyz, [[np.nan] * 3, [4, 5, 6]])


def test_whole_numbers_with_a_fraction_are_what_is_before_it():
    file = pcd(b"1 2 3 12.000000\n4 5 6 7.9\n", **four("intensity", "U"))
    fields = read_pcd_fields(file)
    assert (fields["intensity"].tolist(), fields["intensity"].dtype) == ([12, 7], np.uint32)
    large = 2**63 + 12345
    assert read_pcd_fields(pcd(f"1 2 3 {large}\n4 5 6 1\n".encode(), **four("t", "U", "8")))["t"].tolist() == [large, 1]


def test_padding_of_count_0_as_pcl_writes_it_is_no_field():
    points = np.zeros(2, [("xyz", "<f4", 3), ("_", "u1", 4), ("i", "<f4"), ("t", "<f8")])
    points["xyz"], points["i"], points["t"] = XYZ, [8, 9], [1e9, 2e9]
    lines = {
        "FIELDS": "x y z _ intensity _ timestamp",
        "SIZE": "4 4 4 1 4 1 8",
        "TYPE": "F F F U F U F",
        "COUNT": "1 1 1 4 1 0 1",
    }
    fields = read_pcd_fields(pcd(points.tobytes(), DATA="binary", **lines))
    assert list(fields) == ["x", "y", "z", "intensity", "timestamp"]
    assert (fields["intensity"].tolist(), fields["timestamp"].tolist()) == ([8, 9], [1e9, 2e9])


@pytest.mark.parametrize("with_padding", [False, True])
def test_compressed_padding_may_be_left_out_as_pcl_does(with_padding):
    columns = [XYZ[:, 0], np.zeros((2, 4), np.uint8), XYZ[:, 1], XYZ[:, 2]]
    data = b"".join(column.tobytes() for column in columns if with_padding or column.dtype != np.uint8)
    lines = {"FIELDS": "x _ y z", "SIZE": "4 1 4 4", "TYPE": "F U F F", "COUNT": "1 4 1 1"}
    np.testing.assert_array_equal(read_pcd(pcd(compressed(data), DATA="binary_compressed", **lines)).xyz, XYZ)


@pytest.mark.parametrize(
    "lines", [four("rgb", "U", "1", "3"), four("rgb", "F", "8"), four("rgb", "U", "1"), four("rgb", "Q", "4")]
)
def test_colour_is_lost_rather_than_points(lines):
    size = 12 + int(lines["SIZE"].split()[3]) * int(lines["COUNT"].split()[3])
    points = np.zeros((2, size), np.uint8)
    points[:, :12] = XYZ.view(np.uint8)
    cloud = read_pcd(pcd(points.tobytes(), DATA="binary", **lines))
    assert cloud.rgb is None
    np.testing.assert_array_equal(cloud.xyz, XYZ)
    assert read_pcd(pcd(b"1 2 3 red\n4 5 6 blue\n", **four("rgb", "U"))).rgb is None


def test_colour_may_be_in_three_fields():
    lines = {"FIELDS": "x y z r g b", "SIZE": "4 4 4 1 1 1", "TYPE": "F F F U U U", "COUNT": "1 1 1 1 1 1"}
    cloud = read_pcd(pcd(b"1 2 3 255 1 2\n4 5 6 0 7 8\n", **lines))
    assert cloud.rgb.tolist() == [[255, 1, 2], [0, 7, 8]]


# Large coordinates

MAP = np.array((492818.04, 5527515.85, 100.0))


@pytest.mark.parametrize("form", ["ascii", "binary", "binary_compressed"])
def test_large_coordinates_are_counted_from_an_origin(form):
    places = XYZ.astype("<f8") / 7 + MAP
    bodies = {
        "ascii": "".join(f"{x!r} {y!r} {z!r}\n" for x, y, z in places.tolist()).encode(),
        "binary": places.tobytes(),
        "binary_compressed": compressed(places.T.tobytes()),
    }
    cloud = read_pcd(pcd(bodies[form], SIZE="8 8 8", DATA=form))
    assert np.abs(np.array(cloud.origin) - MAP).max() < 5
    np.testing.assert_allclose(cloud.absolute, places, atol=1e-6)


@pytest.mark.parametrize("form", ["ascii", "binary"])
def test_they_are_written_as_they_came(form):
    cloud = PointCloud(XYZ, np.full((2, 3), (255, 1, 2), np.uint8), (492818.0, 5527516.0, 100.0))
    data = write_pcd(cloud, form, labels=np.array([7, 8]))
    assert b"\nSIZE 8 8 8 4 4\nTYPE F F F U U\n" in data
    back = read_pcd(data)
    np.testing.assert_array_equal(back.absolute, cloud.absolute)
    np.testing.assert_array_equal(back.rgb, cloud.rgb)
    assert read_pcd_fields(data)["label"].tolist() == [7, 8]


def test_near_points_of_eight_bytes_have_no_origin():
    cloud = read_pcd(pcd(XYZ.astype("<f8").tobytes(), SIZE="8 8 8", DATA="binary"))
    assert cloud.origin == (0, 0, 0)
    np.testing.assert_array_equal(cloud.xyz, XYZ)


def test_padding_is_left_out():
    file = pcd(b"1 9 9 2 3\n4 9 9 5 6\n", FIELDS="x _ _ y z", SIZE="4 " * 5, TYPE="F " * 5, COUNT="1 " * 5)
    assert list(read_pcd_fields(file)) == ["x", "y", "z"]
    np.testing.assert_array_equal(read_pcd(file).xyz, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("form", ["ascii", "binary", "binary_compressed"])
def test_a_cloud_without_points_is_a_cloud(form):
    cloud = read_pcd(pcd(b"", DATA=form, WIDTH="0", POINTS="0"))
    assert cloud.xyz.shape == (0, 3)


def test_numbers_behind_those_of_a_point_are_left_out_as_pcl_and_open3d_do(tmp_path):
    file = tmp_path / "more.pcd"
    file.write_bytes(pcd(b"1 2 3 9\n4 5 6\n"))
    np.testing.assert_array_equal(read_pcd(file).xyz.reshape(-1, 3), [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "no PCD: there is no header"),
        (b"\x89PNG\r\n\x1a\n rest", r"no PCD: b'.*PNG.*' is no line of a PCD header"),
        (b"ply\nformat ascii 1.0\n", "no PCD: b'ply.n' is no line of a PCD header"),
        (b"x" * 100_000, "no PCD"),
        (pcd()[:60], "cut off in its header"),
        (pcd(b"")[:-1], "cut off in its header"),
        (b"# only a comment\n", "no PCD: there is no header"),
        (pcd(FIELDS=None), "no FIELDS"),
        (pcd(SIZE="4 4"), "3 FIELDS, 2 SIZE, 3 TYPE, 3 COUNT"),
        (pcd(TYPE="F F Q"), "field z has the unknown TYPE Q of SIZE 4"),
        (pcd(SIZE="4 4 3"), "field z has the unknown TYPE F of SIZE 3"),
        (pcd(b"1 2\n4 5\n", COUNT="1 1 0"), "no field z with one number a point: its fields are x y"),
        (pcd(COUNT="1 1 -1"), "COUNT must be an integer of at least 0, not '-1'"),
        (pcd(COUNT="1 1 99999999999"), "a point of more than"),
        (pcd(WIDTH="-2"), "WIDTH must be an integer of at least 0, not '-2'"),
        (pcd(WIDTH="two"), "WIDTH must be an integer"),
        (pcd(WIDTH="5", POINTS="3"), "WIDTH 5 times HEIGHT 1 is not POINTS 3, and the file has 2"),
        (pcd(b"\0" * 25, DATA="binary", POINTS="3"), "is not POINTS 3, and the file has 25 bytes of data, 12 a point"),
        (pcd(DATA="text"), "DATA text is not one of ascii, binary_compressed, binary"),
        (pcd(DATA=""), "is no line of a PCD header"),
        (pcd(b"1 2 3\n"), "cut off: the header says 2 points, the file has 1"),
        (pcd(b""), "cut off: the header says 2 points, the file has 0"),
        (pcd(b"1 2 3\n4 5\n"), "no table of 3 numbers a line: point 2 has 2 .*'4 5'.*: mend or remove that line"),
        (pcd(b"1 2 3\n4 five 6\n"), "its field y has 'five' where a number belongs"),
        (
            pcd(b"\0" * 23, DATA="binary"),
            "cut off: the header says 2 points, the file has 23 bytes of data, 12 a point",
        ),
        (pcd(b"\0" * 24, DATA="binary", WIDTH="9" * 15, POINTS="9" * 15), "cut off: the header says 9{15} points"),
        (pcd(b"\0\0", DATA="binary_compressed"), "cut off: 8 bytes"),
        (pcd(compressed(bytes(24))[:-1], DATA="binary_compressed"), "cut off"),
        (pcd(compressed(bytes(20)), DATA="binary_compressed"), "2 points, 20 bytes are compressed in the file, 12 a"),
        (pcd(compressed(bytes(28)), DATA="binary_compressed"), "2 points are 24 bytes, but 28 are compressed in it"),
        (pcd(np.array([6, 2**32 - 1], "<u4").tobytes() + bytes(6), DATA="binary_compressed"), "data are damaged"),
        (
            pcd(np.array([6, 24], "<u4").tobytes() + b"\x05abcde", DATA="binary_compressed"),
            "its compressed data are damaged",
        ),
        (pcd(FIELDS="x y intensity"), "no field z with one number a point: its fields are x y intensity"),
        (pcd(b"1 2 3 4\n5 6 7 8\n", COUNT="1 1 2"), "no field z with one number a point"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(file, reason, tmp_path):
    path = tmp_path / "wrong.pcd"
    path.write_bytes(file)
    with pytest.raises(VisionError, match=reason) as caught:
        read_pcd(path)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    assert str(path) in caught.value.message
    with pytest.raises(VisionError, match=r"^the PCD data: "):
        read_pcd(file)


def test_a_file_that_is_absent_is_named_once(tmp_path):
    path = tmp_path / "absent.pcd"
    with pytest.raises(VisionError, match="cannot read") as caught:
        read_pcd(path)
    assert caught.value.message.count("absent.pcd") == 1


@given(st.data(), st.sampled_from(["ascii", "binary", "binary_compressed"]))
def test_a_file_cut_off_anywhere_or_damaged_is_read_in_full_or_refused(data, form):
    points = np.arange(30, dtype="<f4").reshape(10, 3)
    bodies = {
        "ascii": "".join(f"{x} {y} {z}\n" for x, y, z in points).encode(),
        "binary": points.tobytes(),
        "binary_compressed": compressed(points.T.tobytes()),
    }
    file = bytearray(pcd(bodies[form], DATA=form, WIDTH="10", POINTS="10"))
    place = data.draw(st.integers(0, len(file) - 1))
    if data.draw(st.booleans()):
        del file[place:]
    else:
        file[place] = data.draw(st.integers(0, 255))
    try:
        cloud = read_pcd(bytes(file))
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
    else:
        assert cloud.xyz.shape[-1] == 3
