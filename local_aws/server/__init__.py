"""The local cloud's server process, in MiniStack's virtual environment."""
