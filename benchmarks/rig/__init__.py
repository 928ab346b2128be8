"""What is measured with: networks and clouds, processes and hosts, whoever calls and listens."""
