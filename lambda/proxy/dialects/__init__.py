"""The dialects that clients speak, and their translation to what containers answer."""
