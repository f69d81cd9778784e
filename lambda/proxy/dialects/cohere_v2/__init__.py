"""Cohere's API v2."""
