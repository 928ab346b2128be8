"""The site: `make docs` builds these pages into out/docs, and fails for a link or an anchor that leads nowhere."""

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.ext.autodoc.mock import _MockObject

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from tools import reference

reference.write(HERE)

project = "vision_service"
version = re.search(r"^version = (.*)$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), re.MULTILINE)[1]
author = "The vision_service authors"
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["examples", "requirements.txt"]
nitpicky = False
suppress_warnings = ["ref.python"]  # attributes called like a type (`type`) are no link targets

# Markdown. Headings have the anchors that GitHub gives them.
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 4
myst_ref_domains = ["std"]

# The Python reference imports the package without ROS: the site is built anywhere.
autodoc_mock_imports = [
    *("action_msgs", "builtin_interfaces", "diagnostic_msgs", "geometry_msgs", "lifecycle_msgs", "rcl_interfaces"),
    *("rclpy", "rosgraph_msgs", "rosidl_parser", "rosidl_pycommon", "rosidl_runtime_py", "rpyutils", "sensor_msgs"),
    *("std_msgs", "tf2_msgs", "unique_identifier_msgs", "vision_msgs", "visualization_msgs"),
    *("vision_service.msg", "vision_service.srv"),
]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"ImageLike": "ImageLike"}
autodoc_default_options = {"members": True, "undoc-members": False}
add_module_names = False
python_use_unqualified_type_names = True
napoleon_use_ivar = True
napoleon_use_rtype = False

# Types of ROS that are mocked stand in unions of types.
_MockObject.__ror__ = lambda self, other: other

LINK = re.compile(r"(!?)\[([^\]]*)\]\(((?!https?:)[^)#\s]+)(#[^)\s]*)?\)")
"""A link of Markdown to another file."""


def setup(app: Any) -> None:
    """Join the build."""
    app.connect("source-read", keep_links_within)


def keep_links_within(app: Any, name: str, source: list[str]) -> None:
    """Leave the text alone of links that only the repository can follow: to folders, and to pages outside of docs/."""
    folder = (HERE / name).parent

    def kept(found: re.Match[str]) -> str:
        target = (folder / found[3]).resolve()
        outside = target.suffix == ".md" and not target.is_relative_to(HERE)
        return found[2] if target.is_dir() or (outside and target.exists()) else found[0]

    source[0] = LINK.sub(kept, source[0])


html_theme = "furo"
html_title = f"vision_service {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = "$ "
