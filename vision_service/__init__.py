"""Vision for ROS 2 robots: cameras, vision models, and the nodes that serve them.

The generated interfaces (``vision_service.msg``, ``vision_service.srv``) join this package, from wherever they are
installed, when the sources come first on the path.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from vision_service.limits import limit_opencv

limit_opencv()  # here, because OpenCV reads its limit when it is loaded, which whatever is imported next may do
del limit_opencv
