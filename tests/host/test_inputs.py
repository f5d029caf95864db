"""Every input of a model gets what its manifest says, from pictures, states and arrays, alone and in batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jidoka.config.manifest import Bundle, Input, load_bundle
from jidoka.host.inputs import Inputs
from jidoka.host.sources.sample import Sample
from jidoka_bridge.errors import InputError, ModelError

from tests.host.bundles import SHIPPED

IMAGE = {"dtype": "uint8", "layout": "NCHW", "colour": "grey", "range": (0.0, 255.0)}


def bundle(*inputs: Input) -> Bundle:
    return replace(load_bundle(SHIPPED), inputs=inputs)


def picture(height: int = 4, width: int = 5, level: int = 7) -> Sample:
    return Sample("a.png", 0, picture=np.full((height, width), level, np.uint8))


def state(*values: float, channels: tuple[str, ...] = ()) -> Sample:
    return Sample("s.csv:2", 0, state=np.array(values, np.float64), channels=channels)


def arrays(**tensors: Any) -> Sample:
    return Sample("a.npz", 0, tensors={name: np.asarray(value) for name, value in tensors.items()})


@pytest.mark.parametrize("shape", [(1, 3), ("batch", 3), (3,), ("batch", "n"), ("n",), (1, 3, 1)])
def test_a_state_becomes_a_vector_of_the_inputs_shape(shape: tuple[Any, ...]) -> None:
    feed = Inputs(bundle(Input("obs", "float32", shape))).feed([state(1, np.nan, 3)])
    expected = [3 if size == "n" else 1 if isinstance(size, str) else size for size in shape]
    assert feed["obs"].shape == tuple(expected)
    assert feed["obs"].dtype == np.float32
    assert np.array_equal(feed["obs"].reshape(-1), [1, np.nan, 3], equal_nan=True)


def test_a_value_beyond_float32_is_infinite_and_goes_on() -> None:
    feed = Inputs(bundle(Input("obs", "float32", (1, 1)))).feed([state(1e300)])
    assert np.isinf(feed["obs"]).all()


def test_whole_numbers_stay_whole_and_others_are_refused() -> None:
    inputs = Inputs(bundle(Input("obs", "int16", (1, 2))))
    assert inputs.feed([state(-5, 7)])["obs"].tolist() == [[-5, 7]]
    for value in (0.5, 1e6, np.nan):
        with pytest.raises(InputError, match=r"s\.csv:2: the input 'obs' takes whole numbers"):
            inputs.feed([state(1, value)])


def test_several_inputs_take_their_columns_by_name_or_in_order() -> None:
    unnamed = bundle(Input("a", "float32", (1, 2)), Input("b", "float64", (3,)))
    feed = Inputs(unnamed).feed([state(1, 2, 3, 4, 5)])
    assert feed["a"].tolist() == [[1, 2]]
    assert feed["b"].tolist() == [3, 4, 5]
    named = bundle(
        Input("a", "float32", (1, 2), channels=("x", "y")), Input("b", "float32", (1, 2), channels=("y", "z"))
    )
    inputs = Inputs(named)
    assert inputs.channels == ("x", "y", "z")
    feed = inputs.feed([state(1, 2, 3, channels=inputs.channels)])
    assert feed["a"].tolist() == [[1, 2]]
    assert feed["b"].tolist() == [[2, 3]]


def test_a_state_of_another_length_is_refused_with_both() -> None:
    with pytest.raises(InputError, match=r"s\.csv:2: 2 values, the model takes 3 \(obs\)"):
        Inputs(bundle(Input("obs", "float32", (1, 3)))).feed([state(1, 2)])


def test_a_batch_is_one_tensor_and_its_size_is_the_models() -> None:
    free = bundle(Input("x", shape=("batch", 1, 4, 5), **IMAGE))
    inputs = Inputs(free, batch=3)
    assert (inputs.batch, inputs.takes_fewer) == (3, True)
    feed = inputs.feed([picture(level=n) for n in range(3)])
    assert feed["x"].shape == (3, 1, 4, 5)
    assert feed["x"][:, 0, 0, 0].tolist() == [0, 1, 2]
    fixed = bundle(Input("x", shape=(4, 1, 4, 5), **IMAGE))
    assert (Inputs(fixed).batch, Inputs(fixed).takes_fewer) == (4, False)
    with pytest.raises(ModelError, match="takes 4 at a time, not 2"):
        Inputs(fixed, batch=2)
    with pytest.raises(ModelError, match="takes 1 at a time, not 2"):
        Inputs(bundle(Input("obs", "float32", (3,))), batch=2)
    with pytest.raises(ModelError, match=r"several batch sizes \[2, 4\]"):
        Inputs(bundle(Input("a", "float32", (2, 3)), Input("b", "float32", (4, 3))))


def test_pictures_of_several_sizes_are_no_batch_unless_a_size_is_given() -> None:
    free = bundle(Input("x", shape=("batch", 1, "height", "width"), **IMAGE))
    with pytest.raises(InputError, match="can't be one batch"):
        Inputs(free, batch=2).feed([picture(4, 5), picture(8, 8)])
    assert Inputs(free, (6, 3), batch=2).feed([picture(4, 5), picture(8, 8)])["x"].shape == (2, 1, 3, 6)


def test_arrays_are_taken_by_the_inputs_names_with_or_without_the_batch_axis() -> None:
    two = bundle(Input("image", shape=("batch", 1, 4, 5), **IMAGE), Input("pose", "float32", (1, 3)))
    for image_shape, pose_shape in (((1, 4, 5), (3,)), ((1, 1, 4, 5), (1, 3))):
        feed = Inputs(two).feed([arrays(image=np.ones(image_shape, np.uint8), pose=np.ones(pose_shape))])
        assert feed["image"].shape == (1, 1, 4, 5)
        assert feed["pose"].dtype == np.float32


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (arrays(obs=[1.0, 2.0]), r"a\.npz: the array 'obs' is \[2\], the input takes \[1, 3\]"),
        (arrays(obs=[1.0, 2, 3], more=[1]), "has an array 'more', the model no such input"),
    ],
)
def test_arrays_that_do_not_fit_are_named(sample: Sample, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Inputs(bundle(Input("obs", "float32", (1, 3)))).feed([sample])


def test_an_input_that_the_source_does_not_give_is_named_unless_it_is_fixed() -> None:
    two = bundle(Input("x", shape=("batch", 1, 4, 5), **IMAGE), Input("size", "int64", ("batch", 2)))
    with pytest.raises(ModelError, match="the source gives a picture, and nothing for the input size"):
        Inputs(two).feed([picture()])
    feed = Inputs(two, batch=2, fixed={"size": (416, 320)}).feed([picture(), picture()])
    assert feed["size"].tolist() == [[416, 320]] * 2
    assert Inputs(two, batch=2, fixed={"size": (416, 320)}).feed([picture()])["size"].tolist() == [[416, 320]]


def test_constants_that_do_not_fit_are_refused() -> None:
    one = bundle(Input("x", "float32", (1, 2)), Input("size", "int64", (1, 2)))
    with pytest.raises(ModelError, match=r"the shape \[1, 2\], --fix 3 values"):
        Inputs(one, fixed={"size": (1, 2, 3)})
    with pytest.raises(ModelError, match="has no input 'sise'"):
        Inputs(one, fixed={"sise": (1, 2)})


def test_a_source_of_another_kind_than_the_model_takes_is_refused() -> None:
    vector = bundle(Input("obs", "float32", (1, 3)))
    with pytest.raises(ModelError, match="no layout and colour of four axes for 'obs'"):
        Inputs(vector).feed([picture()])
    with pytest.raises(ModelError, match="--size means nothing"):
        Inputs(vector, (4, 4))
    image = bundle(Input("x", shape=("batch", 1, 4, 5), **IMAGE))
    with pytest.raises(ModelError, match="has no input that takes a state"):
        Inputs(image).feed([state(1)])
    two = bundle(Input("x", shape=(1, 1, 4, 5), **IMAGE), Input("y", shape=(1, 1, 4, 5), **IMAGE))
    with pytest.raises(ModelError, match="has 2 inputs of pictures, the source gives one"):
        Inputs(two).feed([picture()])


def test_a_picture_that_cannot_be_used_is_named() -> None:
    image = bundle(Input("x", shape=("batch", 1, 4, 5), **IMAGE))
    from PIL import Image

    sample = Sample("deep.tif", 0, picture=Image.fromarray(np.zeros((4, 5), np.float32)))
    with pytest.raises(InputError, match=r"deep\.tif: its pixels are fractions"):
        Inputs(image).feed([sample])
