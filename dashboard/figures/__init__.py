"""A DataFrame in, a plotly Figure out: how the pages draw what the queries give. No streamlit, no database.

Backgrounds are transparent, and fonts and grids have no colour of their own, so that light and dark themes can give
them theirs. Times are UTC and say so. Stored text is escaped: plotly reads some markup in names and labels.
"""
