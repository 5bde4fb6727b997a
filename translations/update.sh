#!/bin/sh
# Collect every sentence of the code into the English catalogue; labels are their own Chinese.
# The header is ours: Babel would drop it or fill it with placeholders and the time of day.
set -eu
cd "$(dirname "$0")/.."
babel=${PYBABEL:-.venv/bin/pybabel}
catalogue=translations/en/LC_MESSAGES/messages.po
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
"$babel" --quiet extract --no-default-keywords -F translations/babel.cfg -k _l -k _ --no-location --sort-output --omit-header -o "$work/messages.pot" .
cp "$catalogue" "$work/messages.po"
"$babel" --quiet update --ignore-obsolete --no-fuzzy-matching --omit-header --width 160 -i "$work/messages.pot" -o "$work/messages.po" -l en
{ sed '/^$/q' "$catalogue"; sed -e '/./,$!d' "$work/messages.po" | cat -s; } > "$work/whole.po"
sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$work/whole.po" > "$catalogue"
