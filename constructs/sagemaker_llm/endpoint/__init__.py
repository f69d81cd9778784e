"""The real-time endpoint: variants, scaling, data capture and metrics."""
