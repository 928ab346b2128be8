"""The hot paths of point clouds in C++ (``*.cpp``), and how Python calls them (``library.py``)."""
