# Fills the collections when the database is initialized. The image's entrypoint sources this file. /seed contains
# <database>.<collection>.json files, each an array of documents.
for file in /seed/*.json; do
  name=$(basename "$file" .json)
  mongoimport --quiet --db "${name%%.*}" --collection "${name#*.}" --jsonArray --file "$file"
done
