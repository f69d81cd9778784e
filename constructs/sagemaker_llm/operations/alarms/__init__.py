"""Alarms: one file for each source, the topic that is told, and the composite alarm that pages."""
