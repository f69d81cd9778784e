"""``python -m endpointctl``."""

from endpointctl.cli import main

main()
