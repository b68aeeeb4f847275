"""Dashboards as files: what a panel asks the search engine, and what it is in Kibana. Pure."""
