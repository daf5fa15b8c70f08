"""Sign-in: what stands before Streamlit, so that nobody unknown reaches a page, a file or a websocket."""
