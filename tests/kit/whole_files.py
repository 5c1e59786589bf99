"""Files that somebody else reads at any moment: they have the old text or the new one, never a part."""

from __future__ import annotations

import tempfile
from pathlib import Path


def replace_text(file: Path, text: str) -> None:
    """Put a text in place of a file's; ``write_text`` would leave it empty for a moment, in which Airflow parses it."""
    # Beside the folder: what is in it may be read by its name alone.
    with tempfile.TemporaryDirectory(dir=file.parent.parent) as folder:
        new = Path(folder, file.name)
        new.write_text(text)
        new.replace(file)
