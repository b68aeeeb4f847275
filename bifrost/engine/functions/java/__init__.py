"""Rules of Java that ksqlDB's results show: integers that wrap, texts of numbers, regular expressions."""
