"""Configuration dataclasses as ROS parameters."""
