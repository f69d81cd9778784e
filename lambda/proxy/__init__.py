"""The HTTP API in front of a SageMaker endpoint: adapters -> core -> routes -> upstream."""
