"""The context of calendars: what happens when, where and with whom."""
