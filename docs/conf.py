"""How Sphinx builds these pages: Markdown through MyST; what comes from the code is written into them before."""

from importlib.metadata import version as version_of

project = "airflow-provider-kafka-odps"
author = "the authors of airflow-provider-kafka-odps"
copyright = author  # noqa: A001 - Sphinx reads this name
release = version = version_of(project)

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []
# Files with addresses of their own: schemas that events refer to.
html_extra_path = ["extra"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
