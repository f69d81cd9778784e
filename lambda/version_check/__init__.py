"""Asks a new version of the proxy whether it can start, before callers reach it."""
