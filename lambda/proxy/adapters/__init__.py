"""One adapter for each way a request arrives."""
