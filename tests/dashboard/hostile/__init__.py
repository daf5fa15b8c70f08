"""A client that tries every door of a running page: `python -m tests.dashboard.hostile http://127.0.0.1:8501`."""
