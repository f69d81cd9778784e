"""Puts an endpoint to sleep and wakes it, by the one parameter of its stack."""
