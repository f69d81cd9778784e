"""Passes a bearer token on to API Gateway as the key of a usage plan."""
