"""Function URLs and REST APIs: what MiniStack lacks of keys, limits, logs and streams."""
