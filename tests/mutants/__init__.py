"""Change the rules one at a time and see whether a test fails: what none notices, none holds."""
