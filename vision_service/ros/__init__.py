"""The ROS shell: the only folder that imports ROS.

From what is used by all to what uses it: ``process`` and ``execution`` are what nodes run in, ``parameters`` and
``node`` their base, ``conversion`` makes messages of results and back, ``calling`` calls services of others,
``resources`` are their cameras and models. On these stand the nodes: ``camera``, ``vision``, ``mlmodel_node.py``,
``control`` and ``viam_gateway.py``, a stack of them (``stack.py``), and what is asked by programs: ``client`` and
``checks``.
"""

from vision_service.ros.process.tracing import require_room

require_room()
