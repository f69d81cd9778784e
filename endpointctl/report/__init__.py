"""What a sweep shows: figures, plots, a summary in words, and the texts side by side, in one page."""
