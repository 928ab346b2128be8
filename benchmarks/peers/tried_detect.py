"""What :mod:`benchmarks.peers.bare_detect` does, after a copy of the process has tried the model's file.

The least that refuses a file with an error message which crashes or hangs native code; only as fast as it can be: a
process with threads must not be copied like this.

python benchmarks/peers/tried_detect.py MODEL IMAGE
"""

import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # else there are threads

import numpy as np
from ai_edge_litert.interpreter import Interpreter

MINIMUM = 0.5


def infer(interpreter: Interpreter, image: np.ndarray | None) -> list[np.ndarray]:
    """Return what the model returns for an image; None = nothing but zeros."""
    details = interpreter.get_input_details()[0]
    tensor = np.zeros(details["shape"], details["dtype"]) if image is None else image[np.newaxis]
    interpreter.set_tensor(details["index"], tensor)
    interpreter.invoke()
    return [interpreter.get_tensor(item["index"])[0] for item in interpreter.get_output_details()]


def opened(model: str) -> tuple[Interpreter, tuple[int, int]]:
    """Return the model in a file, and the width and height of its input."""
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    shape = interpreter.get_input_details()[0]["shape"]
    return interpreter, (int(shape[2]), int(shape[1]))


def main() -> None:
    """Print a line for each object."""
    model, path = sys.argv[1:]
    child = os.fork()
    if not child:
        interpreter, _ = opened(model)
        infer(interpreter, None)
        os._exit(0)
    import cv2

    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    if os.waitpid(child, 0)[1]:
        sys.exit("the model crashes")
    interpreter, size = opened(model)
    boxes, classes, scores, _ = infer(interpreter, cv2.resize(image, size))
    height, width = image.shape[:2]
    for box, number, score in zip(boxes, classes, scores, strict=True):
        if score >= MINIMUM:
            print(int(number), round(float(score), 3), *(box * [height, width, height, width]).round())


if __name__ == "__main__":
    main()
