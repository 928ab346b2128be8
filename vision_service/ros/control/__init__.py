"""The control page's side of ROS: where what it shows comes from, and who answers what it asks."""
