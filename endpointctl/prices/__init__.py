"""What an environment costs: from dated prices, a synthesized template, and its settings."""
