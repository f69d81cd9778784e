"""The HTTP API in front of an endpoint: the function, its version check, Function URL and REST API."""
