"""The ROS shell: the only folder that imports ROS."""
