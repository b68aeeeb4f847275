"""The embedded ksqlDB: SQL text -> tree -> analysis -> plan -> topology -> compiled record functions -> runtime."""
