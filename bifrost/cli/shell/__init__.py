"""The interactive ksqlDB shell behind `ksql`."""
