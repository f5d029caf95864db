"""Pictures from the renderer and from folders; what can't be one is refused by name before anything runs."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from jidoka.host.camera import CameraFile, read_camera
from jidoka.host.renderer import COMMISSIONED, Camera, Line
from jidoka.host.sources.folder import Folder
from jidoka.host.sources.rendered import RenderedParts
from jidoka_bridge.errors import ConfigurationError, InputError
from PIL import Image


def save_pictures(folder: Path, *names: str) -> None:
    line = Line(1)
    for name in names:
        Image.fromarray(line.part()[0]).save(folder / name)


def replace_file(path: Path, text: str) -> None:
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


def test_a_folder_gives_its_images_in_the_order_of_their_names_and_then_ends(tmp_path: Path) -> None:
    save_pictures(tmp_path, "b.png", "a.jpg", "c.bmp", "d.tif")
    (tmp_path / ".hidden").write_text("not looked at")
    (tmp_path / "folder").mkdir()
    source = Folder(tmp_path)
    assert len(source) == 4
    seen = [source.take() for _ in range(5)]
    assert [picture.name for picture in seen[:4] if picture] == ["a.jpg", "b.png", "c.bmp", "d.tif"]
    assert [picture.place for picture in seen[:4] if picture] == [0, 1, 2, 3]
    assert seen[4] is None
    assert source.has_ended


def test_a_looped_folder_begins_again(tmp_path: Path) -> None:
    save_pictures(tmp_path, "a.png", "b.png")
    source = Folder(tmp_path, is_looped=True)
    assert [getattr(source.take(), "name", None) for _ in range(5)] == [
        "a.png",
        "b.png",
        "a.png",
        "b.png",
        "a.png",
    ]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\0" * 5000])
def test_a_file_that_is_no_image_is_named_before_anything_runs(content: bytes, tmp_path: Path) -> None:
    save_pictures(tmp_path, "a.png")
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"notes\.txt") as raised:
        Folder(tmp_path)
    assert raised.value.remedy


def test_an_image_that_is_cut_off_is_named_when_its_turn_comes(tmp_path: Path) -> None:
    save_pictures(tmp_path, "a.png", "b.png")
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    source = Folder(tmp_path)
    assert source.take()
    with pytest.raises(InputError, match=r"b\.png: is damaged"):
        source.take()


def test_an_array_file_gives_a_tensor_for_each_input_beside_images(tmp_path: Path) -> None:
    save_pictures(tmp_path, "b.png")
    np.savez(tmp_path / "a.npz", obs=np.arange(3.0), goal=np.ones(2, np.float32))
    source = Folder(tmp_path)
    first, second = source.take(), source.take()
    assert first
    assert second
    assert first.tensors["obs"].tolist() == [0.0, 1.0, 2.0]
    assert first.tensors["goal"].dtype == np.float32
    assert first.picture is None
    assert second.picture is not None


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(100), b"\x93NUMPY\x01"])
def test_an_array_file_that_is_damaged_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz: can't be read as arrays"):
        Folder(tmp_path).take()


def test_an_array_file_is_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", obs=np.array([{"a": 1}], object))
    with pytest.raises(InputError, match=r"a\.npz"):
        Folder(tmp_path).take()


def test_a_folder_without_images_or_no_folder_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no image files"):
        Folder(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        Folder(tmp_path / "nowhere")


def test_rendered_parts_are_those_of_the_line_and_change_with_the_camera_file(tmp_path: Path) -> None:
    file = tmp_path / "camera.json"
    file.write_text('{"gain": 0.5}')
    source, line = RenderedParts(3, CameraFile(file)), Line(3)
    image, truth = line.part(Camera(gain=0.5))
    first = source.take()
    assert np.array_equal(np.asarray(first.picture), image)
    assert (first.truth, first.place) == (truth, 0)
    replace_file(file, "{}")
    assert np.array_equal(np.asarray(source.take().picture), line.part()[0])


def test_the_camera_follows_its_file_and_keeps_its_state_through_faults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    file = tmp_path / "camera.json"
    camera = CameraFile(file)
    assert camera.current() == COMMISSIONED
    replace_file(file, '{"gain": 0.7, "blur_px": 1}')
    assert camera.current() == Camera(gain=0.7, blur_px=1)
    replace_file(file, '{"gain": 77}')
    assert camera.current() == Camera(gain=0.7, blur_px=1)
    assert camera.current() == Camera(gain=0.7, blur_px=1)
    assert caplog.text.count("stays as it was") == 1
    file.unlink()
    assert camera.current() == COMMISSIONED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "isn't JSON"),
        ("[1]", "isn't a JSON object"),
        ('{"gian": 1}', "Did you mean 'gain'"),
        ('{"zzz": 1}', "There are gain"),
        ('{"gain": "much"}', "not a number from 0.05 to 4"),
        ('{"gain": NaN}', "not a number"),
        (json.dumps({"dust": -1}), "dust is -1"),
    ],
)
def test_a_faulty_camera_file_is_refused_at_the_start_with_file_and_remedy(
    text: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "camera.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        CameraFile(file)
    assert says in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_camera_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_camera(tmp_path)
