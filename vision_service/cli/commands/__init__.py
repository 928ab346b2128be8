"""The subcommands, one module each: its parser, and the function that runs it.

A module has ``add_parser(subparsers)``. It imports what is heavy, ROS above all, only in the function that its parser
sets as ``func``, which takes the arguments and returns the exit code.
"""

NAMES = (
    "demo",
    "init",
    "run",
    "control",
    "list",
    "doctor",
    "call",
    "capture",
    "set",
    "detect",
    "classify",
    "segment",
    "models",
    "inspect",
    "viam-gateway",
    "completion",
)
"""In the order of the help."""
