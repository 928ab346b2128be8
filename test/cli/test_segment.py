"""The subcommand `segment`, and parameter files for subcommands that run a model."""

import json

import numpy as np
import pytest

import testdata
from vision_service.cli.main import main
from vision_service.files import share_file
from vision_service.image import encode, read_image
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields, write_pcd
from vision_service.pointcloud.projection import depth_to_cloud
from vision_service.types import CameraIntrinsics, PointCloud

TABLETOP = str(share_file("config/tabletop.yaml"))
PARAMS = """
camera: {ros__parameters: {driver: synthetic}}
reds:
  ros__parameters:
    model: color_detector
    cameras: [camera]
    detect_color: "#ff0000"
    hue_tolerance_pct: 0.1
    segment_size_px: 50
    label: ball
segmenter:
  ros__parameters:
    timeout: 1.0
    model: detections_to_segments
    detector_name: reds
    mean_k: 0
    cameras: [camera]
    camera.points: /elsewhere/points
"""


@pytest.fixture
def scene(tmp_path):
    """A cloud of 160×120 points: before a grey wall 3 m away a red square, from row and column 40 to 60, 2 m away."""
    depth = np.full((120, 160), 3.0, np.float32)
    colors = np.full((120, 160, 3), 128, np.uint8)
    depth[40:60, 40:60], colors[40:60, 40:60] = 2.0, (255, 0, 0)
    cloud = depth_to_cloud(depth, CameraIntrinsics(160, 120, 200.0, 200.0, 80.0, 60.0), colors)
    return write(tmp_path / "scene.pcd", write_pcd(cloud))


@pytest.fixture
def params(tmp_path):
    return write(tmp_path / "params.yaml", PARAMS.encode())


def write(path, data):
    path.write_bytes(data)
    return str(path)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class TestSegment:
    def test_json_is_one_object_a_file_in_one_line_each(self, capsys, scene, params):
        assert main(["segment", scene, "--params", params, "--node", "segmenter", "--json"]) == 0
        (line,) = lines(capsys.readouterr().out)
        ((found,),) = [line.pop("objects")]
        assert line == {"file": scene, "points": 19200}
        assert found == {
            "label": "ball",
            "confidence": 1.0,
            "points": 400,
            "center": pytest.approx([-0.305, -0.105, 2.0]),  # columns 40 to 59 are 40 to 21 from the middle, by 1 cm
            "size": pytest.approx([0.19, 0.19, 0.0]),
        }

    def test_a_terminal_shows_the_largest_objects_of_many_and_a_pipe_all(self, capsys, monkeypatch, tmp_path):
        places = np.stack(np.meshgrid(np.arange(6.0), np.arange(5.0), [2.0]), axis=-1).reshape(-1, 1, 3)
        inside = np.random.default_rng(0).uniform(-0.05, 0.05, (30, 100, 3))
        points = np.concatenate([block[: 40 + 2 * number] for number, block in enumerate(places + inside)])
        file = write(tmp_path / "many.pcd", write_pcd(PointCloud(points.astype(np.float32))))
        command = ["segment", file, "--model", "clusters", "--set", "clustering_distance=0.1"]
        assert main(command) == 0
        piped = capsys.readouterr().out
        assert [line.split()[0] for line in piped.splitlines() if " 1.00 " in line] == [str(n) for n in range(1, 31)]
        assert "…" not in piped
        monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
        assert main(command) == 0
        shown = capsys.readouterr().out
        assert "… and 10 more: --json, a file or a pipe has all" in shown
        assert len([line for line in shown.splitlines() if " 1.00 " in line]) == 20

    def test_a_turned_box_says_how_it_is_turned(self, capsys, scene, params):
        arguments = ["--params", params, "--node", "segmenter", "--set", "oriented_boxes=true", "--json"]
        assert main(["segment", scene, *arguments]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert len(line["objects"][0]["orientation"]) == 4

    def test_without_json_there_is_a_table_for_people(self, capsys, scene, params):
        assert main(["segment", scene, "--params", params, "--node", "segmenter"]) == 0
        words = capsys.readouterr().out.split()
        for word in ("160×120", "points", "label", "ball", "1.00", "400", "-0.305", "2.000", "0.190"):
            assert word in words

    def test_out_gets_the_labelled_cloud_and_an_image(self, tmp_path, scene, params):
        folder = tmp_path / "new" / "folder"
        assert main(["segment", scene, "--params", params, "--node", "segmenter", "--out", str(folder)]) == 0
        assert sorted(file.name for file in folder.iterdir()) == ["scene.pcd", "scene.png"]
        before, after = read_pcd(scene), read_pcd(folder / "scene.pcd")
        np.testing.assert_array_equal(after.xyz, before.xyz)
        np.testing.assert_array_equal(after.rgb, before.rgb)
        label = read_pcd_fields(folder / "scene.pcd")["label"]
        assert label.dtype == np.uint32
        assert (label[40:60, 40:60] == 1).all()
        assert label.sum() == 400
        image = read_image(folder / "scene.png").rgb
        assert image.shape == (120, 160, 3)
        assert (image[:30, 100:] == 128).all()
        assert (image[45:55, 45:55] != (255, 0, 0)).any(axis=2).all()

    def test_results_overwrite_neither_the_cloud_nor_each_other(self, tmp_path, scene, params):
        (tmp_path / "other").mkdir()
        data = (tmp_path / "scene.pcd").read_bytes()
        other = write(tmp_path / "other" / "scene.pcd", data)
        assert main(["segment", scene, other, "--params", params, "--node", "segmenter", "--out", str(tmp_path)]) == 0
        assert (tmp_path / "scene.pcd").read_bytes() == data
        assert {file.name for file in tmp_path.iterdir()} - {"params.yaml", "other"} == {
            *("scene.pcd", "scene-2.pcd", "scene-2.png"),
            *("scene-3.pcd", "scene-3.png"),
        }

    def test_a_file_that_cannot_be_read_does_not_stop_the_others(self, capsys, tmp_path, scene):
        text = write(tmp_path / "notes.pcd", b"hello")
        assert main(["segment", "absent.pcd", text, scene, "--model", "clusters", "--json"]) == 1
        output = capsys.readouterr()
        assert [line["file"] for line in lines(output.out)] == [scene]
        first, second = output.err.splitlines()
        assert first == "vision-service: cannot read 'absent.pcd': No such file or directory"
        assert second.startswith(f"vision-service: '{text}': ")

    def test_what_the_model_says_is_wrong_names_the_file(self, capsys, tmp_path, params):
        uncoloured = write(tmp_path / "grey.pcd", write_pcd(PointCloud(np.ones((10, 3), np.float32))))
        assert main(["segment", uncoloured, "--params", params, "--node", "segmenter"]) == 1
        assert capsys.readouterr().err == f"vision-service: '{uncoloured}': the frame has no colour image to look at\n"

    def test_a_model_that_cannot_segment_says_what_it_can(self, capsys, scene, params):
        assert main(["segment", scene, "--params", params, "--node", "reds"]) == 1
        error = "the model color_detector cannot segment in 3D: it can detect; use vision-service detect"
        assert capsys.readouterr().err == f"vision-service: {error}\n"

    def test_the_model_is_obstacles_pointcloud_unless_another_is_named(self, capsys, scene):
        assert main(["segment", scene, "--set", "no_such_thing=1"]) == 1
        assert capsys.readouterr().err.startswith(
            "vision-service: the model obstacles_pointcloud: unknown attribute 'no_such_thing'"
        )

    def test_objects_on_a_table_are_what_people_said_they_are(self, capsys, tmp_path):
        file = testdata.path("clouds/osd_learn33.pcd")
        assert main(["segment", str(file), "--params", TABLETOP, "--json", "--out", str(tmp_path)]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert (line["points"], len(line["objects"])) == (307200, 5)
        found = read_pcd_fields(tmp_path / "osd_learn33.pcd")["label"]
        truth = read_pcd_fields(file)["label"] // 10
        for number, item in enumerate(line["objects"], start=1):
            mine = found == number
            assert mine.sum() == item["points"]
            solid = truth == np.bincount(truth[mine]).argmax()
            assert (mine & solid).sum() / (mine | solid).sum() >= 0.8
        assert read_image(tmp_path / "osd_learn33.png").rgb.shape == (480, 640, 3)

    @pytest.mark.parametrize("name", ["colored_cloud.pcd", "min_cut_segmentation_tutorial.pcd", "capture0001.pcd"])
    def test_every_real_cloud_is_labelled_and_drawn(self, capsys, tmp_path, name):
        file = testdata.path(f"clouds/{name}")
        assert main(["segment", str(file), "--model", "clusters", "--json", "--out", str(tmp_path)]) == 0
        (line,) = lines(capsys.readouterr().out)
        label = read_pcd_fields(tmp_path / name)["label"]
        assert label.max() == len(line["objects"]) > 0
        for number, item in enumerate(line["objects"], start=1):
            assert (label == number).sum() == item["points"]
        assert len(np.unique(read_image(tmp_path / name.replace(".pcd", ".png")).rgb.reshape(-1, 3), axis=0)) > 10


class TestParameterFiles:
    def test_detect_takes_them_too(self, capsys, tmp_path, params):
        pixels = np.full((50, 60, 3), 128, np.uint8)
        pixels[10:30, 20:40] = (255, 0, 0)
        image = write(tmp_path / "red.png", encode(pixels, "image/png"))
        assert main(["detect", image, "--params", params, "--node", "reds", "--json"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert [(item["class_name"], item["x_min"]) for item in line["detections"]] == [("ball", 20.0)]

    def test_what_is_set_goes_before_the_file(self, capsys, scene, params):
        arguments = ["--params", params, "--node", "segmenter", "--set", "valid_labels=[cube]", "--json"]
        assert main(["segment", scene, *arguments]) == 0
        assert lines(capsys.readouterr().out) == [{"file": scene, "points": 19200, "objects": []}]

    def test_a_vision_node_may_name_an_ml_model_of_the_file(self, capsys, tmp_path):
        pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
        model = testdata.path("models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite")
        text = f"""
            coco: {{ros__parameters: {{model_path: "{model}", max_pending_calls: 3}}}}
            detector: {{ros__parameters: {{model: mlmodel, mlmodel_name: coco}}}}
            people: {{ros__parameters: {{model: detections_to_segments, detector_name: detector}}}}
        """
        params = write(tmp_path / "people.yaml", text.encode())
        file = str(testdata.path("clouds/five_people.pcd"))
        assert main(["segment", file, "--params", params, "--node", "people", "--json"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert [item["label"] for item in line["objects"]] == ["person"] * 5

    @pytest.mark.parametrize(
        ("text", "node", "message"),
        [
            (PARAMS, "", "several vision nodes: choose one by --node NAME: reds, segmenter"),
            (
                PARAMS.replace("detector_name: reds", "detector_name: red"),
                "segmenter",
                "no vision 'red': did you mean 'reds'",
            ),
            (
                PARAMS.replace("detector_name: reds", "detector_name: segmenter"),
                "segmenter",
                "(a dependency cycle): segmenter -> segmenter",
            ),
            (PARAMS.replace("mean_k", "mean_q"), "segmenter", "unknown attribute 'mean_q': did you mean 'mean_k'?"),
            (PARAMS.replace("hue_tolerance_pct: 0.1", ""), "segmenter", "'hue_tolerance_pct' is missing"),
            ("segmenter:", "", "is no parameter file"),
        ],
        ids=["which", "unknown", "a dependency cycle", "attribute", "of another node", "no parameters"],
    )
    def test_what_is_wrong_with_them_is_one_message_of(self, capsys, tmp_path, scene, text, node, message):
        params = write(tmp_path / "wrong.yaml", text.encode())
        assert main(["segment", scene, "--params", params, *(["--node", node] if node else [])]) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert len(output.err.splitlines()) == 1
        assert message in output.err


class TestLidars:
    @pytest.fixture
    def scan(self):
        """What a lidar sees from 1.8 m above level ground with a box of 1 m on it, 5 m ahead."""
        random = np.random.default_rng(0)
        ground = np.column_stack([random.uniform(-15, 15, (20_000, 2)), random.normal(-1.8, 0.02, 20_000)])
        box = random.uniform(-0.5, 0.5, (500, 3)) + np.array((5, 0, -1.2))
        return np.concatenate([ground, box]).astype(np.float32)

    def test_the_ground_is_told_and_what_it_rests_on(self, capsys, tmp_path, scan):
        file = write(tmp_path / "scan.pcd", write_pcd(PointCloud(scan)))
        assert main(["segment", file, "--json", "--frame", "lidar"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert line["ground"]["up_from"] == "frame"
        assert line["ground"]["distance"] == pytest.approx(1.8, abs=0.01)
        assert line["ground"]["share"] > 0.9
        assert "warning" not in line
        assert main(["segment", file, "--json"]) == 0
        captured = capsys.readouterr()
        assert lines(captured.out)[0]["ground"]["up_from"] == "guess"
        assert "--up" in lines(captured.out)[0]["warning"]
        assert "--up" in captured.err
        assert main(["segment", file]) == 0
        out = capsys.readouterr().out
        assert "ground: normal" in out
        assert "up to 0.1 m from it count as ground ('max_dist_from_plane'); up:" in out  # so do thin objects

    @pytest.mark.parametrize("up", ["-y", "0,-1,0", "[0, -2, 0]"])
    def test_which_direction_is_up_can_be_said(self, capsys, tmp_path, scan, up):
        optical = np.stack([scan[:, 0], -scan[:, 2], scan[:, 1]], axis=1)
        file = write(tmp_path / "scan.pcd", write_pcd(PointCloud(optical)))
        assert main(["segment", file, "--json", f"--up={up}"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert line["ground"]["up_from"] == "parameter"
        assert line["ground"]["normal"] == pytest.approx([0, -1, 0], abs=0.01)
        assert len(line["objects"]) == 1

    @pytest.mark.parametrize("up", ["sideways", "1,2", "--z", "nan,0,0"])
    def test_what_is_no_direction_is_refused(self, capsys, tmp_path, up):
        assert main(["segment", str(tmp_path / "scan.pcd"), f"--up={up}"]) == 2
        assert "is no direction" in capsys.readouterr().err

    @pytest.mark.parametrize(("name", "columns"), [("000008.bin", 4), ("LIDAR_TOP.pcd.bin", 5)])
    def test_records_of_kitti_and_nuscenes_are_read_and_it_says_what_was_assumed(
        self, capsys, tmp_path, scan, name, columns
    ):
        records = np.zeros((len(scan), columns), "<f4")
        records[:, :3], records[:, 3] = scan, 0.5
        file = write(tmp_path / name, records.tobytes())
        assert main(["segment", file, "--json"]) == 0
        (line,) = lines(capsys.readouterr().out)
        assert line["points"] == len(scan)
        assert f"points of {columns} 32-bit floats" in line["assumed"]
        assert len(line["objects"]) == 1

    @pytest.mark.parametrize(("columns", "wrong"), [(3, "whole points|intensity"), (6, "intensity")])
    def test_records_of_another_length_are_refused_with_what_to_do(self, capsys, tmp_path, scan, columns, wrong):
        records = np.concatenate([scan - (0, 0, 5), np.full((len(scan), 3), 100.0)], axis=1)[:, :columns]
        assert main(["segment", write(tmp_path / "scan.bin", records.astype("<f4").tobytes())]) == 1
        said = capsys.readouterr().err
        assert any(word in said for word in wrong.split("|"))
        assert "convert it to PCD" in said
