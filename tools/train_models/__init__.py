"""Trains the models in models/ on rendered images of the synthetic world, and measures them."""

from pathlib import Path

MODELS = Path("models")
"""The folder of the models, from the project's root, where all of this is run."""

DETECTOR_FILE = "solids_detector.tflite"
CLASSIFIER_FILE = "solids_classifier.tflite"
