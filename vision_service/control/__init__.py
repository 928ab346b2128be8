"""The control page: what cameras see and vision services say of it, in a browser; a consumer of results.

- ``wire.py``: what is said between a tab and the server (the format stands in its docstring).
- ``encoding.py``: a result as messages for tabs: JPEG and JSON, and a cloud for those that show 3D.
- ``channels.py``: one encoding however many tabs, none while nobody looks.
- ``tab.py``: what waits for a tab: slow ones skip frames, frozen ones end; ``sockets.py``: all of them.
- ``access.py``: who may ask: Host and Origin, the token, the headers of every answer.
- ``server.py``: the HTTP server, with aiohttp, in a thread of its own; ``questions.py``: what the page asks it.
- ``backend.py``: what the server asks of the robot; ``vision_service.ros.control`` answers.
- ``static/``: the page, as it is served: no build step, nothing from elsewhere.

Nothing here imports ROS; what imports aiohttp (the extra ``control``) is imported by ``server.py`` only.
"""
