"""The process that runs for months: timetable, messages, rehearsal, copies."""
