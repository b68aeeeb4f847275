"""The components of the embedded platform, a module for each, and what several of them share.

A component's module holds its configuration, command line, preparation and ready probe. Shared are `config_files`,
`loaded_sql_files`, `orders_folder` and `python_program`.
"""
