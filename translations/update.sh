#!/bin/sh
# Collect every sentence of the code into the English catalogue; labels are their own Chinese.
set -eu
cd "$(dirname "$0")/.."
"${PYBABEL:-.venv/bin/pybabel}" --quiet extract -F translations/babel.cfg -k _l -k _ --no-location --sort-output --omit-header -o translations/messages.pot .
"${PYBABEL:-.venv/bin/pybabel}" --quiet update --ignore-obsolete --no-fuzzy-matching --width 160 -i translations/messages.pot -d translations -l en
rm translations/messages.pot
