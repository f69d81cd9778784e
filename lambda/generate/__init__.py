"""The proxy: Cohere's ``/v1/generate`` in front of one SageMaker endpoint. Request -> parse -> invoke -> map -> respond."""
