"""How Sphinx builds these pages: Markdown through MyST, signatures from the code."""

import os
from importlib.metadata import version as version_of
from pathlib import Path

# Importing the operator imports Airflow, which creates its home.
os.environ["AIRFLOW_HOME"] = str(Path(__file__).parents[1] / "build" / "airflow" / "docs")

project = "airflow-provider-kafka-odps"
author = "the authors of airflow-provider-kafka-odps"
copyright = author  # noqa: A001 - Sphinx reads this name
release = version = version_of(project)

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"

html_theme = "furo"
html_title = f"{project} {release}"
