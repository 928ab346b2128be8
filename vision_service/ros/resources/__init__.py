"""What a node takes from others: cameras, ML models, vision services; of this process by reference, else over ROS."""
