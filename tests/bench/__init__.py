"""Measurements. Each module here with a `TITLE` and a `measure()` that gives Markdown is one; see `__main__.py`."""
