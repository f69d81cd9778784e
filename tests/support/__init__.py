"""What several test files share: synthesized templates, deployed clouds, and changes of environments."""
