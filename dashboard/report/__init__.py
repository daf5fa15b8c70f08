"""The report: one file of HTML about any period and selection, that opens without a network."""
