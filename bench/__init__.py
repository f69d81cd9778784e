"""Measures what docs/performance.md reports."""
