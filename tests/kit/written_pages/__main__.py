"""Write what pages have from the code and from the example DAGs: `make reference`."""

from __future__ import annotations

import sys

from kit.airflow_home import ROOT
from kit.written_pages.pages import pages


def main() -> None:
    """Write each page that has changed, and say which."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
