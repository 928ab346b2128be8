"""The scores of a classifier's output with 8 bits are the same as of its real values."""

import numpy as np
import pytest

from vision_service.mlmodel.decoders.classification import ClassificationDecoder
from vision_service.mlmodel.levels import Levels
from vision_service.mlmodel.quantization import Dequantizer
from vision_service.mlmodel.runtime import TensorInfo

OUTPUTS = {
    "uint8": TensorInfo("scores", "uint8", (1, -1), (1 / 256,), (0,)),
    "int8": TensorInfo("scores", "int8", (1, -1), (0.0078,), (-100,)),  # beyond 1
    "logits": TensorInfo("scores", "int8", (1, -1), (0.1,), (3,)),
}


def made(output, activation="none"):
    decoder, real = ClassificationDecoder("scores", 4, activation), Dequantizer([output])

    def scores(tensors):
        return decoder.scores(real(tensors))

    return Levels.of(decoder, [output], scores), scores


@pytest.mark.parametrize("least", [0.0, 0.1, 0.3 + 1e-9, 0.5, 127 / 256, 1.0, 1.1])
@pytest.mark.parametrize("activation", ["none", "sigmoid"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_those_that_are_likely_enough_are_the_same(kind, activation, least):
    output = OUTPUTS[kind]
    limits = np.iinfo(output.dtype)
    values = np.random.default_rng(7).permutation(np.arange(limits.min, limits.max + 1)).astype(output.dtype)
    tensors = {"scores": np.concatenate([values, values[:9]])[np.newaxis]}
    levels, scores = made(output, activation)
    numbers, found = levels.best(tensors, least)
    wanted = scores(tensors)
    assert numbers == np.flatnonzero(wanted >= least).tolist()
    assert found == wanted[wanted >= least].tolist()


@pytest.mark.parametrize(
    ("output", "activation"),
    [
        (OUTPUTS["uint8"], "softmax"),
        (TensorInfo("scores", "uint8", (1, 4)), "none"),
        (TensorInfo("scores", "float32", (1, 4)), "none"),
        (TensorInfo("others", "uint8", (1, 4), (1 / 256,), (0,)), "none"),
    ],
    ids=["a matter of all", "not quantized", "real numbers", "another output"],
)
def test_there_are_none_where_a_score_is_no_matter_of_8_bits_alone(output, activation):
    assert made(output, activation)[0] is None
