# Fills the collections when the database is first set up. The image's entrypoint reads this file in; /seed holds
# <database>.<collection>.json, each an array of documents.
for file in /seed/*.json; do
  name=$(basename "$file" .json)
  mongoimport --quiet --db "${name%%.*}" --collection "${name#*.}" --jsonArray --file "$file"
done
