"""The proxy: Cohere's ``/v1/generate`` in front of one endpoint. Request -> parse -> invoke -> map -> respond."""
