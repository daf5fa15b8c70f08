"""What the worker and the dashboard agree on; imports nothing else of Flotilla."""
