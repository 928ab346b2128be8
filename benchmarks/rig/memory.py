"""The setting of the C library that our processes choose, for others."""

from vision_service.ros.process.memory import KEPT, LARGEST

KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(KEPT), "MALLOC_MMAP_THRESHOLD_": str(LARGEST)}
"""What a process needs in its environment to keep the memory of images that it has let go, as ours do."""
