"""Operating what runs: the functions behind the commands of day two. They return values and print nothing."""
