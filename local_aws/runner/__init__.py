"""Starts the local cloud and works with it, in the project's own virtual environment."""
