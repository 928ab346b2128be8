"""The process that nodes live in: ROS in it, its memory, Fast DDS's shared memory, and how it ends."""
