"""Cohere's API v1."""
