"""Appointments as iCalendar has them, and iCalendar's components as appointments."""
