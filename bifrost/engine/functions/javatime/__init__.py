"""Java's dates and times: `DateTimeFormatter` and `SimpleDateFormat` patterns, ISO texts, zones.

pattern.py      pattern letters and what each stands for, checked as Java checks them
elements.py     what a pattern consists of
fields.py       fields of a date and time: names, ranges, how to compute them
texts.py        English texts of months, days, quarters, eras and day periods
zones.py        zone ids, offsets and zone names
formatting.py   prints a moment with a pattern
parsing.py      reads the fields of a text with a pattern (zone_parsing.py: its zones)
shortcuts.py    reads the usual patterns of digits fast
resolving.py    combines fields to a date, a time and a zone, in Java's SMART style
timestamps.py   combines fields to an instant, as ksqlDB does
legacy.py       `SimpleDateFormat` patterns, which count out-of-range values on
isotime.py      days as dates; the ISO texts that ksqlDB shows
sql_texts.py    texts of DATE, TIME and TIMESTAMP, as casts read them
"""
