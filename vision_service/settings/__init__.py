"""The parameters of our nodes, each described once and without ROS: what `ros/` declares and the command line reads."""
