"""Objects that touch: the points above a table are told apart by the surfaces that a camera sees.

The steps, one module each: :mod:`.grid`, :mod:`.surfaces`, :mod:`.patches`, :mod:`.seams`, :mod:`.joining`,
:mod:`.hollow`, :mod:`.lips`, :mod:`.occlusion`, :mod:`.widening`, :mod:`.filling`; :mod:`.splitting` runs them,
:mod:`.sight` lets clouds without rows and columns take part.

The idea: the inverse depth of a plane is linear in the slopes of the rays, so that local planes are box filters;
objects are convex, so that smooth surfaces which meet in a convex edge belong together, and those which meet in a
concave crease or a step do not (LCCP: S. C. Stein et al., "Object Partitioning using Local Convexity", CVPR 2014).
"""
