"""The embedded ksqlDB: SQL text -> tree -> analysis -> query plan -> topology -> compiled record functions -> runtime."""
