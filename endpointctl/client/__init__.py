"""Clients of a deployed environment: of its HTTP API, or of its endpoint itself.

    client = Client.connect("dev")
    response = client.generate("Write a LinkedIn post about starting a career in tech:", max_tokens=100)
    response.generations[0].text

Several threads may share a client.
"""

from endpointctl.client.direct import EndpointClient
from endpointctl.client.http_api import Client

__all__ = ["Client", "EndpointClient"]
