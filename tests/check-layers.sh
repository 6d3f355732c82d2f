#!/bin/sh
# The layout is the pipeline: a folder under src/ includes only itself and the folders before it; a file right in src/
# (main.c, cmd_*.c) may include all of them; a dissector sees little, and libndpi is behind one folder.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
cd "$top" || exit 1
LAYERS="base capture decode flow identify behave store views rules live peer"

# layers_broken FILE...: the includes that point the wrong way.
layers_broken() {
	grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" | awk -v layers="$LAYERS" '
	BEGIN {
		count = split(layers, order, " ")
		for (i = 1; i <= count; i++)
			rank[order[i]] = i
	}
	# footsteps-peer is made of subcommands as footsteps is.
	function is_program(from, what) {
		return what == "cmd.h" && from ~ /^src\/peer\/(main\.c|cmd_[a-z]*\.c|commands\.h)$/
	}
	{
		split($0, part, ":")
		split(part[1], path, "/")
		split($0, quoted, "\"")
		from = path[2]
		slash = index(quoted[2], "/")
		to = slash ? substr(quoted[2], 1, slash - 1) : ""
		if (quoted[2] == "config.h" || is_program(part[1], quoted[2]))
			next
		# The one meeting point: the registry is declared in identify/ and filled in dissectors/.
		if (to == "" || !(to in rank) || !(from in rank) || rank[to] > rank[from])
			print $0
	}'
}

# dissectors_broken FILE...: what a dissector must not see.
dissectors_broken() {
	grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" |
		grep -vE '"(decode|flow|dissectors)/[^"]*"|"identify/dissector\.h"|"base/(reader|span|ip|clock)\.h"'
}

# peer_broken FILE...: the reference peer is a second reading of the wire, so it sees nothing of the first.
peer_broken() {
	grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" | grep -vE '"(base|capture|peer)/[^"]*"|"config\.h"' |
		grep -vE '^src/peer/(main\.c|cmd_[a-z]*\.c|commands\.h):.*"cmd\.h"'
}

ndpi_outside() {
	grep -HnE '#[[:space:]]*include[[:space:]]*[<"]ndpi' "$@" | grep -vE '^src/identify/ndpi_[a-z]*\.[ch]:'
}

sources=$(find src -mindepth 2 -name '*.[ch]' | LC_ALL=C sort)
peers=$(find src/peer -name '*.[ch]' | LC_ALL=C sort)
dissectors=$(find dissectors -name '*.[ch]' | LC_ALL=C sort)
# shellcheck disable=SC2086  # file names without blanks
{
	found "src/: every folder includes only itself and those before it ($LAYERS)" "$(layers_broken $sources)"
	found "dissectors/ see decode/, flow/, identify/dissector.h and the plain types of base/" \
		"$(dissectors_broken $dissectors)"
	found "src/peer/ includes base/, capture/ and itself alone" "$(peer_broken $peers)"
	found "libndpi is included in src/identify/ndpi_*.c alone" "$(ndpi_outside $sources src/*.c $dissectors)"
}
found "every folder of src/ has a place in the order" \
	"$(for folder in src/*/; do
		case " $LAYERS " in *" $(basename "$folder") "*) ;; *) echo "$folder" ;; esac
	done)"

plant=$(mktemp -d)
trap 'rm -rf "$plant"' EXIT
mkdir -p "$plant/src/base" "$plant/src/decode" "$plant/src/peer" "$plant/dissectors"
echo '#include "store/sink.h"' >"$plant/src/decode/up.c"
echo '#include "decode/packet.h"' >"$plant/src/base/up.h"
echo '#include "store/sink.h"' >"$plant/dissectors/nosy.c"
echo '#include "dissectors/skype/skype.h"' >"$plant/src/peer/copy.c"
echo '#include <ndpi_api.h>' >"$plant/src/decode/ndpi.c"
cd "$plant" || exit 1
must_find "the check sees decode/ include store/" "$(layers_broken src/decode/up.c)"
must_find "the check sees base/ include decode/" "$(layers_broken src/base/up.h)"
must_find "the check sees a dissector include store/" "$(dissectors_broken dissectors/nosy.c)"
must_find "the check sees the reference peer include a dissector" "$(peer_broken src/peer/copy.c)"
must_find "the check sees libndpi elsewhere" "$(ndpi_outside src/decode/ndpi.c)"
done_testing
