"""`python -m bifrost.cli`."""

from bifrost.cli.main import main

if __name__ == "__main__":
    main()
