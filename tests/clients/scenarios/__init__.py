"""Calls of the clients, a module for each library; each function is one way to use the library."""
