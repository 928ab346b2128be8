"""Tracking: which detections of a camera's successive frames are one object."""
