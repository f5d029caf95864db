"""The fast way to make a record gives the bytes of the plain way, for any tensors."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jidoka_tap import wire
from jidoka_tap.choice import Choice, as_arrays, cut
from jidoka_tap.layout import UNSENDABLE, lay_out

SHAPES = hnp.array_shapes(min_dims=0, max_dims=wire.MAX_NDIM, min_side=0, max_side=4)
ARRAYS = st.sampled_from([*wire.DTYPES.values(), np.dtype("c8"), np.dtype(">f4")]).flatmap(
    lambda dtype: hnp.arrays(dtype, SHAPES)
)
TENSORS = st.lists(
    st.tuples(st.sampled_from([wire.INPUT, wire.OUTPUT]), st.integers(0, 65535), ARRAYS), max_size=5
)


def plain_datagram(
    tensors: list[tuple[int, int, np.ndarray]], limit: int
) -> tuple[bytes, list[tuple[int, int]]]:
    pieces, not_sent = wire.pack_record(
        9, 7, 100, 11, tensors, position=2, recipe=3, inline_limit_bytes=limit
    )
    return wire.encode(wire.RECORD, 111, b"".join(pieces)), not_sent


@given(tensors=TENSORS, limit=st.sampled_from([0, 64, 400, wire.INLINE_LIMIT_BYTES]))
def test_a_record_made_from_a_layout_is_the_plain_one_byte_for_byte(
    tensors: list[tuple[int, int, np.ndarray]], limit: int
) -> None:
    places, arrays = [(role, index) for role, index, _ in tensors], [array for *_, array in tensors]
    layout = lay_out(places, arrays, limit)
    made = b"".join(
        bytes(piece) if isinstance(piece, (bytes, bytearray)) else piece.tobytes()
        for piece in layout.pieces(9, (100, 111), (7, 2, 3), arrays)
    )
    datagram, not_sent = plain_datagram(tensors, limit)
    assert made == datagram
    assert [places[n] for n in layout.not_sent] == not_sent
    record = wire.unpack_record(wire.decode(made)[2])
    assert (record.number, record.part, record.start_ns, record.latency_ns) == (9, 7, 100, 11)
    assert [tensor.shape for tensor in record.tensors] == [array.shape for array in arrays]


def test_a_layout_fits_arrays_of_the_same_shapes_and_types_and_no_others() -> None:
    arrays = [np.zeros((1, 4), np.float32), np.zeros((2, 3), np.uint8)]
    layout = lay_out([(wire.OUTPUT, 0), (wire.INPUT, 0)], arrays, 1000)
    assert layout.fits([np.ones((1, 4), np.float32), np.ones((2, 3), np.uint8)])
    assert not layout.fits([np.ones((2, 4), np.float32), arrays[1]])
    assert not layout.fits([np.ones((1, 4), np.float64), arrays[1]])
    assert not layout.fits([{"a": 1.0}, arrays[1]])


def test_more_axes_than_the_wire_has_are_named_and_not_sent() -> None:
    layout = lay_out([(wire.OUTPUT, 0)], [np.zeros((1,) * 7, np.float32)], 1000)
    assert layout.not_sent == (0,)
    body = b"".join(layout.pieces(1, (0, 1), (0, 0, 0), [np.zeros((1,) * 7, np.float32)]))
    assert wire.unpack_record(wire.decode(body)[2]).tensors[0].array is None


@pytest.mark.parametrize("where", [(-1, 0, 0), (2**64, 0, 0), (0, 65536, 0), (0, 0, -1), ("A-17", 0, 0)])
def test_a_part_that_does_not_fit_its_field_is_a_struct_error(where: tuple[int, int, int]) -> None:
    layout = lay_out([], [], 1000)
    with pytest.raises(struct.error):
        layout.pieces(1, (0, 1), where, [])


def test_the_outputs_that_are_asked_for_are_found_by_name_and_the_others_named_as_missing() -> None:
    choice = Choice(["a", "b", "c"], ["x", "y"], ["c", "a"], ["y", "stranger"])
    assert choice.places == [(wire.OUTPUT, 2), (wire.OUTPUT, 0), (wire.INPUT, 1)]
    assert choice.missing == ["b"]
    assert choice.values([30, 10], {"y": 5, "stranger": 6}) == [30, 10, 5]


def test_what_is_no_array_is_replaced_by_something_that_is_never_sent() -> None:
    array = np.zeros(3, np.float32)
    values = as_arrays([array, [{0: 0.1}], "text"])
    assert values[0] is array
    assert values[1] is values[2] is UNSENDABLE
    assert lay_out([(wire.OUTPUT, n) for n in range(3)], values, 1000).not_sent == (1, 2)


def test_no_record_has_more_tensors_than_the_reader_takes() -> None:
    outputs = [f"out{n}" for n in range(60)]
    inputs = [f"in{n}" for n in range(20)]
    choice = Choice(outputs, inputs, None, inputs)
    assert len(choice.places) == 64


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1, 96, 96), (1, 1, 20, 10)),
        ((1, 3, 96, 96), (1, 3, 20, 10)),
        ((1, 96, 96, 3), (1, 20, 10, 3)),
        ((96, 96, 1), (20, 10, 1)),
        ((1, 96, 96), (1, 20, 10)),
        ((96, 96), (96, 96)),
        ((1, 64), (1, 64)),
    ],
)
def test_a_region_is_cut_from_rows_and_columns_wherever_the_channels_are(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    image = np.arange(np.prod(shape)).reshape(shape)
    region = cut(image, (5, 30, 10, 20), 10**6)
    assert region.shape == expected
    assert region.flags.c_contiguous
    if len(shape) > 2 and shape[-1] > 4:
        assert np.array_equal(region, image[..., 30:50, 5:15])
