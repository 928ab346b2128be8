"""A plugin for vision_service: the vision model `brightness` and the camera driver `color_bars`."""
