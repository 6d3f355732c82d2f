#!/bin/sh
# What people read keeps in step with what is there: manual pages, file sizes, no path of somebody's machine.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
footsteps=${FOOTSTEPS:-$top/build/footsteps}
man=$(dirname "$footsteps")/man
cd "$top" || exit 1

# --- every option of --help is in the manual page, and the other way round

# Of both programs: options_of_help PROGRAM COMMAND, options_of_page PAGE.
options_of_help() {
	"$1" help "$2" | grep -oE '^ +(-[a-zA-Z], )?--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u
}

options_of_page() {
	sed 's/\\-/-/g; s/\\f[BIR]//g' "$man/$1.1" |
		grep -oE '^(-[a-zA-Z], )?--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u
}

for program in "$footsteps" "${FOOTSTEPS_PEER:-$footsteps-peer}"; do
	name=$(basename "$program")
	commands=$("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | grep -v '^help$')
	found "$name --help lists commands" "$([ -n "$commands" ] || echo none)"
	for command in $commands; do
		if [ ! -f "$man/$name-$command.1" ]; then
			found "$name-$command(1) exists" "$man/$name-$command.1: no such page"
			continue
		fi
		help=$(options_of_help "$program" "$command")
		found "$name $command --help lists options" "$([ -n "$help" ] || echo none)"
		page=$(options_of_page "$name-$command")
		found "$name-$command(1) has the options of --help" "$([ "$help" = "$page" ] || printf '%s\n' \
			"--help:" "$help" "page:" "$page")"
		found "$name-$command(1) has NAME, SYNOPSIS, DESCRIPTION, OPTIONS, EXIT STATUS" \
			"$(for section in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS"; do
				grep -q "^\.SH $section" "$man/$name-$command.1" || echo "$section is missing"
			done)"
		found "$name(1) names $command" "$(grep -q "$command" "$man/$name.1" || echo missing)"
	done
done
if command -v man >/dev/null && man --help 2>/dev/null | grep -q -- --warnings; then
	for page in "$man"/*.1; do
		found "$(basename "$page"): troff has no complaint" \
			"$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)"
	done
else
	skip "manual pages: troff has no complaint" "man is not installed"
fi

# --- the example on README's first screen is what the program says of the same capture

example=$(mktemp -d) || exit 1
(cd "$example" && FOOTSTEPS_DATA=$top "${FOOTSTEPS_PEER:-$footsteps-peer}" trace -q day && "$footsteps" read -q -o footsteps.db day.pcap &&
	COLUMNS=80 "$footsteps" show footsteps.db >shown) || echo "no example" >"$example/shown"
sed -n '/^Found$/,/^```$/p' README.md | grep -vE '^(\.\.\.|  \.\.\.|```|)$|libndpi' >"$example/readme"
found "README's example has its lines" "$([ "$(wc -l <"$example/readme")" -ge 20 ] || cat "$example/readme")"
found "README's example is what footsteps says" "$(grep -vxF -f "$example/shown" "$example/readme")"
rm -rf "$example"

# --- files

long=$(find src dissectors -name '*.[ch]' ! -name '*_sql.h' ! -name 'page_*.h' | while read -r file; do
	lines=$(wc -l <"$file") && [ "$lines" -gt 600 ] && echo "$file: $lines lines"
done)
found "no source file has more than 600 lines" "$long"

# Tracked files alone: builds and releases have files of autoconf that are not ours.
files=$(git -c safe.directory="$top" ls-files 2>/dev/null |
	grep -vE '\.(pcap|pcapng|gz|zst|xz|bin)$|^tests/corpus/|^tests/check-docs\.sh$')
# /usr, /etc, /dev, /proc and /tmp are everybody's; a home or a working directory is not.
machine='(^|[^[:alnum:]_.$/{}~])/(home|root|work|Users|mnt|srv|builds?)/[[:alnum:]_.]'
if [ -n "$files" ]; then
	found "no absolute path of somebody's machine" \
		"$(echo "$files" | tr '\n' '\0' | xargs -0 grep -InE "$machine" 2>/dev/null)"
else
	skip "no absolute path of somebody's machine" "git tracks no file here"
fi
must_find "the check sees a path of somebody's machine" "$(echo 'see /home/me/notes' | grep -E "$machine")"

# --- the README's links lead somewhere

for document in README.md CONTRIBUTING.md tests/README.md tests/corpus/README.md dissectors/README.md traces/README.md traces/scenarios/README.md \
	tests/accuracy/README.md reports/README.md bench/README.md docs/*.md; do
	[ -f "$document" ] || continue
	found "$document: links lead somewhere" "$(grep -oE '\]\([^)#:]+\)' "$document" | sed 's/^](//; s/)$//' |
		while read -r target; do
			[ -e "$(dirname "$document")/$target" ] || echo "$target"
		done)"
done
done_testing
