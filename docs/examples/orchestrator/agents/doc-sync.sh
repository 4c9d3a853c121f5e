#!/bin/sh
# An agent in the smallest form: it is called with `--payload FILE`, reads what it is to do, and answers one JSON value.
# What it says on its standard error stands in the log of the worker.
set -eu

[ "$1" = "--payload" ]
path=$(sed -n 's/.*"docsPath":"\([^"]*\)".*/\1/p' "$2")
if [ ! -d "$path" ]; then
    echo "there is no folder $path" >&2
    exit 3
fi
echo "reading $path" >&2
count=$(find "$path" -name '*.md' -type f | wc -l)
echo "{\"docsIndexed\": $((count))}"
