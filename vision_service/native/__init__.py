"""The hot paths of point clouds and models' outputs in C++ (``*.cpp``), and how Python calls them (``library.py``)."""
