"""Ways to bring an image to another size, as the makers of models do it.

Which way a model wants matters: a detector of small objects loses some of them if its images are resized otherwise than
those that it was trained with. Where an image has the wanted size, nothing is done in any way.

- ``bilinear``: OpenCV's, to the bit.
- ``area``: the same, but an image of more than four times the wanted pixels is brought to twice the size first, and
  then to the means of two by two, also to the bit of OpenCV: plain bilinear would leave out most pixels, with scores
  that flicker. Both steps together are as steady as averaging all pixels, in a tenth of the time.
- ``antialias`` and ``bicubic``: each pixel is a weighted mean of all pixels that it covers, and of their neighbours, as
  Pillow and torchvision do it, to the bit of Pillow: the weights are a triangle (or the cubic of R. Keys, 1981,
  a = -0.5), as wide as the scale.
"""

from __future__ import annotations

CHOICES = ("bilinear", "area", "antialias", "bicubic")
"""In the order of Way in native/resizing.h."""
