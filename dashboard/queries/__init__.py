"""A connection in, a DataFrame out: what the pages show, read from the tables. No streamlit, no worker.

Times are int64 ms in columns `*_ms`, fractions are fractions, money is in the portfolio's quote currency. Stored text
comes out as it is: whoever draws it must not read it as markup.
"""
