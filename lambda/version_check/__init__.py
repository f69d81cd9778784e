"""Checks that a new version of the proxy can start, before callers reach it."""
