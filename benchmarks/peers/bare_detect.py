"""The least that finding objects in one file is: LiteRT and OpenCV, as their examples have it.

python benchmarks/peers/bare_detect.py MODEL IMAGE
"""

import sys

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

MINIMUM = 0.5


def main() -> None:
    """Print a line for each object."""
    model, path = sys.argv[1:]
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    size = int(details["shape"][2]), int(details["shape"][1])
    interpreter.set_tensor(details["index"], cv2.resize(image, size)[np.newaxis])
    interpreter.invoke()
    boxes, classes, scores, _ = (interpreter.get_tensor(item["index"])[0] for item in interpreter.get_output_details())
    height, width = image.shape[:2]
    for box, number, score in zip(boxes, classes, scores, strict=True):
        if score >= MINIMUM:
            print(int(number), round(float(score), 3), *(box * [height, width, height, width]).round())


if __name__ == "__main__":
    main()
